import { TetradError } from "../../errors.ts";
import {
	type Currency,
	GRACE_DAYS,
	MAX_GRACE_DAYS,
	MAX_NOTE_DAYS,
	NOTE_DAYS,
} from "../documents/index.ts";

export const DAY_MS = 86_400_000;

export interface IssuerParameters {
	readonly currency: Currency;
	readonly isPlay: boolean;
	/** From the issue of a note to its expiry; `NOTE_DAYS` unless given. */
	readonly noteDays?: number;
	/** From there, while its transfers are still booked, until what is left of it can be claimed; `GRACE_DAYS` unless given. */
	readonly graceDays?: number;
}

/** In milliseconds. Throws `invalid-argument` for days that no issuer has. */
export function lifeOfNotes({
	noteDays = NOTE_DAYS,
	graceDays = GRACE_DAYS,
}: IssuerParameters): { readonly noteMs: number; readonly graceMs: number } {
	requireDays("notes live", noteDays, 1, MAX_NOTE_DAYS);
	requireDays("the grace lasts", graceDays, 0, MAX_GRACE_DAYS);
	return { noteMs: noteDays * DAY_MS, graceMs: graceDays * DAY_MS };
}

function requireDays(
	what: string,
	days: number,
	min: number,
	max: number,
): void {
	if (!Number.isInteger(days) || days < min || days > max)
		throw new TetradError(
			"invalid-argument",
			`${what} from ${min} to ${max} whole days`,
		);
}
