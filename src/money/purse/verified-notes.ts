import { TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	type IssuerTerms,
	parseNote,
	type VerifiedNote,
	verifyNote,
} from "../documents/index.ts";
import type { MoneyContext } from "../machine.ts";
import { checked } from "./checked.ts";
import { MAX_VERIFIED_NOTES } from "./purse-limits.ts";

/** Verifies notes of others, and remembers those that it has seen: many payments come out of one note. */
export class NoteVerifier {
	readonly #context: MoneyContext;
	readonly #verified = new Map<string, VerifiedNote>();

	constructor(context: MoneyContext) {
		this.#context = context;
	}

	/** The issuer under each of the chains, and why one of them is refused now, if one is. Throws as `MoneyContext.certified`, and `payment-refused` for somebody else's chain. */
	judgeChains(
		chains: readonly Uint8Array[],
		{ issuer }: IssuerTerms,
		now: number,
	): {
		readonly issuers: readonly CertifiedDevice[];
		readonly why: TetradError | undefined;
	} {
		let why: TetradError | undefined;
		const issuers = chains.map((chain) => {
			const judged = checked(() => this.#context.judge(chain, now));
			if (judged.kind === "failed") why ??= judged.error;
			const device =
				judged.kind === "ok" ? judged.value : this.#context.certified(chain);
			if (!sameBytes(device.deviceId, issuer))
				throw refused("a chain came along that is not the issuer's");
			return device;
		});
		return { issuers, why };
	}

	/** Throws `malformed`, `payment-refused` and `authentication-failed`; each chain has to be needed, once. */
	verifyAll(
		documents: readonly Uint8Array[],
		issuers: readonly CertifiedDevice[],
	): VerifiedNote[] {
		const needed = new Set<string>();
		const notes = documents.map((document) => {
			const note = parseNote(this.#context.crypto, document);
			const certificate = hex(note.issuerCertificate);
			const issuer = issuers.find(
				({ certificateId }) => hex(certificateId) === certificate,
			);
			if (issuer === undefined)
				throw refused("the chain under which a note was signed is missing");
			needed.add(certificate);
			const known = this.#verified.get(hex(note.id));
			// The signature is not part of the id: another one has to be verified again.
			if (known !== undefined && sameBytes(known.value.document, note.document))
				return known;
			const verified = verifyNote(this.#context.crypto, note, issuer);
			this.#remember(verified);
			return verified;
		});
		if (needed.size !== issuers.length)
			throw refused("a chain came along that no note needs");
		return notes;
	}

	#remember(verified: VerifiedNote): void {
		if (this.#verified.size >= MAX_VERIFIED_NOTES) {
			// A map keeps the order of insertion.
			const [oldest] = this.#verified.keys();
			this.#verified.delete(oldest as string);
		}
		this.#verified.set(hex(verified.value.id), verified);
	}
}

function refused(why: string): TetradError {
	return new TetradError("payment-refused", why);
}
