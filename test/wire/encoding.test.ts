import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import {
	concat,
	dec,
	enc,
	hex,
	parseUtf8,
	sameBytes,
	utf8,
} from "../../src/wire/index.ts";
import { unhex } from "../support/vectors.ts";
import {
	LIMIT_EXCEEDED,
	MALFORMED,
	onlyTetradErrors,
} from "./only-tetrad-errors.ts";

const bytes = fc.uint8Array({ maxLength: 80 });
const fields = fc.array(bytes, { maxLength: 12 });
const text = fc
	.array(
		fc.oneof(
			fc.integer({ min: 0, max: 0xd7ff }),
			fc.integer({ min: 0xe000, max: 0x10ffff }),
		),
	)
	.map((points) => String.fromCodePoint(...points));
/** Small lengths are frequent, so that many of these are nearly or wholly right. */
const nearlyEncoded = fc.oneof(
	bytes,
	fc
		.array(fc.tuple(fc.nat({ max: 6 }), fc.uint8Array({ maxLength: 6 })))
		.map((parts) =>
			concat(
				...parts.flatMap(([length, value]) => [
					Uint8Array.of(0, 0, 0, length),
					value,
				]),
			),
		),
);

suite("enc and dec", () => {
	test("golden bytes", () => {
		const golden: readonly [readonly Uint8Array[], string][] = [
			[[], ""],
			[[new Uint8Array()], "00000000"],
			[[utf8("abc")], "00000003616263"],
			[
				[utf8("tetrad/1"), new Uint8Array(), Uint8Array.of(255)],
				"000000087465747261642f310000000000000001ff",
			],
		];
		for (const [values, encoded] of golden) {
			assert.equal(hex(enc(...values)), encoded);
			assert.deepEqual(dec(unhex(encoded), values.length), values);
		}
		const long = enc(new Uint8Array(0x010203));
		assert.equal(hex(long.subarray(0, 5)), "0001020300");
		assert.equal(long.length, 4 + 0x010203);
	});

	test("dec undoes enc", () => {
		fc.assert(
			fc.property(fields, (values) =>
				assert.deepEqual(dec(enc(...values), values.length), values),
			),
		);
	});

	test("different fields have different encodings", () => {
		fc.assert(
			fc.property(fields, fields, (a, b) =>
				assert.equal(
					sameBytes(enc(...a), enc(...b)),
					a.length === b.length && a.every((value, i) => same(value, b[i])),
				),
			),
		);
		assert.notDeepEqual(enc(utf8("ab"), utf8("c")), enc(utf8("a"), utf8("bc")));
	});

	test("any bytes decode to fields that encode to them, or blame the peer", () => {
		let decoded = 0;
		fc.assert(
			fc.property(nearlyEncoded, fc.nat({ max: 20 }), (value, max) => {
				const found = onlyTetradErrors(() => dec(value, max));
				if (found === undefined) return;
				decoded++;
				assert.ok(found.length <= max);
				assert.deepEqual(enc(...found), value);
			}),
			{ numRuns: 1000 },
		);
		assert.ok(decoded > 20, `${decoded}`);
	});

	test("every cut inside a field is malformed", () => {
		const whole = enc(utf8("one"), new Uint8Array(), utf8("two"));
		const ends = [0, 7, 11, whole.length];
		for (let length = 0; length <= whole.length; length++) {
			const cut = whole.subarray(0, length);
			const end = ends.indexOf(length);
			if (end >= 0) assert.equal(dec(cut, 3).length, end);
			else assert.throws(() => dec(cut, 3), MALFORMED);
		}
	});

	test("a length past the end is malformed, up to the greatest", () => {
		for (const encoded of ["00000001", "00000002ff", "ffffffff", "ffffffff00"])
			assert.throws(() => dec(unhex(encoded), 9), MALFORMED);
	});

	test("too many fields are refused", () => {
		fc.assert(
			fc.property(fields, (values) => {
				const encoded = enc(...values);
				for (let max = 0; max < values.length; max++)
					assert.throws(() => dec(encoded, max), LIMIT_EXCEEDED);
			}),
		);
		assert.throws(() => dec(Uint8Array.of(0), 0), LIMIT_EXCEEDED);
	});

	test("fields are views, and views are read in their bounds", () => {
		const inner = enc(utf8("abc"), utf8("d"));
		const outer = concat(Uint8Array.of(7, 7, 7), inner, Uint8Array.of(7));
		const view = outer.subarray(3, 3 + inner.length);
		const found = dec(view, 2);
		assert.deepEqual(found.map(parseUtf8), ["abc", "d"]);
		for (const field of found) assert.equal(field.buffer, outer.buffer);
	});
});

function same(a: Uint8Array, b: Uint8Array | undefined): boolean {
	return b !== undefined && hex(a) === hex(b);
}

suite("text", () => {
	test("parseUtf8 undoes utf8", () => {
		fc.assert(
			fc.property(text, (value) => assert.equal(parseUtf8(utf8(value)), value)),
		);
		assert.equal(parseUtf8(utf8("\ufeffmark")), "\ufeffmark");
	});

	test("anything but UTF-8 is malformed", () => {
		const wrong = ["80", "c080", "c3", "eda080", "f4908080", "e282", "ff"];
		for (const encoded of wrong)
			assert.throws(() => parseUtf8(unhex(encoded)), MALFORMED);
	});

	test("any bytes are a text that encodes to them, or blame the peer", () => {
		fc.assert(
			fc.property(bytes, (value) => {
				const found = onlyTetradErrors(() => parseUtf8(value));
				if (found !== undefined) assert.deepEqual(utf8(found), value);
			}),
		);
	});
});

suite("bytes", () => {
	test("concat joins, hex shows, sameBytes compares", () => {
		fc.assert(
			fc.property(fields, bytes, (values, other) => {
				const joined = concat(...values);
				assert.equal(hex(joined), values.map(hex).join(""));
				assert.deepEqual(unhex(hex(joined)), joined);
				assert.ok(sameBytes(joined, joined.slice()));
				assert.equal(sameBytes(joined, other), hex(joined) === hex(other));
			}),
		);
		assert.ok(!sameBytes(utf8("a"), utf8("b")));
		assert.ok(!sameBytes(utf8("a"), utf8("ab")));
		assert.equal(hex(unhex("00abcdef").subarray(1, 3)), "abcd");
	});
});
