import { TetradError } from "../../errors.ts";

/** The failure for a chain or a request that was read and is not accepted. `why` tells the owner what was wrong with it. */
export function chainRefused(why: string): TetradError {
	return new TetradError("chain-refused", why);
}

/** The failure for an untrusted list that was read and is not accepted. */
export function listRefused(why: string): TetradError {
	return new TetradError("list-refused", why);
}

/** A moment for the owner; one that no calendar has is told as a number. */
export function timeText(time: number): string {
	return Math.abs(time) <= 8.64e15
		? new Date(time).toISOString()
		: `${time} ms after 1970`;
}
