/*
 * What the modules of a buyer and of a merchant do with a sale that is paid with ecash when the other
 * one lies, when nobody answers, and when a store is full: what each wants done and when, and which
 * rows are others after each chapter. Nothing in it is random. `npx node test/write-down.ts` writes
 * it into stories/sale-….txt.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { TetradError } from "../../src/errors.ts";
import type { MintFault } from "../../src/mint/index.ts";
import { ABOUT_LOCKS } from "../../src/money/documents/lock-messages.ts";
import {
	type AtMint,
	type MakeSalePart,
	messages,
	type SalePayment,
	type Sold,
} from "../../src/money/index.ts";
import { loadTrade, moduleTrade } from "../../src/trade/module/index.ts";
import { filled } from "../money/documents.ts";
import type { Module } from "../money/town.ts";
import { DAY, makeWorld } from "../support/authority.ts";
import { EcashMarket, MINT_ISSUER } from "./ecash-market.ts";
import { saidToMint } from "./ecash-words.ts";
import { MINUTE } from "./market.ts";
import { Shop } from "./purchase-story.ts";

const { body, message, BETWEEN_MODULES } = messages;

/** Of modules that lie or are not there. */
export const PARTNER_TEXTS = [
	"lies",
	"out-of-turn",
	"broken-off",
	"waits",
] as const;

/** Of those who know of sales, and say another thing of one. */
export const PART_TEXTS = ["other-payments", "other-sales"] as const;

/** And of a mint that is wrong, or a store that is full. */
export const TROUBLE_TEXTS = ["deadlines", "claims", "full-stores"] as const;

type SaleText =
	| (typeof PARTNER_TEXTS)[number]
	| (typeof PART_TEXTS)[number]
	| (typeof TROUBLE_TEXTS)[number];

const fileOf = (text: SaleText) =>
	new URL(`stories/sale-${text}.txt`, import.meta.url);

const CHEAP = { amount: 10n };

/** In the order of a purchase. */
const SAID = ["lockOffer", "lockAgreed", "lock", "lockClaimed"] as const;

const LIES: readonly {
	readonly at: (typeof SAID)[number];
	readonly changes: Readonly<Record<string, unknown>>;
}[] = [
	{ at: "lockOffer", changes: { contract: filled(32, 1) } },
	{ at: "lockOffer", changes: { issuer: filled(44, 1) } },
	{ at: "lockOffer", changes: { currency: "EUR" } },
	{ at: "lockOffer", changes: { amount: 11n } },
	{ at: "lockOffer", changes: { terms: filled(20, 1) } },
	{ at: "lockAgreed", changes: { contract: filled(32, 1) } },
	{ at: "lock", changes: { contract: filled(32, 1) } },
	{ at: "lock", changes: { issuer: filled(44, 1) } },
	{ at: "lock", changes: { currency: "EUR" } },
	{ at: "lock", changes: { amount: 9n } },
	{ at: "lock", changes: { amount: 11n } },
	{ at: "lock", changes: { terms: filled(20, 1) } },
	{ at: "lock", changes: { lock: filled(20, 1) } },
	{ at: "lockClaimed", changes: { contract: filled(32, 1) } },
	{ at: "lockClaimed", changes: { key: filled(32, 1) } },
	{ at: "lockClaimed", changes: { receipt: filled(20, 1) } },
	{ at: "lockClaimed", changes: { chain: filled(20, 1) } },
];

class Sales {
	readonly shop: Shop;
	readonly ecash: EcashMarket;

	constructor(shop: Shop, ecash: EcashMarket) {
		this.shop = shop;
		this.ecash = ecash;
	}

	/** Asks for something cheap, and so many messages come. */
	buy(messages?: number) {
		return this.shop.buy(CHEAP, messages);
	}

	/** The same is asked for in another tetrad. */
	async again({ contract }: Awaited<ReturnType<Shop["buy"]>>): Promise<number> {
		const { market } = this.shop;
		const visit = await market.meet();
		market.buy(visit, contract);
		await market.quiet();
		return visit.tetrad;
	}

	/** One by one, what is to be done at some time is done. */
	wait(times: number): Promise<void> {
		return this.shop.story.wait(times);
	}

	/** Nobody waits for anybody any more, and both meet once again. */
	async end(begun: Awaited<ReturnType<Shop["buy"]>>, waits = 2): Promise<void> {
		const { market } = this.shop;
		await this.wait(waits);
		const tetrad = await this.again(begun);
		market.about("final", tetrad, begun.contract);
		await market.quiet();
		for (const open of [begun.visit.tetrad, tetrad])
			market.town.part(market.ann, open);
		await market.quiet();
	}
}

/** One field of what the other module says is another one. */
async function tellLies(sales: Sales): Promise<void> {
	const { shop } = sales;
	const { town } = shop.market;
	for (const { at, changes } of LIES) {
		const [[field, value]] = Object.entries(changes) as [[string, unknown]];
		const said = value instanceof Uint8Array ? "" : ` ${value}`;
		await shop.chapter(`${at} with another ${field}${said}`, async () => {
			const begun = await sales.buy(SAID.indexOf(at));
			const [wired] = town.wire;
			if (wired?.bytes === undefined) return;
			const kind = ABOUT_LOCKS[at] as typeof ABOUT_LOCKS.lockAgreed;
			const fields = { ...body(kind, wired.bytes), ...changes };
			town.wire[0] = { ...wired, bytes: message(kind, fields) };
			await shop.market.quiet();
			await sales.end(begun);
		});
	}
}

/** What is said comes twice, in another tetrad, or not whole. */
async function tellOutOfTurn(sales: Sales): Promise<void> {
	const { shop } = sales;
	const { market } = shop;
	const { town } = market;
	for (const [place, name] of SAID.entries()) {
		await shop.chapter(`${name} comes twice`, async () => {
			const begun = await sales.buy(place);
			town.wire.push(...town.wire);
			await market.quiet();
			await sales.end(begun);
		});
		await shop.chapter(`${name} comes in another tetrad`, async () => {
			const begun = await sales.buy(place);
			const { tetrad } = await market.meet();
			const [wired] = town.wire;
			if (wired !== undefined) town.wire[0] = { ...wired, tetrad };
			await market.quiet();
			await sales.end(begun);
		});
		await shop.chapter(`${name} is not whole`, async () => {
			const begun = await sales.buy(place);
			const [wired] = town.wire;
			const bytes = wired?.bytes?.slice(0, -1);
			if (wired !== undefined) town.wire[0] = { ...wired, bytes };
			await market.quiet();
			await sales.end(begun);
		});
	}
	await shop.chapter("a lock that was taken back comes again", async () => {
		const { mint } = sales.ecash;
		const begun = await sales.buy(2);
		const [lock] = town.wire;
		mint.add({ kind: "down", at: "swap" });
		await market.quiet();
		town.part(market.ann, begun.visit.tetrad);
		town.die(market.bob);
		mint.clear();
		await town.pass(6 * DAY);
		await market.quiet();
		town.restart(market.bob);
		await sales.wait(2);
		const { tetrad } = await market.meet();
		if (lock !== undefined) town.wire.push({ ...lock, tetrad });
		await market.quiet();
		town.part(market.ann, tetrad);
		await market.quiet();
	});
	await shop.chapter("a lock for what was paid with another", async () => {
		const begun = await sales.buy(3);
		const lock = town.wire.find(({ bytes }) => bytes !== undefined);
		await market.quiet();
		const { tetrad } = await market.meet();
		const fields = {
			...{ contract: begun.contract.hash, issuer: market.paidWith.issuer },
			...{ currency: "SAT", amount: 10n },
			...{ terms: filled(20, 1), lock: filled(20, 2) },
		};
		for (const bytes of [
			message(ABOUT_LOCKS.lock, fields),
			message(ABOUT_LOCKS.lockOffer, fields),
		])
			town.wire.push({ to: market.bob, tetrad, bytes });
		await market.quiet();
		if (lock !== undefined) town.wire.push({ ...lock, tetrad });
		await market.quiet();
		await sales.end(begun);
	});
}

/** There is a no in the place of what is said, the line is cut, or it is cancelled. */
async function tellBrokenOff(sales: Sales): Promise<void> {
	const { shop } = sales;
	const { market } = shop;
	const { town } = market;
	for (const [place, name] of SAID.entries()) {
		await shop.chapter(`${name}, and no in its place`, async () => {
			const begun = await sales.buy(place);
			const { tetrad } = begun.visit;
			const { hash: contract } = begun.contract;
			const code = "payment-refused";
			const [wired] = town.wire;
			if (wired === undefined) return;
			for (const one of [tetrad, (await market.meet()).tetrad])
				town.wire.unshift({
					...{ to: wired.to, tetrad: one },
					bytes: message(BETWEEN_MODULES.refused, {
						...{ contract, code },
						reason: `no at ${name}`,
					}),
				});
			await market.quiet();
			await sales.end(begun);
		});
		await shop.chapter(`the line is cut before ${name}`, async () => {
			const begun = await sales.buy(place);
			town.wire.length = 0;
			town.part(market.ann, begun.visit.tetrad);
			await market.quiet();
			await sales.end(begun, 3);
		});
		await shop.chapter(`it is cancelled before ${name}`, async () => {
			const begun = await sales.buy(place);
			market.about("cancel", begun.visit.tetrad, begun.contract);
			await market.quiet();
			await sales.end(begun, 1);
		});
	}
	for (const comes of ["before", "after"])
		await shop.chapter(`it is cancelled just ${comes} a yes`, async () => {
			const begun = await sales.buy(1);
			const { tetrad } = begun.visit;
			const yes = town.wire.shift();
			const cancel = () => market.about("cancel", tetrad, begun.contract);
			if (comes === "before") cancel();
			if (yes?.bytes !== undefined)
				yes.to.events.push({ kind: "from-module", tetrad, bytes: yes.bytes });
			if (comes === "after") cancel();
			await market.quiet();
			await sales.end(begun, 1);
		});
}

/** Nobody answers, or a mint does not: until when somebody waits, and what is told then. */
async function tellWaits(sales: Sales): Promise<void> {
	const { shop, ecash } = sales;
	const { market } = shop;
	const { town, ann, bob } = market;
	const { mint } = ecash;
	for (const [place, name] of SAID.entries())
		await shop.chapter(`${name} never comes`, async () => {
			const begun = await sales.buy(place);
			town.wire.length = 0;
			await sales.wait(5);
			await sales.end(begun);
		});
	for (const who of [ann, bob]) {
		for (const times of [1, 4])
			await shop.chapter(
				`${who.name} does not reach the mint ${times} times`,
				async () => {
					mint.add({ kind: "down", at: "info", times });
					town.restart(who);
					const begun = await shop.begin(CHEAP);
					market.buy(begun.visit, begun.contract);
					await market.quiet();
					await sales.wait(5);
					mint.clear();
					await sales.end(begun);
				},
			);
		await shop.chapter(`${who.name} is told of no locks`, async () => {
			mint.add({ kind: "locks-ignored", at: "info", isAnnounced: true });
			town.restart(who);
			const begun = await shop.begin(CHEAP);
			market.buy(begun.visit, begun.contract);
			await market.quiet();
			await sales.wait(1);
			mint.clear();
			await sales.end(begun);
		});
		await shop.chapter(`${who.name} leaves before it is reached`, async () => {
			mint.add({ kind: "down", at: "info", times: 2 });
			town.restart(who);
			const begun = await shop.begin(CHEAP);
			market.buy(begun.visit, begun.contract);
			await town.work();
			await town.deliver();
			town.part(who, begun.visit.tetrad);
			await market.quiet();
			await sales.wait(3);
			mint.clear();
			await sales.end(begun);
		});
	}
	await shop.chapter("its time to pay is over while bob thinks", async () => {
		const begun = await sales.buy(1);
		await town.pass(41 * MINUTE);
		await market.quiet();
		await sales.end(begun);
	});
	await shop.chapter("two at once", async () => {
		const begun = await sales.buy(1);
		const more = await sales.buy(1);
		await market.quiet();
		await sales.end(begun, 0);
		await sales.end(more, 1);
	});
	await shop.chapter("something while she restores", async () => {
		mint.add({ kind: "down", at: "restore" });
		ann.events.push({
			kind: "ecash-order",
			order: { kind: "restore", request: filled(16, 8), mint: MINT_ISSUER },
		});
		await market.quiet();
		const begun = await sales.buy();
		mint.clear();
		await sales.end(begun, 2);
	});
	await shop.chapter("more than there is, twice", async () => {
		const begun = await shop.buy({ amount: 700n }, 1);
		const more = await shop.buy({ amount: 700n }, 1);
		await market.quiet();
		await sales.wait(1);
		for (const { visit } of [begun, more]) town.part(ann, visit.tetrad);
	});
}

const FAULTS: readonly MintFault[] = [
	{ kind: "down", at: "checkstate", times: 2 },
	{ kind: "not-json", at: "checkstate", times: 2, status: 400 },
	{ kind: "state-lied", at: "checkstate", state: "PENDING", times: 2 },
	{ kind: "state-lied", at: "checkstate", state: "SPENT", times: 3 },
	{ kind: "down", at: "swap", times: 2 },
	{ kind: "answer-lost", at: "swap", times: 1 },
	{ kind: "keyset-rotated", at: "swap", times: 1 },
	{ kind: "stuck-pending", at: "swap", times: 1 },
	{ kind: "not-json", at: "swap", times: 1, status: 400 },
	{ kind: "clock-skewed", at: "swap", times: 1, seconds: -3600 },
];

/** What becomes of what is locked, at a mint that is wrong, up to the deadline and behind it. */
async function tellDeadlines(sales: Sales): Promise<void> {
	const { shop, ecash } = sales;
	const { market } = shop;
	const { town, ann, bob } = market;
	const { mint } = ecash;
	/** The lock is there, and bob is not. */
	const locked = async () => {
		const begun = await sales.buy(2);
		town.wire.length = 0;
		town.part(ann, begun.visit.tetrad);
		town.die(bob);
		await market.quiet();
		return begun;
	};
	for (const fault of FAULTS)
		await shop.chapter(
			`at the deadline: ${Object.values(fault).join(", ")}`,
			async () => {
				const begun = await locked();
				await sales.wait(2);
				await town.pass(begun.contract.bookBy - town.now - 2_000);
				mint.add(fault);
				await sales.wait(6);
				mint.clear();
				await sales.wait(4);
				town.restart(bob);
				await sales.end(begun, 0);
			},
		);
}

/** What becomes of what is locked and claimed, while its mint is wrong. */
async function tellClaims(sales: Sales): Promise<void> {
	const { shop, ecash } = sales;
	const { market } = shop;
	const { town, ann, bob } = market;
	const { mint } = ecash;
	for (const fault of FAULTS.slice(4))
		await shop.chapter(
			`bob claims: ${Object.values(fault).join(", ")}`,
			async () => {
				const begun = await sales.buy(2);
				mint.add(fault);
				await market.quiet();
				await sales.wait(3);
				mint.clear();
				await sales.end(begun, 3);
			},
		);
	await shop.chapter("bob starts again while he claims", async () => {
		const begun = await sales.buy(2);
		mint.add({ kind: "down", at: "swap" });
		await market.quiet();
		town.restart(bob);
		mint.clear();
		await sales.end(begun, 3);
	});
	await shop.chapter("ann starts again while she locks", async () => {
		mint.add({ kind: "down", at: "swap" });
		const begun = await sales.buy();
		town.restart(ann);
		mint.clear();
		await sales.end(begun, 3);
	});
}

/** Each transaction of a sale is refused once, and each signature. */
async function tellFullStores(sales: Sales): Promise<void> {
	const { shop } = sales;
	const { market } = shop;
	const refuse = (
		who: Module,
		what: "transaction" | "signature",
		number: number,
	) =>
		shop.chapter(`${who.name}'s ${what} ${number} is refused`, async () => {
			const begun = await shop.begin(CHEAP);
			let asked = 0;
			who.refuses = (one) => one === what && ++asked === number;
			market.buy(begun.visit, begun.contract);
			await market.quiet();
			await sales.wait(1);
			who.refuses = undefined;
			await sales.end(begun);
		});
	for (let number = 1; number <= 7; number++)
		await refuse(market.ann, "transaction", number);
	for (let number = 1; number <= 6; number++)
		await refuse(market.bob, "transaction", number);
	await refuse(market.bob, "signature", 1);
}

/** What those who know of sales say to their purses is another thing. */
interface Said {
	pay(payment: SalePayment): SalePayment;
	sell(sold: Sold): Sold | TetradError;
}

const saidAsItIs = (): Said => ({ pay: (one) => one, sell: (one) => one });

/** The part of a module's purse that knows of sales, whose words are changed on their way. */
function changing(self: Module, said: Said): MakeSalePart {
	const make = moduleTrade(self.store.run(loadTrade()));
	return (rail) => {
		const part = make(
			withMethods(rail, {
				pay: (tetrad, payment, also) =>
					rail.pay(tetrad, said.pay(payment), also),
			}),
		);
		return withMethods(part, {
			sell(meeting, sale) {
				const sold = part.sell(meeting, sale);
				return sold instanceof TetradError ? sold : said.sell(sold);
			},
		});
	};
}

/** The same object with a few other methods. */
function withMethods<Of extends object>(of: Of, others: Partial<Of>): Of {
	return new Proxy(of, {
		get(target, name) {
			if (name in others) return others[name as keyof Of];
			const value: unknown = Reflect.get(target, name, target);
			return typeof value === "function" ? value.bind(target) : value;
		},
	});
}

const OTHER_PAYMENTS: Readonly<
	Record<string, (payment: SalePayment) => Partial<SalePayment>>
> = {
	issuer: () => ({ issuer: filled(44, 1) }),
	currency: () => ({ currency: "EUR" }),
	amount: () => ({ amount: 0n }),
	"too large an amount": () => ({ amount: 1_001n }),
	payee: () => ({ payee: filled(44, 2) }),
	"no terms": () => ({ terms: new Uint8Array() }),
	"too long terms": () => ({ terms: new Uint8Array(20_001) }),
	"a short hash": ({ keyHash }) => ({ keyHash: keyHash.slice(1) }),
	"a time that is over": ({ payBy }) => ({ payBy: payBy - 40 * MINUTE }),
	"another unit": ({ atMint }) => ({
		atMint: { ...atMint, unit: "usd" } as AtMint,
	}),
	"another payee's key": ({ atMint }) => ({
		atMint: { ...atMint, payeeKey: filled(33, 2) } as AtMint,
	}),
	"another hash of terms": ({ atMint }) => ({
		atMint: { ...atMint, termsHash: filled(32, 3) } as AtMint,
	}),
	"another binding": ({ atMint }) => ({
		atMint: { ...atMint, binding: filled(32, 3) } as AtMint,
	}),
	"another time to book": ({ atMint, payBy }) => ({
		atMint: { ...atMint, bookBy: payBy + 60 * MINUTE } as AtMint,
	}),
	"a time to book that is over": ({ atMint }) => ({
		atMint: { ...atMint, bookBy: 1_000 } as AtMint,
	}),
};

const OTHER_SALES: Readonly<
	Record<string, (sold: Sold) => Sold | TetradError>
> = {
	nothing: () => new TetradError("payment-refused", "it is sold out"),
	"no ecash": ({ atMint: _, ...sold }) => sold,
	"another key": (sold) => ({ ...sold, key: filled(32, 1) }),
	"another payee's key": (sold) => ({
		...{
			...sold,
			atMint: { ...sold.atMint, payeeKey: filled(33, 2) } as AtMint,
		},
	}),
	"another agent": (sold) => ({
		...{ ...sold, atMint: { ...sold.atMint, agent: filled(52, 2) } as AtMint },
	}),
	"another hash of terms": (sold) => ({
		...{
			...sold,
			atMint: { ...sold.atMint, termsHash: filled(32, 2) } as AtMint,
		},
	}),
	"another binding": (sold) => ({
		...{
			...sold,
			atMint: { ...sold.atMint, binding: filled(32, 2) } as AtMint,
		},
	}),
	"another time to book": (sold) => ({
		...{ ...sold, atMint: { ...sold.atMint, bookBy: 1_000_000 } as AtMint },
	}),
	"another unit": (sold) => ({
		...{ ...sold, atMint: { ...sold.atMint, unit: "usd" } as AtMint },
	}),
};

async function tellOtherPayments(sales: Sales, said: Said): Promise<void> {
	for (const [what, change] of Object.entries(OTHER_PAYMENTS))
		await sales.shop.chapter(`ann is to pay with another: ${what}`, () => {
			said.pay = (payment) => ({ ...payment, ...change(payment) });
			return toTheEnd(sales, said);
		});
}

async function tellOtherSales(sales: Sales, said: Said): Promise<void> {
	for (const [what, change] of Object.entries(OTHER_SALES))
		await sales.shop.chapter(`bob is to sell ${what}`, () => {
			said.sell = change;
			return toTheEnd(sales, said);
		});
}

/** Whatever is locked comes back. */
async function toTheEnd(sales: Sales, said: Said): Promise<void> {
	const { town, ann } = sales.shop.market;
	const { visit } = await sales.buy();
	await sales.wait(1);
	Object.assign(said, saidAsItIs());
	town.part(ann, visit.tetrad);
	await town.pass(6 * DAY);
	await sales.wait(2);
}

const TOLD: Readonly<
	Record<SaleText, (sales: Sales, said: Said) => Promise<void>>
> = {
	lies: tellLies,
	"out-of-turn": tellOutOfTurn,
	"broken-off": tellBrokenOff,
	waits: tellWaits,
	"other-payments": tellOtherPayments,
	"other-sales": tellOtherSales,
	deadlines: tellDeadlines,
	claims: tellClaims,
	"full-stores": tellFullStores,
};

/** All of it. */
export async function tell(text: SaleText): Promise<string> {
	const world = await makeWorld({ algorithm: "Ed25519" });
	const said = saidAsItIs();
	const sale = (self: Module) => changing(self, said);
	const ecash = await EcashMarket.make({ world, sale }, { inputFeePpk: 100 });
	const shop = new Shop({ part: text }, ecash.market, ecash, saidToMint);
	await TOLD[text](new Sales(shop, ecash), said);
	await shop.story.over(() => shop.market.quiet());
	return `${shop.story.lines.join("\n")}\n`;
}

export const writtenDown = (text: SaleText): string =>
	readFileSync(fileOf(text), "utf8");

export async function writeDown(): Promise<void> {
	for (const text of [...PARTNER_TEXTS, ...PART_TEXTS, ...TROUBLE_TEXTS])
		writeFileSync(fileOf(text), await tell(text));
}
