import { asTetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import { copy, sameBytes } from "../../wire/index.ts";
import {
	exchangeContract,
	parseNote,
	type SaleTerms,
	type Transfer,
	type TransferWithNotes,
	type VerifiedTransfer,
	verifyNote,
	verifyTransfer,
} from "../documents/index.ts";
import type { MoneyContext } from "../machine.ts";
import type { Refusal } from "./ledger-answers.ts";
import type { HandedInSale } from "./ledger-sales.ts";
import { OwnCertificates, refused } from "./own-certificates.ts";
import type { SaleJudge } from "./sale-judge.ts";

/** What can be said of a transfer without the ledger. */
type Judged =
	| {
			readonly kind: "verified";
			readonly verified: VerifiedTransfer;
			/** What a transfer that is marked as a sale came with. */
			readonly sale: HandedInSale | undefined;
	  }
	| { readonly kind: "refused"; readonly refusal: Refusal };

/** Checks transfers that modules hand in, as far as that goes without the ledger. */
export class TransferChecks {
	readonly #context: MoneyContext;
	readonly #own: OwnCertificates;
	readonly #sales: SaleJudge | undefined;

	/** Without `sales`, no transfer is taken that is marked as a sale. */
	constructor(context: MoneyContext, sales: SaleJudge | undefined) {
		this.#context = context;
		this.#sales = sales;
		this.#own = new OwnCertificates(context);
	}

	/** Whether `demand` holds, the transfer was signed by the holder of notes that were signed here, and a sale came with its own terms. Throws what may be otherwise later. */
	judge(
		transfer: Transfer,
		{ notes: documents, chains, terms }: TransferWithNotes & SaleTerms,
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
			const sale = this.#saleOf(transfer, terms);
			return { kind: "verified", verified, sale };
		} catch (thrown) {
			const { code, message: reason, family } = asTetradError(thrown);
			if (family !== "peer") throw thrown;
			return { kind: "refused", refusal: { code, reason } };
		}
	}

	/** What is marked is judged only along with its terms, and nothing else has any. */
	#saleOf(transfer: Transfer, terms: Uint8Array): HandedInSale | undefined {
		if (transfer.purpose === "payment") {
			if (terms.length > 0)
				throw refused("terms of a sale came with a transfer that is none");
			return undefined;
		}
		if (terms.length === 0)
			throw refused("a transfer that is marked as a sale came without terms");
		if (this.#sales === undefined)
			throw refused("this issuer does not book sales");
		const ownTerms = copy(terms);
		return { ...this.#sales.judge(ownTerms, transfer), terms: ownTerms };
	}

	requireExchange(
		transfer: Transfer,
		peer: CertifiedDevice,
		request: Uint8Array,
		into: 0 | 1,
	): void {
		const { crypto, own } = this.#context;
		requirePayee(transfer, own.deviceId);
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

export function requirePayee({ payee }: Transfer, deviceId: Uint8Array): void {
	if (!sameBytes(payee, deviceId))
		throw refused("this transfer pays somebody else");
}
