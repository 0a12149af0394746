/*
 * What a purse has to do with those who know what a sale is. A sale is a payment for a key: its
 * contract is a hash, its terms are bytes that travel along with its transfer, and it is paid for a
 * key whose hash the payer knows. What terms mean, which key fits them and what is bought is for a
 * `SalePart` to know, which whoever makes a purse gives it; the purse moves the money, once, and
 * calls the part within its own steps. A part does no more than a machine: it decides at once, asks
 * for what has to be done through its `SaleRail`, and keeps no promise of its own.
 *
 * A sale at its payer, as far as a part has to know (paying.ts and payment-delivery.ts have it all):
 *
 *   pay ─▶ (under way) ─COMMIT─▶ committed ─accepted, key right─▶ keyed ─the issuer says booked─▶ (over)
 *             │                    │  ▲ │                           │
 *             ├─refused─▶ not-paid │  └─┤ receipt-without-key       └─the issuer says void─▶ refunded
 *             └─cancel──▶ aborted  │    │ in-doubt
 *                                  │    └─ delivered again when the same four meet; resolved when the issuer is met
 *                                  ├─the issuer says key─▶ keyed
 *                                  ├─the issuer says void─▶ refunded
 *                                  └─its ranges were another transfer's─▶ declined
 *
 * and at its payee:
 *
 *   prepare, judged ─▶ (an invoice is out; nothing durable) ─deliver, judged, key─▶ ACCEPT ─▶ sold ─deposit─▶ booked | refused
 *                                                              └─deposit first─▶ (to book) ─▶ sold, or refused
 */
import type { TetradError } from "../../errors.ts";
import type { Kind, Transaction, Write } from "../../machine/index.ts";
import type { FourIds, IssuerTerms, Payment } from "../documents/index.ts";
import type { Meeting, MoneyContext } from "../machine.ts";
import type { PurseReport } from "./purse-report.ts";

/** A sale as its payer asks for it to be paid. */
export interface SalePayment extends Payment {
	/** Device id of the payee's module: the other one of the tetrad. */
	readonly payee: Uint8Array;
	/** What `contract` is the hash of, and the chain of its signer: 1 to `MAX_TERMS_BYTES`. */
	readonly terms: Uint8Array;
	/** SHA-256 of the key that it is paid for, 32 bytes. */
	readonly keyHash: Uint8Array;
	/** Until when it may be committed, by the clock of who signed its terms; milliseconds since the epoch. `CLOCK_TOLERANCE_MS` before that it is not committed any more. */
	readonly payBy: number;
	/** What it is for, as its payee says, for an owner who has to approve it; nothing unless given. */
	readonly what?: string;
	/** Whether the owner is asked first, whatever the limits say; not unless given. */
	readonly askOwner?: boolean;
	/** What its lock is made of, where it is paid with ecash; nothing for notes. */
	readonly atMint?: AtMint;
	/** What its mint may ask for beside the amount, as its buyer has agreed to; whatever the owner's limits let it be unless given. */
	readonly mostFee?: bigint;
}

/** What a contract says of ecash that is locked for it. */
export interface AtMint {
	/** The mint's name of the unit, as `sat`. */
	readonly unit: string;
	/** `termsHash` of the contract, 32 bytes: its payee has a key of its own for it. */
	readonly termsHash: Uint8Array;
	/** Of its tetrad, 32 bytes. */
	readonly binding: Uint8Array;
	/** When its payer can have it back; milliseconds since the epoch. */
	readonly bookBy: number;
	/** Device id of the agent that sells. */
	readonly agent: Uint8Array;
	/** The payee's, from which that key follows, 33 bytes. */
	readonly payeeKey: Uint8Array;
}

/** An issuer, which has declared the sale void; or a mint, since nobody had claimed what was locked. */
export type RefundedBy = "issuer" | "mint";

/** What a payer shows its payee of a sale before it commits. */
export interface OfferedSale extends Payment {
	/** Device id of the payer's module. */
	readonly payer: Uint8Array;
	readonly terms: Uint8Array;
}

/** A sale that its payer has committed, as it came; that the money for it is there was judged. */
export type DeliveredSale = OfferedSale;

/** That a payee sells. */
export interface Sold {
	/** 32 bytes; it leaves the module along with the receipt, and not before. */
	readonly key: Uint8Array;
	/** Whether the transfer is taken only once its issuer has booked it. */
	readonly depositsFirst: boolean;
	/** Written in the very transaction that takes the transfer. */
	readonly also: readonly Write[];
	/** Of what is sold for ecash: what its lock has to be. */
	readonly atMint?: AtMint;
}

/** What was paid for, with its receipt. */
interface KeyedSale {
	readonly contract: Uint8Array;
	/** The right one, 32 bytes. */
	readonly key: Uint8Array;
	/** The payee's, as it was signed; empty along with its chain when the key came from the issuer and no receipt ever did. */
	readonly receipt: Uint8Array;
	/** Encoded chain of the payee's module under which it was signed. */
	readonly chain: Uint8Array;
	/** What its mint has taken from its payer beside the price; nothing of notes. */
	readonly fee?: bigint;
}

/** What becomes of a sale. A part may be told again what it knows: what follows from that is the same. */
export type SaleEvent =
	// At the payer.
	/** COMMIT is durable: whatever comes, the money is the payee's, or comes back by `refunded`. */
	| { readonly kind: "committed"; readonly contract: Uint8Array }
	/** Bought. It may not be durable yet; if it never is, it is told again when the payee or the issuer is met. */
	| ({ readonly kind: "keyed" } & KeyedSale)
	/** The payee took the money and gave no key, or a wrong one: it goes on as in doubt. */
	| {
			readonly kind: "receipt-without-key";
			readonly contract: Uint8Array;
			readonly receipt: Uint8Array;
			readonly chain: Uint8Array;
	  }
	/** Nothing was committed, and `error` is why: `approval-needed` when the owner has to be asked first, and nothing is held for it meanwhile. */
	| {
			readonly kind: "not-paid";
			readonly contract: Uint8Array;
			readonly error: TetradError;
	  }
	/** The owner has said yes to what was refused with `approval-needed`: it can be asked for again. */
	| { readonly kind: "approved"; readonly contract: Uint8Array }
	/** The owner has said no. */
	| { readonly kind: "denied"; readonly contract: Uint8Array }
	/** Committed, and no answer; it goes on by itself. */
	| {
			readonly kind: "in-doubt";
			readonly contract: Uint8Array;
			readonly error: TetradError;
	  }
	/** Void: it will never be booked, and so much is in the own account. Also of a sale that was keyed before. */
	| {
			readonly kind: "refunded";
			readonly contract: Uint8Array;
			readonly amount: bigint;
			/** Who has given it back. */
			readonly by: RefundedBy;
			/** What its mint has taken for that; nothing of notes. */
			readonly fee?: bigint;
	  }
	/** Its ranges had been given to somebody else before, by another copy of this purse, or its issuer has forgotten its notes: there is no key and no money. */
	| {
			readonly kind: "declined";
			readonly contract: Uint8Array;
			readonly error: TetradError;
	  }
	/** It is durable that it will never be committed. */
	| { readonly kind: "aborted"; readonly contract: Uint8Array }
	/** That could not be made durable, and `error` is why: it may be asked for again. */
	| {
			readonly kind: "not-cancelled";
			readonly contract: Uint8Array;
			readonly error: TetradError;
	  }
	/** What was recalled had not been committed in any life of this purse, and it is too late for it. */
	| { readonly kind: "never-paid"; readonly contract: Uint8Array }
	/** It was committed before it was cancelled, and goes on. */
	| { readonly kind: "too-late"; readonly contract: Uint8Array }
	// At the payee.
	/** The receipt is durable and given: the key may go out, and has. `isBooked` when its issuer had to book it first. */
	| ({
			readonly kind: "sold";
			readonly amount: bigint;
			/** Device id. */
			readonly payer: Uint8Array;
			readonly terms: Uint8Array;
			readonly isBooked: boolean;
			/** Those in which its payer was answered. */
			readonly tetrads: readonly number[];
	  } & KeyedSale)
	// At both.
	/** The issuer has booked it, and nothing more becomes of it: its payer had the key before. */
	| { readonly kind: "booked"; readonly contract: Uint8Array }
	/** The issuer will never book it, and `error` is what it said. */
	| {
			readonly kind: "refused";
			readonly contract: Uint8Array;
			readonly error: TetradError;
	  };

/** What an owner reads of a sale, beside what the purse reports of every payment. */
export type SaleReport = Extract<PurseReport, { readonly kind: "sale" }>;

/** The selling secret that an issuer gave; documents and bytes as they came. */
export interface GivenSecret {
	readonly secret: Uint8Array;
	readonly certificate: Uint8Array;
	/** The issuer's, encoded. */
	readonly chain: Uint8Array;
}

/**
 * How far a sale has come that its payer has committed. Notes are locked in the very write that
 * commits them; a rail on which locking is a step of its own has sales that are `committed` and
 * not yet `locked`, of which it goes on, or takes the money back, by itself.
 */
type SaleStep =
	| "committed"
	| "locked"
	| "keyed"
	/** Void, and the money is back. */
	| "refunded"
	/** What it was paid with had been given to somebody else before. */
	| "declined";

/** What a rail knows of a sale that its payer has committed. */
export interface CommittedSale {
	/** Its terms are empty once they are in an archive. */
	readonly payment: SalePayment;
	readonly step: SaleStep;
	/** What has come back, in minor units, and from whom; nothing unless it is refunded. */
	readonly refund:
		| { readonly amount: bigint; readonly by: RefundedBy }
		| undefined;
	/** Why there is no key and no money, when its issuer has forgotten what it was paid with. */
	readonly why: TetradError | undefined;
	/** Empty until it has come. */
	readonly key: Uint8Array;
	/** The payee's, and the encoded chain under which it was signed; empty without one. */
	readonly receipt: Uint8Array;
	readonly chain: Uint8Array;
	/** What its mint has taken beside the price, or for what has come back; nothing of notes. */
	readonly fee?: bigint;
}

/**
 * The rail: what a purse does for its part, as any kind of money would. It offers a sale to its
 * payee and locks the money for it (`pay`), makes sure at the payee that it is locked and has the
 * part accept it (`judge`, `sell` and `sold` of the part), finds out by itself what became of it,
 * at the payee and at whoever makes the money (`keyed`, `refunded`, `declined`, or still
 * `in-doubt`), and cancels what is not committed (`cancel`). The part does not know which money it
 * is. All of it may be called within a call to the part, and only there. */
export interface SaleRail {
	readonly context: MoneyContext;
	/** Of the event that is handled; milliseconds since the epoch. */
	readonly now: number;
	/** The tetrads that are open, by their numbers. */
	readonly meetings: ReadonlyMap<number, Meeting>;
	/** An issuer whose money this purse takes, and its terms; or a mint that stands where one does. */
	issuerOf(issuer: Uint8Array): IssuerTerms | undefined;
	/** All of them, in the order in which the owner has named them, mints last. */
	readonly moneys: readonly KnownMoney[];
	/** Within a transaction: what of that can be paid with now, in minor units, in the same order. */
	spendable<Result>(
		then: (amounts: readonly bigint[]) => Transaction<Result>,
	): Transaction<Result>;
	/** What a mint asks for beside a price, with the ecash that is there now; nothing of notes, and where that is not known, or there is not enough. */
	feeOf(issuer: Uint8Array, amount: bigint): bigint | undefined;
	/** What that agent's sales for a mint's ecash are sold on; nothing for an issuer of notes. */
	atMint(issuer: Uint8Array, agent: Uint8Array): SellsAtMint | undefined;
	/**
	 * Pays, or goes on with what was begun: asked again with the same, in a tetrad of the same four,
	 * it is paid once, is delivered again when it is committed, and says what became of it. `also`
	 * is written in the very transaction of COMMIT, and not when it was committed before. Everything
	 * that comes of it comes as a `SaleEvent`, also within this call.
	 */
	pay(tetrad: number, payment: SalePayment, also: readonly Write[]): void;
	/**
	 * Finds out whether a contract was paid in a life that this purse has forgotten, of which its
	 * agent still knows, by whoever makes the money: answered by `committed`, after which it goes on
	 * as any other, by `never-paid`, or by `not-cancelled` where it cannot be found out now. `four`
	 * are the devices of the contract, and `also` is written along with what is found.
	 */
	recall(payment: SalePayment, four: FourIds, also: readonly Write[]): void;
	/**
	 * Sees to it that a contract is not paid, whether it was asked for or not: answered by `aborted`,
	 * `too-late` or `not-cancelled`. `isOfOpenTetrad` when it can have been paid in a tetrad that is
	 * open, and nowhere else: of any other, a purse that was put back may have lost the payment, and
	 * the answer is `not-cancelled` with `purse-behind`.
	 */
	cancel(contract: Uint8Array, isOfOpenTetrad: boolean): void;
	/** Within a transaction: what is known of these contracts, in the same order; nothing of those that were not committed. */
	committed<Result>(
		contracts: readonly Uint8Array[],
		then: (
			sales: readonly (CommittedSale | undefined)[],
		) => Transaction<Result>,
	): Transaction<Result>;
	/** Asks for a transaction, in its turn; answered by `written` with what it decides, or by `notWritten`. `job` is data that says what to do then. */
	transact(job: Kind, transaction: Transaction<unknown>): void;
	/** To the own agent in a tetrad, if it is still open. */
	toAgent(tetrad: number, bytes: Uint8Array): void;
	/** To the other module. */
	toModule(tetrad: number, bytes: Uint8Array): void;
	report(report: SaleReport): void;
}

/** Money that a purse was told of. */
export interface KnownMoney extends IssuerTerms {
	readonly isOfMint: boolean;
}

/** Where a module sells for ecash. */
export interface SellsAtMint {
	/** The mint's address, normalised. */
	readonly url: string;
	readonly unit: string;
	/** As in `AtMint`. */
	readonly payeeKey: Uint8Array;
}

/**
 * Whoever knows what a sale is, at a module that buys or sells. What it throws in `fromAgent` and
 * `fromModule` ends that tetrad; what it throws elsewhere ends the purse.
 */
export interface SalePart {
	/** Whether messages of that first byte are for it. */
	hears(from: "agent" | "module", type: number): boolean;
	fromAgent(meeting: Meeting, bytes: Uint8Array): void;
	fromModule(meeting: Meeting, bytes: Uint8Array): void;
	opened(meeting: Meeting): void;
	/** Nothing more comes from that tetrad, and nothing can be sent in it. */
	closed(tetrad: number): void;
	/** When `time` shall be called, for each thing that waits. */
	deadlines(): Iterable<number>;
	time(): void;
	written(job: Kind, result: unknown): void;
	/** What the transaction threw, or why the store did not write it. */
	notWritten(job: Kind, error: TetradError): void;
	happened(event: SaleEvent): void;

	// A payee is asked; it answers at once, and nothing changes by that.

	/** Why that sale is not for this module to take now, or nothing. The terms are to be those of the contract. */
	judge(meeting: Meeting, sale: OfferedSale): TetradError | undefined;
	/**
	 * The key of a sale that its payer has committed, in this tetrad or in an earlier one of the same
	 * four; or why it is not taken at all. Only what no honest payer delivers, and what is over for
	 * good, is refused: what comes late is to be deposited first.
	 */
	sell(meeting: Meeting, sale: DeliveredSale): Sold | TetradError;

	// What a seller needs of its issuer.

	/** The generation of the selling secret to ask for in a visit to that issuer, 0 for the current one; nothing when there is nothing to ask. */
	wantedSecret(meeting: Meeting, issuer: IssuerTerms): number | undefined;
	/** What to write of a secret that was asked for. Throws when it is not good. */
	keepSecret(
		meeting: Meeting,
		issuer: IssuerTerms,
		given: GivenSecret,
	): Transaction<unknown>;
	/** It is durable; `result` is what that transaction has decided. */
	secretKept(result: unknown): void;
}

/** How a purse gets its part: made along with it, before anything happens. */
export type MakeSalePart = (rail: SaleRail) => SalePart;
