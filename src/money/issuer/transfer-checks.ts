import { asTetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import { sameBytes } from "../../wire/index.ts";
import {
	exchangeContract,
	NO_TERMS,
	parseNote,
	type Transfer,
	type TransferWithNotes,
	type VerifiedTransfer,
	verifyNote,
	verifyTransfer,
} from "../documents/index.ts";
import type { MoneyContext } from "../machine.ts";
import type { Refusal } from "./ledger-answers.ts";
import { OwnCertificates, refused } from "./own-certificates.ts";

/** What can be said of a transfer without the ledger. */
type Judged =
	| { readonly kind: "verified"; readonly verified: VerifiedTransfer }
	| { readonly kind: "refused"; readonly refusal: Refusal };

/** Checks transfers that modules hand in, as far as that goes without the ledger. */
export class TransferChecks {
	readonly #context: MoneyContext;
	readonly #own: OwnCertificates;

	constructor(context: MoneyContext) {
		this.#context = context;
		this.#own = new OwnCertificates(context);
	}

	/** Whether `demand` holds, and the transfer was signed by the holder of notes that were signed here. Throws what may be otherwise later. */
	judge(
		transfer: Transfer,
		{ notes: documents, chains }: TransferWithNotes,
		demand: () => void,
	): Judged {
		const { crypto } = this.#context;
		try {
			demand();
			const notes = documents.map((document) => {
				const note = parseNote(crypto, document);
				return verifyNote(crypto, note, this.#own.of(note, chains));
			});
			const verified = verifyTransfer(crypto, transfer, notes);
			return { kind: "verified", verified };
		} catch (thrown) {
			const { code, message: reason, family } = asTetradError(thrown);
			if (family !== "peer") throw thrown;
			return { kind: "refused", refusal: { code, reason } };
		}
	}

	requireExchange(
		transfer: Transfer,
		peer: CertifiedDevice,
		request: Uint8Array,
		into: 0 | 1,
	): void {
		const { crypto, own } = this.#context;
		requirePayee(transfer, own.deviceId);
		requirePayment(transfer, NO_TERMS);
		if (!sameBytes(transfer.payer, peer.deviceId))
			throw refused("only the module that holds notes can exchange them");
		const contract = exchangeContract(crypto, request, into);
		if (!sameBytes(transfer.contract, contract))
			throw refused("this transfer is for another request than this exchange");
	}
}

export function requirePayer({ payer }: Transfer, deviceId: Uint8Array): void {
	if (!sameBytes(payer, deviceId))
		throw refused(
			"only the module that signed a transfer can have it resolved",
		);
}

/** A sale is booked along with its terms, by whoever knows of sales. */
export function requirePayment({ purpose }: Transfer, terms: Uint8Array): void {
	if (purpose === "sale" || terms.length > 0)
		throw refused("this issuer does not book sales");
}

export function requirePayee({ payee }: Transfer, deviceId: Uint8Array): void {
	if (!sameBytes(payee, deviceId))
		throw refused("this transfer pays somebody else");
}
