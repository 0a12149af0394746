/*
 * What an owner has done with ecash, and what comes of it, as text: what the purse asks its mint for,
 * when it asks again, what its owner is told, and which rows are others after each chapter. Nothing
 * in it is random. `npx node test/write-down.ts` writes it into stories/owner-….txt.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { MintFault } from "../../src/mint/index.ts";
import { type Proof, writeToken } from "../../src/money/cashu/index.ts";
import type { EcashOrder } from "../../src/money/documents/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import type { Module } from "../money/town.ts";
import { drawCounted, TownStory } from "../money/town-story.ts";
import { makeWorld } from "../support/authority.ts";
import { MINT_ISSUER, MINT_URL } from "./ecash-market.ts";
import { type Ordered, Owner } from "./ecash-owner-orders.ts";
import { saidToMint } from "./ecash-words.ts";

/** Of a mint that is well. */
export const OWNER_TEXTS = [
	"tokens",
	"new-ecash",
	"invoices",
	"received",
	"restored",
] as const;

/** And of one that is wrong. */
export const WRONG_MINT_TEXTS = [
	"tokens-at-a-wrong-mint",
	"new-ecash-at-a-wrong-mint",
	"invoices-at-a-wrong-mint",
	"received-at-a-wrong-mint",
] as const;

/** Of one that answers as no play mint does, and of purses that were put back. */
export const OTHER_LIFE_TEXTS = [
	"other-answers",
	"refused-swaps",
	"put-back",
	"put-back-and-spent",
] as const;

type OwnerText =
	| (typeof OWNER_TEXTS)[number]
	| (typeof WRONG_MINT_TEXTS)[number]
	| (typeof OTHER_LIFE_TEXTS)[number];

const fileOf = (text: OwnerText) =>
	new URL(`stories/owner-${text}.txt`, import.meta.url);

const HOUR = 3_600_000;

class Keeper {
	readonly owner: Owner;
	readonly story: TownStory;
	#requests = 0;

	constructor(owner: Owner) {
		this.owner = owner;
		const { ecash } = owner;
		const { town, ann, bob, mint } = ecash.market;
		// Only the owner of one purse does anything here.
		town.die(bob);
		drawCounted([ann]);
		this.story = new TownStory({
			...{ town, ann, bob, mint, asked: saidToMint },
			balance: (module) => ecash.told(module),
		});
	}

	chapter(what: string, act: () => Promise<unknown>): Promise<void> {
		return this.story.chapter(what, async () => {
			await act();
			await this.quiet();
		});
	}

	quiet(): Promise<void> {
		return this.owner.ecash.market.quiet();
	}

	/** Another name of an order than all before. */
	name(): Uint8Array {
		return filled(16, ++this.#requests);
	}

	async order(order: Ordered, request = this.name()): Promise<Uint8Array> {
		await this.owner.order(order, request);
		return request;
	}

	async send(amount: bigint): Promise<Uint8Array> {
		return this.order({ kind: "send", amount });
	}

	takeBack(of: Uint8Array): Promise<Uint8Array> {
		return this.order({ kind: "take-back", of });
	}

	proofs(request: Uint8Array): readonly Proof[] {
		return this.owner.proofsOf(request);
	}

	async receive(token: string, request = this.name()): Promise<Uint8Array> {
		const { ann, town } = this.owner.ecash.market;
		if (ann.machine === undefined) town.restart(ann);
		ann.events.push({ kind: "receive-ecash", request, token });
		await this.quiet();
		return request;
	}

	/** While an act goes on, the purse's store does not do what it writes for the time of that number. */
	async refusing(number: number, act: () => Promise<unknown>): Promise<void> {
		const { ann } = this.owner.ecash.market;
		let asked = 0;
		ann.refuses = (what) => what === "transaction" && ++asked === number;
		await act();
		ann.refuses = undefined;
	}

	/** While an act goes on, and what follows at once, its mint is wrong. */
	async wrong(fault: MintFault, act: () => Promise<unknown>): Promise<void> {
		const { mint } = this.owner.ecash;
		mint.add(fault);
		await act();
		await this.story.wait(2);
		mint.clear();
		await this.story.wait(4);
	}

	restart(): void {
		const { ann, town } = this.owner.ecash.market;
		town.restart(ann);
	}
}

function tokenOf(
	proofs: readonly Proof[],
	{ mint = MINT_URL, unit = "sat" } = {},
): string {
	return writeToken({ mint, unit, proofs });
}

const nameOf = (fault: MintFault) => Object.values(fault).join(", ");

/** What a mint can do wrong once with what it is asked to sign. */
const wrongAt = (at: "swap" | "mint" | "melt"): readonly MintFault[] => [
	{ kind: "down", at, times: 1 },
	{ kind: "answer-lost", at, times: 1 },
	{ kind: "not-json", at, times: 1, status: 400 },
	{ kind: "not-json", at, times: 1, status: 503 },
	{ kind: "keyset-rotated", at, times: 1 },
	{ kind: "dleq-wrong", at, times: 1 },
	{ kind: "signature-missing", at, times: 1 },
	{ kind: "amount-wrong", at, times: 1 },
	...(at === "mint" ? [] : [{ kind: "stuck-pending", at, times: 1 } as const]),
];

async function tellTokens(keeper: Keeper): Promise<void> {
	const { owner, story } = keeper;
	const { ecash } = owner;
	let first = keeper.name();
	await keeper.chapter("a token of 300", () =>
		keeper.order({ kind: "send", amount: 300n }, first),
	);
	await keeper.chapter("the same is ordered again", () =>
		keeper.order({ kind: "send", amount: 300n }, first),
	);
	await keeper.chapter("nobody redeems it", () => story.wait(4));
	await keeper.chapter("somebody redeems it", async () => {
		owner.redeem(keeper.proofs(first));
		await story.wait(2);
		await keeper.takeBack(first);
	});
	await keeper.chapter("another of 70, and it is taken back", async () => {
		first = await keeper.send(70n);
		await keeper.takeBack(first);
		await keeper.takeBack(first);
		await story.wait(1);
	});
	await keeper.chapter("a part of one is redeemed", async () => {
		first = await keeper.send(70n);
		owner.redeem(keeper.proofs(first).slice(1));
		await story.wait(2);
		await keeper.takeBack(first);
		await story.wait(2);
	});
	await keeper.chapter("one is redeemed just before", async () => {
		first = await keeper.send(33n);
		owner.redeem(keeper.proofs(first));
		await keeper.takeBack(first);
		await story.wait(2);
	});
	await keeper.chapter("what never was is taken back", () =>
		keeper.takeBack(filled(16, 0xee)),
	);
	await keeper.chapter("of more than there is", () => keeper.send(9000n));
	await keeper.chapter("of another mint", async () => {
		const { ann } = ecash.market;
		const request = keeper.name();
		const mint = filled(44, 9);
		const order: EcashOrder = { kind: "send", request, mint, amount: 1n };
		ann.events.push({ kind: "ecash-order", order });
	});
	await keeper.chapter("two at once, and one of them is out", async () => {
		const { ann } = ecash.market;
		for (const amount of [5n, 6n]) {
			first = keeper.name();
			const order = { request: first, mint: MINT_ISSUER, amount } as const;
			ann.events.push({
				kind: "ecash-order",
				order: { kind: "send", ...order },
			});
		}
		await keeper.quiet();
		const out = keeper.proofs(first);
		if (out.length > 0) owner.redeem(out);
		await story.wait(3);
	});
	await keeper.chapter("the purse starts again", async () => {
		keeper.restart();
		await story.wait(3);
	});
	await keeper.chapter("the rest is taken back then", async () => {
		await keeper.takeBack(filled(16, (first[0] as number) - 1));
		await story.wait(2);
	});
	for (let write = 1; write <= 4; write++)
		await keeper.chapter(`its store is full at write ${write}`, async () => {
			await keeper.refusing(write, async () => {
				first = await keeper.send(20n);
				await keeper.takeBack(first);
			});
			await story.wait(2);
			await keeper.takeBack(first);
			await story.wait(1);
		});
	await keeper.chapter("its ecash was spent elsewhere", async () => {
		ecash.spendBefore(ecash.market.ann, 512n);
		await keeper.send(550n);
		await story.wait(3);
	});
}

async function tellWrongTokens(keeper: Keeper): Promise<void> {
	const { owner, story } = keeper;
	for (const fault of wrongAt("swap")) {
		let request = keeper.name();
		await keeper.chapter(`a token: ${nameOf(fault)}`, () =>
			keeper.wrong(fault, async () => {
				request = await keeper.send(17n);
				await keeper.takeBack(request);
			}),
		);
		await keeper.chapter(`it is taken back: ${nameOf(fault)}`, () =>
			keeper.wrong(fault, async () => {
				await keeper.takeBack(request);
				await keeper.takeBack(request);
			}),
		);
	}
	for (const at of ["info", "keysets", "keys"] as const)
		await keeper.chapter(`the mint is away at ${at}`, async () => {
			const { mint, market } = owner.ecash;
			keeper.restart();
			await market.town.pass(2 * HOUR);
			mint.add({ kind: "not-json", at, times: 2, status: 500 });
			await keeper.send(9n);
			await story.wait(5);
			mint.clear();
			await story.wait(3);
		});
	await keeper.chapter("it says that it knows no locks", async () => {
		const { mint, market } = owner.ecash;
		keeper.restart();
		mint.add({ kind: "locks-ignored", at: "info", isAnnounced: true });
		await market.town.pass(2 * HOUR);
		await keeper.send(9n);
		await story.wait(2);
	});
}

async function tellNewEcash(keeper: Keeper): Promise<void> {
	const { owner, story } = keeper;
	const { mint } = owner.ecash;
	const order: Ordered = { kind: "mint", amount: 50n };
	const pay = (request: Uint8Array) =>
		mint.mint.pay(owner.row(request)?.quote ?? "");
	let request = keeper.name();
	await keeper.chapter("an invoice for 50", async () => {
		await keeper.order(order, request);
		await story.wait(3);
	});
	await keeper.chapter("it is paid", async () => {
		pay(request);
		await story.wait(2);
		await keeper.order(order, request);
	});
	for (const early of [1, 0])
		await keeper.chapter("one that nobody pays", async () => {
			request = await keeper.order(order);
			const { expires = 0n } = owner.row(request) ?? {};
			const { town } = owner.ecash.market;
			await town.pass(Number(expires) * 1000 - town.now);
			for (let hour = 1; hour < 24; hour++) await town.pass(HOUR);
			await town.pass(HOUR - early);
		});
	await keeper.chapter("what is no token is taken back", async () => {
		request = await keeper.order(order);
		await keeper.takeBack(request);
	});
	await keeper.chapter("it is paid before a start", async () => {
		pay(request);
		keeper.restart();
		await story.wait(3);
	});
	for (let write = 1; write <= 4; write++)
		await keeper.chapter(`its store is full at write ${write}`, async () => {
			await keeper.refusing(write, async () => {
				request = await keeper.order(order);
				if (owner.row(request) !== undefined) pay(request);
				await story.wait(2);
			});
			await story.wait(4);
		});
	for (const amount of [1n << 40n, 1n << 50n])
		await keeper.chapter(`an invoice for ${amount}`, async () => {
			await keeper.order({ kind: "mint", amount });
			await story.wait(1);
		});
}

async function tellWrongNewEcash(keeper: Keeper): Promise<void> {
	const { owner, story } = keeper;
	const { mint } = owner.ecash;
	for (const fault of wrongAt("mint"))
		await keeper.chapter(`new ecash: ${nameOf(fault)}`, async () => {
			const request = await keeper.order({ kind: "mint", amount: 21n });
			mint.mint.pay(owner.row(request)?.quote ?? "");
			await keeper.wrong(fault, () => story.wait(2));
		});
	for (const status of [400, 404, 429, 500])
		await keeper.chapter(`no invoice, but ${status}`, async () => {
			const at = "mint-quote";
			mint.add({ kind: "not-json", at, times: 1, status });
			await keeper.order({ kind: "mint", amount: 22n });
			await story.wait(2);
			mint.clear();
			await story.wait(2);
		});
	await keeper.chapter("no invoice for half a minute", async () => {
		mint.add({ kind: "down", at: "mint-quote" });
		await keeper.order({ kind: "mint", amount: 23n });
		await story.wait(7);
		mint.clear();
		await story.wait(1);
	});
	await keeper.chapter("it has forgotten what it signed", async () => {
		const request = await keeper.order({ kind: "mint", amount: 24n });
		mint.mint.pay(owner.row(request)?.quote ?? "");
		mint.add({ kind: "answer-lost", at: "mint", times: 1 });
		mint.add({ kind: "answers-forgotten", at: "mint" });
		mint.add({ kind: "signatures-forgotten", at: "restore" });
		await story.wait(8);
		mint.clear();
		await story.wait(2);
	});
}

async function tellInvoices(keeper: Keeper): Promise<void> {
	const { owner, story } = keeper;
	const { mint } = owner.ecash;
	const pays = async (amount: bigint, maxFee = 5n, request = keeper.name()) => {
		const invoice = owner.invoice(amount);
		return keeper.order({ kind: "melt", invoice, maxFee }, request);
	};
	await keeper.chapter("an invoice of 60 is paid", async () => {
		const request = await pays(60n);
		await story.wait(1);
		mint.mint.settleMelt(owner.row(request)?.quote ?? "", true);
		await story.wait(3);
		await pays(60n, 5n, request);
	});
	await keeper.chapter("one that costs as much as it may", async () => {
		for (const maxFee of [0n, 1n, 2n]) {
			const request = await pays(61n, maxFee);
			const quote = owner.row(request)?.quote ?? "";
			if (quote !== "") mint.mint.settleMelt(quote, true);
			await story.wait(2);
		}
	});
	await keeper.chapter("one that cannot be paid", async () => {
		const request = await pays(62n);
		await keeper.takeBack(request);
		mint.mint.settleMelt(owner.row(request)?.quote ?? "", false);
		await story.wait(5);
	});
	await keeper.chapter("one is paid over a start", async () => {
		const request = await pays(63n);
		keeper.restart();
		await story.wait(2);
		mint.mint.settleMelt(owner.row(request)?.quote ?? "", true);
		await story.wait(3);
	});
	await keeper.chapter("what is no invoice", () =>
		keeper.order({ kind: "melt", invoice: "lnbc", maxFee: 5n }),
	);
	await keeper.chapter("of more than there is", () => pays(5000n, 100n));
	for (let write = 1; write <= 4; write++)
		await keeper.chapter(`its store is full at write ${write}`, async () => {
			await keeper.refusing(write, async () => {
				const request = await pays(10n);
				const quote = owner.row(request)?.quote ?? "";
				if (quote !== "") mint.mint.settleMelt(quote, write === 3);
				await story.wait(2);
			});
			await story.wait(4);
		});
	await keeper.chapter("its ecash was spent elsewhere", async () => {
		owner.ecash.spendBefore(owner.ann, 512n);
		await pays(520n, 20n);
		await story.wait(4);
	});
}

async function tellWrongInvoices(keeper: Keeper): Promise<void> {
	const { owner, story } = keeper;
	const { mint } = owner.ecash;
	const pays = () =>
		keeper.order({ kind: "melt", invoice: owner.invoice(12n), maxFee: 5n });
	for (const fault of wrongAt("melt"))
		await keeper.chapter(`an invoice: ${nameOf(fault)}`, () =>
			keeper.wrong(fault, pays),
		);
	for (const status of [400, 404, 500])
		await keeper.chapter(`no quote, but ${status}`, async () => {
			const at = "melt-quote";
			mint.add({ kind: "not-json", at, times: 1, status });
			await pays();
			await story.wait(2);
			mint.clear();
			await story.wait(2);
		});
	for (const state of ["UNSPENT", "PENDING", "SPENT"] as const)
		await keeper.chapter(`it says ${state} of all`, async () => {
			mint.add({ kind: "answer-lost", at: "melt", times: 1 });
			mint.add({ kind: "state-lied", at: "checkstate", state });
			await pays();
			await story.wait(4);
			mint.clear();
			await story.wait(4);
		});
	await keeper.chapter("it knows no quote any more", async () => {
		mint.add({ kind: "answer-lost", at: "melt", times: 1 });
		await pays();
		mint.add({ kind: "not-json", at: "melt-quote", status: 400 });
		await story.wait(4);
		mint.clear();
		await story.wait(3);
	});
}

async function tellReceived(keeper: Keeper): Promise<void> {
	const { owner, story } = keeper;
	const { ecash } = owner;
	const { town } = ecash.market;
	let request = keeper.name();
	let token = tokenOf(ecash.token(100n));
	await keeper.chapter("a token of 100", async () => {
		await keeper.receive(token, request);
		await story.wait(1);
	});
	await keeper.chapter("the same again, under its name", () =>
		keeper.receive(token, request),
	);
	await keeper.chapter("and under another", async () => {
		request = await keeper.receive(token);
		await story.wait(2);
		await keeper.receive(token, request);
	});
	await keeper.chapter("one of another mint", () =>
		keeper.receive(tokenOf(ecash.token(1n), { mint: "https://a.example" })),
	);
	await keeper.chapter("one of another unit", () =>
		keeper.receive(tokenOf(ecash.token(1n), { unit: "usd" })),
	);
	await keeper.chapter("what is none", () => keeper.receive("cashuBcrumbs"));
	await keeper.chapter("one that costs as much as it is worth", () =>
		keeper.receive(tokenOf(ecash.token(1n))),
	);
	await keeper.chapter("one that its mint never signed", async () => {
		const [proof] = ecash.token(8n);
		if (proof === undefined) return;
		await keeper.receive(tokenOf([{ ...proof, secret: "ab".repeat(32) }]));
		await story.wait(2);
	});
	await keeper.chapter("one of a keyset that nobody knows", async () => {
		const [proof] = ecash.token(8n);
		if (proof === undefined) return;
		const keyset = proof.keyset.map((byte, at) => (at === 3 ? ~byte : byte));
		await keeper.receive(tokenOf([{ ...proof, keyset }]));
		await story.wait(2);
	});
	await keeper.chapter("two at once, and twice each", async () => {
		const { ann } = ecash.market;
		const tokens = [ecash.token(3n), ecash.token(5n)].map((one) =>
			tokenOf(one),
		);
		for (const one of tokens) {
			request = keeper.name();
			for (let i = 0; i < 2; i++)
				ann.events.push({ kind: "receive-ecash", request, token: one });
		}
		await keeper.quiet();
		await story.wait(1);
	});
	for (let write = 1; write <= 3; write++)
		await keeper.chapter(`its store is full at write ${write}`, async () => {
			token = tokenOf(ecash.token(9n));
			await keeper.refusing(write, () =>
				keeper.receive(token).then((named) => {
					request = named;
				}),
			);
			await story.wait(2);
			await keeper.receive(token, request);
			await story.wait(1);
		});
	await keeper.chapter("its mint is not reached in time", async () => {
		keeper.restart();
		ecash.mint.add({ kind: "down", at: "info" });
		await town.pass(2 * HOUR);
		await keeper.receive(tokenOf(ecash.token(10n)));
		await story.wait(5);
		ecash.mint.clear();
		await story.wait(2);
	});
	await keeper.chapter("it knows no locks", async () => {
		keeper.restart();
		ecash.mint.add({ kind: "locks-ignored", at: "info", isAnnounced: true });
		await town.pass(2 * HOUR);
		await keeper.receive(tokenOf(ecash.token(11n)));
		await story.wait(2);
	});
}

async function tellWrongReceived(keeper: Keeper): Promise<void> {
	const { owner, story } = keeper;
	const { ecash } = owner;
	for (const fault of wrongAt("swap"))
		await keeper.chapter(`a token: ${nameOf(fault)}`, () =>
			keeper.wrong(fault, () => keeper.receive(tokenOf(ecash.token(13n)))),
		);
	for (const fault of wrongAt("swap").slice(0, 5))
		await keeper.chapter(`before a start: ${nameOf(fault)}`, async () => {
			ecash.mint.add(fault);
			await keeper.receive(tokenOf(ecash.token(14n)));
			keeper.restart();
			await story.wait(3);
			ecash.mint.clear();
			await story.wait(3);
		});
	await keeper.chapter("new keys, and a store that is full then", async () => {
		ecash.mint.add({ kind: "keyset-rotated", at: "swap", times: 1 });
		await keeper.refusing(3, async () => {
			await keeper.receive(tokenOf(ecash.token(15n)));
			await story.wait(2);
		});
		await story.wait(4);
	});
}

async function tellRestored(keeper: Keeper): Promise<void> {
	const { owner, story } = keeper;
	const { ecash } = owner;
	const { mint, market } = ecash;
	const restore = (request = keeper.name()) =>
		keeper.order({ kind: "restore" }, request);
	await keeper.chapter("all is there, and a token is out", async () => {
		await keeper.send(100n);
		const request = await restore();
		await story.wait(1);
		await restore(request);
	});
	await keeper.chapter("nothing but the seed is left", async () => {
		owner.forget();
		await restore();
		await story.wait(1);
	});
	await keeper.chapter("the mint is away, and much is ordered", async () => {
		mint.add({ kind: "down", at: "restore" });
		await restore();
		await keeper.send(5n);
		await keeper.receive(tokenOf(ecash.token(6n)));
		await story.wait(2);
		keeper.restart();
		await keeper.send(5n);
		mint.clear();
		await story.wait(4);
	});
	await keeper.chapter("it does not restore", async () => {
		mint.add({ kind: "not-json", at: "restore", status: 400 });
		await restore();
		await story.wait(2);
		mint.clear();
		await story.wait(1);
		await keeper.send(7n);
	});
	await keeper.chapter("the purse was put back", async () => {
		const before = owner.ann.store.copy();
		const request = await keeper.send(200n);
		owner.redeem(keeper.proofs(request));
		market.town.die(owner.ann);
		owner.ann.store = before;
		market.town.restart(owner.ann);
		await restore();
		await story.wait(2);
	});
	for (const write of [2, 3])
		await keeper.chapter(`its store is full at write ${write}`, async () => {
			await keeper.refusing(write, restore);
			await story.wait(2);
		});
	await keeper.chapter("it has shown no keyset", async () => {
		owner.forget();
		mint.add({ kind: "down", at: "info" });
		await restore();
		await story.wait(4);
		mint.clear();
		await story.wait(2);
	});
}

/** Answers of another mint than the play mint, by what they are to. */
const OTHER_ANSWERS: readonly (readonly [string, (said: Said) => object])[] = [
	[
		"info",
		({ nuts, ...said }) => ({ ...said, nuts: { ...nuts, 8: undefined } }),
	],
	...["4", "5"].flatMap((nut) =>
		[
			{ disabled: true, methods: [] },
			{ disabled: false, methods: [] },
			...[{ unit: "usd" }, { min_amount: 31 }, { max_amount: 29 }].map(
				(limits) => ({
					disabled: false,
					methods: [
						{
							...{ method: "bolt11", unit: "sat" },
							...{ min_amount: 30, max_amount: 30, ...limits },
						},
					],
				}),
			),
			{
				disabled: false,
				methods: [{ method: "bolt11", unit: "sat", min_amount: 31 }],
			},
			{ disabled: false, methods: [{ method: "bolt11", unit: "sat" }] },
		].map(
			(said) =>
				[
					"info",
					({ nuts, ...rest }: Said) => ({
						...rest,
						nuts: { ...nuts, [nut]: said },
					}),
				] as const,
		),
	),
	["mint/quote/bolt11", (said) => ({ ...said, amount: 31 })],
	["mint/quote/bolt11", (said) => ({ ...said, amount: undefined })],
	["mint/quote/bolt11", (said) => ({ ...said, expiry: null })],
	["mint/quote/bolt11", (said) => ({ ...said, quote: "../a" })],
	["mint/quote/bolt11", (said) => ({ ...said, state: "ISSUED" })],
	["melt/quote/bolt11", (said) => ({ ...said, amount: 31 })],
	["melt/quote/bolt11", (said) => ({ ...said, amount: 29 })],
	["melt/quote/bolt11", (said) => ({ ...said, fee_reserve: 6 })],
	["melt/quote/bolt11", (said) => ({ ...said, fee_reserve: 5 })],
	["melt/quote/bolt11", (said) => ({ ...said, expiry: null })],
	["melt/quote/bolt11", (said) => ({ ...said, quote: "../a" })],
	["melt/quote/bolt11", (said) => ({ ...said, state: "PAID" })],
	["melt/quote/bolt11", (said) => ({ ...said, state: "PENDING" })],
	["melt/bolt11", (said) => ({ ...said, state: "UNPAID" })],
	["melt/bolt11", (said) => ({ ...said, state: "PENDING" })],
	["melt/bolt11", (said) => ({ ...said, change: [] })],
	["melt/bolt11", (said) => ({ ...said, payment_preimage: null })],
	[
		"keysets",
		({ keysets = [] }) => ({
			keysets: keysets.map((one) => ({ ...one, active: false })),
		}),
	],
];

interface Said {
	readonly nuts?: object;
	readonly keysets?: readonly object[];
}

async function tellOtherAnswers(keeper: Keeper): Promise<void> {
	const { owner, story } = keeper;
	const { mint, market } = owner.ecash;
	const handle = mint.handle.bind(mint);
	for (const [at, change] of OTHER_ANSWERS) {
		mint.handle = (request, now) => {
			const reply = handle(request, now);
			if (request.path !== `/v1/${at}` || reply.kind !== "answer") return reply;
			const said = change(JSON.parse(new TextDecoder().decode(reply.body)));
			return { ...reply, body: utf8(JSON.stringify(said)) };
		};
		const what = JSON.stringify(
			change({ nuts: {}, keysets: [{}] }),
			(_, value) => (value === undefined ? "nothing" : value),
		);
		await keeper.chapter(`${at}: ${what}`, async () => {
			keeper.restart();
			await market.town.pass(2 * HOUR);
			if (at === "info" || at === "keysets")
				await keeper.order({ kind: "mint", amount: 30n });
			else if (at.startsWith("mint"))
				await keeper.order({ kind: "mint", amount: 30n });
			if (!at.startsWith("mint"))
				await keeper.order({
					...{ kind: "melt", invoice: owner.invoice(30n), maxFee: 5n },
				});
			await story.wait(2);
			mint.handle = handle;
			await story.wait(2);
		});
	}
}

/** A swap is refused with each code that there is for it, twice. */
async function tellRefusedSwaps(keeper: Keeper): Promise<void> {
	const { owner, story } = keeper;
	const { mint } = owner.ecash;
	const handle = mint.handle.bind(mint);
	for (const status of [400, 404])
		for (const code of [11002, 12001, 12002, 20001, 20002, 20006])
			await keeper.chapter(
				`the swap is refused: ${status} ${code}`,
				async () => {
					let times = 2;
					mint.handle = (request, now) =>
						request.path === "/v1/swap" && times-- > 0
							? {
									...{ kind: "answer", status, delayMs: 0 },
									body: utf8(JSON.stringify({ detail: "no", code })),
								}
							: handle(request, now);
					const request = await keeper.send(3n);
					await story.wait(3);
					mint.handle = handle;
					await story.wait(2);
					await keeper.takeBack(request);
				},
			);
}

/** The purse is what it was before an order, which is ordered once more under its name. */
async function tellPutBack(keeper: Keeper, isSpent: boolean): Promise<void> {
	const { owner, story } = keeper;
	const { ecash, ann } = owner;
	const { town } = ecash.market;
	const putBack = async (before: Module["store"]) => {
		// Its mint has forgotten what it answered.
		await town.pass(HOUR);
		town.die(ann);
		ann.store = before.copy();
		town.restart(ann);
	};
	const also = isSpent ? ", of which some is spent" : "";
	await keeper.chapter(`a token${also}`, async () => {
		const before = ann.store.copy();
		const request = await keeper.send(35n);
		if (isSpent) owner.redeem(keeper.proofs(request).slice(1));
		await putBack(before);
		await keeper.order({ kind: "send", amount: 35n }, request);
		await story.wait(3);
		await keeper.takeBack(request);
		await story.wait(2);
	});
	await keeper.chapter(`a token that was taken back${also}`, async () => {
		const request = await keeper.send(36n);
		if (isSpent) owner.redeem(keeper.proofs(request).slice(1));
		const before = ann.store.copy();
		await keeper.takeBack(request);
		await story.wait(1);
		await putBack(before);
		await keeper.takeBack(request);
		await story.wait(3);
	});
	await keeper.chapter(`a small token that was taken back${also}`, async () => {
		const request = await keeper.send(3n);
		const before = ann.store.copy();
		await keeper.takeBack(request);
		if (isSpent) await keeper.send(ecash.balance(ann) - 5n);
		await putBack(before);
		await keeper.takeBack(request);
		await story.wait(3);
	});
	await keeper.chapter(`an invoice that was not paid${also}`, async () => {
		const { mint } = ecash;
		const handle = mint.handle.bind(mint);
		const no = utf8(JSON.stringify({ detail: "no route", code: 20004 }));
		mint.handle = (request, now) =>
			request.path === "/v1/melt/bolt11"
				? { kind: "answer", status: 400, delayMs: 0, body: no }
				: handle(request, now);
		const before = ann.store.copy();
		const invoice = owner.invoice(3n);
		const order: Ordered = { kind: "melt", invoice, maxFee: 5n };
		const request = await keeper.order(order);
		await story.wait(3);
		if (isSpent) await keeper.send(ecash.balance(ann) - 5n);
		await putBack(before);
		await keeper.order(order, request);
		await story.wait(4);
		mint.handle = handle;
	});
	await keeper.chapter(`a token and its change${also}`, async () => {
		const before = ann.store.copy();
		const request = await keeper.send(37n);
		if (isSpent) await keeper.send(ecash.balance(ann) - 5n);
		await putBack(before);
		await keeper.order({ kind: "send", amount: 37n }, request);
		await story.wait(3);
	});
	await keeper.chapter(`received${also}`, async () => {
		const before = ann.store.copy();
		const token = tokenOf(ecash.token(44n));
		const request = await keeper.receive(token);
		if (isSpent) await keeper.send(ecash.balance(ann) - 5n);
		await putBack(before);
		await keeper.receive(token, request);
		await story.wait(3);
	});
	await keeper.chapter(`new ecash${also}`, async () => {
		const request = await keeper.order({ kind: "mint", amount: 38n });
		const before = ann.store.copy();
		await story.wait(2);
		if (isSpent) await keeper.send(ecash.balance(ann) - 5n);
		await putBack(before);
		await keeper.order({ kind: "mint", amount: 38n }, request);
		await story.wait(3);
	});
	await keeper.chapter(`an invoice${also}`, async () => {
		const before = ann.store.copy();
		const invoice = owner.invoice(39n);
		const order: Ordered = { kind: "melt", invoice, maxFee: 5n };
		const request = await keeper.order(order);
		await story.wait(1);
		if (isSpent) await keeper.send(ecash.balance(ann) - 5n);
		await putBack(before);
		await keeper.order(order, request);
		await story.wait(3);
	});
}

const TOLD: Readonly<Record<OwnerText, (keeper: Keeper) => Promise<void>>> = {
	tokens: tellTokens,
	"tokens-at-a-wrong-mint": tellWrongTokens,
	"new-ecash": tellNewEcash,
	"new-ecash-at-a-wrong-mint": tellWrongNewEcash,
	invoices: tellInvoices,
	"invoices-at-a-wrong-mint": tellWrongInvoices,
	received: tellReceived,
	"received-at-a-wrong-mint": tellWrongReceived,
	restored: tellRestored,
	"other-answers": tellOtherAnswers,
	"refused-swaps": tellRefusedSwaps,
	"put-back": (keeper) => tellPutBack(keeper, false),
	"put-back-and-spent": (keeper) => tellPutBack(keeper, true),
};

/** All of it. */
export async function tell(text: OwnerText): Promise<string> {
	const world = await makeWorld({ algorithm: "Ed25519" });
	const owner = await Owner.make(world, {
		inputFeePpk: 100,
		payment: text.startsWith("new-ecash") ? "by-hand" : "when-asked",
		melting: text === "invoices" ? "by-hand" : "at-once",
	});
	const keeper = new Keeper(owner);
	await TOLD[text](keeper);
	await keeper.story.over(() => keeper.quiet());
	return `${keeper.story.lines.join("\n")}\n`;
}

export const writtenDown = (text: OwnerText): string =>
	readFileSync(fileOf(text), "utf8");

export async function writeDown(): Promise<void> {
	for (const text of [...OWNER_TEXTS, ...WRONG_MINT_TEXTS, ...OTHER_LIFE_TEXTS])
		writeFileSync(fileOf(text), await tell(text));
}
