import { nodeCrypto } from "../../crypto/index.ts";
import { isErrorCode, TetradError, unreachable } from "../../errors.ts";
import type { Store } from "../../machine/index.ts";
import {
	type EcashOrder,
	type EcashOrderState,
	type PurseReport,
	REQUEST_ID_BYTES,
	type TrustedMint,
} from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import {
	type EcashOrderView,
	viewEcashOrder,
	viewEcashOrders,
} from "./ecash-view.ts";
import { mintNamed, type PurseMint, trustedMint } from "./purse-mints.ts";
import type { NewEcashOrder } from "./purse-orders.ts";

/** Which mint does it, and for how long to wait. */
export interface MintChoice {
	/** Its address; needed where the purse names several. */
	readonly mint?: string | undefined;
	readonly signal?: AbortSignal | undefined;
}

/** A token that was made. */
export interface SentToken {
	/** Names it, for `takeBack`; in hexadecimal. */
	readonly request: string;
	/** Whoever has this text can redeem it. */
	readonly token: string;
	/** What the mint asked for making it, in minor units. */
	readonly fee: bigint;
}

/** An invoice that new ecash is made for once it is paid. */
export interface MintInvoice {
	/** Names it, for `minted`; in hexadecimal. */
	readonly request: string;
	/** As bolt11 writes it. */
	readonly invoice: string;
}

/** An invoice that a mint has paid. */
export interface PaidInvoice {
	/** In hexadecimal. */
	readonly request: string;
	/** What the invoice asked for, and what it cost beside, in minor units. */
	readonly amount: bigint;
	readonly fee: bigint;
	/** That it was paid, where the mint tells it. */
	readonly preimage: string | undefined;
	/** Why that is no proof, where it does not fit the invoice: it is the mint's word then. */
	readonly error: TetradError | undefined;
}

/** What is ordered of a mint, without what names either. */
export type OrderOfMint = NewEcashOrder extends infer Of
	? Of extends NewEcashOrder
		? Omit<Of, "mint">
		: never
	: never;

/** What is said of ecash of the owner. */
type EcashReport = Extract<
	PurseReport,
	{ readonly kind: `ecash${"" | "-ordered" | "-received" | "-refused"}` }
>;
type EcashOrderReport = Extract<PurseReport, { readonly kind: "ecash" }>;

function isAboutEcash(report: PurseReport): report is EcashReport {
	return report.kind.startsWith("ecash");
}

/** Why it will not be done; nothing while it may be. */
function whyNot(report: EcashReport): TetradError | undefined {
	switch (report.kind) {
		case "ecash-received":
			return undefined;
		case "ecash-refused":
		case "ecash-ordered":
			return report.error;
		case "ecash":
			switch (report.state) {
				case "refused":
				case "failed":
					return report.error ?? notPaid();
				case "declined":
					return spentBefore();
				case "lapsed":
					return lapsed();
				default:
					return undefined;
			}
		default:
			return unreachable(report);
	}
}

/** Throws `invalid-argument` for what names no order. */
function requestId(text: string): Uint8Array {
	if (!/^[0-9a-f]{32}$/.test(text))
		throw new TetradError(
			"invalid-argument",
			"an order of ecash is named by 32 hexadecimal digits",
		);
	return new Uint8Array(Buffer.from(text, "hex"));
}

/** How much an invoice has brought, where that is known by now; nothing while it may still be paid. Throws why it brings nothing. */
function mintedBefore(order: EcashOrderView | undefined): bigint | undefined {
	if (order?.kind !== "mint")
		throw new TetradError(
			"invalid-argument",
			"no invoice of this purse has that name",
		);
	const { state, amount, error } = order;
	switch (state) {
		case "minted":
			return amount;
		case "lapsed":
			throw lapsed();
		case "refused":
		case "failed":
			throw error === undefined
				? notPaid()
				: new TetradError(
						isErrorCode(error.code) ? error.code : "internal",
						error.reason,
					);
		default:
			return undefined;
	}
}

function notPaid(): TetradError {
	return new TetradError("issuer-refused", "the mint has not done it");
}

function spentBefore(): TetradError {
	return new TetradError(
		"double-spent",
		"the ecash that it was to be done with had been spent before, by another copy of this purse",
	);
}

function lapsed(): TetradError {
	return new TetradError(
		"timed-out",
		"the invoice was not paid in time; nothing was minted",
	);
}

/** Somebody who waits for what becomes of an order. */
interface Waiting {
	readonly hear: (report: EcashReport) => void;
	readonly reject: (why: TetradError) => void;
}

/** What it is made with. `order` and `receive` hand over to the machine of the purse; they throw while it is in no module. */
interface EcashHost {
	readonly store: Store;
	readonly mints: readonly PurseMint[];
	readonly order: (order: EcashOrder) => void;
	readonly receive: (request: Uint8Array, token: string) => void;
}

/**
 * What the owner of a purse does with the ecash in it: whoever holds the purse as an object is its
 * owner here. What is ordered is durable, and goes on after every start until it is over.
 *
 * @example
 * ```ts
 * import { Purse } from "tetrad";
 *
 * async function pass(purse: Purse) {
 * 	const { invoice, request } = await purse.ecash.mint(1000n);
 * 	console.log("pay this:", invoice);
 * 	await purse.ecash.minted(request);
 * 	const { token } = await purse.ecash.send(250n);
 * 	return token;
 * }
 * ```
 */
export class OwnerEcash {
	readonly #host: EcashHost;
	readonly #mints: readonly TrustedMint[];
	/** Who waits for what becomes of it, by request in hexadecimal. */
	readonly #waiting = new Map<string, Set<Waiting>>();
	/** Why nothing more is heard of anything. */
	#end: TetradError | undefined;

	/** For `Purse`. */
	constructor(host: EcashHost) {
		this.#host = host;
		this.#mints = host.mints.map(trustedMint);
	}

	/** For `Purse`: its machine reports nothing more. */
	end(why: TetradError): void {
		this.#end ??= why;
		for (const waiting of this.#waiting.values())
			for (const { reject } of waiting) reject(this.#end);
	}

	/** For `Purse`: what its machine reports. */
	hear(report: PurseReport): void {
		if (!isAboutEcash(report)) return;
		for (const { hear } of this.#waiting.get(hex(report.request)) ?? [])
			hear(report);
	}

	/** As `Purse.receive`. */
	receive(
		token: string,
		{ signal }: Pick<MintChoice, "signal"> = {},
	): Promise<bigint> {
		const request = nodeCrypto.random(REQUEST_ID_BYTES);
		return this.#become(
			[request],
			signal,
			(report) =>
				report.kind === "ecash-received" ? report.amount : undefined,
			async () => {
				this.#host.receive(request, token);
				return undefined;
			},
		);
	}

	/**
	 * Makes a token of so much of a mint's ecash, for whoever it is given to: a text, as other wallets
	 * read it. It stays in the purse until it is redeemed, and `takeBack` takes it back until then.
	 * Rejects with `insufficient-funds`, with `busy` where the mint cannot be reached, and as
	 * `receive` when `signal` is aborted.
	 */
	async send(amount: bigint, options: MintChoice = {}): Promise<SentToken> {
		const { report, request } = await this.#order(
			{ kind: "send", amount },
			options,
			["sent", "redeemed"],
		);
		const sent = await viewEcashOrder(this.#host.store, this.#mints, request);
		if (sent?.token === undefined)
			throw new TetradError("internal", "a token that was made is not there");
		return { request: hex(request), token: sent.token, fee: report.fee };
	}

	/** Takes back what is left of a token that `send` has made, by its request. Resolves with what of it is the purse's again, which is nothing when it was redeemed. */
	async takeBack(request: string, options: MintChoice = {}): Promise<bigint> {
		const of = requestId(request);
		const name = nodeCrypto.random(REQUEST_ID_BYTES);
		const { signal } = options;
		const mint = this.#mintOf(options.mint).issuer;
		return this.#become(
			[of, name],
			signal,
			(report) =>
				report.kind === "ecash" &&
				(report.state === "taken-back" || report.state === "redeemed")
					? report.returned
					: undefined,
			async () => {
				this.#host.order({ kind: "take-back", request: name, of, mint });
				return undefined;
			},
		);
	}

	/**
	 * Has a mint make an invoice for so much new ecash. Once it is paid, the purse asks for the ecash
	 * by itself, also after a start. Rejects as `send`, and with `issuer-refused` for what the mint
	 * does not make.
	 */
	async mint(amount: bigint, options: MintChoice = {}): Promise<MintInvoice> {
		const { report, request } = await this.#order(
			{ kind: "mint", amount },
			options,
			["unpaid", "minting", "minted"],
		);
		return { request: hex(request), invoice: report.invoice };
	}

	/** Resolves with how much it was when the ecash of an invoice of `mint` is in the purse. Rejects with `timed-out` when the invoice was not paid in time, with `invalid-argument` for one that the purse does not know, and as `receive`. */
	async minted(request: string, options: MintChoice = {}): Promise<bigint> {
		const name = requestId(request);
		return this.#become(
			[name],
			options.signal,
			(report) =>
				report.kind === "ecash" && report.state === "minted"
					? report.amount
					: undefined,
			async () =>
				mintedBefore(await viewEcashOrder(this.#host.store, this.#mints, name)),
		);
	}

	/**
	 * Has a mint pay an invoice with ecash, for no more than `maxFee` beside. Resolves when the mint
	 * says that it is paid. Rejects with `payment-refused` where it may cost more, with
	 * `issuer-refused` when it was not paid, and as `send`.
	 */
	async melt(
		invoice: string,
		{ maxFee, ...options }: MintChoice & { readonly maxFee: bigint },
	): Promise<PaidInvoice> {
		const { report, request } = await this.#order(
			{ kind: "melt", invoice, maxFee },
			options,
			["paid"],
		);
		const paid = await viewEcashOrder(this.#host.store, this.#mints, request);
		const { amount, fee, error } = report;
		const { preimage } = paid ?? {};
		return { request: hex(request), amount, fee, preimage, error };
	}

	/** Asks a mint for all that follows from the purse's seed and is not spent. Resolves with how much of it the purse did not have; what the mint is working on is asked about by itself, and comes later or never. Rejects as `send`. */
	async restore(options: MintChoice = {}): Promise<bigint> {
		const { report } = await this.#order({ kind: "restore" }, options, [
			"pending",
			"restored",
		]);
		return report.amount;
	}

	/** What was ordered of mints, the newest first; only what is not over unless `all` is wanted. */
	orders({
		all = false,
	}: {
		readonly all?: boolean;
	} = {}): Promise<EcashOrderView[]> {
		return viewEcashOrders(this.#host.store, this.#mints, all);
	}

	async #order(
		order: OrderOfMint,
		{ mint: named, signal }: MintChoice,
		states: readonly EcashOrderState[],
	): Promise<{
		readonly report: EcashOrderReport;
		readonly request: Uint8Array;
	}> {
		const mint = this.#mintOf(named).issuer;
		const request = nodeCrypto.random(REQUEST_ID_BYTES);
		const report = await this.#become(
			[request],
			signal,
			(report) =>
				report.kind === "ecash" && states.includes(report.state)
					? report
					: undefined,
			async () => {
				this.#host.order({ ...order, request, mint } as EcashOrder);
				return undefined;
			},
		);
		return { report, request };
	}

	/** Resolves with what `wanted` makes of a report about one of these requests, or with what `begin` says that there is already; rejects with why it was not done, and with why nobody hears of it any more. */
	async #become<Of>(
		requests: readonly Uint8Array[],
		signal: AbortSignal | undefined,
		wanted: (report: EcashReport) => Of | undefined,
		begin: () => Promise<Of | undefined>,
	): Promise<Of> {
		signal?.throwIfAborted();
		if (this.#end !== undefined) throw this.#end;
		const { promise, resolve, reject } = Promise.withResolvers<Of>();
		const onAbort = () => reject(signal?.reason);
		const hear = (report: EcashReport) => {
			const found = wanted(report);
			if (found !== undefined) return resolve(found);
			const why = whyNot(report);
			if (why !== undefined) reject(why);
		};
		const one = { hear, reject };
		const names = requests.map(hex);
		for (const name of names)
			this.#waiting.set(name, (this.#waiting.get(name) ?? new Set()).add(one));
		signal?.addEventListener("abort", onAbort, { once: true });
		try {
			const begun = begin().then((there) => there ?? promise);
			return await Promise.race([begun, promise]);
		} finally {
			signal?.removeEventListener("abort", onAbort);
			for (const name of names) {
				const hearing = this.#waiting.get(name);
				hearing?.delete(one);
				if (hearing?.size === 0) this.#waiting.delete(name);
			}
		}
	}

	/** The mint of that address; where the purse names one, it is that. Throws `invalid-argument`. */
	#mintOf(url: string | undefined): TrustedMint {
		return mintNamed(this.#mints, url);
	}
}
