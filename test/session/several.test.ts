import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type CryptoProvider, nodeCrypto } from "../../src/crypto/index.ts";
import {
	MAX_JOINED_BYTES,
	MAX_SEVERAL,
	MAX_WAITING_BYTES,
	Outbox,
	RECORD_OVERHEAD,
	RecordOpener,
	RecordSealer,
	SEVERAL_HEADER_BYTES,
	type SingleType,
} from "../../src/session/index.ts";
import {
	CONTENT,
	concat,
	enc,
	FRAME,
	frameHeader,
	utf8,
} from "../../src/wire/index.ts";

const UNAUTHENTIC = { code: "authentication-failed" };
const JOINED = [
	CONTENT.message,
	CONTENT.nested,
	CONTENT.link,
	CONTENT.lists,
] as const;

/** One direction, with what was sealed in it. */
function direction() {
	const key = nodeCrypto.random(32);
	const sealer = new RecordSealer(nodeCrypto, "AESGCM", key);
	const records: Uint8Array[] = [];
	return {
		sealer,
		opener: new RecordOpener(nodeCrypto, "AESGCM", key),
		records,
		outbox: new Outbox(sealer, (record) => records.push(record)),
	};
}

/** Contents as they stand in a record of type several, of any type and any length of header. */
function joined(
	...contents: readonly (readonly [type: number, bytes: Uint8Array])[]
): Uint8Array {
	return concat(
		...contents.map(([type, bytes]) => concat(Uint8Array.of(type), enc(bytes))),
	);
}

test("what was opened is given back when nothing refers to it, and only then", () => {
	const opened: Uint8Array[] = [];
	const crypto: CryptoProvider = {
		...nodeCrypto,
		aead(name, key) {
			const aead = nodeCrypto.aead(name, key);
			return {
				...aead,
				open(...given) {
					const plaintext = aead.open(...given);
					if (plaintext !== undefined) opened.push(plaintext);
					return plaintext;
				},
			};
		},
	};
	const long = new Uint8Array(9000).fill(7);
	for (const [types, isGivenBack] of [
		[[CONTENT.message, CONTENT.message], true],
		[[CONTENT.message, CONTENT.nested], false],
		[[CONTENT.link, CONTENT.link], false],
	] as const) {
		const key = nodeCrypto.random(32);
		const sealer = new RecordSealer(nodeCrypto, "AESGCM", key);
		const opener = new RecordOpener(crypto, "AESGCM", key);
		const several = joined(...types.map((type) => [type, long] as const));
		const contents = opener.openAll(sealer.seal(CONTENT.several, several));
		assert.equal(opened.pop()?.length === 0, isGivenBack);
		assert.deepEqual(
			contents,
			types.map((type) => ({ type, bytes: long })),
		);
	}
});

describe("an outbox", () => {
	test("gives whatever waits in any turns in its order, with its bounds and types", () => {
		const content = fc.record({
			type: fc.constantFrom<SingleType>(...JOINED),
			length: fc.oneof(
				{ weight: 8, arbitrary: fc.nat(300) },
				fc.nat(MAX_WAITING_BYTES + 1000),
			),
			flushes: fc.boolean(),
		});
		fc.assert(
			fc.property(fc.array(content, { maxLength: 60 }), (contents) => {
				const { outbox, records, opener } = direction();
				const sent = contents.map(({ type, length, flushes }, i) => {
					const bytes = new Uint8Array(length).fill(i + 1);
					const at = length >> 1;
					outbox.put(type, bytes.subarray(0, at), bytes.subarray(at));
					if (flushes) outbox.flush();
					return { type, bytes };
				});
				outbox.flush();
				assert.equal(outbox.waits, false);
				const opened = records.flatMap((record) => opener.openAll(record));
				assert.deepEqual(opened, sent);
			}),
			{ numRuns: 60 },
		);
	});

	test("seals nothing before it is flushed, and then all in one record", () => {
		const { outbox, records, opener } = direction();
		for (let i = 0; i < 100; i++) outbox.put(CONTENT.message, Uint8Array.of(i));
		assert.equal(records.length, 0);
		assert.ok(outbox.waits);
		outbox.flush();
		outbox.flush();
		assert.equal(records.length, 1);
		const record = records[0] as Uint8Array;
		const size = 100 * (SEVERAL_HEADER_BYTES + 1);
		assert.equal(record.length, size + RECORD_OVERHEAD);
		assert.equal(opener.openAll(record).length, 100);
	});

	test("seals one content as itself", () => {
		const { outbox, records, opener } = direction();
		outbox.put(CONTENT.message, utf8("alone"));
		outbox.flush();
		const record = records[0] as Uint8Array;
		assert.equal(record.length, "alone".length + RECORD_OVERHEAD);
		assert.deepEqual(opener.open(record), {
			type: CONTENT.message,
			bytes: utf8("alone"),
		});
	});

	test("holds no more than one record, in bytes and in contents", () => {
		const { outbox, records, opener } = direction();
		const size = 1000;
		const fit = Math.floor(MAX_JOINED_BYTES / (size + SEVERAL_HEADER_BYTES));
		for (let i = 0; i < fit; i++)
			outbox.put(CONTENT.message, new Uint8Array(size));
		assert.equal(records.length, 0);
		outbox.put(CONTENT.message, new Uint8Array(size));
		assert.equal(records.length, 1);
		outbox.flush();
		for (let i = 0; i <= MAX_SEVERAL; i++)
			outbox.put(CONTENT.message, new Uint8Array());
		assert.equal(records.length, 3);
		outbox.flush();
		assert.deepEqual(
			records.map((record) => opener.openAll(record).length),
			[fit, 1, MAX_SEVERAL, 1],
		);
	});

	test("seals a large content at once and by itself, after what waited", () => {
		const { outbox, records, opener } = direction();
		outbox.put(CONTENT.message, utf8("before"));
		outbox.put(CONTENT.message, new Uint8Array(MAX_WAITING_BYTES + 1));
		assert.equal(records.length, 2);
		assert.equal(outbox.waits, false);
		outbox.put(CONTENT.message, utf8("after"));
		outbox.flush();
		assert.deepEqual(
			records.map((record) => opener.open(record).bytes.length),
			[6, MAX_WAITING_BYTES + 1, 5],
		);
	});

	test("needs the bytes that it is given no longer", () => {
		const { outbox, records, opener } = direction();
		const bytes = utf8("as it was");
		outbox.put(CONTENT.message, bytes);
		bytes.fill(0);
		outbox.flush();
		assert.deepEqual(
			opener.open(records[0] as Uint8Array).bytes,
			utf8("as it was"),
		);
	});

	test("forgets what waits when it is wiped", () => {
		const { outbox, records } = direction();
		outbox.put(CONTENT.message, utf8("one"));
		outbox.wipe();
		outbox.flush();
		assert.deepEqual(records, []);
	});

	test("throws what sealing throws, but not for whoever ends anyway", () => {
		const { outbox, records, sealer } = direction();
		sealer.wipe();
		outbox.put(CONTENT.message, utf8("one"));
		assert.throws(() => outbox.flush(), { code: "tetrad-closed" });
		outbox.put(CONTENT.message, utf8("two"));
		outbox.tryFlush();
		assert.equal(outbox.waits, false);
		assert.deepEqual(records, []);
	});
});

describe("several contents in a record", () => {
	const two = [
		[CONTENT.message, utf8("one")],
		[CONTENT.nested, utf8("two")],
	] as const;

	test("are messages that share memory with nothing but 4 KiB of messages beside them", () => {
		const { sealer, opener } = direction();
		const lengths = [3, 300, 0, 4000, 4096, 5000, 1, 700, 700, 2000];
		const messages = lengths.map(
			(length, i) =>
				[CONTENT.message, new Uint8Array(length).fill(i + 1)] as const,
		);
		const nested = [CONTENT.nested, new Uint8Array(90).fill(99)] as const;
		const sent = [...messages, nested, ...messages];
		const record = sealer.seal(CONTENT.several, joined(...sent));
		const opened = opener.openAll(record);
		assert.deepEqual(
			opened.map(({ type, bytes }) => [type, bytes]),
			sent,
		);
		for (const { type, bytes } of opened) {
			if (type !== CONTENT.message) continue;
			const all = new Uint8Array(bytes.buffer);
			assert.ok(all.length <= Math.max(4096, bytes.length), `${all.length}`);
			assert.ok(!all.includes(99));
		}
	});

	test("are not taken where one is awaited, nor is anything after them", () => {
		const { sealer, opener } = direction();
		const record = sealer.seal(CONTENT.several, joined(...two));
		assert.throws(() => opener.open(record), UNAUTHENTIC);
		const next = sealer.seal(CONTENT.message, utf8("next"));
		assert.throws(() => opener.openAll(next), UNAUTHENTIC);
	});

	const empty = [CONTENT.message, new Uint8Array()] as const;
	const whole = joined(...two);
	const malformed: Readonly<Record<string, Uint8Array>> = {
		"none at all": new Uint8Array(),
		"one alone": joined([CONTENT.message, utf8("one")]),
		"one more than there may be": joined(
			...Array.from({ length: MAX_SEVERAL + 1 }, () => empty),
		),
		"a flight": joined(...two, [CONTENT.handshake, utf8("flight")]),
		"a close": joined(...two, [CONTENT.close, new Uint8Array()]),
		"several in several": joined(...two, [CONTENT.several, whole]),
		"an unknown type": joined(...two, [7, utf8("unknown")]),
		"a header that is cut": concat(whole, Uint8Array.of(1, 0, 0, 0)),
		"one byte after the last": concat(whole, Uint8Array.of(1)),
		"a content that is cut": whole.subarray(0, -1),
		"a length beyond the record": concat(
			whole,
			Uint8Array.of(1, 0, 0, 0, 2, 9),
		),
		"a length of 4 GiB": concat(whole, Uint8Array.of(1, 255, 255, 255, 255, 9)),
	};
	for (const [what, content] of Object.entries(malformed))
		test(`with ${what} do not open, and nothing opens after them`, () => {
			const { sealer, opener } = direction();
			const record = sealer.seal(CONTENT.several, content);
			assert.throws(() => opener.openAll(record), UNAUTHENTIC);
			const next = sealer.seal(CONTENT.message, utf8("next"));
			assert.throws(() => opener.openAll(next), UNAUTHENTIC);
		});

	test("may be as many as there may be, all empty", () => {
		const { sealer, opener } = direction();
		const all = Array.from({ length: MAX_SEVERAL }, () => empty);
		const record = sealer.seal(CONTENT.several, joined(...all));
		assert.equal(opener.openAll(record).length, MAX_SEVERAL);
	});

	test("do not open with any bit of their record changed", () => {
		const key = nodeCrypto.random(32);
		const sealer = new RecordSealer(nodeCrypto, "AESGCM", key);
		const record = sealer.seal(CONTENT.several, whole);
		assert.deepEqual(
			record.subarray(0, 5),
			frameHeader(FRAME.record, 1 + whole.length + 16),
		);
		for (let at = 0; at < record.length; at++) {
			const changed = record.with(at, (record[at] as number) ^ 1);
			const opener = new RecordOpener(nodeCrypto, "AESGCM", key);
			assert.throws(() => opener.openAll(changed), UNAUTHENTIC);
		}
	});
});
