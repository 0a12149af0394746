import {
	type Address,
	formatAddress,
	type TcpAddress,
} from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import { nameInDeviceId } from "../../money/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import type { OneOfSeveral } from "../home/index.ts";
import {
	type AgentAtWork,
	type Alongside,
	alongside,
	isFirstOf,
	moneyText,
	type OpenedAgent,
	observer,
	type Report,
	reportRefused,
	type SettleAt,
	sellerReporter,
	serveRefunds,
	settleEach,
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
	pricingOf,
	RequestRecords,
	RequestShop,
	requireNamed,
	type SalesEvent,
	type Shop,
	type ShopMoney,
	type TakenMoneys,
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
	/** For which money. */
	readonly moneys: TakenMoneys;
	/** Of the modules that are on this machine. */
	readonly moduleHomes: readonly string[];
	/** Where the agent is met with each of its modules, if it has several. */
	readonly modules: readonly MetAt[];
	/** What commands find that make what is ordered; it should have no secrets. */
	readonly environment: Environment;
	/** At an issuer's agent the module gets what it sells with, and hands in what it was paid. */
	readonly settleAt: Omit<SettleAt, "sells"> | undefined;
	/** Which process of the agent this is, of several: the first sees to refunds and meets the issuer. */
	readonly oneOf: OneOfSeveral | undefined;
	readonly report: Report;
	readonly signal: AbortSignal;
}

/** A module of an agent that has several, and where the agent is met with it. */
export interface MetAt {
	readonly deviceId: Uint8Array;
	readonly address: TcpAddress;
}

/** Sells until the signal. Rejects with why it cannot. */
export async function sellUntil(selling: Selling): Promise<void> {
	const { trading, opened, work, moneys, settleAt, report, signal } = selling;
	const { sells, moduleHomes } = selling;
	for (const home of moduleHomes) await requireNamed(home, moneys);
	const catalogue = await readCatalogue(sells, moneys, report);
	const notes = moneys.find(({ mint }) => mint === undefined);
	const shop = await shopOf(selling, catalogue);
	const reporting = work.reporting(report);
	const others: Alongside = isFirstOf(selling.oneOf)
		? [
				(until) => serveRefunds({ ...opened, work: reporting }, until),
				settleAt &&
					((until) =>
						settleEach(
							reporting,
							opened,
							{
								...settleAt,
								...(notes === undefined ? {} : { sells: notes }),
							},
							until,
						)),
			]
		: [];
	const observe = observerOf(selling, catalogue, shop);
	const address = formatAddress(selling.listen);
	await alongside(signal, others, () =>
		trading.sell(address, shop, {
			...{ signal, observe },
			modules: selling.modules.map(({ deviceId, address }) => ({
				...{ deviceId, address: formatAddress(address) },
			})),
		}),
	);
}

/** Reads what is for sale. Throws `invalid-argument` and `file-unusable` for what cannot be sold. */
export async function readCatalogue(
	sells: ForSale,
	moneys: TakenMoneys,
	report: Report,
): Promise<Catalogue> {
	const { currency, others = [] } = pricingOf(moneys);
	if ("requests" in sells) {
		const { beside } = sells;
		return beside === undefined
			? ItemCatalogue.of([], currency)
			: readCatalogue(beside, moneys, report);
	}
	if ("catalogue" in sells) return sells.catalogue;
	if ("items" in sells) {
		if (sells.items.length === 0)
			throw new TetradError("invalid-argument", "there is nothing to sell");
		return ItemCatalogue.of(sells.items, currency, others);
	}
	const { folder, price } = sells;
	const catalogue = await FolderCatalogue.read(
		folder,
		pricingOf(moneys, price),
	);
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
	const { sells, opened, moneys, modules } = selling;
	const [terms] = moneys;
	if (!("requests" in sells)) return wareShop(selling, sells, catalogue);
	const { requests, beside = { items: [] } } = sells;
	const { agent, store } = opened;
	const [module = new Uint8Array()] = agent.modules;
	const now = () => agent.now();
	const records = await RequestRecords.open(store, now, terms, () =>
		opened.home.pairings.map(({ peerDeviceId }) => peerDeviceId),
	);
	const seller = requests({
		terms,
		agent: hex(agent.device.deviceId),
		module: hex(module),
		port: modules.find(({ deviceId }) => sameBytes(deviceId, module))?.address
			.port,
		records,
		now,
	});
	return new RequestShop({
		...{ seller, records, terms },
		beside: await wareShop(selling, beside, catalogue),
	});
}

function wareShop(
	{ home, opened, moneys, environment, oneOf }: Selling,
	ware: Ware,
	catalogue: Catalogue,
): Promise<FolderShop> {
	const { onOrder = undefined, workingFolder = undefined } =
		"items" in ware ? {} : ware;
	return FolderShop.open({
		...{ home, catalogue, store: opened.store, environment, oneOf },
		...{ terms: moneys[0], others: moneys.slice(1) },
		...(workingFolder === undefined ? {} : { workingFolder }),
		...(onOrder === undefined
			? {}
			: { onOrder: commandMaker(onOrder, environment, workingFolder) }),
	});
}

/** That of an issuer or a mint; notes where none is named. */
function moneyNamed(
	moneys: TakenMoneys,
	issuer: Uint8Array | undefined,
): ShopMoney {
	const [first] = moneys;
	const found = moneys.find((money) =>
		issuer === undefined
			? money.mint === undefined
			: sameBytes(money.issuer, issuer),
	);
	return found ?? first;
}

/** A buyer in a tetrad, which has one number in all that is said of it. */
interface Visit {
	readonly tetrad: number;
	readonly observe: (event: TetradEvent) => void;
}

function observerOf(
	{ work, moneys, report }: Selling,
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
			case "listening": {
				const address = formatAddress(event.address);
				if (event.module !== undefined) {
					const module = nameInDeviceId(event.module);
					return report({ event: "listening", address, module });
				}
				report({ event: "listening", address });
				for (const terms of moneys)
					report({
						event: "selling",
						items: catalogue.size,
						currency: terms.currency.code,
						play: terms.isPlay,
						issuer: terms.name,
					});
				return;
			}
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
					(amount, issuer) => moneyText(amount, moneyNamed(moneys, issuer)),
					report,
				)(event.event);
			}
			case "refused":
				return reportRefused(event.peer, event.error, report);
		}
	};
}
