import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import { messages, packMessages } from "../../src/money/index.ts";
import {
	ABOUT_PURCHASES,
	BETWEEN_AGENTS,
	CHUNK_BYTES,
	type ContractBody,
	itemHash,
	keyHash,
	parseContract,
} from "../../src/trade/documents/index.ts";
import {
	openMerchandiseEvidence,
	sealedLeaf,
} from "../../src/trade/merchandise/index.ts";
import { hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { DAY, TEST_NOW } from "../support/authority.ts";
import {
	Agents,
	type AgentsOptions,
	BuyerDisk,
	BuyerModule,
	notBought,
	PRICE,
	type Stock,
} from "./agents.ts";
import * as reference from "./merchandise-reference.ts";
import { content } from "./merchandise-support.ts";
import { TradeWorld } from "./world.ts";

const world = await TradeWorld.make();
const { message, body } = messages;

const LENGTH = 2 * CHUNK_BYTES + 1;
const TEA: Stock = new Map([
	["tea", { content: content(LENGTH), kind: "file" }],
]);
const ELSEWHERE = { exporter: filled(32, 0x0e), binding: filled(32, 0x0b) };

const outcomeOf = (agents: Agents, ask: number) =>
	agents.refusals.get(ask)?.code ?? agents.answers.get(ask)?.kind;

/** Every question was answered once, and goods are there if and only if they were paid for and all is over. */
function requireRest(agents: Agents): void {
	for (const [ask, times] of agents.told) assert.equal(times, 1, `ask ${ask}`);
	const { disk, module } = agents;
	for (const [id, conclusion] of disk.concluded) {
		assert.ok(disk.kept.has(id));
		if (conclusion.kind === "final") assert.ok(module.paid.has(id));
		if (conclusion.kind === "aborted") assert.ok(!module.paid.has(id));
		const isShown = disk.goods.has(id);
		assert.equal(
			isShown,
			conclusion.kind === "final" && conclusion.evidence === undefined,
		);
	}
	for (const id of module.paid.keys())
		assert.ok(disk.kept.has(id), "paid is what was kept before");
	for (const [id, goods] of disk.goods) {
		assert.ok(module.paid.has(id), "nothing opens that is not paid");
		assert.equal(Buffer.compare(goods, content(LENGTH)), 0);
	}
}

/** A merchant that changes what it signs, with everything else as it is. */
function signing(
	changes: (honest: ContractBody) => Partial<ContractBody>,
	options: Partial<AgentsOptions> = {},
): Agents {
	return changing(
		"merchant",
		BETWEEN_AGENTS.contract,
		async (fields) => {
			const honest = parseContract(nodeCrypto, fields.document);
			const { document } = await world.contract({
				...honest,
				...changes(honest),
			});
			return { ...fields, document };
		},
		options,
	);
}

/** Agents whose messages of one kind are changed on the way, with time to do it. */
function changing<Value extends object>(
	whose: "buyer" | "merchant",
	kind: messages.MessageKind<Value>,
	change: (value: Value) => Value | Promise<Value>,
	options: Partial<AgentsOptions> = {},
): Agents {
	const agents: Agents = new Agents(world, {
		stock: TEA,
		...options,
		message: (from, bytes) => {
			if (from !== whose || bytes[0] !== kind.type) return [bytes];
			agents.later(async () => {
				const changed = await change(body(kind, bytes));
				agents.arrives(whose, message(kind, changed));
			});
			return [];
		},
	});
	return agents;
}

test("a merchant's refusal with a code that is no code of ours is a refusal all the same", async () => {
	for (const [code, heard] of [
		["from-the-future", "refused-by-peer"],
		["payment-refused", "payment-refused"],
	] as const) {
		const agents = changing("merchant", BETWEEN_AGENTS.unavailable, (said) => ({
			...said,
			code,
		}));
		const ask = agents.ask({ kind: "quote", name: "nothing", order: "" });
		await agents.run();
		assert.equal(agents.refusals.get(ask)?.code, heard);
	}
});

describe("a buyer's agent pays nothing", () => {
	const lies: Readonly<
		Record<
			string,
			readonly [(honest: ContractBody) => Partial<ContractBody>, string?]
		>
	> = {
		"for another price": [() => ({ amount: PRICE + 1n })],
		"for a lower price": [() => ({ amount: PRICE - 1n })],
		"in another currency": [() => ({ currency: "USD" })],
		"for another item": [
			() => ({ item: itemHash(nodeCrypto, filled(32, 1), filled(9, 1)) }),
		],
		"for other merchandise": [() => ({ plaintextRoot: filled(32, 1) })],
		"for other ciphertext": [() => ({ ciphertextRoot: filled(32, 1) })],
		"for more than came": [({ length }) => ({ length: length + 1n })],
		"for less than came": [({ length }) => ({ length: length - 1n })],
		"for 2^64-1 bytes": [() => ({ length: 2n ** 64n - 1n })],
		"under another contract's id": [() => ({ id: filled(16, 1) })],
		"in another tetrad": [() => ({ binding: filled(32, 1) })],
		"for what is sealed for another tetrad": [
			() => ({ exporterHash: filled(32, 1) }),
		],
		"for another buyer": [
			() => ({ buyerModule: world.idOf("strangerModule") }),
		],
		"for another buyer's agent": [
			() => ({ buyerAgent: world.idOf("strangerAgent") }),
		],
		"to another module": [
			() => ({ sellerModule: world.idOf("strangerModule") }),
			"payment-refused",
		],
		"by another agent's contract": [
			() => ({ sellerAgent: world.idOf("strangerAgent") }),
			"authentication-failed",
		],
		"in the money of another issuer": [
			() => ({ issuer: world.idOf("strangerModule") }),
			"payment-refused",
		],
		"for what was to be paid before": [
			() => ({
				made: TEST_NOW - DAY,
				payBy: TEST_NOW - DAY + 1,
				bookBy: TEST_NOW,
			}),
			"offer-expired",
		],
		"for what was to be paid before this very moment": [
			() => ({
				made: TEST_NOW - 60_000,
				payBy: TEST_NOW,
				bookBy: TEST_NOW + DAY,
			}),
			"offer-expired",
		],
	};
	for (const [what, [changes, code = "merchandise-wrong"]] of Object.entries(
		lies,
	))
		test(what, async () => {
			const agents = signing(changes);
			const ask = await agents.buy("tea");
			assert.equal(outcomeOf(agents, ask), code);
			assert.equal(agents.module.paid.size, 0);
			assert.equal(agents.disk.kept.size, 0);
			assert.equal(agents.disk.parts.size, 0);
			requireRest(agents);
			// The tetrad goes on.
			assert.equal((await agents.page())?.kind, "page");
		});

	test("by a contract that somebody else signed, or nobody", async () => {
		const forged = changing(
			"merchant",
			BETWEEN_AGENTS.contract,
			async (sent) => {
				const honest = parseContract(nodeCrypto, sent.document);
				const { document } = await world.contract(honest, "strangerAgent");
				return { ...sent, document };
			},
		);
		const broken = changing("merchant", BETWEEN_AGENTS.contract, (sent) => ({
			...sent,
			document: sent.document.with(-1, (sent.document.at(-1) ?? 0) ^ 1),
		}));
		for (const agents of [forged, broken]) {
			const ask = await agents.buy("tea");
			assert.equal(outcomeOf(agents, ask), "authentication-failed");
			assert.equal(agents.module.paid.size, 0);
		}
	});

	test("for chunks that are not those of the contract", async () => {
		for (const change of ["sealed", "leaf"] as const) {
			const agents = changing("merchant", BETWEEN_AGENTS.chunk, (chunk) =>
				chunk.index === 1
					? { ...chunk, [change]: chunk[change].with(7, 0).with(8, 1) }
					: chunk,
			);
			const ask = await agents.buy("tea");
			assert.equal(outcomeOf(agents, ask), "merchandise-wrong");
			assert.equal(agents.module.paid.size, 0);
		}
	});

	test("to who announces more or less than was offered, or an offer of something else", async () => {
		for (const length of [0n, BigInt(LENGTH) + 1n, 2n ** 64n - 1n]) {
			const agents = changing(
				"merchant",
				BETWEEN_AGENTS.merchandise,
				(said) => ({
					...said,
					length,
				}),
			);
			const ask = await agents.buy("tea");
			assert.equal(outcomeOf(agents, ask), "malformed");
			assert.equal(agents.module.paid.size, 0);
		}
		const other = changing("merchant", BETWEEN_AGENTS.offer, (offer) => ({
			...offer,
			description: { ...offer.description, name: "coffee" },
		}));
		await assert.rejects(other.quote("tea"), { code: "malformed" });
		const ordered = changing("merchant", BETWEEN_AGENTS.offer, (offer) => ({
			...offer,
			description: { ...offer.description, order: "cold" },
		}));
		await assert.rejects(ordered.quote("tea", "hot"), { code: "malformed" });
		const empty = changing("merchant", BETWEEN_AGENTS.items, () => ({
			items: [],
			isLast: false,
		}));
		const ask = empty.ask({ kind: "list", after: undefined });
		await empty.run();
		assert.equal(outcomeOf(empty, ask), "malformed");
	});
});

describe("every message between the agents", () => {
	/** How many there are in a purchase, from each side. */
	async function purchase(options: Partial<AgentsOptions>): Promise<Agents> {
		const agents = new Agents(world, { stock: TEA, ...options });
		const quoting = agents.ask({ kind: "quote", name: "tea", order: "" });
		await agents.run();
		const answer = agents.answers.get(quoting);
		if (answer?.kind === "offer") {
			agents.ask({ kind: "buy", offer: answer.offer, askOwner: false });
			await agents.run();
		}
		// What is cut off is over when the carrier says so.
		agents.happens({ kind: "closed" });
		agents.happensToMerchant({ kind: "closed" });
		await agents.run();
		return agents;
	}

	const changes: Readonly<
		Record<string, (bytes: Uint8Array) => readonly Uint8Array[]>
	> = {
		"is lost": () => [],
		"comes twice": (bytes) => [bytes, bytes],
		"is cut": (bytes) => [bytes.subarray(0, bytes.length - 1)],
		"is empty": () => [filled(0, 0)],
		"has something behind it": (bytes) => [
			Buffer.concat([bytes, filled(1, 0)]),
		],
		"is another one": (bytes) => [bytes.with(0, (bytes[0] ?? 0) ^ 1)],
	};
	for (const [what, change] of Object.entries(changes))
		test(`${what}: nothing is paid that is not kept, and everybody is told once`, async () => {
			let counted = 0;
			for (const whose of ["buyer", "merchant"] as const)
				for (let at = 0; at < 8; at++) {
					let isChanged = false;
					const agents = await purchase({
						message: (from, bytes, number) => {
							if (from !== whose || number !== at) return [bytes];
							isChanged = true;
							return change(bytes);
						},
					});
					if (!isChanged) continue;
					counted++;
					requireRest(agents);
					assert.equal(agents.told.size, agents.asked);
					assert.equal(agents.open.size, 0);
				}
			assert.ok(counted >= 7, `${counted} messages`);
		});

	test("comes after the next one: the same", async () => {
		for (let at = 0; at < 7; at++) {
			let held: Uint8Array | undefined;
			const agents = await purchase({
				message: (from, bytes, number) => {
					if (from !== "merchant") return [bytes];
					if (number === at) {
						held = bytes;
						return [];
					}
					const before = held;
					held = undefined;
					return before === undefined ? [bytes] : [bytes, before];
				},
			});
			requireRest(agents);
			assert.equal(agents.told.size, agents.asked);
		}
	});

	test("any bytes of either side end nothing but the tetrad", async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.constantFrom("buyer", "merchant"),
				fc.nat({ max: 6 }),
				fc.uint8Array({ maxLength: 60 }),
				async (whose, at, bytes) => {
					const agents = await purchase({
						message: (from, honest, number) =>
							from === whose && number === at ? [bytes] : [honest],
					});
					requireRest(agents);
					assert.equal(agents.told.size, agents.asked);
					for (const effect of agents.buyerEffects)
						if (effect.kind === "ended")
							assert.notEqual(effect.error?.code, "internal");
				},
			),
			{ numRuns: 60 },
		);
	});
});

describe("a buyer's agent that dies", () => {
	test("anywhere: its next process brings every purchase to its end, and nothing is paid twice", async () => {
		let final = 0;
		let aborted = 0;
		let nothing = 0;
		for (let stopAfter = 1; stopAfter < 80; stopAfter++) {
			const disk = new BuyerDisk();
			const module = new BuyerModule(world);
			const before = new Agents(world, { stock: TEA, disk, module, stopAfter });
			await before.buy("tea").catch(() => 0);
			const after = new Agents(world, {
				stock: TEA,
				disk,
				module,
				...ELSEWHERE,
			});
			for (const [id, kept] of disk.kept) {
				const concluded = disk.concluded.get(id)?.kind;
				if (concluded === "aborted") continue;
				const isFinal = concluded === "final";
				after.ask({ kind: "resume", purchase: kept, isFinal });
			}
			await after.run();
			requireRest(after);
			assert.ok(module.paid.size <= 1);
			for (const id of disk.kept.keys()) {
				const { kind } = disk.concluded.get(id) ?? { kind: "none" };
				if (kind === "final") final++;
				if (kind === "aborted") aborted++;
				assert.notEqual(kind, "none", `stopped after ${stopAfter}`);
				if (kind === "final") assert.ok(module.finals.includes(id));
			}
			if (disk.kept.size === 0) {
				nothing++;
				assert.equal(module.paid.size, 0);
			}
		}
		assert.ok(final > 0 && aborted > 0 && nothing > 0);
	});

	test("and whose disk is gone fetches all of it again", async () => {
		const first = new Agents(world, { stock: TEA });
		await first.buy("tea");
		const { module } = first;
		const [[, kept] = []] = first.disk.kept;
		assert.ok(kept);
		const disk = new BuyerDisk();
		disk.kept.set(hex(kept.contract.hash), kept);
		const agents = new Agents(world, {
			stock: TEA,
			disk,
			module,
			...ELSEWHERE,
		});
		const ask = agents.ask({ kind: "resume", purchase: kept, isFinal: false });
		await agents.run();
		assert.equal(outcomeOf(agents, ask), "bought");
		requireRest(agents);
	});

	test("tells a module that may have forgotten it all that is kept of it, once", async () => {
		const first = new Agents(world, { stock: TEA });
		await first.buy("tea");
		const { module, disk } = first;
		const [[, kept] = []] = disk.kept;
		assert.ok(kept);
		const behind = (contract: Uint8Array) =>
			notBought(contract, "in-doubt", "purse-behind", 0n);
		const resumed = async () => {
			disk.concluded.clear();
			module.insteadOfCancelled.push(behind);
			const agents = new Agents(world, {
				...{ stock: TEA, disk, module },
				...ELSEWHERE,
			});
			const purchase = kept;
			const ask = agents.ask({ kind: "resume", purchase, isFinal: false });
			await agents.run();
			return { agents, ask };
		};
		const { agents, ask } = await resumed();
		assert.equal(outcomeOf(agents, ask), "bought");
		assert.equal(module.recalled.length, 1);
		const [{ sellerChain, ...recalled } = assert.fail()] = module.recalled;
		const { contract, chain, salt, description, exporter } = kept;
		const { document } = contract;
		assert.deepEqual(recalled, { document, salt, description, exporter });
		assert.deepEqual(sellerChain, chain);
		// One that knows no more of it then says so, and is not told again in this tetrad.
		module.instead.push(behind);
		const again = await resumed();
		assert.equal(module.recalled.length, 2);
		assert.equal(again.agents.stepsOf.get(again.ask)?.at(-1)?.kind, "in-doubt");
		again.agents.happens({ kind: "closed" });
		await again.agents.run();
		assert.equal(outcomeOf(again.agents, again.ask), "payment-in-doubt");
	});

	test("whose merchant is not at the other end is told that the goods are not here, and the module that nothing is final", async () => {
		const first = new Agents(world, { stock: TEA });
		await first.buy("tea");
		const [[id, kept] = []] = first.disk.kept;
		assert.ok(kept && id);
		const elsewhere = await TradeWorld.make();
		const disk = new BuyerDisk();
		disk.kept.set(id, kept);
		const module = new BuyerModule(world);
		module.paid.set(id, first.module.paid.get(id) ?? filled(0, 0));
		const agents = new Agents(world, {
			stock: TEA,
			disk,
			module,
			otherMerchant: elsewhere.parties.sellerAgent.device,
		});
		const ask = agents.ask({ kind: "resume", purchase: kept, isFinal: false });
		await agents.run();
		assert.equal(outcomeOf(agents, ask), "truncated");
		assert.equal(disk.concluded.size, 0);
		assert.deepEqual(module.finals, []);
	});

	test("whose merchant is met with another of its modules fetches nothing there", async () => {
		const first = new Agents(world, { stock: TEA });
		await first.buy("tea");
		const [[id, kept] = []] = first.disk.kept;
		assert.ok(kept && id);
		const disk = new BuyerDisk();
		disk.kept.set(id, kept);
		const agents = new Agents(world, {
			stock: TEA,
			disk,
			module: first.module,
			otherModule: world.parties.strangerModule.device,
		});
		const ask = agents.ask({ kind: "resume", purchase: kept, isFinal: false });
		await agents.run();
		assert.equal(outcomeOf(agents, ask), "truncated");
		assert.equal(disk.concluded.size, 0);
		assert.ok(
			!agents.buyerEffects.some(
				(effect) =>
					effect.kind === "to-agent" &&
					effect.bytes[0] === BETWEEN_AGENTS.fetch.type,
			),
		);
	});

	test("and has another module now leaves that purchase alone", async () => {
		const contract = await world.contract({
			buyerModule: world.idOf("strangerModule"),
		});
		const agents = new Agents(world, { stock: TEA });
		const ask = agents.ask({
			kind: "resume",
			isFinal: false,
			purchase: {
				contract,
				chain: filled(1, 0),
				issuerChain: filled(1, 0),
				salt: filled(32, 0),
				description: filled(1, 0),
				exporter: filled(32, 0),
			},
		});
		await agents.run();
		assert.equal(outcomeOf(agents, ask), "invalid-argument");
		assert.equal(agents.module.aborted.size, 0);
	});
});

describe("what the module says", () => {
	async function buying(...instead: BuyerModule["instead"]): Promise<{
		readonly agents: Agents;
		readonly ask: number;
		readonly id: string;
	}> {
		const module = new BuyerModule(world);
		module.instead.push(...instead);
		const agents = new Agents(world, { stock: TEA, module });
		const ask = await agents.buy("tea");
		return { agents, ask, id: agents.contracts()[0] ?? "" };
	}
	const unhex = (id: string) => new Uint8Array(Buffer.from(id, "hex"));
	const pay = ({ agents, id }: Awaited<ReturnType<typeof buying>>) => {
		const contract = agents.disk.kept.get(id)?.contract;
		assert.ok(contract);
		agents.module.paid.set(id, world.keyOf(contract));
		agents.happens({
			kind: "from-module",
			bytes: agents.module.bought(contract.hash),
		});
		return agents.run();
	};

	test("waiting is passed on, and it goes on by itself", async () => {
		const run = await buying((contract) =>
			message(ABOUT_PURCHASES.waiting, {
				contract,
				code: "approval-needed",
				reason: "ask your owner",
			}),
		);
		const { agents, ask } = run;
		assert.equal(outcomeOf(agents, ask), undefined);
		const step = agents.stepsOf.get(ask)?.at(-1);
		assert.ok(step?.kind === "waiting");
		assert.equal(step.error.code, "approval-needed");
		// The merchant is not held up.
		assert.equal((await agents.page())?.kind, "page");
		await pay(run);
		assert.equal(outcomeOf(agents, ask), "bought");
		requireRest(agents);
	});

	test("aborted: nothing was paid, and why", async () => {
		const { agents, ask, id } = await buying((contract) =>
			notBought(contract, "aborted", "insufficient-funds", 0n),
		);
		assert.equal(outcomeOf(agents, ask), "insufficient-funds");
		assert.equal(agents.disk.concluded.get(id)?.kind, "aborted");
		assert.equal(agents.disk.parts.size, 0);
		requireRest(agents);
	});

	test("refunded: so much is back", async () => {
		const { agents, ask, id } = await buying((contract) =>
			notBought(contract, "refunded", "a-code-of-tomorrow", PRICE),
		);
		assert.equal(outcomeOf(agents, ask), "purchase-void");
		assert.deepEqual(agents.disk.concluded.get(id), {
			kind: "refunded",
			credited: PRICE,
			code: "a-code-of-tomorrow",
			reason: "so it is",
		});
	});

	for (const came of [
		{ kind: "goods-opened", path: "photo.jpg" },
		{ kind: "goods-missing", from: 1 },
		{ kind: "not-done", error: new TetradError("store-full", "no room") },
	] as const)
		test(`refunded while its goods are opened, before ${came.kind}: so much is back, and nothing is left of the part`, async () => {
			const agents = new Agents(world, {
				stock: TEA,
				hold: ({ kind }) => kind === "open-goods" || kind === "conclude",
			});
			const ask = await agents.buy("tea");
			const [id = ""] = agents.contracts();
			const bytes = notBought(unhex(id), "refunded", "purchase-void", PRICE);
			agents.happens({ kind: "from-module", bytes });
			agents.happens({ ...came, ask });
			await agents.run();
			assert.equal(outcomeOf(agents, ask), undefined);
			assert.equal(agents.disk.parts.size, 1);
			agents.happens({ kind: "concluded", ask });
			await agents.run();
			assert.equal(outcomeOf(agents, ask), "purchase-void");
			assert.equal(agents.disk.parts.size, 0);
			assert.equal((await agents.page())?.kind, "page");
		});

	const bought = { key: filled(32, 1), receipt: filled(9, 2) };
	const known = { ...bought, receiptChain: filled(9, 3) };
	for (const [conclusion, path, outcome] of [
		[
			{ kind: "final", ...known, evidence: undefined },
			"shown before",
			"bought",
		],
		[
			{ kind: "final", ...known, evidence: filled(9, 4) },
			undefined,
			"merchandise-wrong",
		],
		[
			{ kind: "refunded", credited: PRICE, code: "busy", reason: "so it is" },
			undefined,
			"busy",
		],
	] as const)
		test(`concluded by another tetrad before its goods are opened, ${outcome}: nothing is opened or kept again`, async () => {
			const agents = new Agents(world, {
				stock: TEA,
				hold: ({ kind }) => kind === "open-goods",
			});
			const ask = await agents.buy("tea");
			assert.ok(agents.buying.needsGoods(ask));
			agents.happens({ kind: "over-elsewhere", ask, conclusion, path });
			await agents.run();
			assert.equal(outcomeOf(agents, ask), outcome);
			const answer = agents.answers.get(ask);
			assert.equal(answer?.kind === "bought" ? answer.path : undefined, path);
			assert.equal(agents.disk.concluded.size, 0);
			assert.ok(!agents.buying.needsGoods(ask));
			assert.equal((await agents.page())?.kind, "page");
		});

	for (const held of ["begin-goods", "keep-chunk", "to-agent"] as const)
		test(`refunded while its goods are fetched, before the answer to ${held}: they are fetched no more, and nothing is left of the part`, async () => {
			let isFetching = false;
			const agents: Agents = new Agents(world, {
				stock: TEA,
				hold: ({ kind }) =>
					kind === "open-goods" ||
					kind === "conclude" ||
					(isFetching && kind === held),
			});
			const ask = await agents.buy("tea");
			isFetching = true;
			agents.disk.parts.set(ask, []);
			await agents.release();
			const [id = ""] = agents.contracts();
			const bytes = notBought(unhex(id), "refunded", "purchase-void", PRICE);
			agents.happens({ kind: "from-module", bytes });
			isFetching = false;
			await agents.run();
			await agents.release();
			assert.equal(outcomeOf(agents, ask), "purchase-void");
			assert.equal(agents.told.get(ask), 1);
			assert.equal(agents.disk.parts.size, 0);
			assert.equal((await agents.page())?.kind, "page");
			requireRest(agents);
			const asked = agents.buyerEffects.map(({ kind }) => kind);
			const after = asked.slice(asked.indexOf("drop-goods"));
			assert.ok(!after.includes("begin-goods"), `${after}`);
			assert.ok(!after.includes("keep-chunk"), `${after}`);
		});

	test("in doubt is passed on, nothing is dropped, and it goes on by itself", async () => {
		const run = await buying((contract) =>
			notBought(contract, "in-doubt", "payment-in-doubt", PRICE),
		);
		const { agents, ask } = run;
		assert.equal(outcomeOf(agents, ask), undefined);
		assert.equal(agents.stepsOf.get(ask)?.at(-1)?.kind, "in-doubt");
		assert.equal(agents.disk.parts.size, 1);
		await pay(run);
		assert.equal(outcomeOf(agents, ask), "bought");
	});

	test("in doubt when the tetrad ends is said to whoever asked", async () => {
		const { agents, ask, id } = await buying((contract) =>
			notBought(contract, "in-doubt", "payment-in-doubt", PRICE),
		);
		agents.happens({ kind: "closed" });
		await agents.run();
		assert.equal(outcomeOf(agents, ask), "payment-in-doubt");
		assert.equal(agents.disk.concluded.get(id), undefined);
		assert.equal(agents.buyerEffects.at(-1)?.kind, "ended");
	});

	test("a key that is not the contract's ends the tetrad, and nothing is opened", async () => {
		const { agents, ask } = await buying((contract) =>
			message(ABOUT_PURCHASES.bought, {
				contract,
				key: filled(32, 1),
				receipt: filled(0, 0),
				chain: filled(0, 0),
			}),
		);
		assert.equal(outcomeOf(agents, ask), "payment-in-doubt");
		assert.equal(agents.disk.goods.size, 0);
		assert.ok(agents.buyerEffects.some(({ kind }) => kind === "end"));
	});

	test("told twice, or after it is over, changes nothing", async () => {
		const { agents, ask, id } = await buying();
		const contract = unhex(id);
		for (const bytes of [
			agents.module.bought(contract),
			notBought(contract, "aborted", "aborted", 0n),
			message(ABOUT_PURCHASES.closed, { contract }),
		])
			agents.happens({ kind: "from-module", bytes });
		await agents.run();
		assert.equal(outcomeOf(agents, ask), "bought");
		assert.equal(agents.disk.concluded.get(id)?.kind, "final");
		requireRest(agents);
	});

	test("of a purchase that is not going on here is passed on", async () => {
		const agents = new Agents(world, { stock: TEA });
		const one = message(ABOUT_PURCHASES.bought, {
			contract: filled(32, 7),
			key: filled(32, 1),
			receipt: filled(0, 0),
			chain: filled(0, 0),
		});
		const [both] = packMessages([one, one]);
		agents.happens({ kind: "from-module", bytes: both as Uint8Array });
		await agents.run();
		assert.deepEqual(
			agents.buyerEffects.filter(({ kind }) => kind === "unknown"),
			[
				{ kind: "unknown", contract: filled(32, 7) },
				{ kind: "unknown", contract: filled(32, 7) },
			],
		);
	});

	test("again, when it did not hear that it is final, is answered with final", async () => {
		const first = new Agents(world, { stock: TEA });
		await first.buy("tea");
		const { disk, module } = first;
		const [[id, kept] = []] = disk.kept;
		assert.ok(kept && id);
		const agents = new Agents(world, {
			stock: TEA,
			disk,
			module,
			...ELSEWHERE,
		});
		const ask = agents.ask({ kind: "resume", purchase: kept, isFinal: true });
		await agents.run();
		assert.equal(outcomeOf(agents, ask), "bought");
		assert.deepEqual(module.finals, [id, id]);
		assert.equal(agents.buying.purchases.size, 0);
	});

	test("of all purchases is learned, page after page", async () => {
		const module = new BuyerModule(world);
		const rows = await Promise.all(
			[1, 2, 3, 4, 5].map(async (at) => ({
				purchase: {
					contract: await world.contract({ amount: BigInt(at) }),
					chain: world.parties.sellerAgent.chain,
					issuerChain: filled(0, 0),
					salt: filled(32, at),
					description: filled(3, at),
					exporter: filled(32, at),
				},
				step: at === 1 ? ("locked" as const) : ("keyed" as const),
				bought:
					at === 1
						? undefined
						: {
								key: filled(32, at),
								receipt: filled(2, at),
								receiptChain: filled(2, at),
							},
			})),
		);
		module.rows.push(...rows);
		const agents = new Agents(world, { stock: TEA, module });
		const asks = [agents.ask({ kind: "learn" }), agents.ask({ kind: "learn" })];
		await agents.run();
		for (const ask of asks) assert.equal(outcomeOf(agents, ask), "learned");
		const learned = agents.buyerEffects.flatMap((effect) =>
			effect.kind === "learned" ? [effect.learned] : [],
		);
		assert.deepEqual(learned, rows);
	});
});

describe("whoever gives a purchase up", () => {
	const error = new TetradError("aborted", "no more");

	test("at any moment is told once and truly, and nothing is left in doubt", async () => {
		const outcomes = new Set<string>();
		for (let at = 0; at < 70; at++) {
			const agents = new Agents(world, { stock: TEA });
			const offer = await agents.quote("tea");
			const ask = agents.ask({ kind: "buy", offer, askOwner: false });
			agents.interruptAfter(at, { kind: "give-up", ask, error });
			await agents.run();
			requireRest(agents);
			assert.equal(agents.told.get(ask), 1, `after ${at}`);
			const id = agents.contracts()[0];
			const isPaid = agents.module.paid.size > 0;
			if (isPaid) {
				assert.equal(agents.disk.concluded.get(id ?? "")?.kind, "final");
				const { message: why = "paid" } = agents.refusals.get(ask) ?? {};
				assert.match(why, /paid/);
			} else {
				assert.equal(agents.disk.parts.size, 0, `after ${at}`);
				assert.equal(outcomeOf(agents, ask), "aborted");
			}
			outcomes.add(`${isPaid} ${outcomeOf(agents, ask)}`);
			assert.equal(agents.open.size, 0);
			assert.equal(agents.onTheWay, 0);
			// The tetrad goes on.
			assert.equal(outcomeOf(agents, await agents.buy("tea")), "bought");
		}
		assert.deepEqual([...outcomes].toSorted(), [
			"false aborted",
			"true aborted",
			"true bought",
		]);
	});
});

describe("a purchase that is given up", () => {
	const error = new TetradError("aborted", "no more");
	const doubt = (contract: Uint8Array) =>
		notBought(contract, "in-doubt", "payment-in-doubt", PRICE);

	test("while it is made durable is cancelled before its module has heard of it", async () => {
		const agents = new Agents(world, {
			stock: TEA,
			hold: (effect) => effect.kind === "keep",
		});
		const ask = await agents.buy("tea");
		agents.happens({ kind: "give-up", ask, error });
		await agents.run();
		await agents.release();
		assert.equal(outcomeOf(agents, ask), "aborted");
		assert.equal(agents.module.paid.size, 0);
		assert.equal(agents.module.aborted.size, 1);
		requireRest(agents);
	});

	test("while it waits for the owner is cancelled, once", async () => {
		const module = new BuyerModule(world);
		module.instead.push((contract) =>
			message(ABOUT_PURCHASES.waiting, {
				contract,
				code: "approval-needed",
				reason: "",
			}),
		);
		const agents = new Agents(world, { stock: TEA, module });
		const ask = await agents.buy("tea");
		for (let time = 0; time < 2; time++)
			agents.happens({ kind: "give-up", ask, error });
		await agents.run();
		assert.equal(outcomeOf(agents, ask), "aborted");
		assert.equal(module.aborted.size, 1);
		const cancels = agents.buyerEffects.filter(
			(effect) =>
				effect.kind === "to-module" &&
				effect.bytes[0] === ABOUT_PURCHASES.cancel.type,
		);
		assert.equal(cancels.length, 1);
		requireRest(agents);
	});

	for (const [outcome, code, amount] of [
		["aborted", "insufficient-funds", 0n],
		["refunded", "purchase-void", PRICE],
	] as const)
		test(`while it is kept that it was ${outcome} is not said to be paid`, async () => {
			const module = new BuyerModule(world);
			module.instead.push((contract) =>
				notBought(contract, outcome, code, amount),
			);
			const agents = new Agents(world, {
				...{ stock: TEA, module },
				hold: ({ kind }) => kind === "conclude",
			});
			const ask = await agents.buy("tea");
			agents.happens({ kind: "give-up", ask, error });
			await agents.run();
			await agents.release();
			assert.equal(agents.told.get(ask), 1);
			assert.equal(outcomeOf(agents, ask), code);
			requireRest(agents);
		});

	test("when it is paid and in doubt is said to be so, and goes on", async () => {
		const module = new BuyerModule(world);
		module.instead.push(doubt);
		module.insteadOfCancelled.push(doubt);
		const agents = new Agents(world, { stock: TEA, module });
		const ask = await agents.buy("tea");
		agents.happens({ kind: "give-up", ask, error });
		await agents.run();
		assert.equal(outcomeOf(agents, ask), "payment-in-doubt");
		const [[id, kept] = []] = agents.disk.kept;
		assert.ok(kept && id);
		module.paid.set(id, world.keyOf(kept.contract));
		const bytes = module.bought(kept.contract.hash);
		agents.happens({ kind: "from-module", bytes });
		await agents.run();
		assert.equal(agents.disk.concluded.get(id)?.kind, "final");
		requireRest(agents);
	});
});

test("a module that did not hear that a purchase is final is told again", async () => {
	let lost = 1;
	const agents = new Agents(world, {
		stock: TEA,
		hold: (effect) =>
			effect.kind === "to-module" &&
			effect.bytes[0] === ABOUT_PURCHASES.final.type &&
			lost-- > 0,
	});
	await agents.buy("tea");
	const [id = ""] = agents.contracts();
	assert.deepEqual(agents.module.finals, []);
	const contract = new Uint8Array(Buffer.from(id, "hex"));
	const bytes = agents.module.bought(contract);
	agents.happens({ kind: "from-module", bytes });
	await agents.run();
	assert.deepEqual(agents.module.finals, [id]);
	assert.equal(agents.buying.purchases.size, 0);
});

test("a merchant that was told to stop may end what it was sending, and say nothing else", async () => {
	const error = new TetradError("aborted", "no more");
	const chunk = { index: 0, leaf: filled(32, 0), sealed: filled(48, 0) };
	const said = {
		"a chunk of nothing that was announced": message(
			BETWEEN_AGENTS.chunk,
			chunk,
		),
		"a page": message(BETWEEN_AGENTS.items, { items: [], isLast: true }),
	};
	for (const [what, bytes] of Object.entries(said)) {
		const agents = new Agents(world, {
			stock: TEA,
			hold: (effect) => effect.kind === "open",
			message: (from, honest) => (from === "merchant" ? [] : [honest]),
		});
		const [item] = [...TEA.keys()];
		const offer = await new Agents(world, { stock: TEA }).quote(item ?? "");
		const ask = agents.ask({ kind: "buy", offer, askOwner: false });
		await agents.run();
		agents.happens({ kind: "give-up", ask, error });
		await agents.run();
		agents.arrives("merchant", bytes);
		await agents.run();
		assert.ok(
			agents.buyerEffects.some(({ kind }) => kind === "end"),
			what,
		);
		assert.equal(outcomeOf(agents, ask), "aborted");
	}
});

describe("a merchant that signed for a wrong chunk", () => {
	test("is shown by evidence, which is kept, and the purchase is final", async () => {
		const LIE = { sealed: filled(CHUNK_BYTES + 48, 0xaa) };
		const leaves: Uint8Array[] = [];
		let sealed: Uint8Array[] = [];
		const agents: Agents = new Agents(world, {
			stock: TEA,
			message: (from, bytes) => {
				if (from !== "merchant") return [bytes];
				if (bytes[0] === BETWEEN_AGENTS.chunk.type) {
					const chunk = body(BETWEEN_AGENTS.chunk, bytes);
					const lying = chunk.index === 1 ? { ...chunk, ...LIE } : chunk;
					leaves.push(lying.leaf);
					sealed = [...sealed, lying.sealed];
					return [message(BETWEEN_AGENTS.chunk, lying)];
				}
				if (bytes[0] !== BETWEEN_AGENTS.contract.type) return [bytes];
				const sent = body(BETWEEN_AGENTS.contract, bytes);
				agents.later(async () => {
					const honest = parseContract(nodeCrypto, sent.document);
					const ciphertextRoot = reference.root(
						sealed.map((each, index) =>
							sealedLeaf(nodeCrypto, honest.id, index, each),
						),
					);
					const { document } = await world.contract({
						...honest,
						ciphertextRoot,
					});
					agents.arrives(
						"merchant",
						message(BETWEEN_AGENTS.contract, { ...sent, document }),
					);
				});
				return [];
			},
		});
		const ask = await agents.buy("tea");
		assert.equal(outcomeOf(agents, ask), "merchandise-wrong");
		const [id = ""] = agents.contracts();
		const conclusion = agents.disk.concluded.get(id);
		assert.ok(conclusion?.kind === "final" && conclusion.evidence);
		assert.deepEqual(agents.module.finals, [id]);
		assert.equal(agents.disk.goods.size, 0);
		const { sellerAgent } = world.parties;
		const wrong = openMerchandiseEvidence(
			nodeCrypto,
			conclusion.evidence,
			() => sellerAgent.device,
		);
		assert.equal(wrong.index, 1);
		assert.equal(hex(wrong.contract.hash), id);
		assert.equal(
			hex(wrong.contract.keyHash),
			hex(keyHash(nodeCrypto, conclusion.key)),
		);
	});
});

describe("the disk of a buyer", () => {
	const big: Stock = new Map([
		["tea", { content: content(20 * CHUNK_BYTES), kind: "file" }],
	]);

	test("that is slow holds up the merchant, and no memory fills", async () => {
		const agents = new Agents(world, {
			stock: big,
			hold: (effect) => effect.kind === "keep-chunk",
		});
		await agents.buy("tea");
		assert.equal(agents.held, 4);
		assert.ok(agents.onTheWay <= 2);
	});

	test("that is full, or fails with any chunk, ends the purchase before anything is paid", async () => {
		for (const [kind, at] of [
			["begin-goods", 0],
			["keep-chunk", 0],
			["keep-chunk", 2],
			["keep", 0],
		] as const) {
			let number = 0;
			const agents = new Agents(world, {
				stock: TEA,
				hold: (effect) => effect.kind === kind && number++ === at,
			});
			const ask = await agents.buy("tea");
			agents.happens({
				kind: "not-done",
				ask,
				error: new TetradError("store-full", "no room"),
			});
			await agents.run();
			assert.equal(outcomeOf(agents, ask), "store-full", `${kind} ${at}`);
			assert.equal(agents.module.paid.size, 0);
			assert.equal(agents.disk.parts.size, 0);
			assert.equal(agents.open.size, 0);
			assert.equal(agents.onTheWay, 0);
			assert.equal((await agents.page())?.kind, "page");
		}
	});

	test("that fails when all is paid is told so", async () => {
		for (const kind of ["open-goods", "conclude"] as const) {
			const agents = new Agents(world, {
				stock: TEA,
				hold: (effect) => effect.kind === kind,
			});
			const ask = await agents.buy("tea");
			agents.happens({
				kind: "not-done",
				ask,
				error: new TetradError("file-unusable", "cannot write it"),
			});
			await agents.run();
			const { code, message } = agents.refusals.get(ask) ?? {};
			assert.equal(code, "file-unusable", kind);
			assert.match(message ?? "", /^it is paid, .*: cannot write it$/);
		}
	});

	test("on which what was paid for was spoiled is filled again, once", async () => {
		for (const spoil of ["sealed", "leaf"] as const) {
			const agents: Agents = new Agents(world, {
				stock: TEA,
				hold: (effect) => effect.kind === "open-goods",
			});
			const ask = await agents.buy("tea");
			const part = agents.disk.parts.get(ask);
			const chunk = part?.[1];
			assert.ok(part && chunk);
			part[1] = { ...chunk, [spoil]: chunk[spoil].with(3, 0).with(4, 1) };
			// The first time it is opened, and the second.
			await agents.release();
			await agents.release();
			assert.equal(outcomeOf(agents, ask), "bought");
			requireRest(agents);
		}
	});

	test("that loses its end again and again is filled from there, then all anew, and not for ever", async () => {
		const agents: Agents = new Agents(world, {
			stock: TEA,
			hold: (effect) => effect.kind === "open-goods",
		});
		const ask = await agents.buy("tea");
		for (let times = 0; times < 3; times++) {
			agents.disk.parts.get(ask)?.pop();
			await agents.release();
		}
		assert.equal(outcomeOf(agents, ask), "truncated");
		const fetches = agents.stepsOf
			.get(ask)
			?.flatMap((step) => (step.kind === "fetching" ? [step.from] : []));
		assert.deepEqual(fetches, [2, 0]);
		assert.equal(agents.held, 0);
		assert.equal(agents.disk.concluded.size, 0);
	});

	test("is not filled for ever by a merchant that sends something else", async () => {
		const agents: Agents = new Agents(world, {
			stock: TEA,
			hold: (effect) => effect.kind === "open-goods",
			message: (from, bytes) => {
				if (from !== "merchant" || !isLying) return [bytes];
				if (bytes[0] !== BETWEEN_AGENTS.chunk.type) return [bytes];
				const chunk = body(BETWEEN_AGENTS.chunk, bytes);
				const sealed = filled(chunk.sealed.length, 1);
				return [message(BETWEEN_AGENTS.chunk, { ...chunk, sealed })];
			},
		});
		let isLying = false;
		const ask = await agents.buy("tea");
		agents.disk.parts.set(ask, []);
		isLying = true;
		await agents.release();
		await agents.release();
		assert.equal(outcomeOf(agents, ask), "merchandise-changed");
		assert.equal(agents.held, 0);
		assert.equal(agents.disk.goods.size, 0);
		assert.equal(agents.disk.concluded.size, 0);
	});
});

describe("a tetrad that ends", () => {
	test("while the goods are opened: they are there, and the next one tells the module", async () => {
		const agents = new Agents(world, {
			stock: TEA,
			hold: (effect) => effect.kind === "open-goods",
		});
		const ask = await agents.buy("tea");
		agents.happens({ kind: "closed" });
		await agents.run();
		assert.equal(outcomeOf(agents, ask), undefined);
		for (const late of [
			{ kind: "from-agent", bytes: filled(1, 0) },
			{ kind: "from-module", bytes: filled(1, 0) },
			{ kind: "closed" },
		] as const)
			assert.deepEqual(agents.buying.handle(late, 0), []);
		await agents.release();
		assert.equal(outcomeOf(agents, ask), "bought");
		assert.deepEqual(agents.module.finals, []);
		assert.equal(agents.buyerEffects.at(-1)?.kind, "ended");
		const late = agents.buying.handle({ kind: "learn", ask: 99 }, 0);
		assert.deepEqual(late, []);
	});

	test("refuses whatever waits, and what is asked while it ends", async () => {
		const agents = new Agents(world, {
			stock: TEA,
			hold: (effect) => effect.kind === "open-goods" || effect.kind === "list",
		});
		await agents.buy("tea");
		const list = agents.ask({ kind: "list", after: undefined });
		const queued = agents.ask({ kind: "list", after: "tea" });
		await agents.run();
		agents.happens({ kind: "closed" });
		const late = agents.ask({ kind: "learn" });
		await agents.run();
		for (const ask of [list, queued, late])
			assert.equal(outcomeOf(agents, ask), "tetrad-closed");
	});
});

test("no more is asked at once than there is room for", async () => {
	const agents = new Agents(world, {
		stock: TEA,
		hold: (effect) => effect.kind === "list",
	});
	for (let at = 0; at < 1024; at++)
		agents.ask({ kind: "list", after: undefined });
	const ask = agents.ask({ kind: "learn" });
	await agents.run();
	assert.equal(outcomeOf(agents, ask), "busy");
});
