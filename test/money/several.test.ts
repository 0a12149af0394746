import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
	MAX_SEVERAL,
	MAX_SEVERAL_BYTES,
	packMessages,
	SEVERAL,
	unpackMessages,
} from "../../src/money/index.ts";
import { concat, enc, hex } from "../../src/wire/index.ts";

const of = (type: number, length = 3) => new Uint8Array(length).fill(type);
const several = (...messages: Uint8Array[]) =>
	concat(Uint8Array.of(SEVERAL), enc(...messages));

describe("several messages in one", () => {
	test("are type 0x2f and enc of them; one goes as it is, and none is nothing", () => {
		const packed = packMessages([of(0x20), of(0x22, 2)]);
		assert.deepEqual(packed.map(hex), ["2f00000003202020000000022222"]);
		assert.deepEqual(packMessages([of(0x20)]).map(hex), ["202020"]);
		assert.deepEqual(packMessages([]), []);
	});

	test("come out as they went in, in as few as the limits allow", () => {
		const message = fc
			.tuple(
				fc.integer({ min: 0x20, max: 0x2e }),
				fc.integer({ min: 1, max: 40_000 }),
			)
			.map(([type, length]) => of(type, length));
		fc.assert(
			fc.property(fc.array(message, { maxLength: 300 }), (messages) => {
				const packed = packMessages(messages);
				for (const one of packed)
					if (one[0] === SEVERAL) assert.ok(one.length <= MAX_SEVERAL_BYTES);
				const back = packed.flatMap((one) => [...unpackMessages(one)]);
				assert.deepEqual(
					back.map(({ length, 0: type }) => [type, length]),
					messages.map(({ length, 0: type }) => [type, length]),
				);
			}),
			{ numRuns: 50 },
		);
		const small = Array.from({ length: MAX_SEVERAL + 1 }, () => of(0x23));
		assert.equal(packMessages(small).length, 2);
		const large = of(0x22, MAX_SEVERAL_BYTES);
		assert.deepEqual(
			packMessages([of(0x20), large, of(0x21)]).map(({ length }) => length),
			[3, MAX_SEVERAL_BYTES, 3],
		);
	});

	test("are refused when they are less than two, too many, too long, empty, cut short, or hold several again", () => {
		const refused = (bytes: Uint8Array, code = "malformed") =>
			assert.throws(() => unpackMessages(bytes), { code });
		refused(Uint8Array.of(SEVERAL));
		refused(several(of(0x20)));
		refused(several(of(0x20), new Uint8Array()));
		refused(several(of(0x20), several(of(0x20), of(0x20))));
		refused(several(of(0x20), of(0x21)).subarray(0, -1));
		refused(several(of(0x20), of(0x22, MAX_SEVERAL_BYTES)));
		refused(
			several(...Array.from({ length: MAX_SEVERAL + 1 }, () => of(0x20))),
			"limit-exceeded",
		);
	});
});
