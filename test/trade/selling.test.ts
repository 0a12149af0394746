import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import { messages } from "../../src/money/index.ts";
import { timesFor } from "../../src/trade/agent/sale.ts";
import {
	ABOUT_PURCHASES,
	BETWEEN_AGENTS,
	CHUNK_BYTES,
	keyHash,
	MAX_PAGE_ITEMS,
	type Offer,
	PAGE_BYTES,
} from "../../src/trade/documents/index.ts";
import { hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { DAY, TEST_NOW } from "../support/authority.ts";
import {
	Agents,
	type AgentsOptions,
	merchantModule,
	type Stock,
} from "./agents.ts";
import { content } from "./merchandise-support.ts";
import { TradeWorld } from "./world.ts";

const world = await TradeWorld.make();
const { message } = messages;

const stock = (name: string, bytes: Uint8Array): Stock =>
	new Map([[name, { content: bytes, kind: "file" }]]);

const TEA = stock("tea", content(3 * CHUNK_BYTES + 1));

const refusalOf = (agents: Agents, ask: number) =>
	agents.refusals.get(ask)?.code ?? agents.answers.get(ask)?.kind;

/** Everything that a merchant's agent did of one kind. */
function did<Kind extends string>(agents: Agents, kind: Kind) {
	return agents.merchantEffects.filter((effect) => effect.kind === kind);
}

test("both agents are told how much of the merchandise is on its way and how much has come, and no more than there is", async () => {
	const agents = new Agents(world, { stock: TEA });
	const ask = await agents.buy("tea");
	const length = BigInt(3 * CHUNK_BYTES + 1);
	const expected = [1, 2, 3].map((chunks) => BigInt(chunks * CHUNK_BYTES));
	expected.push(length);
	const received = agents.stepsOf
		.get(ask)
		?.flatMap((step) => (step.kind === "receiving" ? [step] : []));
	assert.deepEqual(
		received?.map((step) => step.bytes),
		expected,
	);
	const sent = agents.merchantEffects.flatMap((effect) =>
		effect.kind === "progress" ? [effect] : [],
	);
	assert.deepEqual(
		sent.map(({ bytes }) => bytes),
		expected,
	);
	for (const step of [...(received ?? []), ...sent])
		assert.equal(step.length, length);
});

test("a merchant's agent ends with the error with which it is aborted, and says no more", async () => {
	const agents = new Agents(world, { stock: TEA });
	const error = new TetradError("store-failed", "the disk is gone");
	agents.happensToMerchant({ kind: "abort", error });
	await agents.run();
	assert.deepEqual(
		did(agents, "ended").map((effect) => "error" in effect && effect.error),
		[error],
	);
	const ask = agents.ask({ kind: "quote", name: "tea", order: "" });
	await agents.run();
	assert.equal(agents.answers.get(ask), undefined);
});

describe("a merchant's catalogue", () => {
	test("of thousands comes in pages, each item once and in order", async () => {
		const many: Stock = new Map(
			Array.from({ length: 3000 }, (_, at) => [
				`item ${String(at).padStart(4, "0")} ${"n".repeat(at % 200)}`,
				{ content: content(1), kind: "file" as const },
			]),
		);
		const sizes: number[] = [];
		const agents = new Agents(world, {
			stock: many,
			message: (from, bytes) => {
				if (from === "merchant") sizes.push(bytes.length);
				return [bytes];
			},
		});
		const names: string[] = [];
		for (let isLast = false; !isLast; ) {
			const page = await agents.page(names.at(-1));
			assert.equal(page?.kind, "page");
			if (page?.kind !== "page") return;
			assert.ok(page.items.length > 0 && page.items.length <= MAX_PAGE_ITEMS);
			names.push(...page.items.map(({ description }) => description.name));
			isLast = page.isLast;
		}
		assert.deepEqual(names, [...many.keys()]);
		assert.ok(sizes.every((size) => size < PAGE_BYTES + 8192));
		assert.ok(sizes.length > 3000 / MAX_PAGE_ITEMS);
	});

	test("whose owner gives more than fits into a page goes on with the next", async () => {
		const large: Stock = new Map(
			Array.from({ length: 250 }, (_, at) => [
				`${String(at).padStart(3, "0")}${"n".repeat(252)}`,
				{ content: content(1), kind: "file" as const },
			]),
		);
		const agents = new Agents(world, { stock: large });
		const page = await agents.page();
		assert.ok(page?.kind === "page");
		assert.ok(!page.isLast);
		assert.ok(page.items.length < 250);
	});

	test("is asked for once at a time, however fast the questions come", async () => {
		const agents = new Agents(world, {
			stock: TEA,
			hold: (effect) =>
				effect.kind === "to-agent" &&
				effect.bytes[0] === BETWEEN_AGENTS.items.type,
		});
		agents.ask({ kind: "list", after: undefined });
		await agents.run();
		for (let time = 0; time < 4; time++)
			agents.arrives(
				"buyer",
				message(BETWEEN_AGENTS.list, { after: undefined }),
			);
		await agents.run();
		assert.equal(did(agents, "list").length, 1);
		await agents.release();
		assert.equal(did(agents, "list").length, 2);
	});

	test("that is empty is one page", async () => {
		const page = await new Agents(world, { stock: new Map() }).page();
		assert.deepEqual(page, { kind: "page", items: [], isLast: true });
	});
});

describe("an offer", () => {
	const taking = async (
		change: (offer: Offer) => Offer,
		options: { readonly later?: number; readonly key?: Uint8Array } = {},
	) => {
		const first = new Agents(world, { stock: TEA });
		const offer = change(await first.quote("tea"));
		const agents = new Agents(world, {
			stock: TEA,
			...(options.key === undefined ? {} : { offerKey: options.key }),
		});
		agents.now += options.later ?? 0;
		const ask = agents.ask({ kind: "buy", offer, askOwner: false });
		await agents.run();
		return refusalOf(agents, ask);
	};

	test("is taken as long as it stands, also in another tetrad", async () => {
		assert.equal(await taking((offer) => offer), "bought");
		assert.equal(await taking((offer) => offer, { later: 899_000 }), "bought");
	});

	test("that is over, changed, or somebody else's is taken by nobody", async () => {
		const same = (offer: Offer) => offer;
		const cases: [Promise<string | undefined>, string][] = [
			[taking(same, { later: 900_001 }), "too late"],
			[taking(same, { key: filled(32, 1) }), "of another merchant"],
			[taking((offer) => ({ ...offer, amount: 1n })), "cheaper"],
			[taking((offer) => ({ ...offer, length: 1n })), "shorter"],
			[taking((offer) => ({ ...offer, id: filled(16, 1) })), "made up"],
			[
				taking((offer) => ({ ...offer, validUntil: TEST_NOW + DAY })),
				"for longer",
			],
			[
				taking((offer) => ({
					...offer,
					description: { ...offer.description, name: "coffee" },
				})),
				"another item",
			],
		];
		for (const [outcome, what] of cases)
			assert.equal(await outcome, "offer-expired", what);
	});

	test("of what there is not is refused, and the tetrad goes on", async () => {
		const agents = new Agents(world, { stock: TEA });
		await assert.rejects(agents.quote("coffee"), { code: "invalid-argument" });
		assert.equal((await agents.quote("tea")).description.name, "tea");
	});
});

describe("a sale", () => {
	test("of one item twice at one moment is two", async () => {
		const agents = new Agents(world, { stock: TEA });
		const [one, other] = [await agents.quote("tea"), await agents.quote("tea")];
		assert.equal(one.validUntil, other.validUntil);
		assert.notEqual(hex(one.id), hex(other.id));
	});

	test("has its times, its four devices, and a key that its module derived", async () => {
		const agents = new Agents(world, { stock: TEA });
		await agents.buy("tea");
		const [contracted] = did(agents, "contracted");
		assert.ok(contracted?.kind === "contracted");
		const { contract } = contracted;
		assert.equal(contract.made, TEST_NOW);
		// An hour, and what 196,609 bytes take on a slow line.
		assert.equal(contract.payBy, TEST_NOW + 3_600_750);
		assert.equal(contract.bookBy, TEST_NOW + 30 * DAY);
		assert.equal(hex(contract.buyerModule), hex(world.idOf("buyerModule")));
		assert.equal(
			hex(contract.keyHash),
			hex(keyHash(nodeCrypto, world.keyOf(contract))),
		);
		assert.equal(contracted.description.name, "tea");
	});

	test("gives so much more time to pay as its merchandise takes to be sent, up to a day", () => {
		assert.equal(timesFor(0n, "own-notes").payWithinMs, 3_600_000);
		assert.equal(timesFor(262_144n * 600n, "own-notes").payWithinMs, 4_200_000);
		assert.equal(timesFor(2n ** 48n, "own-notes").payWithinMs, DAY);
		assert.equal(timesFor(0n, "own-notes").bookWithinMs, 30 * DAY);
		assert.equal(timesFor(0n, "cashu").bookWithinMs, 3_600_000 + DAY);
	});

	test("asks its module once for what it sells with, and for a key each time", async () => {
		const agents = new Agents(world, { stock: TEA });
		await agents.buy("tea");
		await agents.buy("tea");
		const types = did(agents, "to-module").map((effect) =>
			effect.kind === "to-module" ? effect.bytes[0] : 0,
		);
		const { selling, sell } = ABOUT_PURCHASES;
		assert.deepEqual(types, [selling.type, sell.type, sell.type]);
	});

	for (const [what, read] of Object.entries({
		"grows in the first pass": (bytes: Uint8Array, number: number) =>
			number === 0 ? content(bytes.length + 1) : bytes,
		"shrinks in the first pass": (bytes: Uint8Array, number: number) =>
			number === 3 ? bytes.subarray(1) : bytes,
		"shrinks in the second pass": (bytes: Uint8Array, number: number) =>
			number === 5 ? bytes.subarray(1) : bytes,
		"has another byte in the second pass": (
			bytes: Uint8Array,
			number: number,
		) => (number === 4 ? bytes.with(9, 1) : bytes),
		"has another last byte in the second pass": (
			bytes: Uint8Array,
			number: number,
		) => (number === 7 ? bytes.with(0, 1) : bytes),
	}))
		test(`of a source that ${what} is not signed, and nothing is paid`, async () => {
			const agents = new Agents(world, { stock: TEA, read });
			const ask = await agents.buy("tea");
			assert.equal(refusalOf(agents, ask), "merchandise-changed");
			assert.equal(agents.signed.length, 0);
			assert.equal(agents.module.paid.size, 0);
			assert.equal(agents.open.size, 0);
			assert.equal(agents.disk.parts.size, 0);
			const next = new Agents(world, { stock: TEA });
			assert.equal(refusalOf(next, await next.buy("tea")), "bought");
		});

	test("of a file that has another length than it was offered with is refused", async () => {
		const changing: Stock = new Map(TEA);
		const agents = new Agents(world, { stock: changing });
		const offer = await agents.quote("tea");
		changing.set("tea", { content: content(5), kind: "file" });
		const ask = agents.ask({ kind: "buy", offer, askOwner: false });
		await agents.run();
		assert.equal(refusalOf(agents, ask), "merchandise-changed");
	});

	test("that comes to nothing at home tells the buyer no path, and its owner why", async () => {
		const gone: Stock = new Map(TEA);
		const agents = new Agents(world, { stock: gone });
		const offer = await agents.quote("tea");
		gone.delete("tea");
		const ask = agents.ask({ kind: "buy", offer, askOwner: false });
		await agents.run();
		const refusal = agents.refusals.get(ask);
		assert.equal(refusal?.code, "file-unusable");
		assert.doesNotMatch(refusal?.message ?? "", /secret/);
		const [said] = did(agents, "unavailable");
		assert.ok(said?.kind === "unavailable");
		assert.match(said.error.message, /secret/);
	});

	test("that the own module does not make, and one for which it has no secret yet, are refused", async () => {
		for (const type of [
			ABOUT_PURCHASES.selling.type,
			ABOUT_PURCHASES.sell.type,
		]) {
			const agents = new Agents(world, {
				stock: TEA,
				merchantsModule: async (bytes) => {
					const honest = merchantModule(world);
					if (bytes[0] !== type) return honest(bytes);
					const [answer] = await honest(bytes);
					const termsHash =
						type === ABOUT_PURCHASES.sell.type
							? ABOUT_PURCHASES.goodsKey.body.decode(
									(answer as Uint8Array).subarray(1),
								).termsHash
							: undefined;
					return [
						message(ABOUT_PURCHASES.unsold, {
							termsHash,
							code: "busy",
							reason: "not yet",
						}),
					];
				},
			});
			const ask = await agents.buy("tea");
			assert.equal(refusalOf(agents, ask), "busy");
			assert.equal(agents.open.size, 0);
			// Of one contract alone it says nothing of others.
			const told = agents.merchantEffects.filter(
				({ kind }) => kind === "unavailable",
			);
			assert.deepEqual(
				told.map((one) => "cannotSell" in one),
				[type === ABOUT_PURCHASES.selling.type],
			);
		}
	});

	test("goes on when the module has its secret later, of which it tells by itself", async () => {
		let isThere = false;
		const honest = merchantModule(world);
		const agents = new Agents(world, {
			stock: TEA,
			merchantsModule: async (bytes) =>
				isThere || bytes[0] !== ABOUT_PURCHASES.selling.type
					? honest(bytes)
					: [
							message(ABOUT_PURCHASES.unsold, {
								termsHash: undefined,
								code: "busy",
								reason: "",
							}),
						],
		});
		assert.equal(refusalOf(agents, await agents.buy("tea")), "busy");
		isThere = true;
		const [seller] = await honest(
			message(ABOUT_PURCHASES.selling, {
				issuer: world.idOf("issuer"),
				generation: 0,
			}),
		);
		agents.happensToMerchant({
			kind: "from-module",
			bytes: seller as Uint8Array,
		});
		assert.equal(refusalOf(agents, await agents.buy("tea")), "bought");
	});

	test("with the selling certificate of another agent or module ends it", async () => {
		for (const [module, agent] of [
			["strangerModule", "sellerAgent"],
			["sellerModule", "strangerAgent"],
		] as const) {
			const agents = new Agents(world, {
				stock: TEA,
				merchantsModule: async () => [
					message(ABOUT_PURCHASES.seller, {
						certificate: await world.certificate(1, module, agent),
						issuerChain: world.parties.issuer.chain,
						saltKey: filled(32, 0),
					}),
				],
			});
			const ask = await agents.buy("tea");
			assert.equal(refusalOf(agents, ask), "malformed");
			assert.equal(agents.merchantEffects.at(-1)?.kind, "ended");
		}
	});

	test("of goods on order is priced before it is made, and is not made for who owes too much", async () => {
		const made: Stock = new Map([
			["poem", { content: content(700), kind: "made-on-order" }],
		]);
		const agents = new Agents(world, { stock: made });
		const offer = await agents.quote("poem", "about tea");
		assert.equal(offer.length, undefined);
		assert.equal(did(agents, "open").length, 0);
		const ask = agents.ask({ kind: "buy", offer, askOwner: false });
		await agents.run();
		assert.equal(refusalOf(agents, ask), "bought");
		const [open] = did(agents, "open");
		assert.ok(open?.kind === "open");
		assert.equal(open.goods.itemKind, "made-on-order");
		assert.equal(open.goods.description.order, "about tea");
		assert.equal(open.goods.buyer, world.parties.buyerAgent.device);
		const owing = new Agents(world, {
			stock: made,
			hold: (effect) => effect.kind === "open",
		});
		const second = await owing.buy("poem", "about tea");
		owing.happensToMerchant({
			kind: "failed",
			answer: 2,
			error: new TetradError("limit-exceeded", "3 are made and not paid"),
		});
		await owing.run();
		assert.equal(refusalOf(owing, second), "limit-exceeded");
	});

	test("is not mistaken for one that was given up, whose source is there only now", async () => {
		const two: Stock = new Map([
			...TEA,
			["ink", { content: content(9), kind: "file" }],
		]);
		const agents = new Agents(world, {
			stock: two,
			hold: (effect) => effect.kind === "open",
		});
		const first = await agents.buy("tea");
		const error = new TetradError("aborted", "no more");
		agents.happens({ kind: "give-up", ask: first, error });
		await agents.run();
		const second = await agents.buy("ink");
		await agents.release();
		assert.equal(refusalOf(agents, first), "aborted");
		assert.equal(refusalOf(agents, second), "bought");
	});

	test("tells of what was sold, and to whom where that is somebody else", async () => {
		const agents = new Agents(world, { stock: TEA });
		const sold = {
			contract: filled(32, 1),
			amount: 420n,
			receipt: filled(3, 2),
			chain: filled(4, 3),
		};
		const to = { buyerAgent: filled(44, 4) };
		for (const bytes of [
			message(ABOUT_PURCHASES.sold, sold),
			message(ABOUT_PURCHASES.soldTo, { ...sold, ...to }),
		])
			agents.happensToMerchant({ kind: "from-module", bytes });
		await agents.run();
		assert.deepEqual(did(agents, "sold"), [
			{ kind: "sold", ...sold },
			{ kind: "sold", ...sold, ...to },
		]);
	});
});

describe("a buyer that takes nothing", () => {
	const big = stock("tea", content(20 * CHUNK_BYTES));

	test("holds up its own sale: two chunks are read ahead, and two are on the way", async () => {
		const agents = new Agents(world, {
			stock: big,
			hold: (effect) =>
				effect.kind === "to-agent" &&
				effect.bytes[0] === BETWEEN_AGENTS.chunk.type,
		});
		await agents.buy("tea");
		const reads = did(agents, "read").length;
		// All of the first pass, and of the second what is ahead of two chunks that have gone.
		assert.ok(reads <= 20 + 4, `${reads} reads`);
		assert.equal(agents.held, 2);
	});

	test("for two minutes ends the tetrad, and lets go of the source", async () => {
		const agents = new Agents(world, {
			stock: big,
			hold: (effect) =>
				effect.kind === "to-agent" &&
				effect.bytes[0] === BETWEEN_AGENTS.chunk.type,
		});
		await agents.buy("tea");
		const deadline = agents.selling.deadline;
		assert.equal(deadline, TEST_NOW + 120_000);
		agents.now = deadline ?? 0;
		agents.happensToMerchant({ kind: "time" });
		await agents.run();
		const [ended] = did(agents, "ended");
		assert.ok(ended?.kind === "ended");
		assert.equal(ended.error?.code, "timed-out");
		assert.equal(agents.open.size, 0);
	});

	test("and cancels is told that it has, and the next one is served", async () => {
		const agents = new Agents(world, {
			stock: big,
			hold: (effect) => effect.kind === "keep-chunk",
		});
		const ask = await agents.buy("tea");
		assert.equal(refusalOf(agents, ask), undefined);
		const error = new TetradError("aborted", "no more");
		agents.happens({ kind: "give-up", ask, error });
		await agents.run();
		assert.equal(refusalOf(agents, ask), "aborted");
		assert.equal(agents.open.size, 0);
		assert.equal(agents.signed.length, 0);
		assert.equal(agents.onTheWay, 0);
		assert.equal((await agents.page())?.kind, "page");
	});
});

describe("merchandise that was paid for", () => {
	const elsewhere = { exporter: filled(32, 0x0e), binding: filled(32, 0x0b) };

	/** A purchase whose goods are lost, in the next tetrad with the same merchant. */
	async function fetching(
		shop: Stock,
		left: number,
		options: Partial<ConstructorParameters<typeof Agents>[1]> = {},
	) {
		const first = new Agents(world, { stock: TEA });
		await first.buy("tea");
		const [id = ""] = first.contracts();
		const { disk, module } = first;
		const whole = first.buyerEffects.flatMap((effect) =>
			effect.kind === "keep-chunk" ? [effect.chunk] : [],
		);
		disk.goods.clear();
		disk.concluded.clear();
		disk.parts.set(1, whole.slice(0, left));
		const agents = new Agents(world, {
			stock: shop,
			disk,
			module,
			...elsewhere,
			...options,
		});
		const purchase = disk.kept.get(id);
		assert.ok(purchase);
		const ask = agents.ask({ kind: "resume", purchase, isFinal: false });
		await agents.run();
		return { agents, ask, id };
	}

	for (const left of [0, 1, 3, 4])
		test(`is sent again from chunk ${left} on, also in another tetrad`, async () => {
			const { agents, ask, id } = await fetching(TEA, left);
			assert.equal(refusalOf(agents, ask), "bought");
			assert.equal(agents.disk.goods.get(id)?.length, 3 * CHUNK_BYTES + 1);
			const sent = agents.buyerEffects.filter(
				({ kind }) => kind === "keep-chunk",
			);
			assert.equal(sent.length, 4 - left);
			assert.equal(agents.module.paid.size, 1);
			assert.equal(agents.signed.length, 0);
		});

	test("is taken in order alone", async () => {
		const changed: Record<string, (index: number) => number> = {
			"a chunk twice": (index) => (index === 2 ? 1 : index),
			"a chunk too late": (index) => (index === 0 ? 1 : index),
		};
		for (const [what, indexOf] of Object.entries(changed)) {
			const { agents, ask } = await fetching(TEA, 0, {
				message: (from, bytes) => {
					const { chunk } = BETWEEN_AGENTS;
					if (from !== "merchant" || bytes[0] !== chunk.type) return [bytes];
					const sent = chunk.body.decode(bytes.subarray(1));
					return [message(chunk, { ...sent, index: indexOf(sent.index) })];
				},
			});
			assert.equal(refusalOf(agents, ask), "truncated", what);
			const [end] = agents.buyerEffects.filter(({ kind }) => kind === "end");
			assert.ok(end?.kind === "end");
			assert.equal(end.error.code, "malformed");
		}
	});

	test("is not sent when it is not what it was", async () => {
		for (const now of [content(3 * CHUNK_BYTES + 1, 8), content(4)]) {
			const { agents, ask, id } = await fetching(stock("tea", now), 0);
			const error = agents.refusals.get(ask);
			assert.equal(error?.code, "truncated");
			assert.equal(
				(error?.cause as TetradError | undefined)?.code,
				"merchandise-changed",
			);
			assert.equal(agents.disk.goods.size, 0);
			assert.equal(agents.disk.concluded.get(id), undefined);
			assert.equal(agents.open.size, 0);
			const chunks = agents.buyerEffects.filter(
				({ kind }) => kind === "keep-chunk",
			);
			assert.equal(chunks.length, 0);
		}
	});

	test("is not sent to who did not buy it here: another key, item, exporter or chunk", async () => {
		const change = (
			changes: Partial<ReturnType<typeof BETWEEN_AGENTS.fetch.body.decode>>,
		) =>
			fetching(TEA, 0, {
				message: (from, bytes) => {
					const { fetch } = BETWEEN_AGENTS;
					if (from !== "buyer" || bytes[0] !== fetch.type) return [bytes];
					const fields = fetch.body.decode(bytes.subarray(1));
					return [message(fetch, { ...fields, ...changes })];
				},
			});
		const own = await world.contract({ exporterHash: filled(32, 1) });
		const first = new Agents(world, { stock: TEA });
		await first.buy("tea");
		const [bought] = first.disk.kept.values();
		assert.ok(bought);
		const { keyHash: _, ...terms } = bought.contract;
		const others = await Promise.all([
			world.contract({ ...terms, sellerAgent: world.idOf("strangerAgent") }),
			world.contract({ ...terms, sellerModule: world.idOf("strangerModule") }),
		]);
		const { salt } = bought;
		for (const changes of [
			...others.map(({ document }) => ({ document, salt })),
			{ exporter: filled(32, 1) },
			{ salt: filled(32, 1) },
			{ from: 4 },
			{ document: own.document },
		]) {
			const { agents, ask } = await change(changes);
			const error = agents.refusals.get(ask);
			assert.equal(
				(error?.cause as TetradError | undefined)?.code,
				"payment-refused",
			);
			assert.equal(agents.disk.goods.size, 0);
		}
	});

	test("is sealed under no key that a buyer made up", async () => {
		const first = new Agents(world, { stock: TEA });
		await first.buy("tea");
		const [bought] = first.disk.kept.values();
		assert.ok(bought);
		// All terms of a sale, a price of 1, and a key of one's own.
		const forged = await world.contract({
			...bought.contract,
			amount: 1n,
			keyHash: keyHash(nodeCrypto, filled(32, 9)),
		});
		const { agents, ask } = await fetching(TEA, 0, {
			message: (from, bytes) => {
				const { fetch } = BETWEEN_AGENTS;
				if (from !== "buyer" || bytes[0] !== fetch.type) return [bytes];
				const { salt, exporter } = bought;
				const fields = fetch.body.decode(bytes.subarray(1));
				const { document } = forged;
				return [message(fetch, { ...fields, salt, exporter, document })];
			},
		});
		const error = agents.refusals.get(ask);
		assert.equal(
			(error?.cause as TetradError | undefined)?.code,
			"payment-refused",
		);
		assert.ok(
			!agents.merchantEffects.some(
				(effect) =>
					effect.kind === "to-agent" &&
					effect.bytes[0] === BETWEEN_AGENTS.chunk.type,
			),
		);
	});
});

describe("a merchant with several modules", () => {
	const [own, other] = [filled(41, 1), filled(60, 2)];
	const modules = [
		{ deviceId: own, port: 7001 },
		{ deviceId: other, port: 65_535 },
	];

	async function whereIs(
		module: Uint8Array,
		options: Partial<AgentsOptions> = {},
	): Promise<number | string | undefined> {
		const agents = new Agents(world, { stock: TEA, modules, ...options });
		const ask = agents.ask({ kind: "where", module });
		await agents.run();
		const answer = agents.answers.get(ask);
		const refusal = agents.refusals.get(ask)?.code;
		// The tetrad goes on, whatever was answered.
		if (refusal !== "malformed") await agents.buy("tea");
		return answer?.kind === "there" ? answer.port : refusal;
	}

	test("says at which port it is met with each", async () => {
		assert.equal(await whereIs(own), 7001);
		assert.equal(await whereIs(other), 65_535);
	});

	test("says nothing of one that it has not, and neither does one that has a single module", async () => {
		for (const module of [filled(41, 3), filled(42, 1), filled(104, 2)])
			assert.equal(await whereIs(module), "payment-refused");
		assert.equal(await whereIs(own, { modules: [] }), "payment-refused");
	});

	test("that says a port unasked, twice, or in the place of something else, ends the tetrad and no purchase", async () => {
		const { there } = BETWEEN_AGENTS;
		const said = message(there, { port: 7002 });
		for (const asked of [
			{ kind: "where", module: own },
			{ kind: "list", after: undefined },
			{ kind: "quote", name: "tea", order: "" },
		] as const) {
			const agents = new Agents(world, {
				stock: TEA,
				modules,
				message: (from, bytes) =>
					from !== "merchant"
						? [bytes]
						: asked.kind === "where"
							? [bytes, said]
							: [said],
			});
			const ask = agents.ask(asked);
			await agents.run();
			if (asked.kind === "where") {
				assert.equal(agents.answers.get(ask)?.kind, "there");
				// What was said twice is heard with the next question.
				agents.ask({ kind: "list", after: undefined });
				await agents.run();
			} else assert.equal(agents.refusals.get(ask)?.code, "malformed");
			assert.equal(agents.buyerEffects.at(-1)?.kind, "ended");
		}
	});

	test("that says a port that is none, or something else, ends the tetrad", async () => {
		const { there, cancel } = BETWEEN_AGENTS;
		for (const said of [message(there, { port: 0 }), message(cancel, {})])
			assert.equal(
				await whereIs(own, {
					message: (from, bytes) => (from === "merchant" ? [said] : [bytes]),
				}),
				"malformed",
			);
	});
});

describe("a message out of turn", () => {
	test("ends the tetrad: a question before the answer, and what a buyer does not say", async () => {
		for (const bytes of [
			message(BETWEEN_AGENTS.list, { after: undefined }),
			message(BETWEEN_AGENTS.unavailable, { code: "busy", reason: "" }),
			filled(1, 0x10),
			filled(0, 0),
		]) {
			const agents = new Agents(world, {
				stock: TEA,
				hold: (effect) => effect.kind === "list",
			});
			agents.ask({ kind: "list", after: undefined });
			await agents.run();
			agents.happensToMerchant({ kind: "from-agent", bytes });
			await agents.run();
			const [ended] = did(agents, "ended");
			assert.ok(ended?.kind === "ended");
			assert.equal(ended.error?.code, "unexpected-message");
		}
	});

	test("a cancel when nothing is sent is heard and answered by nothing", async () => {
		const agents = new Agents(world, { stock: TEA });
		await agents.page();
		agents.happensToMerchant({
			kind: "from-agent",
			bytes: message(BETWEEN_AGENTS.cancel, {}),
		});
		assert.equal(refusalOf(agents, await agents.buy("tea")), "bought");
	});
});
