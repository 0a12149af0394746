/*
 * What an agent keeps of money. It holds none: this is what it has to know of its module, whatever
 * becomes of its process. What it keeps of purchases stands in further tables of the same store.
 */
import { TetradError } from "../../errors.ts";
import {
	byKey,
	done,
	put,
	reading,
	type Table,
	type Transaction,
	table,
} from "../../machine/index.ts";
import type { Head } from "../documents/index.ts";

/** How far the purse of each module was seen to have come, by the module's device id. */
export const WITNESSED: Table<{
	module: "bytes";
	number: "integer";
	hash: "bytes";
}> = table("witnessed", { module: "bytes", number: "integer", hash: "bytes" }, [
	"module",
]);

const MAX_NUMBER = 2n ** 63n - 1n;

/**
 * Keeps the head of a module's purse, unless a newer one is kept, and answers with the one that is
 * kept then. Throws `malformed` for a number that no purse comes to: from 2^63.
 */
export function witnessing(
	module: Uint8Array,
	{ number, hash }: Head,
): Transaction<Head> {
	if (number > MAX_NUMBER)
		throw new TetradError(
			"malformed",
			"the module told of a purse with more changes than there can be",
		);
	return reading([byKey(WITNESSED, { module })], ([[known]]) =>
		known !== undefined && known.number >= number
			? done([], { number: known.number, hash: known.hash })
			: done([put(WITNESSED, { module, number, hash })], { number, hash }),
	);
}

/** The head that is kept of a module's purse, if there is one. */
export function readWitnessed(
	module: Uint8Array,
): Transaction<Head | undefined> {
	return reading([byKey(WITNESSED, { module })], ([[known]]) =>
		done(
			[],
			known === undefined
				? undefined
				: { number: known.number, hash: known.hash },
		),
	);
}
