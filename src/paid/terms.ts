import { z } from "zod";
import { TetradError } from "../errors.ts";
import { utf8 } from "../wire/index.ts";
import { MAX_REQUEST_BYTES } from "./limits.ts";

/*
 * What a merchant answers to a request that is not paid: what it costs, and how it is paid. It is
 * the merchant's word, and a stranger's: whoever pays holds it to its own request and limits.
 */

/**
 * How a request is paid: `sealed`, its answer being the merchandise of a purchase, or `prepaid`, a
 * ticket being bought that the request then shows. A sealed answer is paid if and only if it can be
 * read; a prepaid one is not atomic: what was paid may have no answer.
 */
export type PaidMode = "sealed" | "prepaid";

/** What one request costs, and whom it is paid to. */
export interface PaidTerms {
	readonly mode: PaidMode;
	/** Where the merchant's agent answers. */
	readonly address: string;
	/** Device ids of the merchant's agent and of its module, in hexadecimal. */
	readonly agent: string;
	readonly module: string;
	/** What it is bought as. */
	readonly item: string;
	/** In minor units. */
	readonly amount: bigint;
	readonly currency: string;
	/** Decimals of the currency. */
	readonly exponent: number;
	readonly play: boolean;
	/** The certified name of the issuer, or the address of a mint without the scheme. */
	readonly issuer: string;
	/** The request, as `requestText` or `toolText` says it. */
	readonly request: string;
}

/** Nothing that changes how the text around it is shown. */
const SHOWABLE = /^[^\p{Cc}\p{Cf}\u2028\u2029]*$/u;

const text = (max: number) => z.string().min(1).max(max).regex(SHOWABLE);
const deviceId = z.string().regex(/^([0-9a-f]{2}){41,104}$/);

const amount = z.codec(z.string().regex(/^[1-9]\d{0,18}$/), z.bigint(), {
	decode: (said) => BigInt(said),
	encode: (minor) => minor.toString(),
});

const terms = z.strictObject({
	mode: z.enum(["sealed", "prepaid"]),
	address: text(300),
	agent: deviceId,
	module: deviceId,
	item: text(255),
	amount,
	currency: z.string().regex(/^[A-Z0-9]{1,8}$/),
	exponent: z.int().min(0).max(8),
	play: z.boolean(),
	issuer: text(255),
	request: text(MAX_REQUEST_BYTES).refine(
		(said) => utf8(said).length <= MAX_REQUEST_BYTES,
		"is too long",
	),
});

/** Reads terms as `writeTerms` writes them: an object of JSON, strictly. Throws `malformed`, and says where it is wrong and not what stands there. */
export function parseTerms(said: unknown): PaidTerms {
	const { success, data, error } = terms.safeParse(said);
	if (success) return data;
	const [issue] = error.issues;
	const where = issue?.path.filter((part) => typeof part === "string") ?? [];
	throw new TetradError(
		"malformed",
		`the merchant's terms are not valid${where.length === 0 ? "" : `: ${where.join(".")}`}`,
	);
}

/** Terms as JSON: amounts are decimal strings of minor units. */
export function writeTerms(said: PaidTerms): Readonly<Record<string, unknown>> {
	return z.encode(terms, said);
}
