import { type Address, formatAddress } from "../../carrier/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { IssuerTerms } from "../../money/index.ts";
import type { Root, Routing } from "../../tetrad/index.ts";
import type { Listing } from "../../trade/documents/index.ts";
import { readPurchaseOf } from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import type { AgentStore } from "../purse/index.ts";
import type { TetradEvent } from "../runtime/index.ts";
import {
	CATALOGUE_FILE,
	commandMaker,
	type Environment,
	FolderCatalogue,
	FolderShop,
	type GoodsTarget,
	type Quote,
	requireTarget,
	TradingAgent,
} from "../trade/index.ts";
import { AgentAtWork } from "./agent-at-work.ts";
import { type SettleAt, settleAgain } from "./agent-settling.ts";
import { type Alongside, alongside } from "./alongside.ts";
import { moneyText, type Report } from "./process-events.ts";
import { serveRefunds } from "./refund-desk.ts";
import { observer, reportRefused } from "./tetrad-events.ts";
import {
	priceText,
	purchaseReporter,
	reportQuote,
	reportResumed,
	rowMoney,
	sellerReporter,
} from "./trade-events.ts";
import {
	type AgentHomeOptions,
	type OpenedAgent,
	withAgent,
} from "./with-agent.ts";

/** A folder that is sold. */
export interface SellOptions extends AgentHomeOptions {
	readonly listen: Address;
	readonly folder: string;
	readonly terms: IssuerTerms;
	/** Of what has no price of its own, in minor units. */
	readonly price?: bigint;
	/** Makes what is ordered; a shell runs it. */
	readonly onOrder?: string;
	/** What that command and those of the catalogue find in their environment. */
	readonly environment: Environment;
	/** At an issuer's agent the module gets what it sells with, and hands in what it was paid. */
	readonly settleAt?: SettleAt;
}

/** A buyer in a tetrad, which has one number in all that is said of it. */
interface Visit {
	readonly tetrad: number;
	readonly observe: (event: TetradEvent) => void;
}

/** Sells what a folder has, until the signal. Rejects with why it cannot. */
export async function runSelling(
	options: SellOptions,
	report: Report,
): Promise<void> {
	const { folder, terms, price, onOrder, signal, settleAt } = options;
	const { environment } = options;
	const { currency } = terms;
	const catalogue = await FolderCatalogue.read(folder, {
		currency,
		...(price === undefined ? {} : { price }),
	});
	for (const { path, why } of catalogue.notOffered)
		report({ event: "not-offered", path, reason: why });
	if (catalogue.size === 0)
		throw new TetradError(
			"invalid-argument",
			`there is nothing to sell in ${folder}: put files there, or say in its ${CATALOGUE_FILE} what is made on order, by --on-order COMMAND`,
		);
	const plan = { addresses: [options.listen] };
	await withAgent(options, plan, report, async (opened) => {
		const { agent, store, home } = opened;
		const shop = await FolderShop.open({
			home: home.path,
			store,
			catalogue,
			terms,
			environment,
			...(onOrder === undefined
				? {}
				: { onOrder: commandMaker(onOrder, environment) }),
		});
		const work = new AgentAtWork(agent, store, report);
		const trading = new TradingAgent({
			agent,
			store,
			signer: home.identity.signer,
		});
		const come = new Map<number, Visit>();
		const visit = (number: number): Visit => {
			const tetrad = work.nextTetrad();
			const made = { tetrad, observe: observer(tetrad, report) };
			come.set(number, made);
			return made;
		};
		const others: Alongside = [
			(until) => serveRefunds({ ...opened, work }, until),
			settleAt &&
				((until) =>
					settleAgain(work, opened, { ...settleAt, sells: terms }, until)),
		];
		await alongside(signal, others, () =>
			trading.sell(formatAddress(options.listen), shop, {
				signal,
				observe(event) {
					switch (event.kind) {
						case "listening":
							report({
								event: "listening",
								address: formatAddress(event.address),
							});
							return report({
								event: "selling",
								items: catalogue.size,
								currency: currency.code,
								play: terms.isPlay,
								issuer: terms.name,
							});
						case "tetrad": {
							const { number } = event;
							const { observe } = come.get(number) ?? visit(number);
							observe(event.event);
							if (event.event.kind === "ended") come.delete(number);
							return;
						}
						case "sale": {
							const { number, buyer } = event;
							const { tetrad } = come.get(number) ?? { tetrad: number };
							return sellerReporter(
								tetrad,
								buyer.name,
								(contract) => shop.nameOf(contract),
								(amount) => moneyText(amount, terms),
								report,
							)(event.event);
						}
						case "refused":
							return reportRefused(event.peer, event.error, report);
					}
				},
			}),
		);
	});
}

/** How an agent calls a merchant's. */
export interface CallMerchant extends AgentHomeOptions {
	readonly connect: Address;
	readonly routing: Routing;
	readonly root: Root;
}

/** Hands over everything that a merchant sells. */
export async function runCatalogue(
	options: CallMerchant,
	report: Report,
	item: (listing: Listing) => void,
): Promise<void> {
	await calling(options, report, async ({ trading }) => {
		const { signal, connect } = options;
		const address = formatAddress(connect);
		for await (const listing of trading.catalogue(address, { signal }))
			item(listing);
	});
}

/** One purchase as an owner asks for it. */
export interface BuyOptions extends CallMerchant {
	readonly item: string;
	readonly order?: string;
	readonly to: GoodsTarget;
	/** Judges a quote before it is taken: throws why not. */
	readonly judge: (quote: Quote) => void | Promise<void>;
	/** Whether to wait for the owner of the module; else a purchase that needs one is given up. */
	readonly waits: boolean;
}

/**
 * Buys one item. Rejects with why there are no goods, and what became of the money is reported
 * before.
 */
export async function runBuying(
	options: BuyOptions,
	report: Report,
): Promise<void> {
	let isTold = false;
	const telling: Report = (event) => {
		if (event.event === "purchase" && event.state !== "waiting") isTold = true;
		report(event);
	};
	try {
		await requireTarget(options.to);
		await calling(options, telling, (opened) =>
			buyOne(options, opened, telling),
		);
	} catch (thrown) {
		if (!isTold) report({ event: "purchase", state: "not-bought" });
		throw thrown;
	}
}

async function buyOne(
	{ item, order, to, judge, waits, signal, connect }: BuyOptions,
	{ trading, store }: Trading,
	report: Report,
): Promise<void> {
	const quote = await trading.quote(formatAddress(connect), item, {
		signal,
		...(order === undefined ? {} : { order }),
	});
	reportQuote(quote, report);
	await judge(quote);
	const stop = new AbortController();
	const until = AbortSignal.any([signal, stop.signal]);
	const step = purchaseReporter(report);
	let waiting: TetradError | undefined;
	try {
		for await (const one of trading.buy(quote, { to, signal: until })) {
			if (one.kind === "bought") {
				report({
					event: "bought",
					contract: hex(one.contract.hash),
					item: quote.offer.description.name,
					merchant: quote.merchant.name,
					path: one.path,
					size: Number(one.contract.length),
					receipted: one.receipt.length > 0,
					...rowMoneyOf(quote, one.contract),
				});
				continue;
			}
			if (one.kind === "in-doubt") throw one.error;
			if (one.kind === "waiting" && !waits) {
				waiting = withoutWaiting(one.error);
				stop.abort();
				continue;
			}
			step(one);
		}
	} catch (thrown) {
		const error = waiting ?? asTetradError(thrown);
		await reportUnbought(store, quote, error, report);
		throw error;
	}
}

/** Who does not wait has given up, and an approval that comes later is of no use. */
function withoutWaiting({ code }: TetradError): TetradError {
	return new TetradError(
		code,
		"the owner of the module has to approve this purchase, and was not waited for; buy it with --wait, and approve it meanwhile",
	);
}

/** Says where a purchase is that was not bought: it is true whatever comes. */
async function reportUnbought(
	store: AgentStore,
	{ offer }: Quote,
	error: TetradError,
	report: Report,
): Promise<void> {
	const purchase = await store.transact(readPurchaseOf(offer.id));
	if (purchase !== undefined) return reportResumed(purchase, error, report);
	const { code, message: reason } = error;
	report({
		event: "purchase",
		state: "not-bought",
		code,
		reason,
		...priceText(offer),
	});
}

/** Goes on with what was bought and is not over. Resolves with how many purchases are not over yet. */
export async function runResolving(
	options: CallMerchant & {
		readonly isIssuer: boolean;
		readonly learn: boolean;
		/** Where goods go of which only the module knew. */
		readonly learnedTo: (name: string) => string;
	},
	report: Report,
): Promise<number> {
	let open = 0;
	const { learnedTo } = options;
	await calling(
		options,
		report,
		async ({ trading }) => {
			const { signal, connect, isIssuer, learn } = options;
			const resumed = await trading.resume(formatAddress(connect), {
				signal,
				isIssuer,
				learn,
			});
			for (const { purchase, error } of resumed) {
				if (purchase.state === "provisional") open++;
				reportResumed(purchase, error, report);
			}
		},
		learnedTo,
	);
	return open;
}

function rowMoneyOf({ offer }: Quote, contract: { readonly amount: bigint }) {
	return rowMoney(
		{
			exponent: BigInt(offer.money.exponent),
			play: offer.money.isPlay ? 1n : 0n,
		},
		{ ...offer, amount: contract.amount },
	);
}

/** An agent that runs, and what it trades with. */
interface Trading extends OpenedAgent {
	readonly trading: TradingAgent;
}

async function calling(
	options: CallMerchant,
	report: Report,
	work: (opened: Trading) => Promise<void>,
	learnedTo?: (name: string) => string,
): Promise<void> {
	const { connect, routing, root } = options;
	const calls = { routing, root };
	const plan = { addresses: [connect], calls };
	await withAgent(options, plan, report, async (opened) => {
		let tetrads = 0;
		let observe = observer(1, report);
		const trading = new TradingAgent({
			...opened,
			signer: opened.home.identity.signer,
			connect: calls,
			observe(event) {
				if (event.kind === "bound") observe = observer(++tetrads, report);
				observe(event);
			},
			...(learnedTo === undefined ? {} : { learnedTo }),
		});
		await work({ ...opened, trading });
	});
}
