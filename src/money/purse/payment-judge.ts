/*
 * What a payee judges of a payment: who signed its notes, by the own policy and lists, and whether
 * they are money that it takes and can deposit in time. It does so before it agrees, so that a
 * payer has committed nothing when it is refused.
 */

import type { TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	DEPOSIT_MARGIN_MS,
	type IssuerTerms,
	type NotesWithChains,
	type Payment,
	sameHolder,
	sameMoney,
	sumAmounts,
	type Transfer,
	type VerifiedNote,
	verifyTransfer,
} from "../documents/index.ts";
import { refused } from "./acceptance-refusals.ts";
import { type Checked, checked } from "./checked.ts";
import type { PurseCore } from "./purse-core.ts";
import { NoteVerifier } from "./verified-notes.ts";

/** A transfer as it came. */
interface Delivered extends NotesWithChains {
	readonly transfer: Transfer;
	/** Of its issuer. */
	readonly terms: IssuerTerms;
}

export interface JudgedTransfer {
	/** Whoever signed its notes, as their chains say. */
	readonly issuers: readonly CertifiedDevice[];
	/** Why an invoice for it would not be given now, if so. */
	readonly why: TetradError | undefined;
}

export class PaymentJudge {
	readonly #core: PurseCore;
	readonly #verifier: NoteVerifier;

	constructor(core: PurseCore) {
		this.#core = core;
		this.#verifier = new NoteVerifier(core.options.context);
	}

	/** When the last of these notes expires, if a payment out of them would be taken. `payer` is a device id. */
	offered(
		terms: IssuerTerms,
		payer: Uint8Array,
		{ amount }: Payment,
		offered: NotesWithChains,
	): Checked<number> {
		return checked(() => {
			const { notes, why } = this.#judge(terms, offered);
			if (why !== undefined) throw why;
			requireHeld(notes, payer);
			if (sumAmounts(notes.map(({ value }) => value.value)) < amount)
				throw refused("the notes are worth less than the payment");
			return Math.max(...notes.map(({ value }) => value.expires));
		});
	}

	/**
	 * A transfer that a holder signed of notes of its issuer. Its payer has committed it, so that
	 * what this module agreed to and would not agree to any more is no reason to refuse it. Throws
	 * for what no honest payer delivers.
	 */
	delivered({ transfer, terms, ...offered }: Delivered): JudgedTransfer {
		const { crypto } = this.#core.options.context;
		const { issuers, notes, why } = this.#judge(terms, offered);
		verifyTransfer(crypto, transfer, notes);
		return { issuers, why };
	}

	#judge(
		terms: IssuerTerms,
		{ notes: documents, chains }: NotesWithChains,
	): JudgedTransfer & { readonly notes: readonly VerifiedNote[] } {
		const { now } = this.#core;
		const { issuers, why } = this.#verifier.judgeChains(chains, terms, now);
		const notes = this.#verifier.verifyAll(documents, issuers);
		if (notes.some(({ value }) => !sameMoney(terms, value)))
			throw refused("a note is of other money than its issuer's terms");
		const isTooLate = notes.some(
			({ value }) => now + DEPOSIT_MARGIN_MS >= value.expires,
		);
		if (why !== undefined || !isTooLate) return { issuers, notes, why };
		const tooLate = refused("a note expires too soon to be deposited");
		return { issuers, notes, why: tooLate };
	}
}

/** What a transfer of them would be refused for in any case. */
function requireHeld(notes: readonly VerifiedNote[], payer: Uint8Array): void {
	const [first] = notes;
	const ids = new Set(notes.map(({ value }) => hex(value.id)));
	if (ids.size !== notes.length) throw refused("a note came twice");
	for (const { value } of notes)
		if (
			!sameBytes(value.holder, payer) ||
			first === undefined ||
			!sameHolder(value, first.value)
		)
			throw refused("the notes are held by somebody else than the payer");
}
