import { z } from "zod";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	currencyOf,
	ecashPurse,
	isUnit,
	mintId,
	normaliseMintUrl,
	type PurseEcash,
	type TrustedMint,
} from "../../money/index.ts";
import { loadEcash } from "../../provider/index.ts";
import { hex } from "../../wire/index.ts";

/** A mint whose ecash a purse takes, because its owner has named it. */
export interface PurseMint {
	/** Its address, as `https://mint.example`. */
	readonly url: string;
	/** Its name of the unit, as `sat`. */
	readonly unit: string;
	/** Whether its ecash is money to try things with, which nobody exchanges for anything. */
	readonly isPlay: boolean;
}

/** Mints that one purse names. */
const MAX_MINTS = 16;

/** How purse.json has them. */
export const mintsFile: z.ZodType<
	readonly {
		readonly url: string;
		readonly unit: string;
		readonly play: boolean;
	}[]
> = z
	.array(
		z.strictObject({
			url: z.string().max(256),
			unit: z.string().refine(isUnit, "is no unit, such as sat"),
			play: z.boolean(),
		}),
	)
	.max(MAX_MINTS);

/** As a purse knows it. Throws `invalid-argument` for an address that is none. */
export function trustedMint({
	url: said,
	unit,
	isPlay,
}: PurseMint): TrustedMint {
	const url = normaliseMintUrl(said);
	return {
		issuer: mintId(nodeCrypto, url),
		name: url.slice(url.indexOf("://") + 3),
		currency: currencyOf(unit),
		isPlay,
		...{ url, unit },
	};
}

/** The same mints. Throws `invalid-argument` for an address that is none, and for two units of one mint, which would stand where one issuer does. */
export function requireDistinct(
	mints: readonly PurseMint[],
): readonly PurseMint[] {
	const ids = new Set(mints.map((mint) => hex(trustedMint(mint).issuer)));
	if (ids.size < mints.length)
		throw new TetradError(
			"invalid-argument",
			"a mint is named twice; a purse takes one unit of each",
		);
	return mints;
}

/** The ecash of these mints; nothing where none is named, and then the library that ecash needs is not loaded. */
export function ecashOf(
	mints: readonly PurseMint[],
	seed: Uint8Array | undefined,
): PurseEcash | undefined {
	if (mints.length === 0 || seed === undefined) return undefined;
	const crypto = loadEcash();
	return ecashPurse({ crypto, seed, mints: mints.map(trustedMint) });
}
