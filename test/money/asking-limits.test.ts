import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MAX_LIMITED_MODULES } from "../../src/money/documents/index.ts";
import { AskingLimits } from "../../src/money/issuer/asking-limits.ts";

const device = (number: number): Uint8Array =>
	Uint8Array.of(number >> 8, number & 0xff);
const ONE = device(1);

/** How often it may ask at that time. */
function asks(limits: AskingLimits, who: Uint8Array, now: number): number {
	let times = 0;
	while (limits.take(who, now)) times++;
	return times;
}

describe("how often a module may ask in vain", () => {
	test("is so often at once, and once more with each time that passes", () => {
		const limits = new AskingLimits(3, 1_000);
		assert.equal(asks(limits, ONE, 0), 3);
		assert.equal(asks(limits, ONE, 999), 0);
		assert.equal(asks(limits, ONE, 1_000), 1);
		assert.equal(asks(limits, ONE, 1_999), 0);
		assert.equal(asks(limits, ONE, 2_000), 1);
		assert.equal(asks(limits, ONE, 1_000_000), 3);
		assert.equal(asks(limits, device(2), 0), 3);
	});

	test("is not less when a clock was set back", () => {
		const limits = new AskingLimits(2, 1_000);
		assert.equal(asks(limits, ONE, 10_000), 2);
		assert.equal(asks(limits, ONE, 0), 0);
		assert.equal(asks(limits, ONE, 1_000), 1);
	});

	test("is as before for what was not in vain, and never more", () => {
		const limits = new AskingLimits(2, 1_000);
		limits.giveBack(ONE);
		assert.equal(asks(limits, ONE, 0), 2);
		limits.giveBack(ONE);
		assert.equal(asks(limits, ONE, 0), 1);
		limits.giveBack(ONE);
		limits.giveBack(ONE);
		limits.giveBack(ONE);
		assert.equal(asks(limits, ONE, 0), 2);
	});

	test("is remembered of so many modules, those that asked last", () => {
		const limits = new AskingLimits(1, 1_000);
		for (let number = 0; number < MAX_LIMITED_MODULES; number++)
			assert.ok(limits.take(device(number), 0));
		// Who asks in vain again is not remembered for longer.
		assert.equal(asks(limits, device(0), 0), 0);
		assert.ok(limits.take(Uint8Array.of(9, 9, 9), 0));
		assert.equal(asks(limits, device(1), 0), 0);
		assert.equal(asks(limits, device(0), 0), 1);
	});

	test("is forgotten of nobody when one of them asks again", () => {
		const limits = new AskingLimits(2, 1_000);
		for (let number = 0; number < MAX_LIMITED_MODULES; number++)
			assert.ok(limits.take(device(number), 0));
		assert.ok(limits.take(device(1), 0));
		assert.equal(asks(limits, device(0), 0), 1);
		// These two have asked last now.
		assert.ok(limits.take(Uint8Array.of(9, 9, 9), 0));
		assert.equal(asks(limits, device(1), 0), 0);
		assert.equal(asks(limits, device(0), 0), 0);
		assert.equal(asks(limits, device(2), 0), 2);
	});
});
