/*
 * The ecash of a purse, beside its notes: what it pays with it (offering.ts, locked-sale.ts), what
 * it is paid (claiming.ts), what its owner does with it (receiving.ts, owner-orders.ts), and the mints
 * that it asks (mints.ts). Everything is paid for a key, as a sale; its mint takes the place of an
 * issuer.
 */
import { type TetradError, unreachable } from "../../../errors.ts";
import type { Kind, Write } from "../../../machine/index.ts";
import { payeeBaseKey } from "../../cashu/index.ts";
import {
	ABOUT_LOCKS,
	type EcashOrder,
	type ReceiptBody,
} from "../../documents/index.ts";
import { checked } from "../checked.ts";
import type {
	EcashNeeds,
	EcashPart,
	MintAnswer,
	MintPayment,
	PurseEcash,
	RecalledPayment,
} from "../ecash-part.ts";
import { plain } from "../payment-refusals.ts";
import type { OpenMeeting } from "../purse-core.ts";
import type { SellsAtMint } from "../sale-part.ts";
import { EcashBook } from "./book.ts";
import { Claims } from "./claiming.ts";
import type { EcashJob, EcashWritten } from "./jobs.ts";
import { LockedSales } from "./locked-sales.ts";
import { Mints } from "./mints.ts";
import { Offering } from "./offering.ts";
import { OwnerOrders } from "./owner-orders.ts";
import type { EcashOptions, EcashParts, MintJob } from "./parts.ts";
import { Recalling } from "./recalling.ts";
import { Receivings } from "./receiving.ts";
import { SoldOffers } from "./sold-offers.ts";

/** The ecash of a purse whose owner has named these mints. */
export function ecashPurse(options: EcashOptions): PurseEcash {
	const { mints } = options;
	return { mints, make: (needs) => new EcashPurse(options, needs) };
}

class EcashPurse implements EcashPart {
	readonly #parts: EcashParts;
	readonly #mints: Mints;
	readonly #locked: LockedSales;
	readonly #offering: Offering;
	readonly #recalling: Recalling;
	readonly #offers: SoldOffers;
	readonly #claims: Claims;
	readonly #receivings: Receivings;
	readonly #orders: OwnerOrders;

	constructor(
		options: EcashOptions,
		{ parts: purse, work, limits, approvals, state }: EcashNeeds,
	) {
		const { core, witnesses, sale } = purse;
		const parts: EcashParts = {
			...{ core, options, witnesses, limits, approvals, sale },
			transact: (job, transaction) =>
				work.transact({ kind: "ecash-work", job }, transaction),
			ask: (job, url, request) =>
				work.ask({ kind: "asking", job }, url, request),
			signedBefore: (mint, outputs, isOver) =>
				this.#orders.signedBefore(mint, outputs, isOver),
			sign: (receipt, toSign) =>
				work.sign({ kind: "signing-lock-receipt", receipt }, toSign),
		};
		const book = new EcashBook(
			core.options.context.crypto,
			options.mints,
			state.proofs,
			state.counters,
		);
		this.#parts = parts;
		this.#mints = new Mints(parts, state.keysets, book);
		this.#locked = new LockedSales(parts, this.#mints, book, state.locked);
		this.#offering = new Offering(parts, this.#mints, book, this.#locked);
		this.#recalling = new Recalling(
			parts,
			this.#mints,
			book,
			this.#locked,
			state.countedLocks,
		);
		this.#offers = new SoldOffers(parts, this.#mints);
		this.#claims = new Claims(parts, this.#mints, book, state.claimed);
		this.#receivings = new Receivings(parts, this.#mints, book, state.received);
		this.#orders = new OwnerOrders(parts, this.#mints, book, state);
	}

	sellsAt(issuer: Uint8Array, agent: Uint8Array): SellsAtMint | undefined {
		const mint = this.#mints.of(issuer);
		if (mint === undefined) return undefined;
		const { options, core } = this.#parts;
		const key = payeeBaseKey(core.options.context.crypto, options.seed, agent);
		const payee = options.crypto.publicKey(key);
		key.fill(0);
		return { url: mint.url, unit: mint.unit, payeeKey: payee };
	}

	feeOf(issuer: Uint8Array, amount: bigint): bigint | undefined {
		const cost = checked(() => this.#offering.costOf(issuer, amount));
		return cost.kind === "failed" ? undefined : cost.value;
	}

	receive(request: Uint8Array, token: string): void {
		this.#receivings.receive(request, token);
	}

	order(order: EcashOrder): void {
		this.#orders.order(order);
	}

	pay(tetrad: number, payment: MintPayment, also: readonly Write[]): void {
		this.#offering.pay(tetrad, payment, also);
	}

	recall(payment: RecalledPayment): void {
		this.#recalling.recall(payment);
	}

	/** A contract is never paid any more: that is durable. */
	cancelled(contract: Uint8Array): void {
		this.#offering.cancelled(contract);
	}

	/** What was to be asked of the owner is durable, or could not be. */
	ownerAsked(contract: Uint8Array, error?: TetradError): void {
		this.#offering.ownerAsked(contract, error);
	}

	// What the other module says.

	/** Whether a message of that first byte is for this part. */
	hears(type: number): boolean {
		return Object.values(ABOUT_LOCKS).some((kind) => kind.type === type);
	}

	/** Throws for what is no such message. */
	hear(meeting: OpenMeeting, bytes: Uint8Array): void {
		switch (bytes[0]) {
			case ABOUT_LOCKS.lockOffer.type:
				return this.#offers.offered(meeting, bytes);
			case ABOUT_LOCKS.lockAgreed.type:
				return this.#offering.agreed(meeting, bytes);
			case ABOUT_LOCKS.lock.type:
				return this.#claims.lock(meeting, bytes);
			case ABOUT_LOCKS.lockClaimed.type:
				return this.#locked.claimed(meeting, bytes);
		}
	}

	/** The other module says no. Whether that was about a sale that is paid with ecash. */
	refused(
		meeting: OpenMeeting,
		said: {
			readonly contract: Uint8Array;
			readonly code: string;
			readonly reason: string;
		},
	): boolean {
		const { contract, code, reason } = said;
		const why = plain(reason) || plain(code);
		if (this.#locked.has(contract)) {
			this.#locked.refused(contract, meeting, why);
			return true;
		}
		if (!this.#offering.has(contract)) return false;
		this.#offering.refused(contract, meeting, why);
		return true;
	}

	// What happens to tetrads, and time.

	opened(meeting: OpenMeeting): void {
		this.#mints.time();
		this.#locked.opened(meeting);
	}

	closed(tetrad: number): void {
		this.#offering.closed(tetrad);
		this.#offers.closed(tetrad);
		this.#claims.closed(tetrad);
	}

	*deadlines(): Generator<number> {
		yield* this.#mints.deadlines();
		yield* this.#offering.deadlines();
		yield* this.#locked.deadlines();
		yield* this.#recalling.deadlines();
		yield* this.#offers.deadlines();
		yield* this.#claims.deadlines();
		yield* this.#receivings.deadlines();
		yield* this.#orders.deadlines();
	}

	time(): void {
		this.#mints.time();
		this.#offering.time();
		this.#locked.time();
		this.#recalling.time();
		this.#offers.time();
		this.#claims.time();
		this.#receivings.time();
		this.#orders.time();
	}

	// What was waited for.

	answered(kind: Kind, answer: MintAnswer): void {
		const job = kind as MintJob;
		switch (job.kind) {
			case "asking-mint":
				return this.#told(job.mint, this.#mints.answered(job.mint, answer));
			case "asking-about-paid":
				return this.#locked.mintAnswered(job.contract, answer);
			case "asking-about-recalled":
				return this.#recalling.mintAnswered(job.contract, answer);
			case "asking-about-sold":
				return this.#claims.mintAnswered(job.contract, answer);
			case "asking-about-received":
				return this.#receivings.mintAnswered(job.request, answer);
			case "asking-about-order":
				return this.#orders.mintAnswered(job.request, answer);
			default:
				return unreachable(job);
		}
	}

	notAnswered(kind: Kind, error: TetradError): void {
		const job = kind as MintJob;
		switch (job.kind) {
			case "asking-mint":
				return this.#told(job.mint, this.#mints.notAnswered(job.mint, error));
			case "asking-about-paid":
				return this.#locked.mintNotAnswered(job.contract);
			case "asking-about-recalled":
				return this.#recalling.mintNotAnswered(job.contract);
			case "asking-about-sold":
				return this.#claims.mintNotAnswered(job.contract);
			case "asking-about-received":
				return this.#receivings.mintNotAnswered(job.request);
			case "asking-about-order":
				return this.#orders.mintNotAnswered(job.request);
			default:
				return unreachable(job);
		}
	}

	/** Something has come of asking a mint what it is, or nothing yet. */
	#told(mint: Uint8Array, isNews: boolean): void {
		if (!isNews) return;
		this.#offering.mintAsked(mint);
		this.#locked.mintAsked(mint);
		this.#recalling.mintAsked(mint);
		this.#offers.mintAsked(mint);
		this.#claims.mintAsked(mint);
		this.#receivings.mintAsked(mint);
		this.#orders.mintAsked(mint);
	}

	written(kind: Kind, result: unknown): void {
		// What `transact` was given, and has held its result to.
		const job = kind as EcashJob;
		const done = { kind: job.kind, job, result } as EcashWritten;
		switch (done.kind) {
			case "looking-up-paid":
				return this.#offering.lookedUp(done.job, done.result);
			case "committing":
				return this.#offering.committed(done.job, done.result);
			case "recalling":
				return this.#recalling.written(done.job, done.result);
			case "moving":
				return this.#locked.moved(done.job);
			case "keying":
				return this.#locked.keyed(done.job);
			case "looking-up-sold-offer":
				return this.#offers.lookedUp(done.job, done.result);
			case "looking-up-sold":
				return this.#claims.lookedUp(done.job, done.result);
			case "claiming":
				return this.#claims.written(done.job);
			case "claimed":
				return this.#claims.moved(done.job);
			case "looking-up-received":
				return this.#receivings.lookedUp(done.job, done.result);
			case "receiving":
				return this.#receivings.written(done.job);
			case "received":
				return this.#receivings.moved(done.job);
			case "looking-up-order":
				return this.#orders.lookedUp(done.job, done.result);
			case "moving-order":
				return this.#orders.moved(done.job, done.result);
			case "refusing-order":
				return this.#orders.refused(done.job);
			case "keeping-keysets":
				return this.#mints.keysetsKept(done.job);
			default:
				return unreachable(done);
		}
	}

	notWritten(kind: Kind, error: TetradError): void {
		const job = kind as EcashJob;
		switch (job.kind) {
			case "looking-up-paid":
				return this.#offering.notLookedUp(job, error);
			case "committing":
				return this.#offering.notCommitted(job, error);
			case "recalling":
				return this.#recalling.notWritten(job, error);
			case "moving":
				return this.#locked.notMoved(job, error);
			case "keying":
				return this.#locked.notKeyed(job, error);
			case "looking-up-sold-offer":
				return this.#offers.notLookedUp(job, error);
			case "looking-up-sold":
				return this.#claims.notLookedUp(job, error);
			case "claiming":
				return this.#claims.notWritten(job, error);
			case "claimed":
				return this.#claims.notMoved(job, error);
			case "looking-up-received":
				return this.#receivings.notLookedUp(job, error);
			case "receiving":
				return this.#receivings.notWritten(job, error);
			case "received":
				return this.#receivings.notMoved(job, error);
			case "looking-up-order":
				return this.#orders.notLookedUp(job, error);
			case "moving-order":
				return this.#orders.notMoved(job, error);
			case "refusing-order":
				return this.#orders.notRefused(job);
			case "keeping-keysets":
				return this.#parts.core.trouble(error);
			default:
				return unreachable(job);
		}
	}

	signed(receipt: ReceiptBody, signature: Uint8Array): void {
		this.#claims.signed(receipt, signature);
	}

	notSigned(receipt: ReceiptBody, error: TetradError): void {
		this.#claims.notSigned(receipt, error);
	}
}
