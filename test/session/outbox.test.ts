/* What waits to be sealed: when it is joined, when it is not, and that nothing of it stays behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
	MAX_JOINED_BYTES,
	MAX_WAITING_BYTES,
	Outbox,
} from "../../src/session/outbox.ts";
import {
	MAX_SEVERAL,
	SEVERAL_HEADER_BYTES,
} from "../../src/session/several.ts";
import { CONTENT, concat, hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";

const { message: application, several } = CONTENT;

/** An outbox, and what was sealed: the type and the content of each record. */
function box() {
	const records: (readonly [type: number, content: string])[] = [];
	const lent: Uint8Array[] = [];
	let fails = false;
	const outbox = new Outbox(
		{
			seal(type, ...parts) {
				lent.push(...parts);
				if (fails) throw new Error("no more counters");
				const content = concat(...parts);
				return concat(Uint8Array.of(type), content);
			},
		},
		([type = 0, ...content]) => {
			records.push([type, hex(Uint8Array.from(content))]);
		},
	);
	return {
		outbox,
		lent,
		fail: () => {
			fails = true;
		},
		/** The records that were sealed since it was asked last. */
		sealed: () => records.splice(0),
	};
}

const one = (type: number, content: Uint8Array) =>
	[type, hex(content)] as const;
const joined = (...contents: readonly Uint8Array[]) =>
	[
		several,
		contents
			.map((content) => {
				const length = content.length.toString(16).padStart(8, "0");
				return `${hex(Uint8Array.of(application))}${length}${hex(content)}`;
			})
			.join(""),
	] as const;

test("one content is sealed as itself, and two in one record", () => {
	const { outbox, sealed } = box();
	assert.equal(outbox.waits, false);
	outbox.flush();
	assert.deepEqual(sealed(), []);
	outbox.put(application, filled(3, 1), filled(2, 2));
	assert.equal(outbox.waits, true);
	assert.deepEqual(sealed(), []);
	outbox.flush();
	assert.equal(outbox.waits, false);
	assert.deepEqual(sealed(), [one(application, Uint8Array.of(1, 1, 1, 2, 2))]);
	outbox.put(application, filled(3, 1));
	outbox.put(application, filled(600, 2));
	outbox.put(application);
	outbox.flush();
	outbox.flush();
	assert.deepEqual(sealed(), [
		joined(filled(3, 1), filled(600, 2), new Uint8Array()),
	]);
});

test("what is put at once takes along what waits, and needs none", () => {
	const { outbox, sealed } = box();
	outbox.putAtOnce(application, filled(2, 7), filled(1, 8));
	assert.deepEqual(sealed(), [one(application, Uint8Array.of(7, 7, 8))]);
	outbox.put(application, filled(1, 1));
	outbox.putAtOnce(application, filled(2, 2), filled(1, 3));
	assert.deepEqual(sealed(), [joined(filled(1, 1), Uint8Array.of(2, 2, 3))]);
	assert.equal(outbox.waits, false);
});

test("a long content has a record of its own, after what waited", () => {
	const { outbox, sealed } = box();
	const waiting = filled(MAX_WAITING_BYTES, 5);
	const long = filled(MAX_WAITING_BYTES + 1, 6);
	outbox.put(application, waiting);
	assert.deepEqual(sealed(), []);
	outbox.put(application, long);
	assert.deepEqual(sealed(), [
		one(application, waiting),
		one(application, long),
	]);
	assert.equal(outbox.waits, false);
});

test("a record is as long as it may be, and not a byte longer", () => {
	const { outbox, sealed } = box();
	const eighth = MAX_JOINED_BYTES / 8 - SEVERAL_HEADER_BYTES;
	const eight = [1, 2, 3, 4, 5, 6, 7, 8].map((byte) => filled(eighth, byte));
	for (const content of eight) outbox.put(application, content);
	assert.deepEqual(sealed(), []);
	outbox.put(application);
	assert.deepEqual(sealed(), [joined(...eight)]);
	outbox.flush();
	assert.deepEqual(sealed(), [one(application, new Uint8Array())]);
});

test("a record has as many contents as it may have, and not one more", () => {
	const { outbox, sealed } = box();
	const all = Array.from({ length: MAX_SEVERAL }, () => filled(1, 1));
	for (const content of all) outbox.put(application, content);
	assert.deepEqual(sealed(), []);
	outbox.put(application, filled(1, 2));
	assert.deepEqual(sealed(), [joined(...all)]);
});

test("nothing of what was sealed, or was to be, stays in memory", () => {
	for (const isOne of [true, false]) {
		const { outbox, lent } = box();
		outbox.put(application, filled(9, 1));
		if (!isOne) outbox.put(application, filled(700, 2));
		outbox.flush();
		assert.ok(lent.every((part) => part.every((byte) => byte === 0)));
	}
});

test("what waited is lost when it cannot be sealed, and whoever ends does not hear of it", () => {
	const { outbox, lent, sealed, fail } = box();
	fail();
	outbox.put(application, filled(9, 1));
	assert.throws(() => outbox.flush(), { message: "no more counters" });
	assert.equal(outbox.waits, false);
	assert.ok(lent.every((part) => part.every((byte) => byte === 0)));
	outbox.put(application, filled(9, 1));
	outbox.tryFlush();
	assert.equal(outbox.waits, false);
	assert.deepEqual(sealed(), []);
});

test("what is forgotten is not sealed", () => {
	const { outbox, sealed } = box();
	outbox.put(application, filled(9, 1));
	outbox.wipe();
	assert.equal(outbox.waits, false);
	outbox.flush();
	outbox.put(application, filled(2, 3));
	outbox.flush();
	assert.deepEqual(sealed(), [one(application, filled(2, 3))]);
});

test("a record after a long one begins with as much memory, and what it has is its own all the same", () => {
	const { outbox, sealed } = box();
	const long = [1, 2, 3].map((byte) => filled(MAX_WAITING_BYTES, byte));
	for (const content of long) outbox.put(application, content);
	outbox.flush();
	assert.deepEqual(sealed(), [joined(...long)]);
	for (const content of [filled(3, 4), filled(MAX_WAITING_BYTES, 5)]) {
		outbox.put(application, content);
		outbox.flush();
		assert.deepEqual(sealed(), [one(application, content)]);
	}
});
