import { z } from "zod";
import { asTetradError, TetradError } from "../../errors.ts";
import type { IssuerTerms } from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import { parseJson, readCarried, writeCarried } from "../home/index.ts";

/*
 * issuer.terms.json: what an owner has to know of an issuer before a purse takes its notes. The
 * issuer writes it, and it is carried to whoever wants it. It holds no secret, and whoever imports
 * it decides to trust that issuer: nothing in it proves itself.
 */

/** Far more than the longest names need, in bytes. */
const MAX_TERMS_BYTES = 4096;

/** What the file says, as JSON has it. */
export interface TermsFile {
	readonly version: 1;
	/** Device id of the issuer's module, in hexadecimal. */
	readonly issuer: string;
	readonly name: string;
	readonly currency: string;
	readonly exponent: number;
	readonly play: boolean;
}

export const termsFile: z.ZodType<TermsFile> = z.strictObject({
	version: z.literal(1),
	issuer: z
		.string()
		.regex(
			/^([0-9a-f]{2}){41,104}$/,
			"is no device id: those are in hexadecimal, in small letters",
		),
	name: z.string().min(1).max(64),
	currency: z
		.string()
		.regex(/^[A-Z0-9]{1,8}$/, "is not 1 to 8 capital letters or digits"),
	exponent: z.int().min(0).max(8),
	play: z.boolean(),
});

/** Writes the terms, in the place of an earlier file. Throws `file-unusable`. */
export function writeIssuerTerms(
	path: string,
	terms: IssuerTerms,
): Promise<void> {
	return writeCarried(
		path,
		`${JSON.stringify(termsToFile(terms), null, "\t")}\n`,
	);
}

/** Reads terms that were carried here. Throws `file-unusable`, and `home-unusable` for what is no such file. */
export async function readIssuerTerms(path: string): Promise<IssuerTerms> {
	const bytes = await readCarried(path, MAX_TERMS_BYTES);
	const text = Buffer.from(bytes).toString("utf8");
	try {
		return termsFromFile(parseJson(termsFile, text, path));
	} catch (thrown) {
		const { code, message } = asTetradError(thrown);
		throw new TetradError(
			code,
			`${path} is no issuer.terms.json, which an issuer hands out: ${message}`,
			{ cause: thrown },
		);
	}
}

/** What the file says, as JSON has it. */
export function termsToFile({
	issuer,
	name,
	currency,
	isPlay,
}: IssuerTerms): TermsFile {
	return {
		version: 1,
		issuer: hex(issuer),
		name,
		currency: currency.code,
		exponent: currency.exponent,
		play: isPlay,
	};
}

export function termsFromFile(file: TermsFile): IssuerTerms {
	return {
		issuer: new Uint8Array(Buffer.from(file.issuer, "hex")),
		name: file.name,
		currency: { code: file.currency, exponent: file.exponent },
		isPlay: file.play,
	};
}
