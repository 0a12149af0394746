import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { allocate, release, releaseAround } from "../../src/wire/allocate.ts";
import {
	concat,
	enc,
	encodeFrame,
	FRAME,
	signedBytes,
} from "../../src/wire/index.ts";

const SIZES = [0, 1, 32, 64, 65, 1000, 4096, 4097, 16_384, 65_536];

suite("allocated bytes", () => {
	test("are zero, as many as asked for, and handed out once", () => {
		const all = Array.from({ length: 40 }, () => SIZES.map(allocate)).flat();
		for (const [i, bytes] of all.entries()) {
			assert.equal(bytes.length, SIZES[i % SIZES.length]);
			assert.ok(bytes.every((byte) => byte === 0));
			bytes.fill(1 + (i % 255));
		}
		for (const [i, bytes] of all.entries())
			assert.ok(bytes.every((byte) => byte === 1 + (i % 255)));
	});

	test("are not what may leave the process: that has an array of its own", () => {
		for (const size of SIZES) {
			const bytes = new Uint8Array(size);
			for (const made of [
				enc(bytes),
				enc(bytes, bytes),
				concat(bytes),
				concat(bytes, bytes),
				encodeFrame(FRAME.record, bytes),
				signedBytes("A", bytes),
			])
				assert.equal(made.buffer.byteLength, made.length);
		}
	});
});

suite("releasing", () => {
	test("gives back an array that is large and all of its memory", () => {
		for (const size of [4097, 65_536, 262_166]) {
			const bytes = new Uint8Array(size);
			const view = new Uint8Array(bytes.buffer);
			release(bytes);
			assert.equal(view.length, 0);
			// What is gone is gone.
			release(bytes);
		}
	});

	test("gives back what is around a large field, and no more than its message", () => {
		const message = new Uint8Array(65_000);
		releaseAround(message.subarray(49, 64_990));
		assert.equal(message.length, 0);
		const several = new Uint8Array(65_000);
		releaseAround(several.subarray(257));
		releaseAround(several.subarray(0, 4096));
		const block = allocate(4096);
		releaseAround(block);
		assert.deepEqual([several.length, block.length], [65_000, 4096]);
	});

	test("leaves alone what others may use: small arrays, parts, pools and shared memory", () => {
		const whole = new Uint8Array(100_000).fill(7);
		const others = [
			new Uint8Array(4096).fill(7),
			whole.subarray(0, 99_999),
			whole.subarray(1),
			allocate(4096).fill(7),
			Buffer.from("x".repeat(5000)).fill(7),
			Buffer.allocUnsafe(8192).fill(7),
			new Uint8Array(new SharedArrayBuffer(8192)).fill(7),
		];
		for (const bytes of others) {
			const { length } = bytes;
			release(bytes);
			assert.equal(bytes.length, length);
			assert.ok(bytes.every((byte) => byte === 7));
		}
	});
});
