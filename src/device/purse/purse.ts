import { nodeCrypto } from "../../crypto/index.ts";
import {
	asTetradError,
	authenticationFailed,
	TetradError,
	unreachable,
} from "../../errors.ts";
import type { Signer } from "../../identity/index.ts";
import { byKey, done, reading, type Store } from "../../machine/index.ts";
import {
	type EcashOrderBody,
	ecashOrderOf,
	ecashSeed,
	ecashTables,
	keepEcashSeed,
	loadPurse,
	messages,
	openApproval,
	openCancellation,
	openEcashOrder,
	openLimits,
	openOrder,
	openOverride,
	PurseMachine,
	type PurseReport,
	type PurseState,
	purseTables,
} from "../../money/index.ts";
import { openSqliteStore } from "../../store/index.ts";
import {
	loadTrade,
	moduleTrade,
	type TradeState,
} from "../../trade/module/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	MoneyDriver,
	type MoneyDriverOptions,
	type MoneyHolder,
	type PurseHost,
	type Tetrad,
} from "../runtime/index.ts";
import { borrowed } from "./borrowed-store.ts";
import { ECASH_ORDER_MS } from "./limits.ts";
import { OwnerEcash } from "./owner-ecash.ts";
import {
	type PurseBalance,
	type PurseChange,
	type PurseNote,
	viewBalances,
	viewHistory,
	viewNotes,
} from "./owner-view.ts";
import {
	type PurseIssuer,
	purseStorePath,
	readPurseSettings,
} from "./purse-home.ts";
import {
	ecashOf,
	type PurseMint,
	requireDistinct,
	trustedMint,
} from "./purse-mints.ts";
import {
	type OrderFile,
	putOrderAside,
	readOrders,
	removeOrder,
	type SignedOrderKind,
} from "./purse-orders.ts";
import { ownerKey } from "./purse-owner.ts";
import { openPlaced, renewPlace } from "./purse-place.ts";

const MEMORY = ":memory:";

/** How often a module that runs looks for what its owner says about payments: half a second. */
const LOOK_EVERY_MS = 500;

/** What a module that runs takes at once, and not when its agent settles. */
const URGENT: readonly OrderFile["kind"][] = [
	...(["limits", "approval", "ecash", "token"] as const),
];

interface PurseHooks {
	/** Hears what the purse has for its owner. */
	readonly report?: MoneyDriverOptions<PurseReport>["report"];
	/** As in `MoneyDriver`. */
	readonly other?: MoneyDriverOptions<PurseReport>["other"];
	readonly refused?: MoneyDriverOptions<PurseReport>["refused"];
}

/** What a purse is made of. */
export interface PurseOptions extends PurseHooks {
	/** The file that the purse is kept in, made if it is not there. `:memory:` forgets it with the process. */
	readonly path: string;
	/** Whose notes it takes, and how much of them undeposited. */
	readonly issuers: readonly PurseIssuer[];
	/** The owner's Ed25519 public key, 32 bytes; without one no order to withdraw is taken. */
	readonly owner?: Uint8Array;
	/** Signers with keys that the module had before its present one: notes that were made out to them are exchanged under them at the next meeting with their issuer. */
	readonly earlier?: readonly Signer[];
	/** Whether it meets each issuer after every start before it pays with its notes, and not only when the file was put back or copied; not so unless given. */
	readonly meetIssuerAtStart?: boolean;
	/** Whose ecash it takes; nobody's unless given. */
	readonly mints?: readonly PurseMint[];
}

/** What the purse of a home is given besides. */
interface HomeHooks extends PurseHooks {
	/** As in `PurseOptions`. */
	readonly earlier?: readonly Signer[];
}

type State =
	/** Open, and in no module yet. */
	| {
			readonly kind: "loaded";
			readonly state: PurseState;
			readonly trade: TradeState;
			/** Of its ecash; nothing where no mint is named. */
			readonly seed: Uint8Array | undefined;
			/** Its file is not where it was, or was put back. */
			readonly wasMoved: boolean;
	  }
	| {
			readonly kind: "attached";
			readonly driver: MoneyDriver<PurseReport>;
			readonly host: PurseHost;
	  };

/**
 * The money of one module: `new MoneyModule({ …, purse })` gives it every tetrad. It pays and is
 * paid on the word of the module's agent, and withdraws on the word of its owner.
 *
 * @example
 * ```ts
 * import { MoneyModule, Purse } from "tetrad";
 *
 * const undeposited = { software: 0n, token: 10_000n, tpm: 100_000n };
 * await using purse = await Purse.open({
 * 	path: "purse.db",
 * 	issuers: [{ terms, undeposited }],
 * 	report: (report) => console.log(report.kind),
 * });
 * await using module = new MoneyModule({ identity, policy, purse });
 * purse.failed.then((why) => console.error(why.code));
 * ```
 */
export class Purse implements MoneyHolder, AsyncDisposable {
	/**
	 * Resolves, with why, when the purse has stopped because its store failed: end the process and
	 * start it again, which shows what is durable. Never rejects.
	 */
	readonly failed: Promise<TetradError>;
	/** What its owner does with the ecash in it. */
	readonly ecash: OwnerEcash;
	readonly #options: PurseOptions;
	readonly #store: Store;
	/** The home whose `orders` it obeys. */
	readonly #home: string | undefined;
	readonly #failed = Promise.withResolvers<TetradError>();
	#state: State;
	#picking: Promise<void> = Promise.resolve();
	#looking: NodeJS.Timeout | undefined;
	/** Files in orders/ that were handed over; what was not carried out waits for the next settling. */
	readonly #handed = new Set<string>();
	/** Each with a name of its own. */
	readonly #mints: readonly PurseMint[];

	private constructor(
		options: PurseOptions,
		store: Store,
		loaded: Omit<Extract<State, { readonly kind: "loaded" }>, "kind">,
		home?: string,
	) {
		this.#options = options;
		this.#store = store;
		this.#state = { kind: "loaded", ...loaded };
		this.#home = home;
		this.#mints = requireDistinct(
			options.mints ?? [],
			options.issuers.map(({ terms }) => terms),
		);
		this.failed = this.#failed.promise;
		this.ecash = new OwnerEcash({
			store,
			mints: this.#mints,
			order: (order) => this.#attached().driver.orderEcash(order),
			receive: (request, token) =>
				this.#attached().driver.receive(request, token),
		});
	}

	/** Throws `busy` while another process has it open, and `store-full`, `store-failed` and `home-unusable` for what cannot be read. */
	static open(options: PurseOptions): Promise<Purse> {
		return Purse.#open(options);
	}

	/** A purse in a store that is open (docs/stores.md), which nothing else writes to; whoever opened it closes it, after this. Throws as `open`. */
	static async over(
		store: Store,
		options: Omit<PurseOptions, "path">,
	): Promise<Purse> {
		const { meetIssuerAtStart: meetsIssuers = false } = options;
		const start = loadPurse(nodeCrypto, { meetsIssuers });
		const state = await store.transact(start);
		const trade = await store.transact(loadTrade());
		const seed = await seedIn(store, options);
		const loaded = { state, trade, seed, wasMoved: false };
		return new Purse({ ...options, path: MEMORY }, borrowed(store), loaded);
	}

	/** Opens the purse in the home of a module, which has purse.json. Throws as `open`. */
	static async openHome(home: string, hooks: HomeHooks = {}): Promise<Purse> {
		const { owner, ...settings } = await readPurseSettings(home);
		const path = purseStorePath(home);
		return Purse.#open(
			{ ...hooks, path, ...settings, owner: await ownerKey(owner) },
			home,
		);
	}

	static async #open(options: PurseOptions, home?: string): Promise<Purse> {
		const { path, meetIssuerAtStart: meetsIssuers = false } = options;
		const store = await openSqliteStore({
			path,
			schema: purseTables.PURSE_SCHEMA,
		});
		try {
			const loaded =
				path === MEMORY
					? {
							state: await store.transact(loadPurse(nodeCrypto)),
							wasMoved: false,
						}
					: await openPlaced(path, store, meetsIssuers);
			const trade = await store.transact(loadTrade());
			const seed = await seedIn(store, options);
			return new Purse(options, store, { ...loaded, trade, seed }, home);
		} catch (thrown) {
			await store[Symbol.asyncDispose]();
			throw thrown;
		}
	}

	/** For `MoneyModule`. */
	attach(host: PurseHost): void {
		if (this.#state.kind !== "loaded")
			throw invalid("this purse is in a module already, and it goes with one");
		const { path, issuers, owner, other, refused } = this.#options;
		const { earlier = [] } = this.#options;
		const { report = () => {} } = this.#options;
		const { state, trade, seed, wasMoved } = this.#state;
		const mints = this.#mints;
		const ecash = ecashOf(mints, seed);
		const driver = new MoneyDriver<PurseReport>({
			machine: new PurseMachine(
				{
					context: host.context,
					issuers: issuers.map(({ terms, undeposited }) => ({
						...terms,
						limits: undeposited,
					})),
					limits: {},
					owner:
						owner === undefined
							? undefined
							: { algorithm: "Ed25519", publicKey: owner },
					earlierKeys: earlier,
					sale: moduleTrade(trade),
					...(ecash === undefined ? {} : { ecash }),
				},
				state,
			),
			store: this.#store,
			signer: host.signer,
			earlier,
			now: host.now,
			crypto: host.context.crypto,
			report: (what) => this.#report(what, report),
			before: (from, bytes) => this.#before(from, bytes),
			...(other === undefined ? {} : { other }),
			...(refused === undefined ? {} : { refused }),
		});
		this.#state = { kind: "attached", driver, host };
		void driver.failed.then((why) => {
			this.#failed.resolve(why);
			this.ecash.end(why);
		});
		if (wasMoved) report({ kind: "trouble", error: moved(path) });
		void this.#pickUp();
		if (this.#home !== undefined) this.#look(this.#home);
	}

	/** For `MoneyModule`. */
	serve(tetrad: Tetrad): Promise<void> {
		return this.#attached().driver.serve(tetrad);
	}

	balances(): Promise<PurseBalance[]> {
		const key =
			this.#state.kind === "attached"
				? this.#state.host.context.own
				: undefined;
		return viewBalances(this.#store, this.#terms, this.#now(), { key });
	}

	/** Those of which something is left. */
	notes(): Promise<PurseNote[]> {
		return viewNotes(this.#store, this.#terms, this.#now());
	}

	/** The newest changes, the newest first; 100 unless said otherwise. */
	history({
		limit = 100,
	}: {
		readonly limit?: number;
	} = {}): Promise<PurseChange[]> {
		return viewHistory(this.#store, this.#terms, limit);
	}

	/** Hands over an order that the owner signed (`draftOrder`); what comes of it is reported. */
	order(document: Uint8Array): void {
		this.#attached().driver.order(document);
	}

	/** Hands over an override that the owner signed (`draftOverride`); what comes of it is reported. */
	override(document: Uint8Array): void {
		this.#attached().driver.override(document);
	}

	/** Hands over a cancellation that the owner signed; what comes of it is reported. */
	cancel(document: Uint8Array): void {
		this.#attached().driver.cancel(document);
	}

	/** Hands over limits that the owner signed; what comes of it is reported. */
	limits(document: Uint8Array): void {
		this.#attached().driver.limits(document);
	}

	/** Hands over what the owner has said, and signed, about a payment that waits; what comes of it is reported. */
	approval(document: Uint8Array): void {
		this.#attached().driver.approval(document);
	}

	/** Has all notes of that issuer given back to it at the next meeting. */
	giveBack(issuer: Uint8Array): void {
		this.#attached().driver.giveBack(issuer);
	}

	/**
	 * Takes a token of ecash, as another wallet writes it, into the purse. Resolves with what of it
	 * is its own then, in minor units, after what its mint asks for. Rejects with `malformed` for
	 * what is no token, `payment-refused` for one of a mint that this purse was not given,
	 * `double-spent` for one that was spent, `issuer-refused` for one that its mint never lets this
	 * purse have, as when it is locked to somebody else, and `busy` where its mint cannot be reached;
	 * with the reason of `signal` when that is aborted, with `tetrad-closed` when this purse is
	 * closed and as `failed` says when it has stopped, and then it may be taken nevertheless.
	 */
	receive(
		token: string,
		{ signal }: { readonly signal?: AbortSignal } = {},
	): Promise<bigint> {
		return this.ecash.receive(token, { signal });
	}

	/** Ends what is under way and closes the store. Close the module first. */
	async [Symbol.asyncDispose](): Promise<void> {
		clearTimeout(this.#looking);
		this.#looking = undefined;
		const closing =
			this.#state.kind === "attached" ? this.#state.driver.close() : undefined;
		this.ecash.end(closed());
		await closing;
		await this.#picking;
		if (this.#options.path !== MEMORY)
			await renewPlace(this.#options.path, this.#store).catch(() => {
				// It stays as it is: the next opening renews it.
			});
		await this.#store[Symbol.asyncDispose]();
	}

	/** Of issuers, and of mints that stand where issuers do. */
	get #terms() {
		const { issuers } = this.#options;
		return [
			...issuers.map(({ terms }) => terms),
			...this.#mints.map(trustedMint),
		];
	}

	#now(): number {
		return this.#state.kind === "attached"
			? this.#state.host.now()
			: Date.now();
	}

	#attached(): Extract<State, { kind: "attached" }> {
		if (this.#state.kind !== "attached")
			throw invalid(
				"this purse is in no module: new MoneyModule({ …, purse })",
			);
		return this.#state;
	}

	/** An agent that settles brings what the owner has ordered until then. */
	#before(
		from: "agent" | "module",
		bytes: Uint8Array,
	): Promise<void> | undefined {
		return from === "agent" && bytes[0] === messages.WITH_AGENT.settle.type
			? this.#pickUp()
			: undefined;
	}

	#report(what: PurseReport, report: (what: PurseReport) => void): void {
		report(what);
		this.ecash.hear(what);
		const home = this.#home;
		if (home === undefined) return;
		for (const name of orderNames(what)) {
			this.#handed.delete(name);
			void this.#inTurn(() => removeOrder(home, name));
		}
	}

	/** Hands over what waits in orders/. */
	#pickUp(): Promise<void> {
		const home = this.#home;
		if (home === undefined) return Promise.resolve();
		return this.#inTurn(async () => {
			for (const file of await readOrders(home)) await this.#take(home, file);
		});
	}

	/** Takes what the owner says about payments while it counts, and not only when the agent settles. */
	#look(home: string): void {
		this.#looking = setTimeout(async () => {
			await this.#inTurn(async () => {
				for (const file of await readOrders(home)) {
					const isUrgent = URGENT.some((kind) => kind === file.kind);
					if (!isUrgent || this.#handed.has(file.name)) continue;
					await this.#take(home, file);
				}
			});
			if (this.#looking !== undefined) this.#look(home);
		}, LOOK_EVERY_MS).unref();
	}

	/** One thing at a time in orders/; what goes wrong there is for the owner to hear of, and stops nothing. */
	#inTurn(work: () => Promise<void>): Promise<void> {
		this.#picking = this.#picking.then(work).catch((thrown: unknown) => {
			const error = asTetradError(thrown);
			this.#options.report?.({ kind: "trouble", error });
		});
		return this.#picking;
	}

	async #take(home: string, file: OrderFile): Promise<void> {
		const { name, request } = file;
		this.#handed.add(name);
		if (file.kind !== "cancel" && (await this.#isKnown(request)))
			return removeOrder(home, name);
		const { driver, host } = this.#attached();
		try {
			switch (file.kind) {
				case "give-back":
					driver.giveBack(this.#knownIssuer(file.issuer), request);
					return;
				case "order":
					driver.order(this.#owners(openOrder, file, host));
					return;
				case "override":
					driver.override(this.#owners(openOverride, file, host));
					return;
				case "cancel":
					driver.cancel(this.#owners(openCancellation, file, host));
					return;
				case "limits":
					driver.limits(this.#owners(openLimits, file, host));
					return;
				case "approval":
					driver.approval(this.#owners(openApproval, file, host));
					return;
				case "ecash": {
					const body = this.#ecashOrder(file, host);
					if (isTooOld(body, host.now())) return this.#putOldAside(home, file);
					driver.orderEcash(ecashOrderOf(body));
					return;
				}
				case "token":
					driver.receive(request, file.token);
					return;
				case "unreadable":
					throw file.error;
				default:
					return unreachable(file);
			}
		} catch (thrown) {
			const error = asTetradError(thrown);
			if (error.code === "tetrad-closed") return;
			await putOrderAside(home, name);
			this.#options.report?.({
				kind: "trouble",
				error: new TetradError(
					error.code,
					`the order ${name} is not one of this purse's owner, and was put aside as ${name}.refused: ${error.message}`,
				),
			});
		}
	}

	/** Throws unless the owner's key signed it, for this purse and under that name. */
	#owners(
		open:
			| typeof openOrder
			| typeof openOverride
			| typeof openCancellation
			| typeof openLimits
			| typeof openApproval,
		file: Extract<OrderFile, { kind: SignedOrderKind }>,
		{ context: { crypto, own } }: PurseHost,
	): Uint8Array {
		const { owner } = this.#options;
		const order =
			owner &&
			open(crypto, file.document, own.deviceId, {
				algorithm: "Ed25519",
				publicKey: owner,
			});
		if (order === undefined || !sameBytes(order.value.request, file.request))
			throw authenticationFailed();
		return order.value.document;
	}

	#ecashOrder(
		file: Extract<OrderFile, { kind: SignedOrderKind }>,
		{ context: { crypto, own } }: PurseHost,
	): EcashOrderBody {
		const { owner: publicKey } = this.#options;
		const signer = publicKey && { algorithm: "Ed25519" as const, publicKey };
		const order =
			signer && openEcashOrder(crypto, file.document, own.deviceId, signer);
		if (order === undefined || !sameBytes(order.value.request, file.request))
			throw authenticationFailed();
		return order.value;
	}

	/** Nothing comes of it; its owner orders it anew, or has done it otherwise since. */
	async #putOldAside(home: string, { name, request }: OrderFile) {
		await putOrderAside(home, name);
		const error = new TetradError(
			"timed-out",
			`this order was given more than a week before anything took it down, so that nothing is paid on it; order it again if it is still wanted (it is kept as ${name}.refused)`,
		);
		const { report = () => {} } = this.#options;
		this.#report({ kind: "ecash-ordered", request, error }, report);
	}

	#knownIssuer(issuer: Uint8Array): Uint8Array {
		if (this.#terms.some((terms) => sameBytes(terms.issuer, issuer)))
			return issuer;
		throw invalid("it names no issuer that this purse knows");
	}

	/** What was taken down is no order any more, also of a mint that the owner does not name now. */
	async #isKnown(request: Uint8Array): Promise<boolean> {
		const { REQUESTS } = purseTables;
		const { ECASH_ORDERS, RECEIVED } = ecashTables;
		return this.#store.transact(
			reading(
				[
					byKey(REQUESTS, { request }),
					byKey(ECASH_ORDERS, { request }),
					byKey(RECEIVED, { request }),
				],
				(found) => done([], found.flat().length > 0),
			),
		);
	}
}

/** What gives ecash away is not carried out that late; what brings it back, or new ecash, always is. */
function isTooOld({ kind, ordered }: EcashOrderBody, now: number): boolean {
	const givesAway = kind === "send" || kind === "melt";
	return givesAway && now - ordered > ECASH_ORDER_MS;
}

/** What the files in orders/ are called that a report is the end of. */
function orderNames(report: PurseReport): readonly string[] {
	switch (report.kind) {
		case "ordered":
			return [
				`${hex(report.request)}.${report.amount === 0n ? "give-back" : "order"}`,
			];
		case "overridden":
			return [`${hex(report.request)}.override`];
		case "limits":
			return [`${hex(report.request)}.limits`];
		case "ecash-ordered":
			return [`${hex(report.request)}.ecash`];
		case "ecash-received":
		case "ecash-refused":
			return [`${hex(report.request)}.token`];
		case "decided":
			return [`${hex(report.request)}.approval`];
		case "cancelled":
			return ["order", "cancel"].map(
				(kind) => `${hex(report.request)}.${kind}`,
			);
		default:
			return [];
	}
}

/** What makes words of a seed is loaded by a purse that has none yet. */
async function seedIn(
	store: Pick<Store, "transact">,
	{ mints = [] }: Pick<PurseOptions, "mints">,
): Promise<Uint8Array | undefined> {
	if (mints.length === 0) return undefined;
	const known = await store.transact(ecashSeed());
	if (known !== undefined) return known.seed;
	const { drawSeed } = await import("./seed-text.ts");
	return store.transact(keepEcashSeed(await drawSeed()));
}

function moved(path: string): TetradError {
	return new TetradError(
		"purse-behind",
		`${path} is not where it was when it was last open, or was put back or copied: this purse pays with an issuer's notes once it has met that issuer; settle first`,
	);
}

function closed(): TetradError {
	return new TetradError(
		"tetrad-closed",
		"this purse was closed before it was known; what it has taken down goes on when it is opened again",
	);
}

function invalid(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}
