import { TetradError } from "../errors.ts";

export const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;
const SQLITE_TOOBIG = 18;
const SQLITE_CONSTRAINT = 19;

/** The index of the write-ahead log could not be made longer. */
const SQLITE_IOERR_SHMSIZE = 4874;

/** SQLite's code without its extension; nothing when it is no error of SQLite. */
export function primaryCode(thrown: unknown): number | undefined {
	const { errcode } = (thrown ?? {}) as { errcode?: unknown };
	return typeof errcode === "number" ? errcode & 0xff : undefined;
}

/** Whether SQLite refused one statement and is as it was before. */
export function isRefusal(thrown: unknown): boolean {
	const code = primaryCode(thrown);
	return code === SQLITE_CONSTRAINT || code === SQLITE_TOOBIG;
}

/** Whether SQLite found no room. */
export function isFull(thrown: unknown): boolean {
	return primaryCode(thrown) === SQLITE_FULL;
}

/** As `storeError`, for a store that is being opened and in which nothing was written: what it needs beside its file found no room. */
export function openingError(path: string, thrown: unknown): TetradError {
	const { errcode } = (thrown ?? {}) as { errcode?: unknown };
	if (errcode !== SQLITE_IOERR_SHMSIZE) return storeError(path, thrown);
	return new TetradError(
		"store-full",
		`there is no room for what ${path} needs to be opened; nothing was written: make room on its disk, and start again`,
		{ cause: thrown },
	);
}

/** What SQLite's failure means for the store: `store-full`, `busy` or, in doubt, `store-failed`. */
export function storeError(path: string, thrown: unknown): TetradError {
	if (thrown instanceof TetradError) return thrown;
	const options = { cause: thrown };
	switch (primaryCode(thrown)) {
		case SQLITE_FULL:
			return new TetradError(
				"store-full",
				`there is no room for ${path}; nothing was written: make room on its disk, and it goes on`,
				options,
			);
		case SQLITE_BUSY:
			return new TetradError(
				"busy",
				`another program holds ${path} open for writing; nothing was written: end that program`,
				options,
			);
		default:
			return new TetradError(
				"store-failed",
				`${path} cannot be relied on (${reason(thrown)}); check its disk and its permissions, then open it again to see what is there`,
				options,
			);
	}
}

/** SQLite's own words, with the number that its manual explains. */
function reason(thrown: unknown): string {
	const { message, errcode } = thrown as { message?: string; errcode?: number };
	return errcode === undefined
		? `${message}`
		: `SQLite says: ${message}, ${errcode}`;
}
