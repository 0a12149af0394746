import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import {
	concat,
	encodeFrame,
	FRAME,
	FRAME_HEADER_BYTES,
	type FrameType,
	frameHeader,
	hex,
	MAX_FRAME_BODY,
	parseFrame,
	parseFrameHeader,
	utf8,
} from "../../src/wire/index.ts";
import { unhex } from "../support/vectors.ts";
import { MALFORMED, onlyTetradErrors } from "./only-tetrad-errors.ts";

const types = Object.values(FRAME);
const type: fc.Arbitrary<FrameType> = fc.constantFrom(...types);
const body = fc.uint8Array({ maxLength: 300 });

suite("frames", () => {
	test("the type bytes are those of the protocol", () => {
		assert.deepEqual(FRAME, {
			offer: 1,
			retry: 2,
			answer: 3,
			refusal: 4,
			record: 5,
			cookie: 6,
			cookieOffer: 7,
			anew: 8,
			linkHello: 16,
			linkAnswer: 17,
			openHello: 18,
			openMessage: 19,
			pairHello: 32,
			pairAnswer: 33,
		});
		assert.equal(new Set(types).size, types.length);
	});

	test("golden bytes", () => {
		assert.equal(hex(encodeFrame(FRAME.offer, utf8("hi"))), "01000000026869");
		assert.equal(
			hex(encodeFrame(FRAME.pairAnswer, new Uint8Array())),
			"2100000000",
		);
		assert.equal(hex(frameHeader(FRAME.record, 0x010203)), "0500010203");
		assert.equal(FRAME_HEADER_BYTES, 5);
		assert.equal(MAX_FRAME_BODY, 262_161);
	});

	test("parseFrame undoes encodeFrame, and the header stands before the body", () => {
		fc.assert(
			fc.property(type, body, (kind, content) => {
				const frame = encodeFrame(kind, content);
				assert.deepEqual(parseFrame(frame), { type: kind, body: content });
				assert.deepEqual(
					frame,
					concat(frameHeader(kind, content.length), content),
				);
			}),
		);
	});

	test("the body is a view, and a view is read in its bounds", () => {
		const outer = concat(
			utf8("before"),
			encodeFrame(FRAME.record, utf8("body")),
			utf8("after"),
		);
		const { body: found } = parseFrame(outer.subarray(6, 15));
		assert.deepEqual(found, utf8("body"));
		assert.equal(found.buffer, outer.buffer);
		assert.deepEqual(parseFrameHeader(outer, 6), {
			type: FRAME.record,
			bodyLength: 4,
		});
		assert.deepEqual(parseFrameHeader(outer.subarray(2), 4).bodyLength, 4);
	});

	test("every other type byte is malformed", () => {
		const known = new Set<number>(types);
		for (let first = 0; first < 256; first++) {
			const frame = Uint8Array.of(first, 0, 0, 0, 0);
			if (known.has(first)) assert.equal(parseFrame(frame).type, first);
			else {
				assert.throws(() => parseFrame(frame), MALFORMED);
				assert.throws(() => parseFrameHeader(frame), MALFORMED);
			}
		}
	});

	test("a body of the greatest length passes, one byte more does not", () => {
		const greatest = encodeFrame(FRAME.record, new Uint8Array(MAX_FRAME_BODY));
		assert.equal(parseFrame(greatest).body.length, MAX_FRAME_BODY);
		const over = encodeFrame(FRAME.record, new Uint8Array(MAX_FRAME_BODY + 1));
		assert.throws(() => parseFrame(over), MALFORMED);
		for (const length of [MAX_FRAME_BODY + 1, 2 ** 31, 2 ** 32 - 1])
			assert.throws(
				() => parseFrameHeader(frameHeader(FRAME.record, length)),
				MALFORMED,
			);
	});

	test("a cut or a trailing byte is malformed", () => {
		const frame = encodeFrame(FRAME.answer, utf8("body"));
		for (let length = 0; length < frame.length; length++)
			assert.throws(() => parseFrame(frame.subarray(0, length)), MALFORMED);
		assert.throws(() => parseFrame(concat(frame, Uint8Array.of(0))), MALFORMED);
		assert.throws(() => parseFrame(concat(frame, frame)), MALFORMED);
	});

	test("a header that is cut short is malformed, at any offset", () => {
		const header = frameHeader(FRAME.offer, 1);
		for (let length = 0; length < FRAME_HEADER_BYTES; length++) {
			const cut = header.subarray(0, length);
			assert.throws(() => parseFrameHeader(cut), MALFORMED);
			assert.throws(() => parseFrameHeader(concat(header, cut), 5), MALFORMED);
		}
		assert.throws(() => parseFrameHeader(header, 99), MALFORMED);
	});

	test("any bytes are one frame that encodes to them, or blame the peer", () => {
		const nearly = fc
			.tuple(type, fc.nat({ max: 4 }), fc.uint8Array({ maxLength: 4 }))
			.map(([kind, length, rest]) => concat(frameHeader(kind, length), rest));
		let parsed = 0;
		fc.assert(
			fc.property(
				fc.oneof(fc.uint8Array(), nearly),
				fc.nat({ max: 20 }),
				(bytes, at) => {
					onlyTetradErrors(() => parseFrameHeader(bytes, at));
					const frame = onlyTetradErrors(() => parseFrame(bytes));
					if (frame === undefined) return;
					parsed++;
					assert.deepEqual(encodeFrame(frame.type, frame.body), bytes);
				},
			),
			{ numRuns: 1000 },
		);
		assert.ok(parsed > 20, `${parsed}`);
		assert.throws(() => parseFrame(unhex("474554202f")), MALFORMED);
	});
});
