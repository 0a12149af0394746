import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import {
	bytes,
	concat,
	enc,
	hex,
	mappedStructure,
	type Structure,
	structure,
	twoForms,
	utf8,
} from "../../src/wire/index.ts";
import { MALFORMED, onlyTetradErrors } from "./only-tetrad-errors.ts";

interface Pair {
	readonly one: Uint8Array;
	readonly two: Uint8Array;
}

interface Triple extends Pair {
	readonly three: Uint8Array | undefined;
}

interface Body {
	readonly nonce: Uint8Array;
	readonly text: Uint8Array;
	readonly rest: Uint8Array;
}

const body: Structure<Body> = structure<Body>("a test body", {
	nonce: bytes(4),
	text: bytes(0, 10),
	rest: bytes(2, 3),
});

const ofLength = (minLength: number, maxLength: number) =>
	fc.uint8Array({ minLength, maxLength });
const values = fc.record({
	nonce: ofLength(4, 4),
	text: ofLength(0, 10),
	rest: ofLength(2, 3),
});

suite("structure", () => {
	test("golden bytes, in the order of declaration", () => {
		const encoded = body.encode({
			rest: Uint8Array.of(8, 9),
			text: utf8("hi"),
			nonce: Uint8Array.of(1, 2, 3, 4),
		});
		assert.equal(hex(encoded), "0000000401020304000000026869000000020809");
	});

	test("decode undoes encode, within maxBytes", () => {
		fc.assert(
			fc.property(values, (value) => {
				const encoded = body.encode(value);
				assert.ok(encoded.length <= body.maxBytes);
				assert.deepEqual({ ...body.decode(encoded) }, { ...value });
			}),
		);
		assert.equal(body.maxBytes, 4 + 4 + 4 + 10 + 4 + 3);
	});

	test("fields are views", () => {
		const encoded = enc(utf8("four"), utf8("text"), utf8("re"));
		const outer = concat(Uint8Array.of(0), encoded);
		const found = body.decode(outer.subarray(1));
		assert.deepEqual(found.text, utf8("text"));
		assert.equal(found.text.buffer, outer.buffer);
	});

	test("any lengths but the declared ones are malformed", () => {
		const length = fc.nat({ max: 12 });
		fc.assert(
			fc.property(length, length, length, (nonce, text, rest) => {
				const encoded = enc(
					new Uint8Array(nonce),
					new Uint8Array(text),
					new Uint8Array(rest),
				);
				const fits = nonce === 4 && text <= 10 && (rest === 2 || rest === 3);
				if (fits) assert.equal(body.decode(encoded).text.length, text);
				else assert.throws(() => body.decode(encoded), MALFORMED);
			}),
			{ numRuns: 500 },
		);
	});

	test("bounds are inclusive", () => {
		const decode = ([nonce, text, rest]: readonly [number, number, number]) =>
			body.decode(
				enc(new Uint8Array(nonce), new Uint8Array(text), new Uint8Array(rest)),
			);
		for (const lengths of [
			[4, 0, 2],
			[4, 10, 3],
		] as const)
			decode(lengths);
		for (const lengths of [
			[3, 0, 2],
			[5, 0, 2],
			[4, 11, 2],
			[4, 0, 1],
			[4, 0, 4],
		] as const)
			assert.throws(() => decode(lengths), MALFORMED);
	});

	test("a cut anywhere is malformed", () => {
		const encoded = body.encode({
			nonce: new Uint8Array(4),
			text: utf8("text"),
			rest: new Uint8Array(3),
		});
		for (let length = 0; length < encoded.length; length++)
			assert.throws(() => body.decode(encoded.subarray(0, length)), MALFORMED);
	});

	test("anything that follows is refused, an empty field too", () => {
		const encoded = enc(new Uint8Array(4), new Uint8Array(), new Uint8Array(2));
		fc.assert(
			fc.property(ofLength(1, 20), (trailing) =>
				assert.throws(() => body.decode(concat(encoded, trailing)), MALFORMED),
			),
		);
		assert.throws(
			() => body.decode(concat(encoded, new Uint8Array(4))),
			MALFORMED,
		);
	});

	test("a refusal names the body and the field", () => {
		assert.throws(() => body.decode(new Uint8Array()), /a test body/);
		assert.throws(
			() => body.decode(enc(utf8("four"), utf8("text"), utf8("r"))),
			/a test body: rest/,
		);
	});

	test("any bytes decode to values that encode to them, or blame the peer", () => {
		const nearly = fc
			.tuple(ofLength(3, 5), ofLength(0, 11), ofLength(1, 4), ofLength(0, 1))
			.map(([nonce, text, rest, trailing]) =>
				concat(enc(nonce, text, rest), trailing),
			);
		let decoded = 0;
		fc.assert(
			fc.property(fc.oneof(fc.uint8Array(), nearly), (encoded) => {
				const found = onlyTetradErrors(() => body.decode(encoded));
				if (found === undefined) return;
				decoded++;
				assert.deepEqual(body.encode(found), encoded);
			}),
			{ numRuns: 2000 },
		);
		assert.ok(decoded > 20, `${decoded}`);
	});

	test("a value that would not be read is not written", () => {
		const value = { nonce: utf8("four"), text: utf8("hi"), rest: utf8("re") };
		for (const wrong of [
			{ nonce: utf8("three") },
			{ text: new Uint8Array(11) },
			{ rest: utf8("r") },
		])
			assert.throws(() => body.encode({ ...value, ...wrong }), {
				code: "invalid-argument",
				message: `a test body: ${Object.keys(wrong)[0]} has a wrong length`,
			});
	});

	test("a body in two forms is read by the number of its fields", () => {
		const short = structure<Pair>("a pair", {
			one: bytes(1),
			two: bytes(0, 2),
		});
		const long = structure<Pair & { readonly three: Uint8Array }>("a pair", {
			one: bytes(1),
			two: bytes(0, 2),
			three: bytes(1),
		});
		const pair = twoForms<Triple>(
			mappedStructure(short, {
				from: (found) => ({ ...found, three: undefined }),
				to: (value) => value,
			}),
			mappedStructure(long, {
				from: (found) => found,
				to: (value) => ({ ...value, three: value.three ?? utf8("") }),
			}),
			({ three }) => three !== undefined,
		);
		const [one, two, three] = [utf8("1"), utf8(""), utf8("3")];
		for (const fields of [
			[one, two],
			[one, two, three],
		]) {
			const found = pair.decode(enc(...fields));
			assert.deepEqual(found, { one, two, three: fields[2] });
			assert.deepEqual(pair.encode(found), enc(...fields));
		}
		assert.equal(pair.maxBytes, long.maxBytes);
		for (const wrong of [
			enc(),
			enc(one),
			enc(one, two, utf8("")),
			enc(one, two, three, three),
			enc(one, utf8("two"), three),
			concat(enc(one, two), Uint8Array.of(0)),
		])
			assert.throws(() => pair.decode(wrong), MALFORMED);
	});

	test("a body without fields is empty", () => {
		const nothing: Structure<Record<never, never>> = structure("nothing", {});
		assert.equal(nothing.maxBytes, 0);
		assert.deepEqual(nothing.encode({}), new Uint8Array());
		nothing.decode(new Uint8Array());
		assert.throws(() => nothing.decode(new Uint8Array(4)), MALFORMED);
	});
});
