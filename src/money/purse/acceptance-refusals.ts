/* Why a payment is not taken, as its payer hears it. */
import { TetradError } from "../../errors.ts";

export function refused(why: string): TetradError {
	return new TetradError("payment-refused", why);
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

export function otherTransfer(): TetradError {
	return refused(
		"that contract was paid by another transfer; there is one payment for a contract",
	);
}
