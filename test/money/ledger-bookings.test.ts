/* What of a note is free, booking by booking, and how much of that one claim takes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
	MAX_CLAIM_BOOKINGS,
	MAX_CLAIM_RANGES,
	type Note,
} from "../../src/money/documents/index.ts";
import { isFull, pastBooking } from "../../src/money/issuer/ledger-bookings.ts";
import { filled } from "./documents.ts";

const note = { id: filled(32, 1) } as Note;

type Bookings = readonly (readonly [offset: bigint, end: bigint])[];

/** What is free in front of and between bookings, and how far that goes, for one that has seen so many before. */
function past(bookings: Bookings, count = 0) {
	let gaps = { at: 0n, count, left: [] as never[] } as Parameters<
		typeof pastBooking
	>[0];
	for (const [offset, end] of bookings)
		gaps = pastBooking(gaps, note, offset, end);
	const { at, left } = gaps;
	return {
		...{ at, count: gaps.count, isFull: isFull(gaps) },
		left: left.map(({ offset, amount }) => [offset, offset + amount]),
	};
}

test("what is free lies in front of bookings and between them", () => {
	for (const [bookings, at, left] of [
		[[[0n, 3n]], 3n, []],
		[[[1n, 3n]], 3n, [[0n, 1n]]],
		[
			[
				[2n, 3n],
				[3n, 7n],
				[8n, 9n],
			],
			9n,
			[
				[0n, 2n],
				[7n, 8n],
			],
		],
		// Two that overlap were booked by mistake or by force: what is taken twice is taken.
		[
			[
				[0n, 9n],
				[1n, 4n],
				[10n, 11n],
			],
			11n,
			[[9n, 10n]],
		],
	] as readonly [Bookings, bigint, Bookings][])
		assert.deepEqual(past(bookings), {
			...{ at, left, count: bookings.length, isFull: false },
		});
});

test("one claim looks at a million bookings, and takes 5000 ranges", () => {
	const three: Bookings = [
		[0n, 1n],
		[1n, 2n],
		[5n, 6n],
	];
	assert.deepEqual(past(three, MAX_CLAIM_BOOKINGS - 3), {
		...{ at: 6n, count: MAX_CLAIM_BOOKINGS, left: [[2n, 5n]], isFull: true },
	});
	assert.deepEqual(past(three, MAX_CLAIM_BOOKINGS - 2), {
		...{ at: 2n, count: MAX_CLAIM_BOOKINGS, left: [], isFull: true },
	});
	const every = (count: number): Bookings =>
		Array.from({ length: count }, (_, i) => [
			BigInt(2 * i + 1),
			BigInt(2 * i + 2),
		]);
	assert.equal(past(every(MAX_CLAIM_RANGES - 1)).isFull, false);
	for (const more of [0, 1]) {
		const { count, left, isFull } = past(every(MAX_CLAIM_RANGES + more));
		assert.deepEqual(
			[count, left.length, isFull],
			[MAX_CLAIM_RANGES, MAX_CLAIM_RANGES, true],
		);
	}
});
