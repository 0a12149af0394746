/* Why something was not bought, as its agent hears it. */
import { TetradError } from "../../errors.ts";
import type { RefundedBy } from "../../money/index.ts";

export function cancelled(): TetradError {
	return new TetradError("aborted", "it was cancelled, and nothing was paid");
}

export function denied(): TetradError {
	return new TetradError(
		"payment-refused",
		"the owner of the paying module has denied it",
	);
}

/** A contract ends with its tetrad unless it was committed. */
export function tetradOver(): TetradError {
	return new TetradError(
		"offer-expired",
		"the tetrad ended before anything was paid, and the offer with it; ask for a new one",
	);
}

export function unknown(): TetradError {
	return new TetradError(
		"offer-expired",
		"nothing was paid for it, and nothing will be; ask for a new offer",
	);
}

export function tooMany(): TetradError {
	return new TetradError(
		"busy",
		"too many purchases are under way; ask again when some are over",
	);
}

export function resolving(): TetradError {
	return new TetradError(
		"payment-in-doubt",
		"it is paid, and the key has not come; the merchant is asked again when it is met, and the issuer when that is",
	);
}

export function recalling(): TetradError {
	return new TetradError(
		"payment-in-doubt",
		"this purse was put back to an earlier state, and whoever makes the money is asked whether it was paid before; nothing is paid for it now",
	);
}

export function noKey(): TetradError {
	return new TetradError(
		"payment-in-doubt",
		"the merchant has taken the money and given no key, or a wrong one; the issuer is asked for it when it is met",
	);
}

export function isVoid(by: RefundedBy): TetradError {
	return new TetradError(
		"purchase-void",
		by === "issuer"
			? "the issuer has declared the sale void, and what was paid is in the account there"
			: "nobody has claimed what was locked for it, and it is back in the purse, less what the mint asks for giving it back",
	);
}

export function spentBefore(): TetradError {
	return new TetradError(
		"double-spent",
		"what it was paid with had been given to somebody else before, by another copy of this purse",
	);
}
