/*
 * What a purse has to do with its ecash, which whoever makes the purse gives it, as it gives what
 * knows of sales. All of ecash is paid for a key, as a sale; a mint stands where an issuer does.
 * The purse hands over what concerns it, and holds what both have in common: the owner's limits, the
 * log, and whether it is behind.
 */
import type { TetradError } from "../../errors.ts";
import type { Kind, Write } from "../../machine/index.ts";
import type { EcashOrder, ReceiptBody } from "../documents/index.ts";
import type { Approvals } from "./approvals.ts";
import type { EcashState } from "./ecash-load.ts";
import type { OpenMeeting, TrustedIssuer } from "./purse-core.ts";
import type { PurseParts } from "./purse-parts.ts";
import type { PurseWork } from "./purse-work.ts";
import type { AtMint, SalePayment, SellsAtMint } from "./sale-part.ts";
import type { SpendingLimits } from "./spending-limits.ts";

/** What it is made with. */
export interface EcashNeeds {
	readonly parts: PurseParts;
	readonly work: PurseWork;
	readonly limits: SpendingLimits;
	readonly approvals: Approvals;
	/** What was durable when the purse was started. */
	readonly state: EcashState;
}

/** A sale that is paid with ecash of a mint. */
export interface MintPayment extends SalePayment {
	readonly atMint: AtMint;
}

/** One that may have been paid in a life that the purse has forgotten. */
export interface RecalledPayment extends MintPayment {
	/** `partiesHash` of the four devices of its contract, 32 bytes. */
	readonly parties: Uint8Array;
	/** Written along with it when it is found. */
	readonly also: readonly Write[];
}

/** What a mint has answered. */
export interface MintAnswer {
	/** Of HTTP. */
	readonly status: number;
	readonly body: Uint8Array;
}

export interface EcashPart {
	/** On what that agent's sales for that mint's ecash are sold; nothing for a mint that its owner has not named. */
	sellsAt(issuer: Uint8Array, agent: Uint8Array): SellsAtMint | undefined;
	/** What a mint asks for beside a price, with what is there now; nothing where that is not known, or there is not enough. */
	feeOf(issuer: Uint8Array, amount: bigint): bigint | undefined;
	/** The owner puts a token into the purse; what comes of it is reported under the name of `request`. */
	receive(request: Uint8Array, token: string): void;
	/** The owner orders something of a mint; what comes of it is reported. */
	order(order: EcashOrder): void;
	/** All that comes of it is told to the part that knows of sales. */
	pay(tetrad: number, payment: MintPayment, also: readonly Write[]): void;
	/** The same: its mint is asked whether it was paid. */
	recall(payment: RecalledPayment): void;
	/** A contract is never paid any more: that is durable. */
	cancelled(contract: Uint8Array): void;
	/** What was to be asked of the owner is durable, or could not be. */
	ownerAsked(contract: Uint8Array, error?: TetradError): void;
	/** Whether messages of that first byte, from the other module, are for it. */
	hears(type: number): boolean;
	/** Throws for what is no such message. */
	hear(meeting: OpenMeeting, bytes: Uint8Array): void;
	/** The other module says no. Whether that was about a sale that is paid with ecash. */
	refused(
		meeting: OpenMeeting,
		said: {
			readonly contract: Uint8Array;
			readonly code: string;
			readonly reason: string;
		},
	): boolean;
	opened(meeting: OpenMeeting): void;
	closed(tetrad: number): void;
	/** When `time` shall be called, for each thing that waits. */
	deadlines(): Iterable<number>;
	time(): void;
	answered(job: Kind, answer: MintAnswer): void;
	notAnswered(job: Kind, error: TetradError): void;
	written(job: Kind, result: unknown): void;
	notWritten(job: Kind, error: TetradError): void;
	signed(receipt: ReceiptBody, signature: Uint8Array): void;
	notSigned(receipt: ReceiptBody, error: TetradError): void;
}

/** The ecash of a purse. */
export interface PurseEcash {
	/** The mints that its owner has named, as the purse knows issuers. */
	readonly mints: readonly TrustedIssuer[];
	/** Made along with the purse, before anything happens. */
	make(needs: EcashNeeds): EcashPart;
}
