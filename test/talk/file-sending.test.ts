/* The sender of a file, event by event and without a disk. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import { CHUNK_BYTES, FileSending } from "../../src/talk/index.ts";
import { concat, enc, hex, utf8 } from "../../src/wire/index.ts";
import { sendingOf } from "./support.ts";

const digestOf = (...parts: readonly Uint8Array[]) =>
	nodeCrypto.sha256(...parts);
const read = (bytes: Uint8Array) => ({ kind: "read", bytes }) as const;
const heard = (bytes: Uint8Array) => ({ kind: "from-agent", bytes }) as const;
const acknowledgement = (sha256: Uint8Array) =>
	concat(Uint8Array.of(0x04), enc(sha256));
const NOTHING = new Uint8Array();
const SENT = { kind: "sent" } as const;
const BEGIN = { kind: "begin" } as const;

/** A sender whose whole file of five bytes has gone. */
function unacknowledged() {
	const file = sendingOf("a", 5);
	file.does(BEGIN, SENT, read(utf8("hello")), SENT, read(NOTHING), SENT);
	return file;
}

describe("the sender of a file", () => {
	test("reads it a chunk at a time, and no faster than there is room", () => {
		const file = sendingOf("a", CHUNK_BYTES + 2);
		assert.match(file.does(BEGIN).join(), /^to-agent 01/);
		assert.deepEqual(file.does(SENT), [`read ${CHUNK_BYTES} at 0`]);
		const [first, last] = [new Uint8Array(CHUNK_BYTES).fill(1), utf8("xy")];
		const taken = first.slice();
		assert.deepEqual(file.does(read(taken)), [`to-agent 02${hex(first)}`]);
		// A chunk that was read is the machine's, which gives its memory back.
		assert.equal(taken.length, 0);
		assert.deepEqual(file.does(SENT), [
			`progress ${CHUNK_BYTES} of ${CHUNK_BYTES + 2}`,
			`read 2 at ${CHUNK_BYTES}`,
		]);
		assert.deepEqual(file.does(read(last)), [`to-agent 02${hex(last)}`]);
		const sha256 = digestOf(first, last);
		assert.deepEqual(file.does(SENT), [
			`progress ${CHUNK_BYTES + 2} of ${CHUNK_BYTES + 2}`,
			`read 1 at ${CHUNK_BYTES + 2}`,
		]);
		assert.deepEqual(file.does(read(NOTHING)), [
			`to-agent 0300000020${hex(sha256)}`,
		]);
		assert.deepEqual(file.does(SENT), ["receive"]);
		assert.deepEqual(file.does(heard(acknowledgement(sha256))), [
			`delivered ${hex(sha256)}`,
			"ended: self",
		]);
	});

	test("of nothing sends an offer and an end", () => {
		const file = sendingOf("a", 0);
		file.does(BEGIN);
		assert.deepEqual(file.does(SENT), ["read 1 at 0"]);
		assert.deepEqual(file.does(read(NOTHING)), [
			`to-agent 0300000020${hex(digestOf())}`,
		]);
	});

	test("goes on after a read that brought less, from there", () => {
		const file = sendingOf("a", 5);
		file.does(BEGIN, SENT);
		file.does(read(utf8("he")));
		assert.deepEqual(file.does(SENT), ["progress 2 of 5", "read 3 at 2"]);
	});

	test("ends when the file has become longer, and does not send its end", () => {
		const file = new FileSending(nodeCrypto, { name: "a", size: 5 });
		for (const event of [BEGIN, SENT, read(utf8("hello")), SENT])
			file.handle(event);
		const [end] = file.handle(read(utf8("!")));
		assert.ok(end?.kind === "ended");
		assert.equal(end.error?.code, "carrier-failed");
		assert.match(end.error?.message ?? "", /a became longer/);
	});

	test("ends when the file becomes shorter", () => {
		const file = new FileSending(nodeCrypto, { name: "a", size: 5 });
		for (const event of [BEGIN, SENT]) file.handle(event);
		const [end] = file.handle(read(new Uint8Array()));
		assert.ok(end?.kind === "ended");
		assert.equal(end.error?.code, "carrier-failed");
		assert.match(end.error?.message ?? "", /a became shorter/);
	});

	test("takes the acknowledgement of its own bytes alone", () => {
		const sha256 = digestOf(utf8("hello"));
		assert.equal(
			unacknowledged().fails(heard(acknowledgement(new Uint8Array(32)))),
			"ended: carrier-failed",
		);
		const fine = acknowledgement(sha256);
		const bad = [
			new Uint8Array(),
			...Array.from(fine, (_, length) => fine.subarray(0, length)),
			concat(fine, Uint8Array.of(0)),
			concat(fine, new Uint8Array(10_000_000)),
			acknowledgement(new Uint8Array(31)),
			concat(Uint8Array.of(0x03), fine.subarray(1)),
			concat(Uint8Array.of(0x10), utf8("thanks")),
		];
		for (const bytes of bad)
			assert.equal(
				unacknowledged().fails(heard(bytes)),
				"ended: malformed",
				hex(bytes.subarray(0, 50)),
			);
	});

	test("is told nothing before it has asked", () => {
		const file = sendingOf("a", 5);
		const early = acknowledgement(digestOf(utf8("hello")));
		assert.equal(file.fails(BEGIN, heard(early)), "ended: unexpected-message");
	});

	test("is cut off when the other agent closes", () => {
		assert.equal(
			unacknowledged().fails({ kind: "closed" }),
			"ended: truncated",
		);
	});

	test("ends with what happened outside, and does nothing afterwards", () => {
		const file = sendingOf("a", 5);
		const error = new TetradError("carrier-failed", "cut");
		assert.deepEqual(file.does(BEGIN, { kind: "abort", error }).slice(1), [
			"ended: carrier-failed",
		]);
		assert.deepEqual(file.does(SENT, BEGIN, read(utf8("x"))), []);
		assert.equal(file.machine.deadline, undefined);
	});

	test("that is run wrongly ends as a mistake of its own", () => {
		const wrong = [
			[BEGIN, BEGIN],
			[SENT],
			[BEGIN, read(utf8("x"))],
			[BEGIN, SENT, read(utf8("more than there is"))],
			[BEGIN, SENT, SENT],
		];
		for (const events of wrong)
			assert.equal(sendingOf("a", 5).fails(...events), "ended: internal");
	});

	test("takes any bytes as what they are", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
				const end = unacknowledged().fails(heard(bytes));
				assert.match(end, /^ended: (malformed|carrier-failed|self)$/);
			}),
		);
	});
});
