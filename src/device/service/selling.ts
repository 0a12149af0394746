import { type Address, formatAddress } from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type Currency,
	type IssuerTerms,
	parseAmount,
} from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import {
	type AgentAtWork,
	type Alongside,
	alongside,
	moneyText,
	type OpenedAgent,
	observer,
	type Report,
	reportRefused,
	type SettleAt,
	sellerReporter,
	serveRefunds,
	settleAgain,
} from "../process/index.ts";
import type { TetradEvent } from "../runtime/index.ts";
import {
	CATALOGUE_FILE,
	type Catalogue,
	commandMaker,
	type Environment,
	FolderCatalogue,
	FolderShop,
	ItemCatalogue,
	RequestRecords,
	RequestShop,
	type SalesEvent,
	type Shop,
	type TradingAgent,
} from "../trade/index.ts";
import type { ForSale, Ware } from "./for-sale.ts";

/** What selling needs. */
export interface Selling {
	readonly trading: TradingAgent;
	readonly opened: OpenedAgent;
	readonly work: AgentAtWork;
	/** Of the agent. */
	readonly home: string;
	readonly listen: Address;
	readonly sells: ForSale;
	/** Whose money is taken. */
	readonly terms: IssuerTerms;
	/** What commands find that make what is ordered; it should have no secrets. */
	readonly environment: Environment;
	/** At an issuer's agent the module gets what it sells with, and hands in what it was paid. */
	readonly settleAt: Omit<SettleAt, "sells"> | undefined;
	readonly report: Report;
	readonly signal: AbortSignal;
}

/** Sells until the signal. Rejects with why it cannot. */
export async function sellUntil(selling: Selling): Promise<void> {
	const { trading, opened, work, terms, settleAt, report, signal } = selling;
	const { sells } = selling;
	const catalogue = await readCatalogue(sells, terms.currency, report);
	const shop = await shopOf(selling, catalogue);
	const reporting = work.reporting(report);
	const others: Alongside = [
		(until) => serveRefunds({ ...opened, work: reporting }, until),
		settleAt &&
			((until) =>
				settleAgain(reporting, opened, { ...settleAt, sells: terms }, until)),
	];
	const observe = observerOf(selling, catalogue, shop);
	const address = formatAddress(selling.listen);
	await alongside(signal, others, () =>
		trading.sell(address, shop, { signal, observe }),
	);
}

/** Reads what is for sale. Throws `invalid-argument` and `file-unusable` for what cannot be sold. */
export async function readCatalogue(
	sells: ForSale,
	currency: Currency,
	report: Report,
): Promise<Catalogue> {
	if ("requests" in sells) {
		const { beside } = sells;
		return beside === undefined
			? ItemCatalogue.of([], currency)
			: readCatalogue(beside, currency, report);
	}
	if ("catalogue" in sells) return sells.catalogue;
	if ("items" in sells) {
		if (sells.items.length === 0)
			throw new TetradError("invalid-argument", "there is nothing to sell");
		return ItemCatalogue.of(sells.items, currency);
	}
	const { folder, price } = sells;
	const catalogue = await FolderCatalogue.read(folder, {
		currency,
		...(price === undefined ? {} : { price: parseAmount(price, currency) }),
	});
	for (const { path, why } of catalogue.notOffered)
		report({ event: "not-offered", path, reason: why });
	if (catalogue.size === 0)
		throw new TetradError(
			"invalid-argument",
			`there is nothing to sell in ${folder}: put files there, or say in its ${CATALOGUE_FILE} what is made on order, by --on-order COMMAND`,
		);
	return catalogue;
}

/** A shop that knows the names of what it has sold. */
type NamedShop = Shop & { nameOf(contract: Uint8Array): string };

async function shopOf(
	selling: Selling,
	catalogue: Catalogue,
): Promise<NamedShop> {
	const { sells, opened, terms } = selling;
	if (!("requests" in sells)) return wareShop(selling, sells, catalogue);
	const { requests, beside = { items: [] } } = sells;
	const { agent, store, home } = opened;
	const now = () => agent.now();
	const records = await RequestRecords.open(store, now, terms);
	const seller = requests({
		terms,
		agent: hex(agent.device.deviceId),
		module: hex(home.pairing?.peerDeviceId ?? new Uint8Array()),
		records,
		now,
	});
	return new RequestShop({
		...{ seller, records, terms },
		beside: await wareShop(selling, beside, catalogue),
	});
}

function wareShop(
	{ home, opened, terms, environment }: Selling,
	ware: Ware,
	catalogue: Catalogue,
): Promise<FolderShop> {
	const { onOrder = undefined, workingFolder = undefined } =
		"items" in ware ? {} : ware;
	return FolderShop.open({
		...{ home, catalogue, store: opened.store, terms, environment },
		...(workingFolder === undefined ? {} : { workingFolder }),
		...(onOrder === undefined
			? {}
			: { onOrder: commandMaker(onOrder, environment, workingFolder) }),
	});
}

/** A buyer in a tetrad, which has one number in all that is said of it. */
interface Visit {
	readonly tetrad: number;
	readonly observe: (event: TetradEvent) => void;
}

function observerOf(
	{ work, terms, report }: Selling,
	catalogue: Catalogue,
	shop: NamedShop,
): (event: SalesEvent) => void {
	const come = new Map<number, Visit>();
	const visit = (number: number): Visit => {
		const tetrad = work.nextTetrad();
		const made = { tetrad, observe: observer(tetrad, report) };
		come.set(number, made);
		return made;
	};
	return (event) => {
		switch (event.kind) {
			case "listening":
				report({ event: "listening", address: formatAddress(event.address) });
				return report({
					event: "selling",
					items: catalogue.size,
					currency: terms.currency.code,
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
	};
}
