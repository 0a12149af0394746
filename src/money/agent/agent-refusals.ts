import { type ErrorCode, isErrorCode, TetradError } from "../../errors.ts";
import { MAX_AGENT_PAYMENTS, type SaidRefusal } from "../documents/index.ts";

/** What a module said of why not; a code that is not ours becomes `unknown`. */
export function refusal(
	{ code, reason: why }: SaidRefusal,
	unknown: ErrorCode,
): TetradError {
	return new TetradError(
		isErrorCode(code) ? code : unknown,
		why === "" ? "the module gave no reason" : why,
	);
}

/** One more about a contract that is known takes no room. */
export function requireRoom(
	all: ReadonlyMap<string, unknown>,
	id: string,
): void {
	if (!all.has(id) && all.size >= MAX_AGENT_PAYMENTS) throw full();
}

/** Too much is under way. */
export function full(): TetradError {
	return new TetradError(
		"busy",
		`${MAX_AGENT_PAYMENTS} payments are under way in this tetrad; wait for some of them`,
	);
}

/** What a module says of a contract could be about the one or the other, and one of them may be in doubt. */
export function bothWays(): TetradError {
	return new TetradError(
		"payment-refused",
		"one contract cannot be paid and be expected at once: take another contract for a payment the other way",
	);
}

/** The tetrad is over. */
export function closed(): TetradError {
	return new TetradError("tetrad-closed", "the tetrad has been closed");
}

/** Money may be on its way; `how` is how that came about. */
export function inDoubt(how: string, cause: TetradError): TetradError {
	return new TetradError(
		"payment-in-doubt",
		`${how} the payment's outcome; ask for the same payment again, also in a later tetrad with the same agent, and it is made once`,
		{ cause },
	);
}
