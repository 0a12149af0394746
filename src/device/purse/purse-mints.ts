import { z } from "zod";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	currencyOf,
	ecashPurse,
	type IssuerTerms,
	isUnit,
	mintId,
	nameOfMint,
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
	/** What it is called in reports and limits: its address without the scheme unless given. */
	readonly name?: string | undefined;
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
	name,
}: PurseMint): TrustedMint {
	const url = normaliseMintUrl(said);
	return {
		issuer: mintId(nodeCrypto, url),
		name: name ?? nameOfMint(url),
		currency: currencyOf(unit),
		isPlay,
		...{ url, unit },
	};
}

/**
 * The same mints, each with a name that nothing else of the purse has: one that would be called as
 * an issuer, or as another mint, is called by its whole address. Throws `invalid-argument` for an
 * address that is none, for two units of one mint, which would stand where one issuer does, and for
 * a name that an issuer has all the same.
 */
export function requireDistinct(
	mints: readonly PurseMint[],
	issuers: readonly Pick<IssuerTerms, "name">[],
): readonly PurseMint[] {
	const known = mints.map(trustedMint);
	const ids = new Set(known.map(({ issuer }) => hex(issuer)));
	if (ids.size < mints.length)
		throw new TetradError(
			"invalid-argument",
			"a mint is named twice; a purse takes one unit of each",
		);
	const count = (all: readonly { readonly name?: string | undefined }[]) =>
		Map.groupBy(all, (one) => one.name ?? "");
	const before = count([...issuers, ...known]);
	const named = mints.map((mint, at) => {
		const { name = "", url } = known[at] ?? {};
		const isAlone = (before.get(name) ?? []).length === 1;
		return isAlone ? mint : { ...mint, name: url };
	});
	const taken = count([...issuers, ...named.map(trustedMint)]);
	for (const { name, url } of named.map(trustedMint))
		if ((taken.get(name) ?? []).length > 1)
			throw new TetradError(
				"invalid-argument",
				`the mint ${url} would be called as an issuer of this purse is; nobody could tell them apart in limits and reports`,
			);
	return named;
}

/** The mint of that address; where there is one, it is that. Throws `invalid-argument`. */
export function mintNamed(
	mints: readonly TrustedMint[],
	url: string | undefined,
): TrustedMint {
	const [only, ...others] = mints;
	if (only === undefined)
		throw new TetradError(
			"invalid-argument",
			"this purse takes no ecash, since its owner has named no mint",
		);
	const known = mints.map((mint) => mint.url).join(", ");
	if (url === undefined && others.length > 0)
		throw new TetradError(
			"invalid-argument",
			`this purse knows several mints: say which of ${known}`,
		);
	const named =
		url === undefined
			? only
			: mints.find((mint) => mint.url === normaliseMintUrl(url));
	if (named === undefined)
		throw new TetradError(
			"invalid-argument",
			`the owner of this purse has not named the mint ${url}, but ${known}`,
		);
	return named;
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
