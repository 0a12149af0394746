/*
 * What a merchant's module sells with where the money is ecash of a mint. Nobody certifies it: its
 * secret is its own, and so is the key from which the keys follow that money is locked to. These
 * terms stand in a contract in the place of a selling certificate, and its agent signs them with all
 * the rest; the module has a say in it, since it agrees to a payment only of its own terms.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import {
	DEVICE_ID,
	isUnit,
	MAX_MINT_URL_BYTES,
	MAX_UNIT_LENGTH,
	mintId,
	requireMintUrl,
} from "../../money/documents/index.ts";
import {
	bytes,
	copy,
	malformed,
	type Structure,
	structure,
	text,
	u8,
	u32,
	uint32At,
} from "../../wire/index.ts";
import { MAX_CERTIFICATE_BYTES } from "./limits.ts";

/** Of the only format of these terms that there is. */
const VERSION = 1;

/** A compressed point of secp256k1, in bytes. */
const POINT_BYTES = 33;

/** Whom a key is sold by, and where its money is locked. */
export interface MintTerms {
	/** The address of the mint, written in the one way (`normaliseMintUrl`). */
	readonly mint: string;
	/** The mint's name of its unit, as `sat`: in capital letters it is the currency. */
	readonly unit: string;
	/** Device id of the merchant's module. */
	readonly module: Uint8Array;
	/** Device id of the agent behind which it stands. */
	readonly agent: Uint8Array;
	/** Of the selling secret, from 1; an input of the derivation and nothing else. */
	readonly generation: number;
	/** From which the key of each purchase follows that money is locked to, 33 bytes (docs/cashu.md). */
	readonly payeeKey: Uint8Array;
}

interface Body extends MintTerms {
	readonly version: number;
}

const TERMS: Structure<Body> = structure<Body>("the terms of a mint's money", {
	version: u8,
	mint: text(1, MAX_MINT_URL_BYTES),
	unit: text(1, MAX_UNIT_LENGTH),
	module: DEVICE_ID,
	agent: DEVICE_ID,
	generation: u32,
	payeeKey: bytes(POINT_BYTES),
});

/** Whether a document is meant to be such terms: it begins with one byte that says which format they have, and a selling certificate with what its issuer has signed. */
export function areMintTerms(document: Uint8Array): boolean {
	return uint32At(document, 0) === 1;
}

/** Throws `invalid-argument` for terms that nobody would read. */
export function encodeMintTerms(terms: MintTerms): Uint8Array {
	return TERMS.encode({ version: VERSION, ...terms });
}

/** Reads terms (copied). Throws `malformed`, also for a format that this program does not know. */
export function parseMintTerms(document: Uint8Array): MintTerms {
	if (document.length > MAX_CERTIFICATE_BYTES)
		throw malformed("the terms of a mint's money are too long");
	const { version, ...terms } = TERMS.decode(copy(document));
	if (version !== VERSION)
		throw malformed(
			`the terms of a mint's money have format ${version}, which this program does not know`,
		);
	requireMintUrl(terms.mint);
	if (!isUnit(terms.unit))
		throw malformed("the terms of a mint's money are in no currency");
	return terms;
}

/** What a contract calls the issuer of that money. */
export function issuerAtMint(
	crypto: CryptoProvider,
	{ mint }: Pick<MintTerms, "mint">,
): Uint8Array {
	return mintId(crypto, mint);
}
