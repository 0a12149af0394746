/* Why what an owner orders of a mint is not done, as it is told and as it is kept. */
import { isErrorCode, TetradError } from "../../../errors.ts";
import { textWithin } from "../../../wire/index.ts";
import type { EcashOrderRow } from "../ecash-tables.ts";
import { type BeginningOrder, type OrderTools, orderRow } from "./ordered.ts";

/** What is kept of why it was not done, in bytes. */
const MAX_REASON = 512;

/** The row of an order that was never begun. */
export function refusedRow(
	tools: Pick<OrderTools, "parts" | "mints">,
	order: BeginningOrder,
	error: TetradError,
): EcashOrderRow {
	return orderRow(tools, order, {
		...{ state: "refused", ...keptWhy(error) },
		amount: "amount" in order ? order.amount : 0n,
		invoice: order.kind === "melt" ? order.invoice : "",
	});
}

/** As it stands in a row. */
export function keptWhy({
	code,
	message,
}: TetradError): Pick<EcashOrderRow, "code" | "reason"> {
	return { code, reason: textWithin(message, MAX_REASON) };
}

export function whyRefused({
	code,
	reason,
}: Pick<EcashOrderRow, "code" | "reason">): TetradError | undefined {
	if (code === "") return undefined;
	return new TetradError(isErrorCode(code) ? code : "internal", reason);
}

export function tooMuch(): TetradError {
	return new TetradError(
		"busy",
		"too much is ordered of mints that is not over; let some of it end first",
	);
}

export function notNamed(): TetradError {
	return new TetradError(
		"payment-refused",
		"the owner of this purse has not named that mint",
	);
}

export function notAnswered(): TetradError {
	return new TetradError(
		"busy",
		"the mint has not answered in time; nothing was done, so try again in a while",
	);
}

export function notItsKeys(): TetradError {
	return new TetradError(
		"payment-in-doubt",
		"what a mint has signed for an order of ecash is not by the keys that it shows, so it cannot be spent there: ask whoever runs that mint; it is asked again",
	);
}

export function notOut(): TetradError {
	return new TetradError(
		"invalid-argument",
		"that is no token that this purse has sent and that is still out",
	);
}

export function notMadeYet(): TetradError {
	return new TetradError(
		"busy",
		"the mint has not said yet whether it has made that token; it is asked until it does",
	);
}

export function busy(): TetradError {
	return new TetradError("busy", "that token is being looked after; try again");
}
