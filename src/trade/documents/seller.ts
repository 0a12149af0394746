/* Who sells by a contract, and what its key is derived from, as its rail has it. */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError, unreachable } from "../../errors.ts";
import {
	areMintTerms,
	issuerAtMint,
	type MintTerms,
	parseMintTerms,
} from "./mint-terms.ts";
import type { RailName } from "./rail.ts";
import {
	parseSellingCertificate,
	type SellingCertificate,
} from "./selling-certificate.ts";

export type ContractSeller =
	/** The issuer of the money shares the selling secret, and has certified it. */
	| {
			readonly kind: "certified";
			readonly certificate: SellingCertificate;
	  }
	/** The module has it alone. */
	| {
			readonly kind: "at-mint";
			readonly terms: MintTerms;
			/** What the mint is called where an issuer has its device id. */
			readonly issuer: Uint8Array;
	  };

/** What every seller is known by. */
interface Seller {
	/** Device ids. */
	readonly module: Uint8Array;
	readonly agent: Uint8Array;
	readonly issuer: Uint8Array;
	/** Of its selling secret, from 1. */
	readonly generation: number;
}

/** Reads what a module sells with. Throws `malformed`. */
export function parseSeller(
	crypto: CryptoProvider,
	document: Uint8Array,
): ContractSeller {
	if (!areMintTerms(document))
		return {
			kind: "certified",
			certificate: parseSellingCertificate(document),
		};
	const terms = parseMintTerms(document);
	return { kind: "at-mint", terms, issuer: issuerAtMint(crypto, terms) };
}

/** The rail over which a seller is paid. */
export function railOf({ kind }: ContractSeller): RailName {
	return kind === "certified" ? "own-notes" : "cashu";
}

export function sellerOf(seller: ContractSeller): Seller {
	switch (seller.kind) {
		case "certified":
			return seller.certificate;
		case "at-mint":
			return { ...seller.terms, issuer: seller.issuer };
		default:
			return unreachable(seller);
	}
}

/** The certificate of a seller whose secret an issuer shares. Throws `payment-refused` for any other. */
export function certificateOf(seller: ContractSeller): SellingCertificate {
	if (seller.kind === "certified") return seller.certificate;
	throw new TetradError(
		"payment-refused",
		"the contract is paid with ecash of a mint, and no issuer has certified its seller",
	);
}
