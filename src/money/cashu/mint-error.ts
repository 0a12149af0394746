/* What a mint says when it does not do what it is asked (NUT-00, and the codes of all NUTs). */

import { TetradError } from "../../errors.ts";
import { malformed } from "../../wire/index.ts";
import { asObject } from "./fields.ts";
import { parseJson } from "./json.ts";
import { MAX_DETAIL_LENGTH } from "./limits.ts";
import { requireSize } from "./size.ts";

/** What a refusal means to a purse. Each is only the mint's word: what became of the proofs is asked (NUT-07). */
export type MintFailure =
	| "already-spent"
	| "proofs-pending"
	| "already-signed"
	| "outputs-pending"
	| "not-verified"
	| "not-balanced"
	| "too-many-inputs"
	| "too-many-outputs"
	/** As it is, with what is in it twice, or of several units. */
	| "unacceptable"
	/** No signature or preimage that opens the lock of an input. */
	| "not-unlocked"
	| "keyset-unknown"
	| "keyset-inactive"
	| "keyset-expired"
	| "quote-not-paid"
	| "quote-issued"
	| "quote-pending"
	| "quote-expired"
	| "payment-failed"
	| "already-paid"
	| "amount-out-of-range"
	| "disabled"
	| "other";

/** The codes of the NUTs, and those that mints had before. */
const FAILURES: Readonly<Record<string, MintFailure>> = {
	"10001": "not-verified",
	"10002": "already-signed",
	"10003": "not-verified",
	"11001": "already-spent",
	"11002": "proofs-pending",
	"11003": "already-signed",
	"11004": "outputs-pending",
	"11005": "not-balanced",
	"11006": "amount-out-of-range",
	"11007": "unacceptable",
	"11008": "unacceptable",
	"11009": "unacceptable",
	"11010": "unacceptable",
	"11013": "unacceptable",
	"11014": "too-many-inputs",
	"11015": "too-many-outputs",
	"12001": "keyset-unknown",
	"12002": "keyset-inactive",
	"12003": "keyset-expired",
	"20001": "quote-not-paid",
	"20002": "quote-issued",
	"20003": "disabled",
	"20004": "payment-failed",
	"20005": "quote-pending",
	"20006": "already-paid",
	"20007": "quote-expired",
	"20008": "not-unlocked",
};

/** A refusal as it was read. */
export interface MintError {
	readonly kind: MintFailure;
	/** 0 where the mint gave none. */
	readonly code: number;
	/** In the mint's words, for people only: printable, and cut off. */
	readonly detail: string;
}

/**
 * Reads the body of an answer with a status of 400. Throws `malformed` for one that is no refusal:
 * whatever stands between us and the mint may have made it, and then nothing is known.
 */
export function parseMintError(answer: Uint8Array): MintError {
	requireSize(answer);
	const of = asObject(parseJson(answer), "the answer");
	const code = of.get("code");
	const detail = of.get("detail");
	if (typeof detail !== "string" && typeof code !== "bigint")
		throw malformed("the mint's refusal has neither a code nor a reason");
	const known = typeof code === "bigint" && code >= 0n && code < 1_000_000n;
	return {
		kind: (known && FAILURES[`${code}`]) || "other",
		code: known ? Number(code) : 0,
		detail: printable(typeof detail === "string" ? detail : ""),
	};
}

/** The same as what is thrown where nothing else can be done about it. */
export function mintRefused({ code, detail }: MintError): TetradError {
	return new TetradError(
		"issuer-refused",
		`the mint refused${detail === "" ? "" : `: ${detail}`} (code ${code})`,
	);
}

/** Text of a stranger, for a terminal: without controls, what turns writing around, and line breaks. */
export function printable(text: string): string {
	return text
		.slice(0, MAX_DETAIL_LENGTH)
		.toWellFormed()
		.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "�");
}
