import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CARRIER_LIMITS } from "../../src/carrier/limits.ts";
import { type Part, SendQueue } from "../../src/carrier/send-queue.ts";

/** A queue to somebody who takes what is written when the test says so. */
function slowly() {
	const written: (readonly Part[])[] = [];
	const done: (() => void)[] = [];
	const queue = new SendQueue(
		{
			gathers: false,
			write(parts, then) {
				written.push(parts);
				done.push(then);
			},
			failed() {},
		},
		{ ...CARRIER_LIMITS, stallMs: 1000 },
	);
	return { queue, written, taken: () => done.shift()?.() };
}

describe("a queue of what is sent", () => {
	test("writes a small part of a block as it is, and keeps no block for one that waits", () => {
		const { queue, written, taken } = slowly();
		const block = new Uint8Array(4096).map((_, i) => i);
		for (const from of [0, 300])
			queue.push(block.subarray(from, 300 + from), true);
		taken();
		const [[first], [second]] = written as [[Part], [Part]];
		assert.equal(first.bytes.buffer, block.buffer);
		assert.deepEqual(second.bytes, block.subarray(300, 600));
		assert.equal(second.bytes.buffer.byteLength, 300);
		queue.abandon();
	});

	test("keeps what has memory of its own, and what is large, as it is", () => {
		const { queue, written, taken } = slowly();
		const [own, large] = [new Uint8Array(300), new Uint8Array(9000)];
		for (const bytes of [own, own, large.subarray(0, 8000)])
			queue.push(bytes, false);
		taken();
		assert.deepEqual(
			written.flat().map(({ bytes, owned }) => [bytes.buffer, owned]),
			[
				[own.buffer, false],
				[own.buffer, false],
				[large.buffer, false],
			],
		);
		queue.abandon();
	});
});
