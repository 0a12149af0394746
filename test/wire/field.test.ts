/* Every kind of field: one value has one form, and what has another form is malformed. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
	bool,
	bytes,
	concat,
	enc,
	type Field,
	hex,
	list,
	malformed,
	mapped,
	optional,
	packed,
	row,
	type Structure,
	structure,
	text,
	textWithin,
	time,
	u8,
	u32,
	u64,
	utf8,
	utf8Within,
} from "../../src/wire/index.ts";
import { MALFORMED } from "./only-tetrad-errors.ts";

const INVALID = { name: "TetradError", code: "invalid-argument" } as const;
const MAX_TIME = 8_640_000_000_000_000;

interface Pair {
	readonly id: Uint8Array;
	readonly count: bigint;
}

interface Kind<Value> {
	readonly field: Field<Value>;
	readonly values: fc.Arbitrary<Value>;
	/** A value and the bytes that it is, without their length. */
	readonly golden: readonly (readonly [value: Value, bytes: string])[];
	/** Bytes, of a length that fits, that are no value. */
	readonly refused: readonly string[];
	/** What is not written. */
	readonly unwritable: readonly Value[];
}

/** Of each kind, with what it is for forgotten. */
type AnyKind = Kind<unknown>;

const kind = <Value>(of: Kind<Value>): AnyKind => of as AnyKind;

const bytesOf = (length: number, max = length) =>
	fc.uint8Array({ minLength: length, maxLength: max });
const smallText = fc
	.string({ unit: "binary", maxLength: 6 })
	.filter((value) => value.isWellFormed() && utf8(value).length <= 12);
const pairs: fc.Arbitrary<Pair> = fc.record(
	{
		id: bytesOf(3),
		count: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
	},
	{ noNullPrototype: true },
);
const pair: Field<Pair> = row<Pair>({ id: bytes(3), count: u64 });
const even: Field<number> = mapped(u8, {
	from(value) {
		if (value % 2 === 1) throw malformed("an odd number");
		return value / 2;
	},
	to: (value) => value * 2,
});

const KINDS: Readonly<Record<string, AnyKind>> = {
	"bytes of one length": kind({
		field: bytes(4),
		values: bytesOf(4),
		golden: [[Uint8Array.of(1, 2, 3, 4), "01020304"]],
		refused: [],
		unwritable: [new Uint8Array(3), new Uint8Array(5)],
	}),
	"bytes within bounds": kind({
		field: bytes(1, 5),
		values: bytesOf(1, 5),
		golden: [[Uint8Array.of(9), "09"]],
		refused: [],
		unwritable: [new Uint8Array(0), new Uint8Array(6)],
	}),
	u8: kind({
		field: u8,
		values: fc.nat(0xff),
		golden: [
			[0, "00"],
			[255, "ff"],
		],
		refused: [],
		unwritable: [-1, 256, 1.5, Number.NaN],
	}),
	u32: kind({
		field: u32,
		values: fc.nat(0xffff_ffff),
		golden: [
			[0x0102_0304, "01020304"],
			[0xffff_ffff, "ffffffff"],
		],
		refused: [],
		unwritable: [-1, 2 ** 32, 1.5, Number.NaN],
	}),
	u64: kind({
		field: u64,
		values: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
		golden: [
			[0x0102_0304_0506_0708n, "0102030405060708"],
			[2n ** 64n - 1n, "ffffffffffffffff"],
		],
		refused: [],
		unwritable: [-1n, 2n ** 64n],
	}),
	time: kind({
		field: time,
		values: fc.oneof(
			fc.integer({ min: 0, max: MAX_TIME }),
			fc.integer({ min: MAX_TIME - 9, max: MAX_TIME }),
		),
		golden: [
			[0x18f_0102_0304, "0000018f01020304"],
			[MAX_TIME, "001eb208c2dc0000"],
		],
		refused: ["001eb208c2dc0001", "0020000000000001", "ffffffffffffffff"],
		unwritable: [-1, 0.5, MAX_TIME + 1, Number.NaN, Number.POSITIVE_INFINITY],
	}),
	bool: kind({
		field: bool,
		values: fc.boolean(),
		golden: [
			[false, "00"],
			[true, "01"],
		],
		refused: ["02", "80", "ff"],
		unwritable: [],
	}),
	text: kind({
		field: text(0, 12),
		values: smallText,
		golden: [
			["", ""],
			["ö€😀", "c3b6e282acf09f9880"],
			["\ufeffa", "efbbbf61"],
		],
		// A byte that begins nothing, a long form, half of a pair, and a character cut short.
		refused: ["ff", "c080", "eda080", "61e282", "f4908080"],
		unwritable: ["a".repeat(13), "\ud800", "a\udc00b", "€".repeat(5)],
	}),
	optional: kind<number | undefined>({
		field: optional(u32),
		values: fc.option(fc.nat(0xffff_ffff), { nil: undefined }),
		golden: [
			[undefined, ""],
			[7, "00000007"],
		],
		refused: ["00", "000000"],
		unwritable: [-1],
	}),
	list: kind<readonly string[]>({
		field: list(text(1, 12), 1, 3),
		values: fc.array(
			smallText.filter((value) => value !== ""),
			{ minLength: 1, maxLength: 3 },
		),
		golden: [[["a", "bc"], "0000000161000000026263"]],
		refused: [
			// An empty item, one that runs on, half of a length, and one that is too many.
			"00000000".repeat(2),
			"000000036100",
			"00000001610000",
			"0000000161".repeat(4),
			"00000001ff",
			`0000000d${"61".repeat(13)}`,
		],
		unwritable: [[], ["a", "b", "c", "d"], [""], ["a".repeat(13)]],
	}),
	"a list of two or more": kind<readonly Uint8Array[]>({
		field: list(bytes(1, 20), 2, 3),
		values: fc.array(bytesOf(1, 20), { minLength: 2, maxLength: 3 }),
		golden: [],
		refused: [`00000009${"61".repeat(9)}`],
		unwritable: [[new Uint8Array(9)]],
	}),
	"a list that may be empty": kind<readonly Uint8Array[]>({
		field: list(bytes(2), 0, 2),
		values: fc.array(bytesOf(2), { maxLength: 2 }),
		golden: [[[], ""]],
		refused: ["0000", "00000001ff", "00000000".repeat(2)],
		unwritable: [[new Uint8Array(1)], Array(3).fill(new Uint8Array(2))],
	}),
	packed: kind<readonly bigint[]>({
		field: packed(u64, 0, 2),
		values: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), {
			maxLength: 2,
		}),
		golden: [[[1n, 2n], "00000000000000010000000000000002"]],
		refused: ["00", "00".repeat(9), "00".repeat(15)],
		unwritable: [[1n, 2n, 3n], [-1n]],
	}),
	row: kind<Pair>({
		field: pair,
		values: pairs,
		golden: [
			[{ id: Uint8Array.of(1, 2, 3), count: 4n }, "0102030000000000000004"],
		],
		refused: [],
		unwritable: [
			{ id: new Uint8Array(2), count: 1n },
			{ id: new Uint8Array(3), count: -1n },
		],
	}),
	"rows, packed": kind<readonly Pair[]>({
		field: packed(pair, 1, 3),
		values: fc.array(pairs, { minLength: 1, maxLength: 3 }),
		golden: [],
		refused: ["00".repeat(12), "00".repeat(32)],
		unwritable: [[], [{ id: new Uint8Array(4), count: 1n }]],
	}),
	mapped: kind<number>({
		field: even,
		values: fc.nat(127),
		golden: [[5, "0a"]],
		refused: ["01", "ff"],
		unwritable: [128, 0.25],
	}),
};

interface Around {
	readonly before: Uint8Array;
	readonly value: unknown;
	readonly after: Uint8Array;
}

const form = (digits: string) => new Uint8Array(Buffer.from(digits, "hex"));

for (const [
	name,
	{ field, values, golden, refused, unwritable },
] of Object.entries(KINDS))
	describe(name, () => {
		const body: Structure<Around> = structure<Around>("a body", {
			before: bytes(1),
			value: field,
			after: bytes(0, 2),
		});
		const encoded = (value: unknown) =>
			body.encode({
				before: Uint8Array.of(7),
				value,
				after: Uint8Array.of(8, 9),
			});
		const around = (value: Uint8Array) =>
			enc(Uint8Array.of(7), value, Uint8Array.of(8, 9));

		test("golden bytes", () => {
			for (const [value, digits] of golden) {
				assert.equal(hex(encoded(value)), hex(around(form(digits))));
				assert.deepEqual(body.decode(around(form(digits))).value, value);
			}
		});

		test("decode undoes encode, within the bounds, and there is one form", () => {
			fc.assert(
				fc.property(values, (value) => {
					const form = encoded(value);
					assert.equal(form.length, 4 + 1 + 4 + field.size(value) + 4 + 2);
					assert.ok(form.length <= body.maxBytes);
					const found = body.decode(form);
					assert.deepEqual(found.value, value);
					assert.deepEqual(hex(body.encode(found)), hex(form));
				}),
			);
		});

		test("a cut anywhere, and anything that follows, is malformed", () => {
			fc.assert(
				fc.property(values, bytesOf(1, 9), (value, more) => {
					const form = encoded(value);
					for (let length = 0; length < form.length; length++)
						assert.throws(
							() => body.decode(form.subarray(0, length)),
							MALFORMED,
						);
					assert.throws(() => body.decode(concat(form, more)), MALFORMED);
					assert.throws(
						() => body.decode(concat(form, new Uint8Array(4))),
						MALFORMED,
					);
				}),
				{ numRuns: 30 },
			);
		});

		test("a length outside the bounds is malformed, and so is one that runs on", () => {
			const wrong = [field.maxBytes + 1, field.maxBytes + 1000];
			if (field.minBytes > 0) wrong.push(field.minBytes - 1, 0);
			for (const length of wrong)
				assert.throws(() => body.decode(around(new Uint8Array(length))), {
					...MALFORMED,
					message: "a body: value has a wrong length",
				});
			for (const length of [0xff, 0xffff_ffff])
				assert.throws(
					() =>
						body.decode(
							concat(
								enc(Uint8Array.of(7)),
								form(length.toString(16).padStart(8, "0")),
								new Uint8Array(64),
							),
						),
					MALFORMED,
				);
		});

		test("what has the form of no value is malformed", () => {
			for (const digits of refused)
				assert.throws(
					() => body.decode(around(form(digits))),
					MALFORMED,
					digits,
				);
		});

		test("any bytes are a value that has that form, or malformed", () => {
			fc.assert(
				fc.property(bytesOf(0, field.maxBytes + 2), (content) => {
					let found: Around;
					try {
						found = body.decode(around(content));
					} catch (error) {
						assert.throws(() => {
							throw error;
						}, MALFORMED);
						return;
					}
					assert.equal(hex(body.encode(found)), hex(around(content)));
				}),
				{ numRuns: 500 },
			);
		});

		test("a value that would not be read is not written", () => {
			for (const value of unwritable)
				assert.throws(() => encoded(value), INVALID, String(value));
		});
	});

test("bytes are read as views", () => {
	const body: Structure<{ readonly items: readonly Uint8Array[] }> = structure(
		"a body",
		{ items: list(bytes(1, 9), 0, 3) },
	);
	const encoded = enc(enc(utf8("one"), utf8("two")));
	const { items } = body.decode(encoded);
	assert.deepEqual(items, [utf8("one"), utf8("two")]);
	for (const item of items) assert.equal(item.buffer, encoded.buffer);
});

test("what stands without its length has one length, and what may be empty is not optional", () => {
	for (const declare of [
		() => packed(bytes(1, 2), 0, 9),
		() => row<Pick<Pair, "id">>({ id: bytes(0, 3) }),
		() => optional(text(0, 3)),
	])
		assert.throws(declare, INVALID);
});

test("as much of a text as fits is a text", () => {
	fc.assert(
		fc.property(
			fc.string({ unit: "binary", maxLength: 9 }),
			fc.nat(12),
			(value, maxBytes) => {
				const cut = textWithin(value, maxBytes);
				assert.ok(cut.isWellFormed());
				assert.deepEqual(utf8(cut), utf8Within(value, maxBytes));
			},
		),
	);
});
