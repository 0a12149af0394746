import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";
import {
	type AeadName,
	type CryptoProvider,
	nodeCrypto,
} from "../../src/crypto/index.ts";
import {
	LONG_BODY_BYTES,
	MAX_CONTENT_BYTES,
	MAX_COUNTER,
	nonceFor,
	RECORD_OVERHEAD,
	REKEY_INTERVAL,
	type RecordAead,
	RecordOpener,
	RecordSealer,
	Session,
	type SessionSecrets,
} from "../../src/session/index.ts";
import { rekeyNonce } from "../../src/session/nonce.ts";
import {
	CONTENT,
	type ContentType,
	concat,
	enc,
	encodeFrame,
	FRAME,
	FRAME_HEADER_BYTES,
	frameHeader,
	hex,
	utf8,
} from "../../src/wire/index.ts";
import { forEachProvider } from "../crypto/providers.ts";
import { keyedAs, nextKey, RECORD_AEADS } from "../support/record-aeads.ts";

/** Those of one content. */
const TYPES = Object.values(CONTENT).filter((type) => type !== CONTENT.several);
const UNAUTHENTIC = { code: "authentication-failed" };

/** The two ends of one direction under one key. */
function direction(aead: RecordAead, firstCounter = 0) {
	const key = nodeCrypto.random(32);
	return {
		key,
		sealer: new RecordSealer(nodeCrypto, aead, key, firstCounter),
		opener: new RecordOpener(nodeCrypto, aead, key, firstCounter),
	};
}

/** A record that no sealer would make: any plaintext, at any counter. */
function forge(
	records: RecordAead,
	direction: Uint8Array,
	counter: number,
	plaintext: Uint8Array,
): Uint8Array {
	const bodyBytes = plaintext.length + 16;
	const header = frameHeader(FRAME.record, bodyBytes);
	const { aead, key } = keyedAs(records, direction, bodyBytes);
	const sealed = nodeCrypto
		.aead(aead, key)
		.seal(nonceFor(aead, counter), header, plaintext);
	return encodeFrame(FRAME.record, sealed);
}

describe("a message that was opened shares its memory with no other", () => {
	forEachProvider(
		({ name, crypto }) =>
			test(name, () => {
				for (const aead of RECORD_AEADS) {
					const key = crypto.random(32);
					const sealer = new RecordSealer(crypto, aead, key);
					const opener = new RecordOpener(crypto, aead, key);
					for (const length of [0, 1, 63, 64, 300, 1006, 1007, 5000, 20_000])
						for (const fill of [1, 2]) {
							const sent = new Uint8Array(length).fill(fill);
							const record = sealer.seal(CONTENT.message, sent);
							const { bytes } = opener.open(record);
							assert.deepEqual(bytes, sent);
							assert.ok(bytes.buffer.byteLength <= length + 1);
						}
				}
			}),
		test,
	);
});

for (const aead of RECORD_AEADS)
	describe(`records under ${aead}`, () => {
		test("carry every type of content and every length from none to the limit", () => {
			const { sealer, opener } = direction(aead);
			const content = nodeCrypto.random(MAX_CONTENT_BYTES);
			for (const type of TYPES)
				for (const length of [0, 1, 1000, 8175, 8176, MAX_CONTENT_BYTES]) {
					const bytes = content.subarray(0, length);
					const frame = sealer.seal(type, bytes);
					assert.equal(frame.length, length + RECORD_OVERHEAD);
					const opened = opener.open(frame);
					assert.equal(opened.type, type);
					assert.ok(Buffer.from(opened.bytes).equals(bytes));
				}
		});

		test("hide the type, and two records of one content differ", () => {
			const { sealer } = direction(aead);
			const frames = [CONTENT.message, CONTENT.close, CONTENT.message].map(
				(type) => sealer.seal(type, utf8("the same")),
			);
			const headers = frames.map((frame) =>
				hex(frame.subarray(0, FRAME_HEADER_BYTES)),
			);
			assert.equal(new Set(headers).size, 1);
			assert.equal(new Set(frames.map(hex)).size, 3);
		});

		test("do not open when any single bit of header, content or tag was changed", () => {
			const { key, sealer } = direction(aead);
			const frame = sealer.seal(CONTENT.message, utf8("pay 5 to bob"));
			for (let at = 0; at < frame.length; at++)
				for (let bit = 0; bit < 8; bit++) {
					const changed = frame.slice();
					changed[at] = (changed[at] as number) ^ (1 << bit);
					const opener = new RecordOpener(nodeCrypto, aead, key);
					assert.throws(() => opener.open(changed), UNAUTHENTIC);
				}
		});

		test("bind their header: a tag made without it, or over another, does not open", () => {
			const { key } = direction(aead);
			const plaintext = Uint8Array.of(CONTENT.message, 1, 2, 3);
			const length = plaintext.length + 16;
			const accepted = frameHeader(FRAME.record, length);
			for (const header of [
				new Uint8Array(),
				frameHeader(FRAME.answer, length),
				frameHeader(FRAME.record, length + 1),
			]) {
				const own = keyedAs(aead, key, length);
				const sealed = nodeCrypto
					.aead(own.aead, own.key)
					.seal(nonceFor(own.aead, 0), header, plaintext);
				const opener = new RecordOpener(nodeCrypto, aead, key);
				assert.throws(
					() => opener.open(encodeFrame(FRAME.record, sealed)),
					UNAUTHENTIC,
				);
				const right = new RecordOpener(nodeCrypto, aead, key);
				const seal = nodeCrypto
					.aead(own.aead, own.key)
					.seal(nonceFor(own.aead, 0), accepted, plaintext);
				assert.equal(right.open(encodeFrame(FRAME.record, seal)).type, 1);
			}
		});

		const attacks: Record<string, (f: Uint8Array[]) => Uint8Array[]> = {
			"a replayed record": ([a, b]) => [a, b, a] as Uint8Array[],
			"a record repeated at once": ([a]) => [a, a] as Uint8Array[],
			"a reordered record": ([a, b, c]) => [a, c, b] as Uint8Array[],
			"a dropped record": ([, b]) => [b] as Uint8Array[],
			"a record cut short": ([a]) => [(a as Uint8Array).subarray(0, -1)],
			"a record cut short with its length corrected": ([a]) => [
				encodeFrame(
					FRAME.record,
					(a as Uint8Array).subarray(FRAME_HEADER_BYTES, -1),
				),
			],
			"a record with a byte too many": ([a]) => [
				Buffer.concat([a as Uint8Array, Uint8Array.of(0)]),
			],
			"a record with a byte too many and its length corrected": ([a]) => [
				encodeFrame(
					FRAME.record,
					Buffer.concat([
						(a as Uint8Array).subarray(FRAME_HEADER_BYTES),
						Uint8Array.of(0),
					]),
				),
			],
			"a header alone": ([a]) => [
				(a as Uint8Array).subarray(0, FRAME_HEADER_BYTES),
			],
			"nothing at all": () => [new Uint8Array()],
			"a frame of another type": ([a]) => [
				encodeFrame(
					FRAME.answer,
					(a as Uint8Array).subarray(FRAME_HEADER_BYTES),
				),
			],
		};
		for (const [what, attack] of Object.entries(attacks))
			test(`${what} does not open, and nothing opens after it`, () => {
				const { sealer, opener } = direction(aead);
				const frames = ["one", "two", "three", "four"].map((text) =>
					sealer.seal(CONTENT.message, utf8(text)),
				);
				const sent = attack(frames);
				for (const frame of sent.slice(0, -1)) {
					try {
						opener.open(frame);
					} catch {
						break;
					}
				}
				const last = sent.at(-1) as Uint8Array;
				assert.throws(() => opener.open(last), UNAUTHENTIC);
				for (const frame of frames)
					assert.throws(() => opener.open(frame), UNAUTHENTIC);
			});

		test("of an unknown type, or without a type, do not open although their tag is right", () => {
			for (const plaintext of [
				Uint8Array.of(0x07),
				Uint8Array.of(0xff, 1),
				new Uint8Array(),
			]) {
				const { key, sealer, opener } = direction(aead);
				const frame = forge(aead, key, 0, plaintext);
				assert.throws(() => opener.open(frame), UNAUTHENTIC);
				sealer.seal(CONTENT.message, utf8("one"));
				const next = sealer.seal(CONTENT.message, utf8("two"));
				assert.throws(() => opener.open(next), UNAUTHENTIC);
			}
		});

		test("over the limit are refused, and the session goes on", () => {
			const { sealer, opener } = direction(aead);
			assert.throws(
				() =>
					sealer.seal(CONTENT.message, new Uint8Array(MAX_CONTENT_BYTES + 1)),
				{ code: "message-too-large" },
			);
			const frame = sealer.seal(CONTENT.message, utf8("small"));
			assert.deepEqual(opener.open(frame).bytes, utf8("small"));
		});

		test("can neither be sealed nor opened once the keys are wiped", () => {
			const { sealer, opener } = direction(aead);
			const frame = sealer.seal(CONTENT.message, utf8("one"));
			sealer.wipe();
			opener.wipe();
			sealer.wipe();
			assert.throws(() => sealer.seal(CONTENT.message, utf8("two")), {
				code: "tetrad-closed",
			});
			assert.throws(() => opener.open(frame), UNAUTHENTIC);
		});

		test("leave no key behind, neither when they are wiped nor when a record does not open", () => {
			const keys: Uint8Array[] = [];
			const crypto: CryptoProvider = {
				...nodeCrypto,
				aead(name, key) {
					keys.push(key);
					return nodeCrypto.aead(name, key);
				},
			};
			const key = nodeCrypto.random(32);
			const sealer = new RecordSealer(crypto, aead, key);
			const opener = new RecordOpener(crypto, aead, key);
			const failing = new RecordOpener(crypto, aead, key);
			const isLeft = () => keys.map((one) => one.some((byte) => byte !== 0));
			const frame = sealer.seal(CONTENT.message, utf8("one"));
			assert.ok(keys.length > 0 && isLeft().every(Boolean));
			sealer.wipe();
			opener.wipe();
			frame[frame.length - 1] = (frame.at(-1) ?? 0) ^ 1;
			assert.throws(() => failing.open(frame), UNAUTHENTIC);
			assert.ok(!isLeft().some(Boolean));
			assert.ok(key.some((byte) => byte !== 0));
		});

		test("do not depend on the caller's key buffer after it is handed over", () => {
			const { key, sealer, opener } = direction(aead);
			key.fill(0);
			const frame = sealer.seal(CONTENT.message, utf8("one"));
			assert.deepEqual(opener.open(frame).bytes, utf8("one"));
		});

		test("change their key at 2^20 and the counter goes on, at both ends", () => {
			const first = REKEY_INTERVAL - 2;
			const { sealer, opener } = direction(aead, first);
			for (let i = 0; i < 5; i++) {
				const frame = sealer.seal(CONTENT.message, Uint8Array.of(i));
				assert.deepEqual([...opener.open(frame).bytes], [i]);
			}
		});

		test(`from 2^20 on open under ${aead === "ChaChaPoly+AESGCM" ? "the key that follows" : "Noise's REKEY of"} the first key and not under the first key`, () => {
			const { key, sealer } = direction(aead, REKEY_INTERVAL - 1);
			const before = sealer.seal(CONTENT.message, utf8("before"));
			const after = sealer.seal(CONTENT.message, utf8("after"));
			const next = sealer.seal(CONTENT.message, utf8("next"));
			const rekeyed =
				aead === "ChaChaPoly+AESGCM"
					? nextKey(key)
					: nodeCrypto
							.aead(aead, key)
							.seal(rekeyNonce(), new Uint8Array(), new Uint8Array(32))
							.subarray(0, 32);
			const open = (k: Uint8Array, counter: number, frame: Uint8Array) => {
				const own = keyedAs(aead, k, frame.length - FRAME_HEADER_BYTES);
				return nodeCrypto
					.aead(own.aead, own.key)
					.open(
						nonceFor(own.aead, counter),
						frame.subarray(0, FRAME_HEADER_BYTES),
						frame.subarray(FRAME_HEADER_BYTES),
					);
			};
			assert.ok(open(key, REKEY_INTERVAL - 1, before));
			assert.equal(open(key, REKEY_INTERVAL, after), undefined);
			assert.ok(open(rekeyed, REKEY_INTERVAL, after));
			assert.equal(open(rekeyed, 0, after), undefined);
			assert.ok(open(rekeyed, REKEY_INTERVAL + 1, next));
			// An opener that comes in after the change with the key from before it.
			const stale = new RecordOpener(nodeCrypto, aead, key, REKEY_INTERVAL + 1);
			assert.throws(() => stale.open(next), UNAUTHENTIC);
		});

		test("use no nonce twice under one key, though seals fail half-way and keys change", () => {
			const used = new Set<string>();
			let fails = false;
			const crypto: CryptoProvider = {
				...nodeCrypto,
				aead(name, key) {
					const id = hex(key);
					const inner = nodeCrypto.aead(name, key);
					const use = (nonce: Uint8Array) => {
						const pair = `${id} ${hex(nonce)}`;
						assert.ok(!used.has(pair), "a nonce is used again");
						used.add(pair);
					};
					return {
						...inner,
						seal(nonce, ...rest) {
							use(nonce);
							return inner.seal(nonce, ...rest);
						},
						sealRecord(nonce, ...rest) {
							use(nonce);
							const sealed = inner.sealRecord(nonce, ...rest);
							if (fails) throw new Error("half-way");
							return sealed;
						},
					};
				},
			};
			const key = nodeCrypto.random(32);
			const first = REKEY_INTERVAL - 4;
			const sealer = new RecordSealer(crypto, aead, key, first);
			for (let i = 0; i < 8; i++) {
				fails = i % 2 === 0;
				try {
					sealer.seal(CONTENT.message, utf8("again"));
				} catch (error) {
					assert.equal((error as Error).message, "half-way");
				}
				assert.throws(
					() =>
						sealer.seal(CONTENT.message, new Uint8Array(MAX_CONTENT_BYTES + 1)),
					{ code: "message-too-large" },
				);
			}
			// Eight records, and one rekeying where it seals.
			assert.equal(used.size, aead === "ChaChaPoly+AESGCM" ? 8 : 9);
		});

		test("end with the last counter, and no nonce is used twice", () => {
			const { sealer, opener } = direction(aead, MAX_COUNTER - 1);
			for (const text of ["last but one", "last"]) {
				const frame = sealer.seal(CONTENT.message, utf8(text));
				assert.deepEqual(opener.open(frame).bytes, utf8(text));
			}
			for (let i = 0; i < 2; i++)
				assert.throws(() => sealer.seal(CONTENT.message, utf8("no")), {
					code: "limit-exceeded",
				});
		});
	});

describe("records of which the length chooses the AEAD", () => {
	const TWO = "ChaChaPoly+AESGCM";
	/** The longest content of a short record. */
	const LONGEST = LONG_BODY_BYTES - 17;
	const long = new Uint8Array(LONGEST + 1);
	const short = long.subarray(1);

	test("are short to a body of 8192 bytes, and long from 8193 on, whichever end makes them", () => {
		for (const [content, aead] of [
			[short, "ChaChaPoly"],
			[long, "AESGCM"],
		] as const) {
			const { key, sealer, opener } = direction(TWO);
			const plaintext = concat(Uint8Array.of(CONTENT.message), content);
			const expected = forge(TWO, key, 0, plaintext);
			assert.equal(keyedAs(TWO, key, expected.length - 5).aead, aead);
			assert.deepEqual(sealer.seal(CONTENT.message, content), expected);
			assert.deepEqual(opener.open(expected).bytes, content);
		}
	});

	test("do not open under the AEAD of the other length", () => {
		for (const [content, other] of [
			[short, LONG_BODY_BYTES + 1],
			[long, LONG_BODY_BYTES],
		] as const) {
			const { key, opener } = direction(TWO);
			const header = frameHeader(FRAME.record, content.length + 17);
			const wrong = keyedAs(TWO, key, other);
			const sealed = nodeCrypto
				.aead(wrong.aead, wrong.key)
				.seal(
					nonceFor(wrong.aead, 0),
					header,
					concat(Uint8Array.of(CONTENT.message), content),
				);
			assert.throws(
				() => opener.open(encodeFrame(FRAME.record, sealed)),
				UNAUTHENTIC,
			);
		}
	});

	test("do not open when they are cut or made longer across the boundary, with the length corrected", () => {
		for (const [content, change] of [
			[long, (body: Uint8Array) => body.subarray(1)],
			[long, (body: Uint8Array) => body.subarray(0, -1)],
			[short, (body: Uint8Array) => concat(body, Uint8Array.of(0))],
			[short, (body: Uint8Array) => concat(Uint8Array.of(0), body)],
		] as const) {
			const { sealer, opener } = direction(TWO);
			const record = sealer.seal(CONTENT.message, content);
			const forged = encodeFrame(
				FRAME.record,
				change(record.subarray(FRAME_HEADER_BYTES)),
			);
			assert.throws(() => opener.open(forged), UNAUTHENTIC);
			assert.throws(() => opener.open(record), UNAUTHENTIC, "and never again");
		}
	});

	test("do not open when their header alone says another length", () => {
		for (const content of [short, long]) {
			const { sealer, opener } = direction(TWO);
			const record = sealer.seal(CONTENT.message, content);
			const other = content === short ? LONG_BODY_BYTES + 1 : LONG_BODY_BYTES;
			record.set(frameHeader(FRAME.record, other));
			assert.throws(() => opener.open(record), UNAUTHENTIC);
		}
	});

	test("have one counter, also over a change of keys, and come in one order", () => {
		const first = REKEY_INTERVAL - 3;
		const { key, sealer, opener } = direction(TWO, first);
		const contents = [short, long, long, short, long, short];
		const records = contents.map((bytes) =>
			sealer.seal(CONTENT.message, bytes),
		);
		for (const [i, record] of records.entries()) {
			const counter = first + i;
			const current = counter < REKEY_INTERVAL ? key : nextKey(key);
			const plaintext = concat(
				Uint8Array.of(CONTENT.message),
				contents[i] as Uint8Array,
			);
			assert.deepEqual(record, forge(TWO, current, counter, plaintext));
			assert.deepEqual(opener.open(record).bytes, contents[i]);
		}
		// A short one in the place of the long one that came before it.
		const two = direction(TWO);
		const [, second] = [short, short].map((bytes) =>
			two.sealer.seal(CONTENT.message, bytes),
		);
		assert.throws(() => two.opener.open(second as Uint8Array), UNAUTHENTIC);
	});

	test("use no key for anything but one AEAD, and not the key of the direction", () => {
		const used = new Map<string, Set<string>>();
		const crypto: CryptoProvider = {
			...nodeCrypto,
			aead(name, key) {
				const names = used.get(hex(key)) ?? new Set();
				used.set(hex(key), names.add(name));
				return nodeCrypto.aead(name, key);
			},
		};
		const key = nodeCrypto.random(32);
		const sealer = new RecordSealer(crypto, TWO, key, REKEY_INTERVAL - 2);
		for (const content of [short, long, short, long])
			sealer.seal(CONTENT.message, content);
		assert.deepEqual(
			[...used.values()].map((names) => [...names].join()),
			["ChaChaPoly", "AESGCM", "ChaChaPoly", "AESGCM"],
		);
		assert.ok(!used.has(hex(key)));
	});

	test("leave no key behind when keys change, when they are wiped, or when one does not open", () => {
		const keys: Uint8Array[] = [];
		const crypto: CryptoProvider = {
			...nodeCrypto,
			aead(name, key) {
				keys.push(key);
				return nodeCrypto.aead(name, key);
			},
		};
		const isLeft = () => keys.map((one) => one.some((byte) => byte !== 0));
		const from = REKEY_INTERVAL - 2;
		const key = nodeCrypto.random(32);
		const sealer = new RecordSealer(crypto, TWO, key, from);
		for (const content of [short, long, long]) sealer.seal(1, content);
		assert.deepEqual(isLeft(), [false, false, true]);
		sealer.wipe();
		const opener = new RecordOpener(crypto, TWO, key);
		assert.throws(() => opener.open(encodeFrame(FRAME.record, long)));
		assert.deepEqual(isLeft(), [false, false, false, false]);
	});

	test("stay within what AES-GCM may seal under one key", () => {
		// TLS 1.3 allows 2^24.5 records of 2^10 blocks (RFC 8446, 5.5).
		const blocks = Math.ceil((MAX_CONTENT_BYTES + 1) / 16) + 1;
		assert.ok(REKEY_INTERVAL * blocks < 2 ** 34.5);
	});
});

describe("nonces", () => {
	const golden: [AeadName, number, string][] = [
		["AESGCM", 0, "00000000 0000000000000000"],
		["AESGCM", 1, "00000000 0000000000000001"],
		["AESGCM", 0x01020304, "00000000 0000000001020304"],
		["AESGCM", 0xffffffff, "00000000 00000000ffffffff"],
		["AESGCM", 2 ** 32, "00000000 0000000100000000"],
		["AESGCM", MAX_COUNTER, "00000000 001ffffffffffffe"],
		["ChaChaPoly", 0, "00000000 0000000000000000"],
		["ChaChaPoly", 1, "00000000 0100000000000000"],
		["ChaChaPoly", 0x01020304, "00000000 0403020100000000"],
		["ChaChaPoly", 0xffffffff, "00000000 ffffffff00000000"],
		["ChaChaPoly", 2 ** 32, "00000000 0000000001000000"],
		["ChaChaPoly", MAX_COUNTER, "00000000 feffffffffff1f00"],
	];
	for (const [aead, counter, expected] of golden)
		test(`of ${aead} at ${counter} have the layout of Noise`, () => {
			assert.equal(hex(nonceFor(aead, counter)), expected.replace(" ", ""));
		});

	test("for rekeying is that of 2^64-1, which no record has", () => {
		assert.equal(hex(rekeyNonce()), "00000000ffffffffffffffff");
	});
});

describe("a session", () => {
	/** Both ends, from copies of one set of secrets. */
	function ends(change: Partial<SessionSecrets> = {}) {
		const secrets = (): SessionSecrets => ({
			records: "AESGCM",
			initiatorKey: new Uint8Array(32).fill(1),
			responderKey: new Uint8Array(32).fill(2),
			exporterSecret: new Uint8Array(32).fill(3),
			finalHash: new Uint8Array(32).fill(4),
			...change,
		});
		return {
			initiator: new Session(nodeCrypto, secrets(), "initiator"),
			responder: new Session(nodeCrypto, secrets(), "responder"),
		};
	}

	test("has a direction each way, and a record does not open at the end that sealed it", () => {
		const { initiator, responder } = ends();
		const frame = initiator.seal(CONTENT.message, utf8("to the responder"));
		assert.throws(() => initiator.open(frame), UNAUTHENTIC);
		assert.deepEqual(responder.open(frame).bytes, utf8("to the responder"));
		const answer = responder.seal(CONTENT.close, new Uint8Array());
		assert.throws(() => responder.open(answer), UNAUTHENTIC);
	});

	test("wipes the key buffers that it was given", () => {
		const initiatorKey = new Uint8Array(32).fill(1);
		const responderKey = new Uint8Array(32).fill(2);
		const secrets: SessionSecrets = {
			records: "ChaChaPoly",
			initiatorKey,
			responderKey,
			exporterSecret: new Uint8Array(32),
			finalHash: new Uint8Array(32),
		};
		new Session(nodeCrypto, secrets, "initiator");
		assert.ok(initiatorKey.every((byte) => byte === 0));
		assert.ok(responderKey.every((byte) => byte === 0));
	});

	test("exports the same key at both ends, before and after records, and the documented one", () => {
		const { initiator, responder } = ends();
		const ours = initiator.export("label", utf8("context"), 32);
		initiator.seal(CONTENT.message, utf8("a record"));
		assert.deepEqual(responder.export("label", utf8("context"), 32), ours);
		assert.deepEqual(initiator.export("label", utf8("context"), 32), ours);
		const info = enc(
			utf8("tetrad/1 exporter"),
			new Uint8Array(32).fill(4),
			utf8("label"),
			utf8("context"),
		);
		const expected = createHmac("sha256", new Uint8Array(32).fill(3))
			.update(info)
			.update(Uint8Array.of(1))
			.digest("hex");
		assert.equal(hex(ours), expected);
	});

	test("exports another key for every label, context, handshake and secret", () => {
		const { initiator } = ends();
		const outputs = [
			initiator.export("label", utf8("context"), 32),
			initiator.export("label2", utf8("context"), 32),
			initiator.export("label", utf8("context2"), 32),
			initiator.export("label", new Uint8Array(), 32),
			// What belongs to the label does not slip into the context.
			initiator.export("labelcontext", new Uint8Array(), 32),
			initiator.export("", utf8("labelcontext"), 32),
			ends({ finalHash: new Uint8Array(32) }).initiator.export(
				"label",
				utf8("context"),
				32,
			),
			ends({ exporterSecret: new Uint8Array(32) }).initiator.export(
				"label",
				utf8("context"),
				32,
			),
		].map(hex);
		assert.equal(new Set(outputs).size, outputs.length);
	});

	test("neither seals, opens nor exports once it is wiped", () => {
		const { initiator, responder } = ends();
		const frame = responder.seal(CONTENT.message, utf8("late"));
		initiator.wipe();
		initiator.wipe();
		const closed = { code: "tetrad-closed" };
		for (const type of TYPES as ContentType[])
			assert.throws(() => initiator.seal(type, new Uint8Array()), closed);
		assert.throws(() => initiator.export("l", new Uint8Array(), 32), closed);
		assert.throws(() => initiator.open(frame), UNAUTHENTIC);
	});
});
