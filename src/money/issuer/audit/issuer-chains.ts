import type { CryptoProvider } from "../../../crypto/index.ts";
import {
	type CertifiedDevice,
	type TrustAnchor,
	validateChain,
} from "../../../identity/index.ts";
import { hex } from "../../../wire/index.ts";
import {
	MAX_AUDIT_CHAINS,
	type Note,
	type VerifiedNote,
	verifyNote,
} from "../../documents/index.ts";
import type { CHAINS, RowOf } from "../ledger-tables.ts";
import { demand } from "./step.ts";

/** The issuer's chains, each validated once, as the bank's certificates are judged for what they signed. */
export class IssuerChains {
	readonly #crypto: CryptoProvider;
	readonly #banks: readonly TrustAnchor[];
	readonly #issuers = new Map<string, CertifiedDevice>();

	/** `banks` are the roots under which the issuer was certified at any time. */
	constructor(crypto: CryptoProvider, banks: readonly TrustAnchor[]) {
		this.#crypto = crypto;
		this.#banks = banks;
	}

	/** Throws when the note was not signed under that chain, or the chain did not hold when it was. */
	verify(note: Note, chain: RowOf<typeof CHAINS> | undefined): VerifiedNote {
		const key = hex(note.issuerCertificate);
		let issuer = this.#issuers.get(key);
		if (issuer === undefined) {
			demand(chain !== undefined, "the chain that it was signed under is gone");
			issuer = validateChain(
				this.#crypto,
				chain.chain,
				"module",
				this.#banks,
				note.issued,
			);
			if (this.#issuers.size >= MAX_AUDIT_CHAINS) this.#issuers.clear();
			this.#issuers.set(key, issuer);
		}
		issuer.requireValid(note.issued);
		return verifyNote(this.#crypto, note, issuer);
	}
}
