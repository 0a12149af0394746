/* Why a payment is not taken, as its payer hears it. */

import { TetradError } from "../../errors.ts";
import { textWithin } from "../../wire/index.ts";

import {
	BETWEEN_MODULES,
	MAX_REASON_BYTES,
	message,
} from "../documents/index.ts";
import type { PurseCore } from "./purse-core.ts";
import { CLOCK_TOLERANCE_MS } from "./purse-limits.ts";

/** Tells the payer's module, if it is still there, and this module's owner. */
export function refuse(
	core: PurseCore,
	tetrad: number,
	contract: Uint8Array,
	error: TetradError,
): void {
	const peer = core.meetings.get(tetrad)?.peer.deviceId;
	if (peer === undefined) return;
	core.report({ kind: "refused", contract, peer, error });
	core.toModule(
		tetrad,
		message(BETWEEN_MODULES.refused, {
			contract,
			code: error.code,
			// Other messages are for this module's owner.
			reason: textWithin(
				error.code === "payment-refused" ? error.message : "",
				MAX_REASON_BYTES,
			),
		}),
	);
}

export function refused(why: string): TetradError {
	return new TetradError("payment-refused", why);
}

/** Nobody here knows what a sale is. */
export function noSales(): TetradError {
	return refused("this module sells nothing");
}

export function unknownIssuer(): TetradError {
	return refused(
		"this module takes no notes of that issuer and currency; its owner would have to import the issuer's terms",
	);
}

export function otherTerms(): TetradError {
	return refused(
		"that contract is known with another amount or other money; there is one payment for a contract",
	);
}

export function otherPayer(): TetradError {
	return refused(
		"the payee has agreed to another payment for that contract; there is one payment for a contract",
	);
}

export function otherTransfer(): TetradError {
	return refused(
		"that contract was paid by another transfer; there is one payment for a contract",
	);
}

/** Whether a transfer comes when its payer could have committed it no more, however far apart two clocks may be. */
export function whyLate(payBy: number, now: number): TetradError | undefined {
	return now > payBy + CLOCK_TOLERANCE_MS
		? refused("the transfer comes after the time until which it was agreed on")
		: undefined;
}

/** It is no refusal for good. */
export function notBooked(): TetradError {
	return refused(
		"the payee takes that transfer once its issuer has booked it, and gives the receipt then",
	);
}

export function bookedForOthers(): TetradError {
	return refused(
		"the issuer has not booked all of that transfer for the payee",
	);
}
