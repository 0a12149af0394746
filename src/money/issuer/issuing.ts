import type { CertifiedDevice } from "../../identity/index.ts";
import type { Transaction } from "../../machine/index.ts";
import {
	draftNote,
	type IssuerTerms,
	MIN_NOTE_LIFE_MS,
	type NoteBody,
} from "../documents/index.ts";
import type { MoneyContext } from "../machine.ts";
import type { Issue, NoteJob } from "./issuer-jobs.ts";
import type { Ledger, NewNote } from "./ledger.ts";
import type { Asked, Refusal, RequestOutcome } from "./ledger-answers.ts";
import { noteSerial } from "./ledger-ids.ts";

/** How notes are made: what stands in them, and what the ledger says to it before and after they are signed. */
export class Issuing {
	readonly #context: MoneyContext;
	readonly #terms: IssuerTerms;
	readonly #ledger: Ledger;
	/** From the issue of a note to its expiry. */
	readonly #noteMs: number;

	constructor(
		context: MoneyContext,
		terms: IssuerTerms,
		ledger: Ledger,
		noteMs: number,
	) {
		this.#context = context;
		this.#terms = terms;
		this.#ledger = ledger;
		this.#noteMs = noteMs;
	}

	/** Why no note is made for that module now, whatever the ledger says, or `undefined`. */
	whyNot({ at }: Asked, peer: CertifiedDevice): Refusal | undefined {
		if (this.#expiry(at, peer) - at >= MIN_NOTE_LIFE_MS) return undefined;
		const { own } = this.#context;
		const who = peer.notAfter < own.notAfter ? "module" : "issuer";
		return {
			code: "recertification-due",
			reason: `the certificate of the ${who} expires within a day, and its notes with it; have it certified anew (tetrad recertify), and ask again`,
		};
	}

	/** Issues that note or, without it, only sees whether it could. */
	transaction(
		asked: Asked,
		issue: Issue,
		note: NewNote | undefined,
	): Transaction<RequestOutcome> {
		return issue.kind === "withdraw"
			? this.#ledger.withdraw(asked, issue.amount, note)
			: this.#ledger.exchangeIntoNote(asked, issue.verified, note);
	}

	/** The note that answers a request. */
	noteFor(asked: Asked, issue: Issue, peer: CertifiedDevice): NoteBody {
		const { crypto, own } = this.#context;
		return {
			issuer: own.deviceId,
			issuerCertificate: own.certificateId,
			currency: this.#terms.currency,
			isPlay: this.#terms.isPlay,
			value:
				issue.kind === "withdraw"
					? issue.amount
					: issue.verified.value.transfer.amount,
			issued: asked.at,
			expires: this.#expiry(asked.at, peer),
			holder: peer.deviceId,
			holderKey: { algorithm: peer.algorithm, publicKey: peer.publicKey },
			serial: noteSerial(crypto, peer.deviceId, asked.request),
		};
	}

	signed(
		{ note, peer }: Pick<NoteJob, "note" | "peer">,
		signature: Uint8Array,
	): NewNote {
		const { crypto, own } = this.#context;
		return {
			note: draftNote(note).sign(crypto, signature),
			issuer: own,
			holder: peer,
		};
	}

	#expiry(now: number, peer: CertifiedDevice): number {
		const { own } = this.#context;
		return Math.min(now + this.#noteMs, peer.notAfter, own.notAfter);
	}
}
