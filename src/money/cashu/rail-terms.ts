/* What a merchant's module says of how it takes ecash, in a contract in place of a selling certificate. */
import {
	copy,
	malformed,
	mapped,
	mappedStructure,
	type Structure,
	structure,
	text,
	u8,
} from "../../wire/index.ts";
import { MAX_MINT_URL_BYTES, POINT } from "./limits.ts";
import { requireMintUrl } from "./mint-url.ts";
import { isUnit, MAX_UNIT_LENGTH } from "./unit.ts";

/** Terms of the rail, which the contract's signature covers. */
export interface CashuTerms {
	/** Normalised: its id is the contract's issuer. */
	readonly mint: string;
	/** In capital letters it is the contract's currency. */
	readonly unit: string;
	/** P, of which the key of each contract is made: 33 bytes. */
	readonly payee: Uint8Array;
}

/** Of the terms and of all that follows from them. */
const VERSION = 1;

interface Versioned extends CashuTerms {
	readonly version: number;
}

const TERMS: Structure<CashuTerms> = mappedStructure(
	structure<Versioned>("the terms of Cashu", {
		version: mapped(u8, {
			from(version) {
				if (version !== VERSION)
					throw malformed(
						`terms of Cashu have version ${version}, which this program does not know: they may be from a newer one`,
					);
				return version;
			},
			to: (version) => version,
		}),
		mint: text(1, MAX_MINT_URL_BYTES),
		unit: text(1, MAX_UNIT_LENGTH),
		payee: POINT,
	}),
	{
		from({ mint, unit, payee }) {
			if (!isUnit(unit)) throw malformed("terms of Cashu have no unit");
			return { mint: requireMintUrl(mint), unit, payee };
		},
		to: (terms) => ({ version: VERSION, ...terms }),
	},
);

/** The largest encoded terms, in bytes. */
export const MAX_CASHU_TERMS_BYTES: number = TERMS.maxBytes;

/** enc(version, mint, unit, payee). Throws `invalid-argument`, and `malformed` for terms that nobody would read. */
export function encodeCashuTerms(terms: CashuTerms): Uint8Array {
	const encoded = copy(TERMS.encode(terms));
	TERMS.decode(encoded);
	return encoded;
}

/** Throws `malformed`. Whether the payee's key is a point is found when a key is made of it. */
export function parseCashuTerms(encoded: Uint8Array): CashuTerms {
	const { mint, unit, payee } = TERMS.decode(encoded);
	return { mint, unit, payee: copy(payee) };
}
