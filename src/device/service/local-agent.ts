import { join } from "node:path";
import {
	type Address,
	formatAddress,
	listen,
	parseAddress,
} from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import { DEPOSIT_MARGIN_MS, type IssuerTerms } from "../../money/index.ts";
import { libraryOf, providing } from "../../provider/index.ts";
import type { Root, Routing } from "../../tetrad/index.ts";
import type { Avoided } from "../../trade/agent/index.ts";
import { RAIL_NAMES, type RailName } from "../../trade/documents/index.ts";
import {
	type PurchaseRow,
	readProvisional,
} from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import type { OneOfSeveral } from "../home/index.ts";
import {
	AgentAtWork,
	type Alongside,
	alongside,
	isFirstOf,
	keepRefund,
	type OpenedAgent,
	observer,
	type Report,
	reportQuote,
	reportResumed,
	type SettleAt,
	serve,
	serveRefunds,
	settleEach,
	settleOnce,
} from "../process/index.ts";
import { hasPurse, readPurseSettings } from "../purse/index.ts";
import type { TetradEvent } from "../runtime/index.ts";
import {
	type Environment,
	offerKeyOf,
	type Taken,
	TradingAgent,
	takenMoneys,
	viewPurchase,
} from "../trade/index.ts";
import type {
	AgentEvent,
	AgentService,
	AgentStatus,
	Approval,
	AskOptions,
	Balance,
	BuyOptions,
	CatalogueItem,
	Decision,
	HistoryEntry,
	ListOptions,
	OwnerOptions,
	Purchase,
	Quote,
	QuoteOptions,
	ResolveOptions,
	Sale,
	SellOptions,
} from "./agent-service.ts";
import {
	disputeIn,
	itemOf,
	purchaseOf,
	purchasesIn,
	quoteOf,
	receiptIn,
	salesIn,
	withRefunds,
} from "./agent-views.ts";
import { EventHub } from "./event-hub.ts";
import {
	DEFAULT_LIST_ROWS,
	MAX_MERCHANTS_ASKED,
	MAX_OPEN_PURCHASES,
} from "./limits.ts";
import {
	approvalsInAll,
	balancesInAll,
	decideInAll,
	historyInAll,
	homesOfModules,
} from "./module-homes.ts";
import { type FurtherModule, OwnModules } from "./own-modules.ts";
import { QuotedPurchases } from "./quoted-purchases.ts";
import { askAll } from "./resolving.ts";
import { sellUntil } from "./selling.ts";
import { UnderWay } from "./under-way.ts";

/** What an agent has to be told that runs here. */
export interface LocalAgentOptions {
	readonly opened: OpenedAgent & AsyncDisposable;
	/** Where its module listens. */
	readonly module: Address;
	/** The module's home, where it is on this machine. */
	readonly moduleHome?: string | undefined;
	/** The further modules of a merchant that has several. */
	readonly furtherModules?: readonly FurtherModule[] | undefined;
	/** At which port of the agent's host it is met with the first of several. */
	readonly modulePort?: number | undefined;
	readonly routing: Routing;
	readonly root: Root;
	/** Where the agent of the own issuer answers. */
	readonly issuerAt?: Address | undefined;
	/** How often it is met while this agent sells, in milliseconds. */
	readonly settleEveryMs?: number | undefined;
	/** Of the notes that are sold for. */
	readonly terms?: IssuerTerms | undefined;
	/** For which money is sold, where that is not said with `sell`; for notes alone unless given. */
	readonly takes?: readonly Taken[] | undefined;
	/** How is paid, where that is not said with `quote`; over any rail, notes first, unless given, and over notes alone where the purse is here and names no mint. */
	readonly rails?: readonly RailName[] | undefined;
	readonly avoid?: readonly Avoided[] | undefined;
	/** Where other agents come, where that is not said with `sell`. */
	readonly listen?: Address | undefined;
	/** What commands find that make what is ordered; it should have no secrets. */
	readonly environment?: Environment | undefined;
	/** Where goods go whose buyer names no file. */
	readonly buyFolder?: string | undefined;
	/** How long tetrads with merchants stand for what is asked or bought there next, in milliseconds; not at all unless given. */
	readonly standingMs?: number | undefined;
	/** As in `TradingAgentOptions`. */
	readonly standingAnswerMs?: number | undefined;
	/** Which of several processes of the agent this is; they listen at one address. */
	readonly oneOf?: OneOfSeveral | undefined;
	/** Hears everything. */
	readonly report?: Report | undefined;
	/** Disposed of after the rest, at the end. */
	readonly last?: AsyncDisposable | undefined;
	/** Aborts when it is closed; what was opened is disposed of then, once nothing is under way. */
	readonly closing: AbortController;
}

/** An agent that runs in this process. */
export class LocalAgent implements AgentService {
	readonly name: string;
	readonly #options: LocalAgentOptions;
	readonly #hub = new EventHub();
	readonly #trading: TradingAgent;
	readonly #work: AgentAtWork;
	readonly #modules: OwnModules;
	readonly #quoted: QuotedPurchases;
	readonly #since: number = Date.now();
	readonly #underWay: UnderWay;
	readonly #listening = new Set<string>();
	readonly #ending = new AsyncDisposableStack();
	#isSelling = false;
	#closed: Promise<void> | undefined;

	constructor(options: LocalAgentOptions) {
		const { opened, routing, root } = options;
		const { agent, store, goods, home } = opened;
		this.name = agent.device.name;
		this.#options = options;
		this.#trading = new TradingAgent({
			agent,
			store,
			goods,
			signer: home.identity.signer,
			connect: { routing, root },
			...(home.pairing === undefined
				? {}
				: { offerKey: offerKeyOf(home.pairing.key) }),
			listen: (address, take, how) =>
				listen(address, take, { ...how, isShared: this.#isShared }),
			standingMs: options.standingMs,
			standingAnswerMs: options.standingAnswerMs,
		});
		this.#work = new AgentAtWork(agent, store, (event) => {
			options.report?.(event);
			this.#hub.report(event);
		});
		this.#quoted = new QuotedPurchases(
			this.#trading,
			opened,
			options.buyFolder,
		);
		this.#modules = new OwnModules(agent, options);
		this.#underWay = new UnderWay(options.closing, this.#work.report);
	}

	quote(
		merchant: string,
		item: string,
		{
			order,
			rails,
			avoid = this.#options.avoid,
			currency,
			...options
		}: QuoteOptions = {},
	): Promise<Quote> {
		return this.#underWay.do(options, async (signal, report) => {
			const quote = await this.#trading.quote(addressOf(merchant), item, {
				order,
				payWith: { rails: rails ?? (await this.#rails()), avoid, currency },
				signal,
				observe: this.#observe(report),
			});
			this.#quoted.keep(quote);
			reportQuote(quote, report);
			return quoteOf(quote);
		});
	}

	buy(quote: Quote | string, options: BuyOptions = {}): Promise<Purchase> {
		return this.#underWay.do(options, (signal, report) =>
			this.#quoted.buy(typeof quote === "string" ? quote : quote.id, options, {
				signal,
				report,
				observe: this.#observe(report),
			}),
		);
	}

	async *catalogue(
		merchant: string,
		options: AskOptions = {},
	): AsyncIterable<CatalogueItem> {
		const { signal, report, over } = this.#underWay.asked(options);
		const listings = this.#trading.catalogue(addressOf(merchant), {
			rails: await this.#rails(),
			signal,
			observe: this.#observe(report),
		});
		try {
			for await (const listing of listings) yield itemOf(listing);
		} finally {
			over();
		}
	}

	async balance(): Promise<readonly Balance[]> {
		return balancesInAll(homesOfModules(this.#options));
	}

	async *history({
		limit = DEFAULT_LIST_ROWS,
	}: ListOptions = {}): AsyncIterable<HistoryEntry> {
		yield* await historyInAll(homesOfModules(this.#options), limit);
	}

	async *purchases({
		limit = DEFAULT_LIST_ROWS,
	}: ListOptions = {}): AsyncIterable<Purchase> {
		yield* await purchasesIn(this.#home, limit);
	}

	async *sales({
		limit = DEFAULT_LIST_ROWS,
	}: ListOptions = {}): AsyncIterable<Sale> {
		yield* await salesIn(this.#home, limit);
	}

	async receipt(contract: string): Promise<Uint8Array> {
		return (await receiptIn(this.#home, contract)).receipt;
	}

	async dispute(contract: string): Promise<Uint8Array> {
		return (await disputeIn(this.#home, contract)).evidence;
	}

	settle(options: AskOptions = {}): Promise<void> {
		return this.#underWay.do(options, async (signal, report) => {
			const address = this.#issuerAt();
			let failure: unknown;
			for (const module of this.#options.opened.agent.modules)
				try {
					const { issuer } = await settleOnce(
						...([
							this.#work,
							this.#options.opened,
							{ address, module },
						] as const),
						report,
						signal,
					);
					this.#modules.hasMet(issuer, module);
				} catch (thrown) {
					failure ??= thrown;
				}
			if (failure !== undefined) throw failure;
		});
	}

	resolve({
		at,
		isMerchant = false,
		learn = false,
		folder = this.#options.buyFolder ?? ".",
		...options
	}: ResolveOptions = {}): Promise<readonly Purchase[]> {
		return this.#underWay.do(options, async (signal, report) => {
			const resumed = new Map<string, Purchase>();
			const tell = (purchase: PurchaseRow, error: TetradError | undefined) => {
				reportResumed(purchase, error, report);
				const why = error && { code: error.code, reason: error.message };
				resumed.set(hex(purchase.contract), {
					...purchaseOf(purchase),
					...why,
				});
			};
			const ask = async (
				address: string,
				isIssuer: boolean,
				learn: boolean,
			) => {
				const found = await this.#trading.resume(address, {
					signal,
					observe: this.#observe(report),
					isIssuer,
					learn,
					learnedTo: (name) => join(folder, name),
				});
				for (const { purchase, error } of found) tell(purchase, error);
			};
			if (at !== undefined) await ask(addressOf(at), !isMerchant, learn);
			else
				await askAll({
					issuer: formatAddress(this.#issuerAt()),
					merchants: () => this.#merchantsOfOpen(),
					ask: (address, isIssuer) => ask(address, isIssuer, isIssuer && learn),
					missed: async (address, why) => {
						for (const purchase of await this.#open())
							if (purchase.address === address) tell(purchase, why);
					},
					signal,
				});
			return [...resumed.values()];
		});
	}

	takeRefund(contract: string, options: AskOptions = {}): Promise<bigint> {
		return this.#underWay.do(options, async (signal, report) => {
			const { row } = await viewPurchase(this.#home, contract);
			const { refunded } = await withRefunds(this.#home, purchaseOf(row));
			const { amount } = purchaseOf(row);
			if (refunded !== undefined && refunded >= amount) return refunded;
			if (row.state !== "final" || row.address === "")
				throw new TetradError(
					"invalid-argument",
					"nothing was bought under that contract that could be given back",
				);
			return this.#trading.takeRefund(row, {
				signal,
				observe: this.#observe(report),
			});
		});
	}

	async approvals(): Promise<readonly Approval[]> {
		return approvalsInAll(homesOfModules(this.#options));
	}

	sell({
		listen,
		takes = this.#options.takes ?? ["notes"],
		signal,
		step,
		...sells
	}: SellOptions): Promise<void> {
		return this.#underWay.do({ signal, step }, async (signal, report) => {
			if (this.#isSelling)
				throw new TetradError("busy", "this agent sells already");
			const { opened, terms, environment = {} } = this.#options;
			const at =
				listen === undefined ? this.#options.listen : parseAddress(listen);
			if (at === undefined)
				throw new TetradError(
					"invalid-argument",
					"to sell, say where buyers come",
				);
			const moneys = takenMoneys(takes, terms);
			this.#isSelling = true;
			try {
				await this.#whileListening(report, (report) =>
					sellUntil({
						trading: this.#trading,
						opened,
						work: this.#work,
						home: this.#home,
						listen: at,
						sells,
						moneys,
						moduleHomes: this.#modules.homes(),
						modules: this.#modules.metAt(at),
						environment,
						settleAt: this.#settleAt(),
						oneOf: this.#options.oneOf,
						report,
						signal,
					}),
				);
			} finally {
				this.#isSelling = false;
			}
		});
	}

	/** Answers other agents, and takes payments of the own issuer's money, until the signal. */
	answer(address: Address, { signal, step }: AskOptions = {}): Promise<void> {
		return this.#underWay.do({ signal, step }, async (signal, report) => {
			const { opened, terms } = this.#options;
			await this.#whileListening(report, (report) => {
				const work = this.#work.reporting(report);
				const refunds: Alongside = isFirstOf(this.#options.oneOf)
					? [(until) => serveRefunds({ ...opened, work }, until)]
					: [];
				return alongside(signal, refunds, () =>
					serve(work, address, {
						signal,
						isShared: this.#isShared,
						...(terms === undefined ? {} : { take: [terms] }),
						keep: (...received) => keepRefund(opened.store, ...received),
					}),
				);
			});
		});
	}

	/** Meets the own issuer at once and then regularly, until the signal. */
	settleRegularly({ signal, step }: AskOptions = {}): Promise<void> {
		return this.#underWay.do({ signal, step }, async (signal, report) => {
			this.#issuerAt();
			const at = this.#settleAt();
			const { opened } = this.#options;
			if (at !== undefined)
				await settleEach(this.#work.reporting(report), opened, at, signal);
		});
	}

	approve(contract: string, { owner }: OwnerOptions): Promise<Decision> {
		const homes = homesOfModules(this.#options);
		return decideInAll(homes, contract, true, owner);
	}

	deny(contract: string, { owner }: OwnerOptions): Promise<Decision> {
		const homes = homesOfModules(this.#options);
		return decideInAll(homes, contract, false, owner);
	}

	async status(): Promise<AgentStatus> {
		const { module } = this.#options;
		const open = await this.#open();
		return {
			name: this.name,
			home: this.#home,
			process: process.pid,
			since: new Date(this.#since).toISOString(),
			module: formatAddress(module),
			isLinked: await this.#modules.isLinked(),
			...(await this.#modules.status()),
			listening: [...this.#listening],
			...this.#modules.met(),
			inDoubt: open.length,
			crypto: libraryOf(providing()),
		};
	}

	events({
		signal,
	}: {
		readonly signal?: AbortSignal | undefined;
	} = {}): AsyncIterable<AgentEvent> {
		return this.#hub.listen(signal);
	}

	/** Has that disposed of when it is closed, while it still has its home. */
	endsWith(what: AsyncDisposable): void {
		this.#ending.use(what);
	}

	close(): Promise<void> {
		this.#closed ??= this.#close();
		return this.#closed;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #close(): Promise<void> {
		const { closing, opened, last } = this.#options;
		closing.abort();
		await Promise.allSettled([
			this.#ending.disposeAsync(),
			...this.#underWay.all,
		]);
		await this.#trading.close();
		await opened[Symbol.asyncDispose]();
		await last?.[Symbol.asyncDispose]();
		this.#work.report({ event: "stopped" });
		this.#hub.end();
	}

	get #isShared(): boolean {
		return this.#options.oneOf !== undefined;
	}

	get #home(): string {
		return this.#options.opened.home.path;
	}

	/** What its owner wants to pay over; where the purse is here and names no mint, notes alone, which every merchant understands. */
	async #rails(): Promise<readonly RailName[]> {
		const { rails, moduleHome } = this.#options;
		if (rails !== undefined) return rails;
		if (moduleHome === undefined || !(await hasPurse(moduleHome)))
			return RAIL_NAMES;
		// What cannot be read is the module's to complain of.
		const { mints } = await readPurseSettings(moduleHome).catch(() => ({
			mints: undefined,
		}));
		return mints?.length === 0 ? ["own-notes"] : RAIL_NAMES;
	}

	#issuerAt(): Address {
		const { issuerAt } = this.#options;
		if (issuerAt === undefined)
			throw new TetradError(
				"invalid-argument",
				"say where the agent of the issuer answers",
			);
		return issuerAt;
	}

	#settleAt(): SettleAt | undefined {
		const {
			issuerAt: address,
			settleEveryMs: everyMs = DEPOSIT_MARGIN_MS / 4,
		} = this.#options;
		if (address === undefined) return undefined;
		return {
			...{ address, everyMs },
			met: (came, module) => this.#modules.hasMet(came, module),
		};
	}

	/** Keeps where it listens, for as long as it does. */
	async #whileListening(
		report: Report,
		work: (report: Report) => Promise<void>,
	): Promise<void> {
		const here: string[] = [];
		try {
			await work((event) => {
				if (event.event === "listening") {
					here.push(event.address);
					this.#listening.add(event.address);
				}
				report(event);
			});
		} finally {
			for (const address of here) this.#listening.delete(address);
		}
	}

	/** Each thing that is asked for makes one tetrad at a time, or none where one stands. */
	#observe(report: Report): (event: TetradEvent) => void {
		let observe: ((event: TetradEvent) => void) | undefined;
		return (event) => {
			observe ??= observer(this.#work.nextTetrad(), report);
			observe(event);
		};
	}

	/** Purchases that are not over. */
	#open(): Promise<readonly PurchaseRow[]> {
		const { store } = this.#options.opened;
		return store.transact(readProvisional(MAX_OPEN_PURCHASES));
	}

	/** Where goods may still be had of those. */
	async #merchantsOfOpen(): Promise<readonly string[]> {
		const open = await this.#open();
		const addresses = new Set(open.map(({ address }) => address));
		addresses.delete("");
		return [...addresses].slice(0, MAX_MERCHANTS_ASKED);
	}
}

function addressOf(text: string): string {
	return formatAddress(parseAddress(text));
}
