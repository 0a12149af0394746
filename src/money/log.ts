/*
 * The log of a device: what it has done, in the order in which it did it. Each entry makes the next
 * head from the one before it, so that nobody can take one away, change it or put it elsewhere and
 * still come to the heads that others were told. An entry is written in the very transaction that
 * it tells of.
 */
import type { CryptoProvider } from "../crypto/index.ts";
import {
	insert,
	type Read,
	type Row,
	type Table,
	table,
	type Write,
} from "../machine/index.ts";
import { enc, formOf, time, u64, utf8 } from "../wire/index.ts";
import { FIRST_HEAD, type Head, nextHead } from "./documents/index.ts";

const LOG_COLUMNS = {
	/** Of the head that the change made. */
	number: "integer",
	hash: "bytes",
	time: "integer",
	what: "text",
	/** What changed: a contract, a request, a note, or whatever else is named by bytes. */
	subject: "bytes",
	/** In minor units of the money that the subject is about. */
	amount: "integer",
	/** Device id of whom it has to do with. */
	peer: "bytes",
} as const;

/** Every durable change, in order: a device's history and the chain of its heads. */
export const LOG: Table<typeof LOG_COLUMNS> = table("log", LOG_COLUMNS, [
	"number",
]);

export type LogRow = Row<typeof LOG.columns>;

/** What a device writes down; `what` is one of its own words for it. */
export interface DeviceLogEntry<What extends string = string> {
	readonly what: What;
	readonly subject: Uint8Array;
	readonly amount: bigint;
	readonly peer: Uint8Array;
	/** The head goes on above this number. */
	readonly above?: bigint;
}

/** The newest entry of the log, which has the head. */
export const HEAD_READ: Read<typeof LOG_COLUMNS> = {
	table: LOG,
	order: "descending",
	limit: 1,
};

export function headOf([newest]: readonly LogRow[]): Head {
	return newest === undefined
		? FIRST_HEAD
		: { number: newest.number, hash: newest.hash };
}

/** What a change adds to the chain of heads, so that anyone can recompute it from the log. */
export function logBytes(entry: DeviceLogEntry, now: number): Uint8Array {
	const { what, subject, amount, peer } = entry;
	return enc(formOf(time, now), utf8(what), subject, formOf(u64, amount), peer);
}

/** The rows of entries after a head, and the head that they lead to. */
export function logging(
	crypto: CryptoProvider,
	from: Head,
	entries: readonly DeviceLogEntry[],
	now: number,
): { readonly head: Head; readonly writes: readonly Write[] } {
	let head = from;
	const writes = entries.map(({ above = 0n, ...entry }) => {
		const number = above > head.number ? above : head.number;
		head = nextHead(crypto, { number, hash: head.hash }, logBytes(entry, now));
		return insert(LOG, { ...head, time: BigInt(now), ...entry });
	});
	return { head, writes };
}
