import { MAX_CHAIN_BYTES } from "../../identity/index.ts";
import { bytes, type Structure, structure } from "../../wire/index.ts";
import { MAX_CONTRACT_BYTES } from "./limits.ts";

/** What a payment for a key is for, as money carries it without looking inside. */
export interface PurchaseTerms {
	/** The contract's document. */
	readonly contract: Uint8Array;
	/** The chain of the agent that signed it, encoded, as it was then. */
	readonly chain: Uint8Array;
}

const TERMS: Structure<PurchaseTerms> = structure<PurchaseTerms>(
	"what a purchase is for",
	{
		contract: bytes(1, MAX_CONTRACT_BYTES),
		chain: bytes(1, MAX_CHAIN_BYTES),
	},
);

/** enc(contract, chain). Throws `invalid-argument`. */
export function encodePurchaseTerms(terms: PurchaseTerms): Uint8Array {
	return TERMS.encode(terms);
}

/** Bytes in it are views into `encoded`. Throws `malformed`. */
export function parsePurchaseTerms(encoded: Uint8Array): PurchaseTerms {
	return TERMS.decode(encoded);
}
