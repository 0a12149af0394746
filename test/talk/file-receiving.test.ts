/* The receiver of a file, event by event and without a disk. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import { concat, enc, hex, utf8 } from "../../src/wire/index.ts";
import { receiving } from "./support.ts";

const heard = (bytes: Uint8Array) => ({ kind: "from-agent", bytes }) as const;
const CREATED = { kind: "created" } as const;
const WRITTEN = { kind: "written" } as const;
const KEPT = { kind: "kept", path: "in/a" } as const;
const HELLO = utf8("hello");

function offer(name: Uint8Array, size: bigint): Uint8Array {
	const bytes = new Uint8Array(8);
	new DataView(bytes.buffer).setBigUint64(0, size);
	return concat(Uint8Array.of(0x01), enc(name, bytes));
}

const chunk = (bytes: Uint8Array) => concat(Uint8Array.of(0x02), bytes);
const end = (sha256: Uint8Array) => concat(Uint8Array.of(0x03), enc(sha256));

/** One that was offered a file of so many bytes, and waits for the first of them. */
function taking(size = 5n, maxBytes?: number) {
	const file = receiving(maxBytes);
	file.does(heard(offer(utf8("a"), size)), CREATED);
	return file;
}

describe("the receiver of a file", () => {
	test("writes each chunk before it asks for the next, and acknowledges what is durable", () => {
		const file = receiving();
		assert.deepEqual(file.does(heard(offer(utf8("a"), 7n))), ["create a"]);
		assert.deepEqual(file.does(CREATED), ["receive"]);
		assert.deepEqual(file.does(heard(chunk(HELLO))), ["write 68656c6c6f"]);
		assert.deepEqual(file.does(WRITTEN), ["progress 5 of 7", "receive"]);
		assert.deepEqual(file.does(heard(chunk(utf8("xy")))), ["write 7879"]);
		assert.deepEqual(file.does(WRITTEN), ["progress 7 of 7", "receive"]);
		const sha256 = nodeCrypto.sha256(HELLO, utf8("xy"));
		assert.deepEqual(file.does(heard(end(sha256))), ["keep"]);
		assert.deepEqual(file.does(KEPT), [
			`received a, 7, ${hex(sha256)} at in/a`,
		]);
		assert.deepEqual(file.does({ kind: "acknowledge" }), [
			`to-agent 0400000020${hex(sha256)}`,
		]);
		assert.deepEqual(file.does({ kind: "sent" }), ["ended: self"]);
		assert.deepEqual(file.does({ kind: "sent" }), []);
	});

	test("of nothing asks for the end at once", () => {
		const file = taking(0n);
		assert.deepEqual(file.does(heard(end(nodeCrypto.sha256()))), ["keep"]);
	});

	test("keeps no name that leads elsewhere", () => {
		assert.deepEqual(
			receiving().does(heard(offer(utf8("../../etc/passwd"), 1n))),
			["create passwd"],
		);
	});

	test("takes no file over its limit, and writes nothing of it", () => {
		for (const size of [101n, 2n ** 53n, 2n ** 64n - 1n])
			assert.deepEqual(receiving(100).does(heard(offer(utf8("a"), size))), [
				"ended: limit-exceeded",
			]);
		assert.deepEqual(receiving(100).does(heard(offer(utf8("a"), 100n))), [
			"create a",
		]);
		assert.deepEqual(receiving().does(heard(offer(utf8("a"), 2n ** 34n))), [
			"create a",
		]);
		assert.deepEqual(
			receiving().does(heard(offer(utf8("a"), 2n ** 34n + 1n))),
			["ended: limit-exceeded"],
		);
	});

	test("refuses an offer that is cut, followed by something, too long, nameless or in no UTF-8", () => {
		const fine = offer(utf8("a"), 5n);
		const bad = [
			...Array.from(fine, (_, length) => fine.subarray(0, length)),
			concat(fine, Uint8Array.of(0)),
			concat(fine, fine),
			concat(fine, new Uint8Array(10_000_000)),
			offer(new Uint8Array(), 5n),
			offer(new Uint8Array(256).fill(0x61), 5n),
			offer(Uint8Array.of(0xff, 0xfe), 5n),
			chunk(HELLO),
			end(nodeCrypto.sha256(HELLO)),
		];
		for (const bytes of bad)
			assert.deepEqual(receiving().does(heard(bytes)), ["ended: malformed"]);
	});

	const broken: Record<string, Uint8Array> = {
		"an empty chunk": chunk(new Uint8Array()),
		"more than was offered": chunk(utf8("hello!")),
		"an end before the last byte": end(nodeCrypto.sha256(HELLO)),
		"the offer again": offer(utf8("a"), 5n),
		"a text": concat(Uint8Array.of(0x10), utf8("wait")),
		"an acknowledgement, which is for receivers to send": concat(
			Uint8Array.of(0x04),
			enc(nodeCrypto.sha256(HELLO)),
		),
		"no bytes": new Uint8Array(),
	};
	for (const [what, bytes] of Object.entries(broken))
		test(`leaves nothing of a file after ${what}`, () => {
			assert.deepEqual(taking().does(heard(bytes)), [
				"discard",
				"ended: malformed",
			]);
		});

	test("leaves nothing of a file with another digest, a cut end, a doubled end or a chunk too many", () => {
		const fine = end(nodeCrypto.sha256(HELLO));
		const bad = [
			end(new Uint8Array(32)),
			...Array.from(fine, (_, length) => fine.subarray(0, length)),
			concat(fine, Uint8Array.of(0)),
			concat(fine, fine.subarray(1)),
			chunk(HELLO),
		];
		for (const bytes of bad) {
			const file = taking();
			file.does(heard(chunk(HELLO)), WRITTEN);
			assert.deepEqual(file.does(heard(bytes)), [
				"discard",
				"ended: malformed",
			]);
		}
	});

	test("is told nothing before it has asked", () => {
		const early = taking();
		assert.deepEqual(
			early.does(heard(chunk(utf8("he"))), heard(chunk(utf8("llo")))).slice(1),
			["discard", "ended: unexpected-message"],
		);
		const before = receiving();
		assert.deepEqual(
			before.does(heard(offer(utf8("a"), 5n)), heard(chunk(HELLO))).slice(1),
			["discard", "ended: unexpected-message"],
		);
	});

	test("leaves nothing of what is cut off, or could not be written or kept", () => {
		const error = new TetradError("file-unusable", "the disk is full");
		assert.deepEqual(taking().does({ kind: "closed" }), [
			"discard",
			"ended: truncated",
		]);
		const unwritten = taking();
		unwritten.does(heard(chunk(HELLO)));
		assert.deepEqual(unwritten.does({ kind: "abort", error }), [
			"discard",
			"ended: file-unusable",
		]);
		const unkept = taking();
		unkept.does(
			heard(chunk(HELLO)),
			WRITTEN,
			heard(end(nodeCrypto.sha256(HELLO))),
		);
		assert.deepEqual(unkept.does({ kind: "abort", error }), [
			"discard",
			"ended: file-unusable",
		]);
	});

	test("says how much of a file had come that is cut off", () => {
		const file = taking();
		file.does(heard(chunk(utf8("he"))), WRITTEN);
		assert.deepEqual(file.machine.handle({ kind: "closed" }, 0)[0], {
			...{ kind: "discard", name: "a", size: 5, bytes: 2 },
		});
	});

	test("leaves a file that is whole when the other agent does not wait for its acknowledgement", () => {
		const file = taking(0n);
		file.does(heard(end(nodeCrypto.sha256())), KEPT);
		assert.deepEqual(file.does({ kind: "closed" }), ["ended: truncated"]);
	});

	test("that is run wrongly ends as a mistake of its own", () => {
		for (const event of [
			CREATED,
			WRITTEN,
			KEPT,
			{ kind: "acknowledge" },
			{ kind: "sent" },
		] as const)
			assert.deepEqual(receiving().does(event), ["ended: internal"]);
	});

	test("takes any bytes as what they are", () => {
		fc.assert(
			fc.property(
				fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 4 }),
				(all) => {
					const file = taking();
					for (const bytes of all)
						for (const word of file.does(heard(bytes), WRITTEN))
							assert.doesNotMatch(word, /received|to-agent/);
				},
			),
		);
	});
});
