/*
 * What a model may do with a wallet. It chooses a merchant, an item and a quote, and nothing else:
 * the price is the quote's, the payee the merchant's own module, the file's place and name the
 * agent's, and the contract of a purchase follows from its quote. What the wallet may pay at all is
 * judged by its module, which no tool reaches.
 *
 *   quote ─the same thing was bought just now, or is being bought─▶ that purchase
 *     │   ─else, or another copy is wanted──────────────────────────▶ a quote
 *   buy ──under way, or bought─────────────────────────────────────▶ that purchase
 *     │   ─the same thing, and no other copy is wanted──────────────▶ that purchase
 *     └───────────────────────────▶ a purchase; of another copy, once the owner has approved it
 *
 * It is read off what the agent keeps, so that it holds also after a restart.
 */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { formatAddress, parseAddress } from "../../carrier/index.ts";
import {
	type AgentService,
	isOpenOrMadeSince,
	type Purchase,
	type Quote,
	thingOf,
} from "../../device/service/index.ts";
import { TetradError } from "../../errors.ts";
import type { AgentDoor } from "./agent-door.ts";
import type {
	BalanceAnswer,
	BuyAnswer,
	BuyAsked,
	CatalogueAnswer,
	CatalogueAsked,
	ItemShown,
	PurchaseShown,
	QuoteAnswer,
	QuoteAsked,
	ReceiptAnswer,
	ReceiptAsked,
	StatusAnswer,
	StatusAsked,
} from "./answers.ts";
import { KnownQuotes } from "./known-quotes.ts";
import {
	ANSWER_WITHIN_MS,
	ASK_WITHIN_MS,
	MAX_ITEMS,
	MAX_ITEMS_READ,
	MAX_PURCHASES_SEEN,
	MAX_PURCHASES_TOLD,
	MAX_UNDER_WAY,
	RECENT_PURCHASE_MS,
	RESOLVE_WITHIN_MS,
} from "./limits.ts";
import { isPlain } from "./merchant-text.ts";
import { nextAfter } from "./next-step.ts";
import { shownGoods } from "./shown-goods.ts";
import { type Said, type Stage, UnderWay } from "./under-way.ts";
import {
	balanceShown,
	itemShown,
	purchaseShown,
	quotedPurchase,
	quoteShown,
} from "./views.ts";

export interface WalletToolsOptions {
	readonly door: AgentDoor;
	/** The folder of the side, for commands that its owner gives. */
	readonly home: string;
	/** How the owner calls our program in these, as a shell takes it; `tetrad` unless given. */
	readonly program?: string | undefined;
	/** Where all goods and receipts go. */
	readonly folder: string;
	/** The only addresses at which merchants are called; every host and port unless given. */
	readonly merchants?: readonly string[] | undefined;
	/** In milliseconds since the epoch; the machine's clock unless given. */
	readonly now?: (() => number) | undefined;
	/** How long a call waits for a purchase, in milliseconds; `ANSWER_WITHIN_MS` unless given. */
	readonly answerWithinMs?: number | undefined;
	/** How long a merchant may take to answer, in milliseconds; `ASK_WITHIN_MS` unless given. */
	readonly askWithinMs?: number | undefined;
}

/** How one call is stopped, and told how far it is. A purchase is not stopped with the call. */
export interface CallOptions {
	readonly signal: AbortSignal;
	readonly said?: Said | undefined;
}

type Waiting = Extract<Stage, { readonly kind: "waiting" }>;

/** Makes what the tools answer. Everything rejects with a `TetradError`. */
export class WalletTools implements AsyncDisposable {
	readonly #options: WalletToolsOptions;
	readonly #door: AgentDoor;
	readonly #merchants: ReadonlySet<string> | undefined;
	readonly #quotes = new KnownQuotes();
	/** By the quote's id. */
	readonly #underWay = new Map<string, UnderWay>();
	/** When nobody decides any more whether something is bought. */
	#deciding: Promise<unknown> = Promise.resolve();

	/** Throws `invalid-argument` for what is no address of a merchant. */
	constructor(options: WalletToolsOptions) {
		const { door, merchants } = options;
		this.#options = options;
		this.#door = door;
		this.#merchants =
			merchants && new Set(merchants.map((text) => addressOf(text)));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#door[Symbol.asyncDispose]();
	}

	async catalogue(
		{ merchant, from = 0 }: CatalogueAsked,
		{ signal }: CallOptions,
	): Promise<CatalogueAnswer> {
		const address = this.#called(merchant);
		return this.#asking(signal, async (agent, signal) => {
			const items: ItemShown[] = [];
			let more: number | undefined;
			let isCutShort = false;
			let at = 0;
			for await (const one of agent.catalogue(address, { signal })) {
				if (at >= from && items.length === MAX_ITEMS) {
					more = at;
					break;
				}
				if (at++ >= from) items.push(itemShown(one));
				isCutShort = at >= MAX_ITEMS_READ;
				if (isCutShort) break;
			}
			const next =
				more !== undefined
					? `Ask for the price of an item with tetrad_quote, or for more items with from: ${more}.`
					: isCutShort
						? `Ask for the price of an item with tetrad_quote. No more than ${MAX_ITEMS_READ} items of a catalogue are read, and it may go on: an item whose name is known can be quoted all the same.`
						: "Ask for the price of an item with tetrad_quote.";
			return { items, ...(more === undefined ? {} : { more }), next };
		});
	}

	async quote(
		{ merchant, item, order, anotherCopy = false }: QuoteAsked,
		{ signal }: CallOptions,
	): Promise<QuoteAnswer> {
		const address = this.#called(merchant);
		if (!isPlain(item))
			throw new TetradError(
				"invalid-argument",
				"the name of an item has hidden characters or line ends in it here; such an item cannot be bought with these tools",
			);
		return this.#asking(signal, async (agent, signal) => {
			const quote = await agent.quote(address, item, { order, signal });
			const earlier = await this.#earlier(agent, thingOf(quote));
			if (earlier !== undefined && !anotherCopy) {
				const purchase = await this.#shown(earlier);
				const { state } = purchase;
				return { state, purchase, next: nextAfter(state, "earlier") };
			}
			this.#quotes.keep(quote, anotherCopy);
			return {
				state: "quoted",
				quote: quoteShown(quote),
				next:
					earlier === undefined
						? "Buy it with tetrad_buy if the user wants it at this price."
						: "The same thing was bought already. tetrad_buy asks the owner of the wallet to approve another copy.",
			};
		});
	}

	async buy(
		{ quoteId }: BuyAsked,
		{ signal, said = () => {} }: CallOptions,
	): Promise<BuyAnswer> {
		const decided = await this.#inTurn(() => this.#decide(quoteId));
		const isIt = decided instanceof UnderWay;
		const isOther =
			(isIt ? decided.quote.id : decided.quote) !== quoteId ? "earlier" : "own";
		if (!isIt) {
			if (decided.state === "in-doubt") throw inDoubt();
			const purchase = await this.#shown(decided);
			const { state } = purchase;
			return { state, purchase, next: nextAfter(state, isOther) };
		}
		using _ = decided.listen(said);
		const purchase = await this.#outcome(decided, signal);
		const { state } = purchase;
		return { state, purchase, next: nextAfter(state, isOther) };
	}

	async status(
		{ quoteId }: StatusAsked,
		{ signal }: CallOptions,
	): Promise<StatusAnswer> {
		return this.#door.use(async (agent) => {
			await this.#resolve(agent, signal);
			const kept = await purchasesOf(agent);
			const isWanted = ({ quote }: Purchase) =>
				quoteId === undefined || quote === quoteId;
			const isHere = ({ quote }: Purchase) =>
				quote !== undefined && this.#underWay.has(quote);
			const told = kept.filter(
				(one, i) =>
					isWanted(one) &&
					!isHere(one) &&
					(one.state === "in-doubt" || i < MAX_PURCHASES_TOLD),
			);
			const here = [...this.#underWay.values()].filter(
				({ quote }) => quoteId === undefined || quote.id === quoteId,
			);
			if (quoteId !== undefined && told.length + here.length === 0)
				throw new TetradError(
					"invalid-argument",
					"nothing was bought with that quote",
				);
			const purchases = await Promise.all(
				[...here, ...told].map((one) =>
					this.#shown(one, quoteId !== undefined),
				),
			);
			const states = new Set(purchases.map(({ state }) => state));
			const open = (["in-doubt", "waiting-for-owner", "under-way"] as const)
				.filter((state) => states.has(state))
				.map((state) => nextAfter(state, "own"));
			return {
				wallet: { name: agent.name },
				purchases,
				next: open.join(" ") || "Nothing is under way.",
			};
		});
	}

	async balance(): Promise<BalanceAnswer> {
		return this.#door.use(async (agent) => ({
			balances: (await agent.balance()).map(balanceShown),
			next: "What can be spent also depends on limits that the owner of the wallet sets; no tool changes them, or adds money.",
		}));
	}

	/** Writes the receipt under a name that follows from the contract, and never over anything else. */
	async receipt({ purchaseId }: ReceiptAsked): Promise<ReceiptAnswer> {
		return this.#door.use(async (agent) => {
			const receipt = await agent.receipt(purchaseId);
			const name = `${purchaseId.slice(0, 16)}.receipt`;
			const path = join(this.#options.folder, name);
			await writeOnce(path, receipt);
			return {
				purchaseId,
				path,
				next: "Whoever has the file proves the purchase with: tetrad verify.",
			};
		});
	}

	/** Asks a merchant, which may be slow on purpose. */
	async #asking<Answer>(
		signal: AbortSignal,
		ask: (agent: AgentService, signal: AbortSignal) => Promise<Answer>,
	): Promise<Answer> {
		const { askWithinMs = ASK_WITHIN_MS } = this.#options;
		return this.#door.use(async (agent) => {
			const late = AbortSignal.timeout(askWithinMs);
			try {
				return await ask(agent, AbortSignal.any([signal, late]));
			} catch (thrown) {
				if (signal.aborted || !late.aborted) throw thrown;
				throw new TetradError(
					"timed-out",
					"the merchant takes too long to answer",
					{ cause: thrown },
				);
			}
		});
	}

	/** Whether something is bought is decided about one after another, so that each sees what came of those before. */
	#inTurn<Result>(decide: () => Promise<Result>): Promise<Result> {
		const decided = this.#deciding.then(decide);
		this.#deciding = decided.catch(() => {});
		return decided;
	}

	/** What a quote is bought as: a purchase that there is, or a new one, which is under way then. */
	async #decide(quoteId: string): Promise<UnderWay | Purchase> {
		const running = this.#underWay.get(quoteId);
		if (running !== undefined) return running;
		return this.#door.use(async (agent) => {
			const ofQuote = (await purchasesOf(agent)).filter(
				({ quote }) => quote === quoteId,
			);
			const begun = ofQuote.find(({ state }) => state !== "not-bought");
			if (begun !== undefined) return begun;
			const known = this.#quotes.get(quoteId);
			if (known === undefined) throw notKnown(ofQuote.at(0));
			const { quote, anotherCopy } = known;
			const thing = thingOf(quote);
			const earlier = await this.#earlier(agent, thing);
			if (earlier !== undefined && !anotherCopy) return earlier;
			return this.#begin(agent, quote, thing);
		});
	}

	#begin(agent: AgentService, quote: Quote, thing: string): UnderWay {
		if (this.#underWay.size >= MAX_UNDER_WAY)
			throw new TetradError(
				"busy",
				`${MAX_UNDER_WAY} purchases are under way or wait for the owner of the wallet`,
			);
		const { folder } = this.#options;
		const way = new UnderWay(agent, quote, thing, {
			folder,
			maximum: mostOf(quote),
			// Another program on this wallet may buy it in the same moment.
			askOwnerAgainWithinMs: RECENT_PURCHASE_MS,
		});
		this.#underWay.set(quote.id, way);
		const over = () => void this.#underWay.delete(quote.id);
		way.over.then(over, () => {
			over();
			// Whoever was told no is not asked about the same offer again.
			if (way.stage.kind === "waiting") this.#quotes.forget(quote.id);
		});
		return way;
	}

	/** A purchase of the same thing that is under way, not over, or was made just now. */
	async #earlier(
		agent: AgentService,
		thing: string,
	): Promise<UnderWay | Purchase | undefined> {
		for (const way of this.#underWay.values())
			if (way.thing === thing) return way;
		const since = this.#now() - RECENT_PURCHASE_MS;
		return (await purchasesOf(agent)).find(
			(purchase) =>
				thingOf(purchase) === thing && isOpenOrMadeSince(purchase, since),
		);
	}

	/** Waits until a purchase is over, needs its owner, or takes too long for one call. */
	async #outcome(way: UnderWay, signal: AbortSignal): Promise<PurchaseShown> {
		const { answerWithinMs = ANSWER_WITHIN_MS } = this.#options;
		const { stage } = way;
		if (stage.kind === "waiting" && (await this.#stillWaits(stage)))
			return this.#shown(way);
		const left = new AbortController();
		const until = AbortSignal.any([
			signal,
			left.signal,
			AbortSignal.timeout(answerWithinMs),
		]);
		try {
			const over = await Promise.race([
				way.over,
				way.waitsAnew(until),
				aborted(until),
			]);
			return await this.#shown(over ?? way);
		} finally {
			left.abort();
		}
	}

	/** Whether its owner has still to say something; what was said may still be on its way to the agent. */
	async #stillWaits({ contract }: Waiting): Promise<boolean> {
		const waiting = await this.#waiting();
		// Where the module's home is elsewhere, nothing is known but that it waited.
		return waiting === undefined || waiting.has(contract ?? "");
	}

	/** Contracts that wait for the owner, where that can be looked at from here. */
	#waiting(): Promise<ReadonlySet<string> | undefined> {
		return this.#door
			.use((agent) => agent.approvals())
			.then(
				(approvals) =>
					new Set(
						approvals
							.filter(({ state }) => state === "waiting")
							.map(({ contract }) => contract),
					),
				() => undefined,
			);
	}

	/** Goes on with what is in doubt. That it cannot be now is no reason to tell nothing. */
	async #resolve(agent: AgentService, signal: AbortSignal): Promise<void> {
		const isDoubtful = (await purchasesOf(agent)).some(
			({ state, quote }) =>
				state === "in-doubt" &&
				(quote === undefined || !this.#underWay.has(quote)),
		);
		if (!isDoubtful) return;
		const until = AbortSignal.any([
			signal,
			AbortSignal.timeout(RESOLVE_WITHIN_MS),
		]);
		await agent.resolve({ signal: until }).catch(() => {});
	}

	async #shown(
		one: UnderWay | Purchase,
		withGoods = true,
	): Promise<PurchaseShown> {
		if (one instanceof UnderWay) return this.#shownUnderWay(one);
		const purchase = purchaseShown(one);
		const { contract, state } = one;
		// Another program on this wallet may have asked for it.
		if (state === "in-doubt" && (await this.#waiting())?.has(contract))
			return { ...purchase, ...this.#waitingFor(contract) };
		if (!withGoods || purchase.file === undefined) return purchase;
		const text = await shownGoods(purchase.file.path, this.#options.folder);
		if (text === undefined) return purchase;
		return { ...purchase, merchantSays: { ...purchase.merchantSays, text } };
	}

	#shownUnderWay({ quote, stage }: UnderWay): PurchaseShown {
		if (stage.kind === "paying") return quotedPurchase(quote, "under-way");
		const { contract } = stage;
		const purchase = quotedPurchase(quote, "waiting-for-owner");
		if (contract === undefined) return purchase;
		return { ...purchase, purchaseId: contract, ...this.#waitingFor(contract) };
	}

	#waitingFor(contract: string): Pick<PurchaseShown, "state" | "ownerCommand"> {
		const { home, program = "tetrad" } = this.#options;
		return {
			state: "waiting-for-owner",
			ownerCommand: `${program} approve ${contract.slice(0, 16)} --home ${quoted(home)}`,
		};
	}

	/** Throws `invalid-argument` for an address that is none, or that may not be called. */
	#called(merchant: string): string {
		const address = addressOf(merchant);
		if (this.#merchants?.has(address)) return address;
		if (this.#merchants !== undefined)
			throw new TetradError(
				"invalid-argument",
				"the owner of the wallet lets these tools call other merchants only",
			);
		if (address.startsWith("unix:"))
			throw new TetradError(
				"invalid-argument",
				"a merchant is called by its host and port, and not by a path",
			);
		return address;
	}

	#now(): number {
		return this.#options.now?.() ?? Date.now();
	}
}

async function purchasesOf(agent: AgentService): Promise<readonly Purchase[]> {
	const purchases: Purchase[] = [];
	for await (const one of agent.purchases({ limit: MAX_PURCHASES_SEEN }))
		purchases.push(one);
	return purchases;
}

/** Resolves with nothing when it aborts. */
function aborted(signal: AbortSignal): Promise<undefined> {
	return new Promise((resolve) => {
		if (signal.aborted) return resolve(undefined);
		signal.addEventListener("abort", () => resolve(undefined), { once: true });
	});
}

async function writeOnce(path: string, bytes: Uint8Array): Promise<void> {
	try {
		await using file = await open(path, "wx", 0o600);
		await file.writeFile(bytes);
		await file.sync();
	} catch (cause) {
		// It is named after its purchase, and was written before.
		if ((cause as NodeJS.ErrnoException).code === "EEXIST") return;
		throw new TetradError(
			"file-unusable",
			`the receipt could not be written to ${path}`,
			{ cause },
		);
	}
}

function notKnown(before: Purchase | undefined): TetradError {
	return new TetradError(
		"offer-expired",
		before?.reason === undefined
			? "this quote is not known here: it is somebody else's, or was given before these tools were started"
			: `nothing was paid for this quote, and nothing will be: ${before.reason}`,
	);
}

function inDoubt(): TetradError {
	return new TetradError(
		"payment-in-doubt",
		"it is or may be paid, and its goods are still to come",
	);
}

/** The price, and the fee that was shown with it: where none was, its mint gets none. */
function mostOf({ amount, fee = 0n }: Quote): bigint {
	return amount + fee;
}

/** As a shell reads it back. */
function quoted(path: string): string {
	return /^[\w@%+=:,./-]+$/.test(path)
		? path
		: `'${path.replaceAll("'", "'\\''")}'`;
}

function addressOf(text: string): string {
	return formatAddress(parseAddress(text));
}
