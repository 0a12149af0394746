import { TetradError } from "../../errors.ts";
import type { TamperResistance } from "../../identity/index.ts";
import { hex, sameBytes, textWithin } from "../../wire/index.ts";
import {
	type HolderKey,
	type IssuerTerms,
	MAX_REASON_BYTES,
	message,
	partiesHash,
	WITH_AGENT,
} from "../documents/index.ts";
import type { Meeting, MoneyContext, MoneyEffect } from "../machine.ts";
import { checked } from "./checked.ts";
import { PurseBook } from "./purse-book.ts";
import type { PurseState } from "./purse-load.ts";
import type { PurseReport } from "./purse-report.ts";
import type { ReceiptRow } from "./purse-tables.ts";
import type { MakeSalePart } from "./sale-part.ts";

/** How much a purse takes undeposited from payers of each level, in minor units; without a limit for it, nothing. */
type UndepositedLimits = Readonly<Partial<Record<TamperResistance, bigint>>>;

/** An issuer whose notes a purse takes. */
export interface TrustedIssuer extends IssuerTerms {
	/** As for all others unless given. */
	readonly limits?: UndepositedLimits;
}

/** What the parts of a purse are given. */
export interface PurseOptions {
	readonly context: MoneyContext;
	/** Whose notes it takes. */
	readonly issuers: readonly TrustedIssuer[];
	/** Of each issuer's money. */
	readonly limits: UndepositedLimits;
	/** The public key of the owner's key; without it no order is taken. */
	readonly owner:
		| {
				readonly algorithm: "P-256" | "Ed25519";
				readonly publicKey: Uint8Array;
		  }
		| undefined;
	/** Keys that the module had before and that its host can still sign with: notes that were made out to them are exchanged. None unless given. */
	readonly earlierKeys?: readonly HolderKey[];
	/** Who knows of sales; without one the module neither buys nor sells. */
	readonly sale?: MakeSalePart;
	/** The mints whose ecash it takes; none unless given. */
	readonly ecash?: { readonly mints: readonly TrustedIssuer[] };
}

/** A tetrad that is not over. */
export interface OpenMeeting extends Meeting {
	/** `partiesHash` of its four, 32 bytes. */
	readonly parties: Uint8Array;
}

/** What the parts of a purse have in common: the time, the tetrads that are open, what it has, and what shall be done. */
export class PurseCore {
	readonly options: PurseOptions;
	readonly book: PurseBook;
	/** Encoded chains of issuers by their hashes in hexadecimal. */
	readonly chains: Map<string, Uint8Array>;
	readonly meetings: Map<number, OpenMeeting> = new Map();
	/** Of the event that is handled; milliseconds since the epoch. */
	now = 0;
	#effects: MoneyEffect<PurseReport>[] = [];

	constructor(options: PurseOptions, state: PurseState) {
		const { crypto, own } = options.context;
		this.options = options;
		this.book = new PurseBook(crypto, own, state.notes);
		this.chains = new Map(state.chains);
	}

	get ownId(): Uint8Array {
		return this.options.context.own.deviceId;
	}

	meetingOf(tetrad: number): OpenMeeting {
		const meeting = this.meetings.get(tetrad);
		if (meeting === undefined)
			throw new TetradError("internal", "a tetrad is used that is over");
		return meeting;
	}

	open(meeting: Meeting): OpenMeeting {
		const parties = partiesHash(this.options.context.crypto, meeting.ids);
		const open = { ...meeting, parties };
		this.meetings.set(meeting.tetrad, open);
		return open;
	}

	/** The own chain under which a receipt was signed, encoded; the present one for what was kept before chains were. */
	chainOfReceipt({
		receipt_chain: hash,
	}: Pick<ReceiptRow, "receipt_chain">): Uint8Array {
		return this.chains.get(hex(hash)) ?? this.options.context.own.encodedChain;
	}

	/** Of an issuer, or of a mint that stands where one does. */
	termsOf(issuer: Uint8Array): TrustedIssuer | undefined {
		const { issuers, ecash } = this.options;
		return [...issuers, ...(ecash?.mints ?? [])].find((terms) =>
			sameBytes(terms.issuer, issuer),
		);
	}

	/** Whether the issuer's chain of a hash is good now, by the own policy and lists. Each is judged once. */
	trusting(): (chain: Uint8Array) => boolean {
		const judged = new Map<string, boolean>();
		return (hash) => {
			const id = hex(hash);
			const known = judged.get(id);
			if (known !== undefined) return known;
			const isTrusted = this.isTrusted(this.chains.get(id));
			judged.set(id, isTrusted);
			return isTrusted;
		};
	}

	/** Whether an issuer's chain, encoded, is good now. */
	isTrusted(chain: Uint8Array | undefined): boolean {
		const { judge } = this.options.context;
		return (
			chain !== undefined && checked(() => judge(chain, this.now)).kind === "ok"
		);
	}

	// What shall be done.

	/** What was decided since the last call, in order. */
	takeEffects(): readonly MoneyEffect<PurseReport>[] {
		const effects = this.#effects;
		this.#effects = [];
		return effects;
	}

	emit(effect: MoneyEffect<PurseReport>): void {
		this.#effects.push(effect);
	}

	toAgent(tetrad: number, bytes: Uint8Array): void {
		if (this.meetings.has(tetrad))
			this.emit({ kind: "to-agent", tetrad, bytes });
	}

	toModule(tetrad: number, bytes: Uint8Array): void {
		if (this.meetings.has(tetrad))
			this.emit({ kind: "to-module", tetrad, bytes });
	}

	end(tetrad: number, error: TetradError): void {
		this.emit({ kind: "end", tetrad, error });
	}

	report(report: PurseReport): void {
		this.emit({ kind: "report", report });
	}

	trouble(error: TetradError): void {
		this.report({ kind: "trouble", error });
	}

	/** Tells the own agent that a contract was not paid, or will not be taken. */
	failed(
		tetrad: number,
		contract: Uint8Array,
		{ code, message: reason }: TetradError,
		isInDoubt = false,
	): void {
		this.toAgent(
			tetrad,
			message(WITH_AGENT.failed, {
				contract,
				isInDoubt,
				code,
				reason: textWithin(reason, MAX_REASON_BYTES),
			}),
		);
	}
}
