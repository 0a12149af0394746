import { resolve } from "node:path";
import { TetradError } from "../../errors.ts";
import type { PurchaseRow } from "../../trade/records/index.ts";
import { HomeLock } from "../home/index.ts";
import { stateOf } from "../process/index.ts";
import { hasAgentStore } from "../purse/index.ts";
import { viewPurchaseOf } from "../trade/index.ts";
import type { AgentPlace } from "./agent-place.ts";
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
import { purchaseOf } from "./agent-views.ts";
import { requireAsAsked } from "./as-asked.ts";
import { CLOSE_WITHIN_MS } from "./limits.ts";
import { decideInAll, homesOfModules } from "./module-homes.ts";
import { ConnectionLost, NotReached, RemoteCall } from "./remote-call.ts";
import { ASKS, type Ask, LISTS } from "./socket-messages.ts";

/** Where a running agent is, and what is known of it on this machine. */
export type RemotePlace = Pick<AgentPlace, "home" | "moduleHome"> &
	Partial<Pick<AgentPlace, "furtherModules">> & {
		readonly socket: string;
	};

/** An agent that runs in another process, and answers at a socket. */
export class RemoteAgent implements AgentService {
	readonly name: string;
	readonly #place: RemotePlace;
	readonly #closing = new AbortController();
	readonly #under = new Set<Promise<unknown>>();
	readonly #calls = new Set<RemoteCall>();

	private constructor(name: string, place: RemotePlace) {
		this.name = name;
		this.#place = place;
	}

	/** The agent that runs there; `undefined` when none does. */
	static async reach(place: RemotePlace): Promise<RemoteAgent | undefined> {
		const call = await RemoteCall.reach(place.socket);
		call?.close();
		return call && new RemoteAgent(call.name, place);
	}

	async quote(
		merchant: string,
		item: string,
		{ order, rails, avoid, currency, ...options }: QuoteOptions = {},
	): Promise<Quote> {
		const said = { merchant, item, order, rails, avoid, currency };
		const quote = await this.#once("quote", ASKS.quote, said, options);
		requireAsAsked(quote, { rails, avoid, currency });
		return quote;
	}

	async buy(
		quote: Quote | string,
		{
			to,
			folder,
			overwrite,
			maximum,
			maxBytes,
			waits,
			askOwner,
			askOwnerAgainWithinMs,
			...options
		}: BuyOptions = {},
	): Promise<Purchase> {
		const id = typeof quote === "string" ? quote : quote.id;
		const said = {
			quote: id,
			// Its working folder is another one.
			to: to && resolve(to),
			folder: folder && resolve(folder),
			...{ overwrite, maximum, maxBytes, waits },
			...{ askOwner, askOwnerAgainWithinMs },
		};
		try {
			return await this.#once("buy", ASKS.buy, said, options);
		} catch (thrown) {
			if (thrown instanceof ConnectionLost || thrown instanceof NotReached)
				return this.#whatBecame(id, thrown);
			throw thrown;
		}
	}

	catalogue(
		merchant: string,
		options: AskOptions = {},
	): AsyncIterable<CatalogueItem> {
		return this.#list("catalogue", LISTS.catalogue, { merchant }, options);
	}

	balance(): Promise<readonly Balance[]> {
		return this.#once("balance", ASKS.balance, {});
	}

	history({ limit }: ListOptions = {}): AsyncIterable<HistoryEntry> {
		return this.#list("history", LISTS.history, { limit });
	}

	purchases({ limit }: ListOptions = {}): AsyncIterable<Purchase> {
		return this.#list("purchases", LISTS.purchases, { limit });
	}

	sales({ limit }: ListOptions = {}): AsyncIterable<Sale> {
		return this.#list("sales", LISTS.sales, { limit });
	}

	receipt(contract: string): Promise<Uint8Array> {
		return this.#once("receipt", ASKS.receipt, { contract });
	}

	dispute(contract: string): Promise<Uint8Array> {
		return this.#once("dispute", ASKS.dispute, { contract });
	}

	async settle(options: AskOptions = {}): Promise<void> {
		await this.#once("settle", ASKS.settle, {}, options);
	}

	resolve({
		at,
		isMerchant,
		learn,
		folder,
		...options
	}: ResolveOptions = {}): Promise<readonly Purchase[]> {
		const said = { at, isMerchant, learn, folder: folder && resolve(folder) };
		return this.#once("resolve", ASKS.resolve, said, options);
	}

	takeRefund(contract: string, options: AskOptions = {}): Promise<bigint> {
		return this.#once("takeRefund", ASKS.takeRefund, { contract }, options);
	}

	async sell(_options: SellOptions): Promise<void> {
		throw new TetradError(
			"busy",
			`the agent of ${this.#place.home} runs in another process, and what is sold is said there; stop that one to sell from here`,
		);
	}

	approvals(): Promise<readonly Approval[]> {
		return this.#once("approvals", ASKS.approvals, {});
	}

	approve(contract: string, { owner }: OwnerOptions): Promise<Decision> {
		return this.#decide(contract, true, owner);
	}

	deny(contract: string, { owner }: OwnerOptions): Promise<Decision> {
		return this.#decide(contract, false, owner);
	}

	status(): Promise<AgentStatus> {
		return this.#once("status", ASKS.status, {});
	}

	events({
		signal,
	}: {
		readonly signal?: AbortSignal | undefined;
	} = {}): AsyncIterable<AgentEvent> {
		return this.#list("events", LISTS.events, {}, { signal });
	}

	async close(): Promise<void> {
		this.#closing.abort();
		const timer = setTimeout(() => {
			for (const call of this.#calls) call.close();
		}, CLOSE_WITHIN_MS);
		await Promise.allSettled(this.#under);
		clearTimeout(timer);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	/** Only the owner decides, in the home of the module, and the agent has no part in it. */
	async #decide(
		contract: string,
		isApproved: boolean,
		owner: OwnerOptions["owner"],
	): Promise<Decision> {
		const homes = homesOfModules(this.#place);
		return decideInAll(homes, contract, isApproved, owner);
	}

	/**
	 * What became of a purchase whose agent said no more. Its store tells once no process has it
	 * any more; while one may go on with the purchase, only what is bought is certain. Where the
	 * agent never heard of it, no process goes on with it, and only an earlier try can have paid.
	 */
	async #whatBecame(
		id: string,
		lost: ConnectionLost | NotReached,
	): Promise<Purchase> {
		const { home } = this.#place;
		const offer = new Uint8Array(Buffer.from(id, "hex"));
		const isOver = lost instanceof NotReached || (await isUnused(home));
		const row = await newestOf(home, offer, lost);
		if (row === "unreadable") throw inDoubt(lost);
		const state = row && stateOf(row);
		if (row !== undefined && state === "bought") return purchaseOf(row);
		const isUnpaid = state === undefined || state === "not-bought";
		if (isOver && isUnpaid)
			throw new TetradError(lost.code, `nothing was paid: ${lost.message}`, {
				cause: lost,
			});
		if (row !== undefined && (state === "void" || state === "wrong"))
			throw new TetradError(
				state === "void" ? "purchase-void" : "merchandise-wrong",
				row.reason === "" ? lost.message : row.reason,
				{ cause: lost },
			);
		throw inDoubt(lost);
	}

	#once<With, Answer>(
		name: string,
		ask: Ask<With, Answer>,
		said: With,
		options: AskOptions = {},
	): Promise<Answer> {
		const asking = this.#call(options, (call, options) =>
			call.once(name, ask, said, options),
		);
		this.#under.add(asking);
		const done = () => void this.#under.delete(asking);
		asking.then(done, done);
		return asking;
	}

	async *#list<With, Answer>(
		name: string,
		ask: Ask<With, Answer>,
		said: With,
		options: AskOptions = {},
	): AsyncGenerator<Answer, void, undefined> {
		const { call, how } = await this.#reach(options);
		try {
			yield* call.list(name, ask, said, how);
		} finally {
			this.#calls.delete(call);
			call.close();
		}
	}

	async #call<Result>(
		options: AskOptions,
		work: (call: RemoteCall, options: AskOptions) => Promise<Result>,
	): Promise<Result> {
		const { call, how } = await this.#reach(options);
		try {
			return await work(call, how);
		} finally {
			this.#calls.delete(call);
		}
	}

	async #reach({ signal, step }: AskOptions): Promise<{
		readonly call: RemoteCall;
		readonly how: AskOptions;
	}> {
		const closing = this.#closing.signal;
		if (closing.aborted)
			throw new TetradError("tetrad-closed", "this agent is closed");
		const call = await RemoteCall.reach(this.#place.socket);
		if (call === undefined)
			throw new NotReached(
				"carrier-failed",
				`the agent of ${this.#place.home} does not run any more; open it again`,
			);
		this.#calls.add(call);
		return {
			call,
			how: {
				signal:
					signal === undefined ? closing : AbortSignal.any([closing, signal]),
				step,
			},
		};
	}
}

/** Whether no process has a home. */
async function isUnused(home: string): Promise<boolean> {
	try {
		using _ = await HomeLock.take(home);
		return true;
	} catch {
		return false;
	}
}

/** Where nobody can say whether money left. */
function inDoubt(lost: ConnectionLost | NotReached): TetradError {
	return new TetradError(
		"payment-in-doubt",
		`${lost.message}, and whether it is paid is not known yet; the same quote again goes on, and nothing is paid twice`,
		{ cause: lost },
	);
}

/** An agent that was asked to buy has a store: one that is gone tells as little as one that cannot be read. */
async function newestOf(
	home: string,
	offer: Uint8Array,
	lost: ConnectionLost | NotReached,
): Promise<PurchaseRow | "unreadable" | undefined> {
	try {
		if (!(await hasAgentStore(home)))
			return lost instanceof NotReached ? undefined : "unreadable";
		return await viewPurchaseOf(home, offer);
	} catch {
		return "unreadable";
	}
}
