import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	encodeHead,
	FIRST_HEAD,
	nextHead,
	parseHead,
} from "../../src/money/index.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import { onlyTetradErrors } from "../wire/only-tetrad-errors.ts";
import {
	filled,
	lengthChanges,
	refused,
	refusesTenMegabytes,
} from "./documents.ts";
import * as golden from "./golden.ts";

const after = (...changes: readonly string[]) =>
	changes.reduce(
		(head, change) => nextHead(nodeCrypto, head, utf8(change)),
		FIRST_HEAD,
	);

test("golden head after two changes", () => {
	assert.equal(
		hex(encodeHead(after("first", "second"))),
		hex(golden.SECOND_HEAD),
	);
	assert.equal(
		hex(encodeHead(FIRST_HEAD)),
		`00000008${"0".repeat(16)}00000020${"0".repeat(64)}`,
	);
});

test("heads tell apart what was changed, in which order, and in how many steps", () => {
	const all = [
		after(),
		after("ab"),
		after("a", "b"),
		after("b", "a"),
		after("a"),
		after("a", "b", ""),
	].map(({ hash }) => hex(hash));
	assert.equal(new Set(all).size, all.length);
});

test("a new purse's head is not changed by what comes after it", () => {
	after("a", "b");
	assert.deepEqual(FIRST_HEAD, { number: 0n, hash: filled(32, 0) });
});

test("round trip", () => {
	fc.assert(
		fc.property(
			fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
			fc.uint8Array({ minLength: 32, maxLength: 32 }),
			(number, hash) => {
				assert.deepEqual(parseHead(encodeHead({ number, hash })), {
					number,
					hash,
				});
			},
		),
	);
});

test("a number does not begin again after the last", () => {
	const last = { number: 2n ** 64n - 1n, hash: filled(32, 1) };
	const beyond = nextHead(nodeCrypto, last, filled(1, 1));
	assert.throws(() => encodeHead(beyond), { code: "invalid-argument" });
});

test("bytes after a head, every beginning, any bytes, 10 MB at once", () => {
	for (const changed of lengthChanges(encodeHead(after("a"))))
		refused(() => parseHead(changed));
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
			const head = onlyTetradErrors(() => parseHead(bytes));
			if (head !== undefined) assert.deepEqual(encodeHead(head), bytes);
		}),
	);
	refusesTenMegabytes(parseHead);
});
