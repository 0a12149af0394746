/* One thing that is sold for several kinds of money: what a merchant's agent offers of them, and what a buyer's takes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { messages, mintId } from "../../src/money/index.ts";
import {
	chooseOffer,
	isAvoided,
	type PayingWith,
} from "../../src/trade/agent/index.ts";
import {
	ABOUT_PURCHASES,
	BETWEEN_AGENTS,
	type HeldMoney,
	type Listing,
	type Offer,
	type RailName,
	railPromises,
} from "../../src/trade/documents/index.ts";
import { hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import {
	Agents,
	type AgentsOptions,
	merchantModule,
	PRICE,
	type Stock,
} from "./agents.ts";
import { TradeWorld } from "./world.ts";

const { body, message } = messages;

const world = await TradeWorld.make();
const BOTH: readonly RailName[] = ["own-notes", "cashu"];
const STOCK: Stock = new Map([
	["cup", { content: filled(3, 1), kind: "file" }],
	["tea", { content: filled(5, 2), kind: "file" }],
]);

function inEcash(host: string, amount = 5n): Pick<Listing, "amount" | "mint"> {
	return { amount, mint: { url: `https://${host}`, unit: "sat" } };
}

/** A price in sat of that mint. */
function satOf(listing: Listing, host: string): Listing {
	return {
		...listing,
		...{ issuer: mintId(nodeCrypto, `https://${host}`), currency: "SAT" },
		money: { exponent: 0, isPlay: false },
		...inEcash(host),
	};
}

function heldAt(host: string, spendable = 100n): HeldMoney {
	return {
		issuer: mintId(nodeCrypto, `https://${host}`),
		...{ currency: "SAT", money: { exponent: 0, isPlay: false } },
		...{ rail: "cashu", spendable },
	};
}

/** A merchant whose module knows these moneys, and that prices everything so. */
function merchant(
	moneys: readonly HeldMoney[],
	prices: AgentsOptions["prices"],
	others: Partial<AgentsOptions> = {},
) {
	const asked = { count: 0 };
	const honest = merchantModule(world);
	const agents = new Agents(world, {
		stock: STOCK,
		...(prices === undefined ? {} : { prices }),
		merchantsModule: async (bytes) => {
			if (bytes[0] !== ABOUT_PURCHASES.moneys.type) return honest(bytes);
			asked.count++;
			return [message(ABOUT_PURCHASES.moneysHeld, { moneys })];
		},
		...others,
	});
	const ask = async (rails: readonly RailName[] | undefined, name = "tea") => {
		const number = agents.ask({ kind: "quote", name, order: "", rails });
		await agents.run();
		const answer = agents.answers.get(number);
		if (answer?.kind === "offer") return [answer.offer, ...answer.others];
		throw agents.refusals.get(number) ?? new Error("no answer");
	};
	const list = async (rails: readonly RailName[] | undefined) => {
		const number = agents.ask({ kind: "list", after: undefined, rails });
		await agents.run();
		const answer = agents.answers.get(number);
		assert.equal(answer?.kind, "page");
		return answer?.kind === "page" ? answer.items : [];
	};
	return { agents, ask, list, asked };
}

const TWO = (listing: Listing) => [listing, satOf(listing, "a.example")];

describe("a merchant's agent that takes ecash beside notes", () => {
	test("offers both to who names both rails, and asks its module once", async () => {
		const { ask, asked, list } = merchant([heldAt("a.example")], TWO);
		const offers = await ask(BOTH);
		assert.deepEqual(
			offers.map(({ currency, amount, mint }) => [currency, amount, mint?.url]),
			[
				["EUR", PRICE, undefined],
				["SAT", 5n, "https://a.example"],
			],
		);
		assert.equal(new Set(offers.map(({ id }) => hex(id))).size, 2);
		assert.deepEqual(
			(await list(BOTH)).map(({ description, currency }) => [
				description.name,
				currency,
			]),
			[
				["cup", "EUR"],
				["cup", "SAT"],
				["tea", "EUR"],
				["tea", "SAT"],
			],
		);
		assert.equal(asked.count, 1);
	});

	test("answers a program that names no rails as before, and asks its module nothing", async () => {
		const said: number[] = [];
		const { ask, asked, list } = merchant([heldAt("a.example")], TWO, {
			message(_, bytes) {
				said.push(bytes[0] ?? 0);
				return [bytes];
			},
		});
		const [offer, ...others] = await ask(undefined);
		assert.equal(offer?.currency, "EUR");
		assert.deepEqual(others, []);
		assert.deepEqual(
			(await list(undefined)).map(({ currency }) => currency),
			["EUR", "EUR"],
		);
		assert.equal(asked.count, 0);
		assert.ok(said.includes(BETWEEN_AGENTS.offer.type));
		assert.ok(!said.includes(BETWEEN_AGENTS.offers.type));
	});

	test("offers ecash alone to who wants nothing else", async () => {
		const { ask } = merchant([heldAt("a.example")], TWO);
		const offers = await ask(["cashu"]);
		assert.deepEqual(
			offers.map(({ currency }) => currency),
			["SAT"],
		);
	});

	test("says what it is sold for to who wants other money", async () => {
		const { ask, list } = merchant([heldAt("a.example")], (one) => [
			satOf(one, "a.example"),
		]);
		await assert.rejects(ask(undefined), {
			code: "payment-refused",
			message: /not sold for the money .* sat of https:\/\/a\.example/,
		});
		assert.deepEqual(await list(undefined), []);
	});

	for (const [what, moneys] of [
		["does not know", []],
		["knows with another unit", [{ ...heldAt("a.example"), currency: "USD" }]],
		[
			"knows as play money",
			[{ ...heldAt("a.example"), money: { exponent: 0, isPlay: true } }],
		],
		[
			"knows with other decimals",
			[{ ...heldAt("a.example"), money: { exponent: 3, isPlay: false } }],
		],
		[
			"has in the place of an issuer of notes",
			[{ ...heldAt("a.example"), rail: "own-notes" as const }],
		],
	] as const)
		test(`offers nothing for ecash of a mint that its module ${what}, and tells its owner once`, async () => {
			const { ask, list, agents } = merchant(moneys, TWO);
			for (let i = 0; i < 2; i++) {
				const offers = await ask(BOTH);
				assert.deepEqual(
					offers.map(({ currency }) => currency),
					["EUR"],
				);
			}
			assert.equal((await list(BOTH)).length, 2);
			await assert.rejects(ask(["cashu"]), { code: "payment-refused" });
			const told = agents.merchantEffects.flatMap((effect) =>
				effect.kind === "unavailable" &&
				effect.error.message.includes("https://a.example: the module")
					? [effect.error]
					: [],
			);
			assert.equal(told.length, 1);
			assert.match(told[0]?.message ?? "", /purse\.json/);
		});

	test("leaves nothing of a catalogue out where a page is full of what is not offered", async () => {
		const many: Stock = new Map(
			Array.from({ length: 600 }, (_, at) => [
				String(at).padStart(4, "0"),
				{ content: filled(1, 1), kind: "file" as const },
			]),
		);
		const { list } = merchant(
			[heldAt("a.example")],
			(one) =>
				one.description.name === "0599" ? [one] : [satOf(one, "a.example")],
			{ stock: many },
		);
		assert.deepEqual(
			(await list(undefined)).map(({ description }) => description.name),
			["0599"],
		);
	});

	test("keeps the prices of one thing on one page", async () => {
		const many: Stock = new Map(
			Array.from({ length: 200 }, (_, at) => [
				String(at).padStart(4, "0"),
				{ content: filled(1, 1), kind: "file" as const },
			]),
		);
		const { agents } = merchant([heldAt("a.example")], TWO, { stock: many });
		const names: string[] = [];
		for (let isLast = false; !isLast; ) {
			const number = agents.ask({
				...{ kind: "list", after: names.at(-1), rails: BOTH },
			});
			await agents.run();
			const page = agents.answers.get(number);
			if (page?.kind !== "page") return assert.fail("no page");
			names.push(...page.items.map(({ description }) => description.name));
			isLast = page.isLast;
		}
		assert.deepEqual(
			names,
			[...many.keys()].flatMap((name) => [name, name]),
		);
	});
});

describe("a buyer's agent that is offered several kinds of money", () => {
	const changed = (change: (offers: readonly Offer[]) => readonly Offer[]) =>
		merchant([heldAt("a.example")], TWO, {
			message(from, bytes) {
				const { offers } = BETWEEN_AGENTS;
				if (from === "buyer" || bytes[0] !== offers.type) return [bytes];
				const said = body(offers, bytes).offers;
				return [message(offers, { offers: change(said) })];
			},
		});
	const last = (change: (offer: Offer) => Offer) =>
		changed(([first, second]) =>
			first && second ? [first, change(second)] : [],
		);

	for (const [what, made] of [
		[
			"is in ecash of another mint than it says",
			last((one) => ({ ...one, ...inEcash("b.example") })),
		],
		[
			"is in another unit than it says",
			last((one) => ({
				...one,
				mint: { url: "https://a.example", unit: "usd" },
			})),
		],
		[
			"has other decimals than its unit",
			last((one) => ({ ...one, money: { exponent: 2, isPlay: false } })),
		],
		[
			"is of something else",
			last((one) => ({
				...one,
				description: { ...one.description, name: "cup" },
			})),
		],
		[
			"is in the same money as another",
			changed(([first]) =>
				first ? [first, { ...first, id: filled(16, 9) }] : [],
			),
		],
		[
			"is another once more",
			changed(([first, second]) =>
				first && second ? [first, { ...second, id: first.id }] : [],
			),
		],
	] as const)
		test(`ends the tetrad when one ${what}`, async () => {
			await assert.rejects(made.ask(BOTH), { code: "malformed" });
		});

	test("ends the tetrad for a price over a rail that it has not named", async () => {
		const { ask } = changed((offers) => offers);
		assert.equal((await ask(BOTH)).length, 2);
		const unasked = merchant([heldAt("a.example")], TWO, {
			message(from, bytes) {
				const { ask, offer } = BETWEEN_AGENTS;
				if (from === "buyer" && bytes[0] === ask.type)
					return [message(ask, { ...body(ask, bytes), rails: BOTH })];
				if (bytes[0] !== BETWEEN_AGENTS.offers.type) return [bytes];
				const [, second] = body(BETWEEN_AGENTS.offers, bytes).offers;
				return second === undefined ? [] : [message(offer, second)];
			},
		});
		await assert.rejects(unasked.ask(undefined), { code: "malformed" });
	});

	test("learns which money its module knows, in the order in which it asked", async () => {
		const moneys = [heldAt("a.example", 7n)];
		const agents = new Agents(world, {
			stock: STOCK,
			buyersModule: async () => [
				message(ABOUT_PURCHASES.moneysHeld, { moneys }),
			],
		});
		const asks = [1, 2].map(() => agents.ask({ kind: "moneys" }));
		await agents.run();
		for (const ask of asks)
			assert.deepEqual(agents.answers.get(ask), { kind: "moneys", moneys });
	});

	test("takes a module that says so unasked for one that breaks the rules", async () => {
		const agents = new Agents(world, { stock: STOCK });
		agents.happens({
			kind: "from-module",
			bytes: message(ABOUT_PURCHASES.moneysHeld, { moneys: [] }),
		});
		await agents.run();
		const ended = agents.buyerEffects.flatMap((effect) =>
			effect.kind === "end" ? [effect.error.code] : [],
		);
		assert.deepEqual(ended, ["unexpected-message"]);
	});
});

describe("which offer is taken", () => {
	const base: Listing = {
		description: { name: "tea", mediaType: "", about: "", order: "" },
		...{ kind: "file", length: 1n, issuer: filled(41, 7) },
		...{ currency: "EUR", money: { exponent: 2, isPlay: false }, amount: 420n },
	};
	const offerOf = (listing: Listing): Offer => ({
		...listing,
		...{ id: filled(16, 1), validUntil: 1, nonce: filled(8, 1) },
	});
	const notes = offerOf(base);
	const atA = offerOf(satOf(base, "a.example"));
	const atB = offerOf(satOf(base, "b.example"));
	const held: HeldMoney = {
		...{ issuer: base.issuer, currency: "EUR", money: base.money },
		...{ rail: "own-notes", spendable: 1000n },
	};
	const all = [held, heldAt("b.example"), heldAt("a.example")];
	const chosen = (
		offers: readonly Offer[],
		moneys: readonly HeldMoney[] | undefined,
		how: Partial<PayingWith> = {},
	) => chooseOffer(offers, moneys, { rails: BOTH, ...how });

	test("is over the rail that its buyer prefers", () => {
		assert.equal(chosen([atA, notes], all), notes);
		const rails = ["cashu", "own-notes"] as const;
		assert.equal(chosen([notes, atA], all, { rails }), atA);
		assert.equal(chosen([notes, atA], all, { rails: ["cashu"] }), atA);
	});

	test("is in the money that the owner of the module has named first", () => {
		assert.equal(chosen([atA, atB], all), atB);
		assert.equal(chosen([atA, atB], all.toReversed()), atA);
	});

	test("is one that there is enough money for, where there is one", () => {
		const empty = [{ ...held, spendable: 419n }, heldAt("a.example", 5n)];
		assert.equal(chosen([notes, atA], empty), atA);
		const none = [{ ...held, spendable: 0n }, heldAt("a.example", 0n)];
		assert.equal(chosen([notes, atA], none), notes);
	});

	test("is never in money that the module was not told of, or knows otherwise", () => {
		assert.throws(() => chosen([atA, atB], [held]), {
			code: "payment-refused",
			message: /https:\/\/a\.example, or sat of .* purse\.json/,
		});
		for (const money of [
			{ exponent: 2, isPlay: false },
			{ exponent: 0, isPlay: true },
		])
			assert.throws(() => chosen([atA], [{ ...heldAt("a.example"), money }]), {
				code: "payment-refused",
				message: /other decimals/,
			});
		// What is an issuer's here is no mint's.
		const asNotes = [{ ...heldAt("a.example"), rail: "own-notes" as const }];
		assert.throws(() => chosen([atA], asNotes), { code: "payment-refused" });
	});

	test("is in the currency that its buyer has said, and has none of what it avoids", () => {
		assert.equal(chosen([notes, atA], all, { currency: "SAT" }), atA);
		assert.equal(chosen([notes, atA], all, { avoid: ["seen-by-issuer"] }), atA);
		const rails = ["cashu", "own-notes"] as const;
		assert.equal(
			chosen([notes, atA], all, { rails, avoid: ["locked-to-deadline"] }),
			notes,
		);
		assert.throws(() => chosen([notes, atA], all, { currency: "USD" }), {
			code: "payment-refused",
			message: /it costs EUR or SAT, and what it may cost is in USD/,
		});
		for (const how of [{ avoid: ["issuer-corrupt"] }, { rails: [] }] as const)
			assert.throws(() => chosen([notes, atA], all, how), {
				code: "payment-refused",
				message: /do not want to pay so/,
			});
	});

	test("needs no word of the module for notes alone", () => {
		assert.equal(chosen([notes], undefined), notes);
	});

	test("avoids by what a rail promises", () => {
		const notes = railPromises("own-notes");
		const ecash = railPromises("cashu");
		for (const [avoid, ofNotes, ofEcash] of [
			["online", false, true],
			["seen-by-issuer", true, false],
			["seen-by-everybody", false, false],
			["waits-for-issuer", true, false],
			["locked-to-deadline", false, true],
			["key-forgotten", false, true],
			["issuer-corrupt", true, true],
		] as const) {
			assert.equal(isAvoided(notes, [avoid]), ofNotes, avoid);
			assert.equal(isAvoided(ecash, [avoid]), ofEcash, avoid);
		}
	});
});
