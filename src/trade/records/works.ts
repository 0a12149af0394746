/*
 * What becomes of an answer that is made for a buyer before it has paid, in the store of the
 * merchant's agent:
 *
 *   (nothing) ─▶ open ─┬─▶ (nothing)   it is paid, or its maker has failed
 *                      └─▶ left ─▶ (nothing)   it is paid after all, or forgotten
 */
import {
	byKey,
	done,
	insert,
	put,
	type Read,
	reading,
	remove,
	type Transaction,
} from "../../machine/index.ts";
import { WORKS, type WorkRow } from "./tables.ts";

const NOTHING: Uint8Array = new Uint8Array();

/** Rows of one buyer that are looked at, or taken away, at once. */
const MAX_WORKS = 1000;

/** What a merchant puts up with, and until when. */
export interface WorkLimits {
	/** Works of one buyer that may be open at once, or be left. */
	readonly open: number;
	readonly left: number;
	/** What is older counts no more, in milliseconds since the epoch: open works were cut by an end of the merchant's own. */
	readonly openSince: bigint;
	readonly leftSince: bigint;
}

/** Whether work is done for a buyer: not while it has as much open, and not when it has left as much unpaid. */
export type WorkBegun = "begun" | "open" | "left";

/** Keeps a work before it is done: what is begun counts as work that was done. */
export function beginWork(
	work: Pick<WorkRow, "id" | "buyer" | "time">,
	limits: WorkLimits,
): Transaction<WorkBegun> {
	const { buyer } = work;
	const of = (
		state: string,
		above: bigint,
		most: number,
	): Read<typeof WORKS.columns> => ({
		table: WORKS,
		index: "by_buyer",
		equals: { buyer, state },
		above,
		limit: most + 1,
	});
	return reading(
		[
			of("left", limits.leftSince, limits.left),
			of("open", limits.openSince, limits.open),
		],
		([left, open]) => {
			if (left.length > limits.left) return done([], "left");
			if (open.length >= limits.open) return done([], "open");
			const row: WorkRow = { ...work, contract: NOTHING, state: "open" };
			return done([insert(WORKS, row)], "begun");
		},
	);
}

/** Its buyer has gone without paying. */
export function leaveWork(id: Uint8Array): Transaction<undefined> {
	return reading([byKey(WORKS, { id })], ([[known]]) =>
		done(
			known === undefined ? [] : [put(WORKS, { ...known, state: "left" })],
			undefined,
		),
	);
}

/** There is nothing to pay for: it was not done. */
export function dropWork(id: Uint8Array): Transaction<undefined> {
	return done([remove(WORKS, { id })], undefined);
}

/** Takes away what was begun before that time, at most `limit` of it. How much it was. */
export function forgetWorks(
	before: bigint,
	limit: number = MAX_WORKS,
): Transaction<number> {
	return reading(
		[{ table: WORKS, index: "by_time", below: before, limit }],
		([rows]) =>
			done(
				rows.map(({ id }) => remove(WORKS, { id })),
				rows.length,
			),
	);
}
