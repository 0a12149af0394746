/*
 * What the modules of a buyer and of a merchant do in purchases, as text: what each wants done, what
 * their agents and owners are told, and which rows are others after each chapter. Nothing in it is
 * random. `npx node test/write-down.ts` writes it into purchase-story-….txt.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import type { MintFault } from "../../src/mint/index.ts";
import { ABOUT_LOCKS } from "../../src/money/documents/lock-messages.ts";
import { messages } from "../../src/money/index.ts";
import {
	ABOUT_PURCHASES,
	type Contract,
	type ContractBody,
	type ContractTerms,
	encodeTerms,
	parseContract,
} from "../../src/trade/documents/index.ts";
import { hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import type { Module } from "../money/town.ts";
import { drawCounted, type Here, TownStory } from "../money/town-story.ts";
import { DAY, makeWorld } from "../support/authority.ts";
import { EcashMarket } from "./ecash-market.ts";
import { Market, MINUTE, PRICE, type Visit } from "./market.ts";

const { message } = messages;

/** What purchases of a text are paid with, and what of them it tells. */
export interface Text {
	readonly rail: "notes" | "ecash";
	readonly part: "purchases" | "refusals" | "troubles" | "mint";
}

export const TEXTS: readonly Text[] = [
	{ rail: "notes", part: "purchases" },
	{ rail: "notes", part: "refusals" },
	{ rail: "notes", part: "troubles" },
	{ rail: "ecash", part: "purchases" },
	{ rail: "ecash", part: "refusals" },
	{ rail: "ecash", part: "troubles" },
	{ rail: "ecash", part: "mint" },
];

const fileOf = ({ rail, part }: Text) =>
	new URL(`stories/${rail}-${part}.txt`, import.meta.url);

export class Shop {
	readonly market: Market;
	readonly ecash: EcashMarket | undefined;
	readonly story: TownStory;

	readonly part: string;

	constructor(
		{ part }: Pick<Shop, "part">,
		market: Market,
		ecash: EcashMarket | undefined = undefined,
		asked: Here["asked"] = undefined,
	) {
		this.part = part;
		this.market = market;
		this.ecash = ecash;
		const { town, ann, bob, mint } = market;
		drawCounted([ann, bob, mint]);
		const here = { town, ann, bob, mint };
		this.story = new TownStory(
			ecash === undefined
				? here
				: {
						...here,
						balance: (module) => ecash.told(module),
						...(asked && { asked }),
					},
			ABOUT_PURCHASES,
			ABOUT_LOCKS,
		);
	}

	/** What inputs cost makes sums uneven; whoever swaps her ecash elsewhere does not count with it. */
	static async open(text: Text): Promise<Shop> {
		const world = await makeWorld({ algorithm: "Ed25519" });
		if (text.rail === "notes")
			return new Shop(text, await Market.make({ world }));
		const ecash = await EcashMarket.make(
			{ world },
			{ inputFeePpk: text.part === "mint" ? 0 : 100 },
		);
		return new Shop(text, ecash.market, ecash);
	}

	chapter(what: string, act: () => Promise<unknown>): Promise<void> {
		const { town, bob, mint } = this.market;
		return this.story.chapter(what, async () => {
			await act().catch((thrown: unknown) => {
				if (!(thrown instanceof TetradError)) throw thrown;
				this.story.lines.push(`\t${this.story.words.of(thrown)}`);
			});
			await this.market.quiet();
			// What is deposited in one visit goes by its contract, which is another one each time.
			if (this.part === "purchases") await town.visit(bob, mint);
		});
	}

	async begin(
		changes: Partial<ContractBody> = {},
	): Promise<{ readonly visit: Visit; readonly contract: Contract }> {
		const visit = await this.market.meet();
		return { visit, contract: await this.market.contract(visit, changes) };
	}

	/** Asks for it, and so many messages come between the modules. */
	async buy(
		changes: Partial<ContractBody> = {},
		messages: number = Number.POSITIVE_INFINITY,
	): Promise<{ readonly visit: Visit; readonly contract: Contract }> {
		const { market } = this;
		const begun = await this.begin(changes);
		market.buy(begun.visit, begun.contract);
		if (messages === Number.POSITIVE_INFINITY) await market.quiet();
		else {
			await market.town.work();
			for (let i = 0; i < messages; i++) await market.town.deliver();
			market.listen();
		}
		return begun;
	}

	/** Whoever was killed starts again, both meet each other and the issuer, and time passes. */
	async settle({ contract }: { readonly contract: Contract }): Promise<void> {
		const { market } = this;
		const { town, ann, bob, mint } = market;
		for (const module of [ann, bob, ann, bob]) {
			for (const killed of [ann, bob])
				if (killed.machine === undefined) town.restart(killed);
			const tetrad = await town.meet(module, mint);
			town.settle(module, tetrad, mint);
			await market.quiet();
			town.part(module, tetrad);
			await market.quiet();
		}
		const visit = await market.meet();
		market.about("resolve", visit.tetrad, contract);
		await market.quiet();
		await this.ecash?.pass();
		town.part(ann, visit.tetrad);
	}
}

async function tellPurchases(shop: Shop): Promise<void> {
	const { market, story } = shop;
	const { town, ann, bob, mint } = market;
	await shop.chapter("ann buys something, and it is there", async () => {
		const { visit, contract } = await shop.buy();
		market.about("final", visit.tetrad, contract);
	});
	await shop.chapter("bob takes the money to his issuer", () =>
		market.settle(),
	);
	await shop.chapter("she asks for it twice, and after a start", async () => {
		const { visit, contract } = await shop.buy();
		market.buy(visit, contract);
		await market.quiet();
		town.restart(ann);
		market.buy(await market.meet(), contract);
	});
	await shop.chapter("it is cancelled before it is asked for", async () => {
		const { visit, contract } = await shop.begin();
		market.about("cancel", visit.tetrad, contract);
		await market.quiet();
		market.buy(visit, contract);
	});
	for (const messages of [1, 2, 3])
		await shop.chapter(
			`it is cancelled after ${messages} messages`,
			async () => {
				const { visit, contract } = await shop.buy({}, messages);
				market.about("cancel", visit.tetrad, contract);
			},
		);
	await shop.chapter("her owner limits what is paid", async () => {
		await town.limits(ann, {
			money: [
				{
					issuer: market.paidWith.issuer,
					perPayment: PRICE + 10n,
					perDay: 10n * PRICE,
					perMerchantDay: undefined,
					inAll: undefined,
					approvalAbove: PRICE - 1n,
				},
			],
			approveNewMerchants: true,
		});
	});
	await shop.chapter("it is dearer than that", () =>
		shop.buy({ amount: PRICE + 11n }),
	);
	await shop.chapter("it is to be approved, and is denied", async () => {
		const { contract } = await shop.buy();
		await decide(shop, contract, false);
	});
	await shop.chapter("it is to be approved, and is", async () => {
		const { visit, contract } = await shop.buy();
		await decide(shop, contract, true);
		market.buy(visit, contract);
	});
	await shop.chapter("her agent asks for all that there was", async () => {
		const visit = await market.meet();
		const idOf = ({ document }: { readonly document: Uint8Array }) =>
			hex(parseContract(nodeCrypto, document).id);
		const learned = await market.learn(visit);
		// They come by their hash, which is another one each time.
		for (const one of learned.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1)))
			story.lines.push(`\t${story.words.of(one)}`);
	});
	await shop.chapter("bob's agent wants other generations", async () => {
		for (const generation of [0, 1, 2]) {
			const { tetrad } = await market.meet(bob, mint);
			const { issuer } = market.paidWith;
			market.say(
				bob,
				tetrad,
				message(ABOUT_PURCHASES.selling, { issuer, generation }),
			);
			await market.quiet();
			town.settle(bob, tetrad, mint);
			await market.quiet();
			town.part(bob, tetrad);
			await market.quiet();
		}
	});
	await shop.chapter("both have new keys", async () => {
		await town.recertify(ann);
		await town.recertify(bob);
		await market.learnsSecret(bob);
		await town.limits(ann, {});
		await shop.buy();
	});
	await shop.chapter("nothing is left of her money", async () => {
		await shop.buy({ amount: 10_000n });
		for (let i = 0; i < 3; i++) await shop.buy();
	});
}

async function decide(
	{ market }: Shop,
	{ hash: contract, amount }: Contract,
	isApproved: boolean,
): Promise<void> {
	const { town, ann, bob, paidWith } = market;
	const device = { deviceId: paidWith.issuer };
	const issuer = { device } as Module;
	await town.decide(ann, { contract, payee: bob, issuer, amount }, isApproved);
}

async function tellRefusals(shop: Shop): Promise<void> {
	const { market } = shop;
	const { town, ann, bob, mint } = market;
	const { now } = town;
	const other = ann.device.deviceId;
	const changes: Readonly<Record<string, Partial<ContractTerms>>> = {
		"another buyer's agent": { buyerAgent: bob.agent.deviceId },
		"another buyer's module": { buyerModule: mint.device.deviceId },
		"another merchant's agent": { sellerAgent: ann.agent.deviceId },
		"another merchant's module": { sellerModule: other },
		"another tetrad": { binding: filled(32, 1) },
		"another rail": { rail: shop.ecash ? "own-notes" : "cashu" },
		"another issuer": { issuer: filled(44, 1) },
		"another currency": { currency: "EUR" },
		"another item": { item: filled(32, 2) },
		"another exporter": { exporterHash: filled(32, 3) },
		"a time to pay that is over": { made: now - DAY, payBy: now - MINUTE },
		"a time to pay that is almost over": { made: now - DAY, payBy: now + 1 },
		"a time to pay behind that to book": { payBy: now + 6 * DAY },
		"a time to book that is over": {
			...{ made: now - 2 * DAY, payBy: now - DAY, bookBy: now - 1 },
		},
		"a time to book in a year": { bookBy: now + 365 * DAY },
		"a time that was not yet": { made: now + 30 * MINUTE },
		"a time an hour ago": { made: now - 60 * MINUTE },
		"another certificate": { certificate: filled(349, 4) },
	};
	for (const [what, change] of Object.entries(changes))
		await shop.chapter(`bob's module is to sell with ${what}`, async () => {
			const visit = await market.meet();
			const terms = market.terms(visit, change);
			market.say(
				bob,
				visit.tetrad,
				message(ABOUT_PURCHASES.sell, { terms: encodeTerms(terms) }),
			);
		});
	for (const [what, change] of [
		...Object.entries(changes),
		["another key", { keyHash: filled(32, 5) }],
	] as const)
		await shop.chapter(`ann is to buy with ${what}`, async () => {
			const visit = await market.meet();
			const contract = await market.contract(visit, {
				keyHash: filled(32, 6),
				...change,
			});
			market.buy(visit, contract);
		});
	const said = {
		"another salt": { salt: filled(32, 7) },
		"another description": { description: filled(30, 8) },
		"another issuer's chain": { issuerChain: ann.device.encodedChain },
		"another exponent": { money: { exponent: 3, isPlay: true } },
		"money that is none of play": {
			money: { exponent: market.paidWith.money.exponent, isPlay: false },
		},
		"her owner asked": { askOwner: true },
	};
	for (const [what, change] of Object.entries(said))
		await shop.chapter(`ann's agent says ${what}`, async () => {
			const { visit, contract } = await shop.begin();
			market.buy(visit, contract, change);
		});
	await shop.chapter("a contract that somebody else has signed", async () => {
		const { visit, contract } = await shop.begin();
		const document = Uint8Array.from(contract.document);
		const last = document.length - 1;
		document[last] = (document[last] ?? 0) ^ 1;
		market.buy(visit, { ...contract, document });
	});
	await shop.chapter("it is too late when its time is over", async () => {
		const { visit, contract } = await shop.begin();
		await town.pass(41 * MINUTE);
		market.buy(visit, contract);
	});
	await shop.chapter("ann has been told nothing of it", async () => {
		const { visit, contract } = await shop.begin();
		for (const kind of ["final", "resolve", "cancel"] as const)
			market.about(kind, visit.tetrad, contract);
	});
	await shop.chapter("bob is to do what a buyer does", async () => {
		const { visit, contract } = await shop.begin();
		market.buy(visit, contract, {}, bob);
		market.about("final", visit.tetrad, contract, bob);
	});
}

async function tellTroubles(shop: Shop): Promise<void> {
	const { market } = shop;
	const { town, ann, bob } = market;
	for (const messages of [0, 1, 2, 3]) {
		await shop.chapter(`bob dies after ${messages} messages`, async () => {
			const begun = await shop.buy({}, messages);
			town.die(bob);
			await market.quiet();
			await shop.settle(begun);
		});
		await shop.chapter(`message ${messages} is lost`, async () => {
			const begun = await shop.buy({ amount: 10n }, messages);
			town.wire.splice(0, 1);
			town.part(ann, begun.visit.tetrad);
			await market.quiet();
			await shop.settle(begun);
		});
	}
	for (const who of [ann, bob])
		for (const write of [1, 2, 3])
			await shop.chapter(`${who.name} dies before write ${write}`, async () => {
				const begun = await shop.begin({ amount: 10n });
				town.killAt(who, { write, when: "before" });
				market.buy(begun.visit, begun.contract);
				await market.quiet();
				await shop.settle(begun);
				// There may be fewer; what comes later is told of a device that lives.
				who.kill = undefined;
			});
	const { ecash } = shop;
	if (ecash !== undefined)
		await shop.chapter("the mint has new keys", async () => {
			ecash.mint.add({ kind: "keyset-rotated", at: "swap", times: 1 });
			await shop.settle(await shop.buy({ amount: 10n }));
		});
	await shop.chapter("bob's store does nothing", async () => {
		bob.refuses = (what) => what === "transaction";
		const begun = await shop.buy({ amount: 10n });
		bob.refuses = undefined;
		await shop.settle(begun);
	});
}

/** A mint that is wrong, until it is well again. */
async function tellMint(shop: Shop): Promise<void> {
	const { ecash, market } = shop;
	const { town, ann, bob } = market;
	if (ecash === undefined) return;
	const faults: readonly MintFault[] = [
		{ kind: "down", at: "swap" },
		{ kind: "answer-lost", at: "swap", times: 1 },
		{ kind: "not-json", at: "swap", times: 1 },
		{ kind: "stuck-pending", at: "swap", times: 1 },
		{ kind: "dleq-dropped", at: "swap", times: 1 },
		{ kind: "signature-missing", at: "swap", times: 1 },
		{ kind: "down", at: "checkstate" },
		{ kind: "witness-forgotten", at: "checkstate" },
		{ kind: "early-claim-refused", at: "swap" },
	];
	for (const fault of faults)
		await shop.chapter(
			`the mint: ${Object.values(fault).join(", ")}`,
			async () => {
				ecash.mint.add(fault);
				const begun = await shop.buy({ amount: 10n });
				await ecash.pass();
				ecash.mint.clear();
				await ecash.passDeadline();
				await shop.settle(begun);
			},
		);
	await shop.chapter("bob is gone until the deadline", async () => {
		const begun = await shop.buy({ amount: 10n }, 2);
		town.die(bob);
		await market.quiet();
		await ecash.passDeadline();
		await shop.settle(begun);
	});
	await shop.chapter("her ecash was spent elsewhere", async () => {
		ecash.spendBefore(ann);
		await shop.settle(await shop.buy({ amount: 10n }));
	});
}

const PARTS = {
	purchases: tellPurchases,
	refusals: tellRefusals,
	troubles: tellTroubles,
	mint: tellMint,
} as const;

/** All of it. */
export async function tell(text: Text): Promise<string> {
	const shop = await Shop.open(text);
	await PARTS[text.part](shop);
	await shop.story.over(() => shop.market.quiet());
	return `${shop.story.lines.join("\n")}\n`;
}

export const writtenDown = (text: Text): string =>
	readFileSync(fileOf(text), "utf8");

export async function writeDown(): Promise<void> {
	for (const text of TEXTS) writeFileSync(fileOf(text), await tell(text));
}
