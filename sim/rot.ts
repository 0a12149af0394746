/*
 * Bits of a disk that are not what was written any more, below what a database can see. Whole pages
 * that are damaged it refuses to open; a byte within a row it does not notice (docs/stores.md). So
 * what changes here is what somebody has signed, hashed or sealed: whoever reads it has to notice.
 * Nobody promises to notice an amount of a purse that has become another number.
 */
import type { Device } from "./device.ts";
import type { Stream } from "./random.ts";

/** Documents in a purse, and in a ledger, by table and column. */
const IN_PURSE: readonly (readonly [table: string, column: string])[] = [
	["notes", "document"],
	["payments", "transfer"],
	["payments", "terms"],
	["payments", "key"],
	["receipts", "transfer"],
	["receipts", "terms"],
	["receipts", "receipt"],
];
const IN_LEDGER: readonly (readonly [table: string, column: string])[] = [
	["notes", "document"],
	["transfers", "document"],
	["sales", "terms"],
	["sales", "key"],
];

/** Flips one bit of one document in the store of a module. Answers which, or nothing when there is none. */
export function rot(
	device: Device,
	isLedger: boolean,
	stream: Stream,
): string | undefined {
	const places = isLedger ? IN_LEDGER : IN_PURSE;
	const from = stream.below(places.length);
	const place = [...places.slice(from), ...places.slice(0, from)].find(
		([table, column]) => device.disk.flip(table, column, stream),
	);
	return place?.join(".");
}
