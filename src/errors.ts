/** Who has to act when something fails. */
export type ErrorFamily = "caller" | "peer" | "environment" | "internal";

/** The stable name of a failure. Programs branch on this and never on the message. */
export type ErrorCode =
	| "invalid-argument"
	| "not-confirmed"
	| "tetrad-closed"
	| "message-too-large"
	| "aborted"
	| "insufficient-funds"
	| "malformed"
	| "limit-exceeded"
	| "unexpected-message"
	| "authentication-failed"
	| "chain-refused"
	| "untrusted"
	| "recertification-due"
	| "list-refused"
	| "negotiation-failed"
	| "refused-by-peer"
	| "pairing-failed"
	| "truncated"
	| "unsealed-end"
	| "payment-refused"
	| "issuer-refused"
	| "double-spent"
	| "note-unknown"
	| "offer-expired"
	| "merchandise-changed"
	| "merchandise-wrong"
	| "purchase-void"
	| "timed-out"
	| "carrier-failed"
	| "address-in-use"
	| "key-store-failed"
	| "list-stale"
	| "clock-wrong"
	| "home-unusable"
	| "file-unusable"
	| "not-paired"
	| "busy"
	| "store-full"
	| "store-failed"
	| "purse-behind"
	| "payment-in-doubt"
	| "approval-needed"
	| "internal";

const FAMILY_OF: Readonly<Record<ErrorCode, ErrorFamily>> = {
	"invalid-argument": "caller",
	"not-confirmed": "caller",
	"tetrad-closed": "caller",
	"message-too-large": "caller",
	aborted: "caller",
	"insufficient-funds": "caller",

	malformed: "peer",
	"limit-exceeded": "peer",
	"unexpected-message": "peer",
	"authentication-failed": "peer",
	"chain-refused": "peer",
	untrusted: "peer",
	"recertification-due": "peer",
	"list-refused": "peer",
	"negotiation-failed": "peer",
	"refused-by-peer": "peer",
	"pairing-failed": "peer",
	truncated: "peer",
	"unsealed-end": "peer",
	"payment-refused": "peer",
	"issuer-refused": "peer",
	"double-spent": "peer",
	"note-unknown": "peer",
	"offer-expired": "peer",
	"merchandise-changed": "peer",
	"merchandise-wrong": "peer",
	"purchase-void": "peer",

	"timed-out": "environment",
	"carrier-failed": "environment",
	"address-in-use": "environment",
	"key-store-failed": "environment",
	"list-stale": "environment",
	"clock-wrong": "environment",
	"home-unusable": "environment",
	"file-unusable": "environment",
	"not-paired": "environment",
	busy: "environment",
	"store-full": "environment",
	"store-failed": "environment",
	"purse-behind": "environment",
	"payment-in-doubt": "environment",
	"approval-needed": "environment",

	internal: "internal",
};

/** Whether a text, from a peer or a file, is one of our codes. */
export function isErrorCode(text: string): text is ErrorCode {
	return Object.hasOwn(FAMILY_OF, text);
}

/**
 * The only error that Tetrad throws on purpose. `message` is a sentence for the owner of the
 * device and holds no secret; the peer is never told more than `code` allows.
 *
 * @example
 * ```ts
 * import { parseAmount, TetradError } from "tetrad";
 *
 * try {
 * 	parseAmount("-1", { code: "EUR", exponent: 2 });
 * } catch (thrown) {
 * 	if (thrown instanceof TetradError) console.log(thrown.code, thrown.family); // invalid-argument caller
 * }
 * ```
 */
export class TetradError extends Error {
	override readonly name = "TetradError";
	readonly code: ErrorCode;
	readonly family: ErrorFamily;

	constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
		this.family = FAMILY_OF[code];
	}
}

/**
 * The one failure for a bad signature, tag, confirmation or code. Its message never says which
 * check failed, because the difference is what an attacker would ask for.
 */
export function authenticationFailed(): TetradError {
	return new TetradError(
		"authentication-failed",
		"the peer could not be authenticated, or its bytes were changed on the way",
	);
}

/** For states that the types already rule out. */
export function unreachable(_value: never): never {
	throw new TetradError("internal", "a state was reached that cannot be");
}

/** Turns whatever was thrown into a `TetradError`, keeping one that already is. */
export function asTetradError(thrown: unknown): TetradError {
	return thrown instanceof TetradError
		? thrown
		: new TetradError("internal", "an internal check failed", {
				cause: thrown,
			});
}
