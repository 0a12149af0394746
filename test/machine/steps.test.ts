import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TetradError } from "../../src/errors.ts";
import { Steps } from "../../src/machine/index.ts";

interface Say {
	readonly kind: "say";
	readonly what: string;
}

const say = (what: string): Say => ({ kind: "say", what });
const broken = () => new TetradError("malformed", "broken");

function makeSteps(failing: (error: TetradError) => void = () => {}) {
	return new Steps<Say>(1000, failing);
}

describe("steps", () => {
	test("give back what each of them emitted, in order and once", () => {
		const steps = makeSteps();
		const both = steps.run(() => {
			steps.emit(say("1"));
			steps.emit(say("2"));
		});
		assert.deepEqual(both, [say("1"), say("2")]);
		assert.deepEqual(
			steps.run(() => steps.emit(say("3"))),
			[say("3")],
		);
		assert.deepEqual(
			steps.run(() => {}),
			[],
		);
	});

	test("have no deadline that never comes", () => {
		assert.throws(() => new Steps<Say>(Number.NaN, () => {}), {
			code: "invalid-argument",
		});
		assert.equal(new Steps<Say>(undefined, () => {}).deadline, undefined);
	});

	test("end with the first failure, and drop what the failed one had emitted", () => {
		const steps = makeSteps();
		const error = broken();
		const effects = steps.run(() => {
			steps.emit(say("dropped"));
			throw error;
		});
		assert.deepEqual(effects, [{ kind: "ended", error }]);
		assert.equal(steps.ended, true);
	});

	test("let a machine tell others of its failure, before its end", () => {
		const steps: Steps<Say> = makeSteps(({ code }) => steps.emit(say(code)));
		const error = broken();
		const effects = steps.run(() => {
			throw error;
		});
		assert.deepEqual(effects, [say("malformed"), { kind: "ended", error }]);
	});

	test("take whatever else is thrown for a fault of their own", () => {
		const steps = makeSteps();
		const cause = new RangeError("?");
		const [end] = steps.run(() => {
			throw cause;
		});
		assert.ok(end?.kind === "ended");
		assert.equal(end.error?.code, "internal");
		assert.equal(end.error?.cause, cause);
	});

	test("end in order, after what was emitted before", () => {
		const steps = makeSteps(() => assert.fail("nothing failed"));
		const effects = steps.run(() => {
			steps.emit(say("last"));
			steps.end("self");
		});
		assert.deepEqual(effects, [say("last"), { kind: "ended", by: "self" }]);
		assert.equal(steps.ended, true);
	});

	for (const [how, end] of Object.entries({
		"in order": (steps: Steps<Say>) => steps.end("peer"),
		"with a failure": () => {
			throw broken();
		},
	}))
		test(`are none after an end ${how}`, () => {
			const steps = makeSteps();
			steps.run(() => end(steps));
			let ran = false;
			const effects = steps.run(() => {
				ran = true;
				steps.emit(say("too late"));
			});
			assert.deepEqual(effects, []);
			assert.equal(ran, false);
			assert.equal(steps.deadline, undefined);
		});

	for (const [how, end] of Object.entries({
		"in order": (steps: Steps<Say>) => steps.end("peer"),
		"with a failure": () => {
			throw broken();
		},
	}))
		test(`wipe what is owned when they end ${how}, also what the last one made`, () => {
			const steps = makeSteps();
			const bytes = Uint8Array.of(1, 2, 3);
			let wiped = 0;
			steps.run(() => {
				assert.equal(steps.ownBytes(bytes), bytes);
			});
			assert.deepEqual(bytes, Uint8Array.of(1, 2, 3), "not before");
			steps.run(() => {
				steps.own({ wipe: () => wiped++ });
				end(steps);
			});
			assert.deepEqual(bytes, new Uint8Array(3));
			assert.equal(wiped, 1);
		});

	test("wipe only after others were told, which may need what is owned", () => {
		const key = Uint8Array.of(7);
		const steps: Steps<Say> = makeSteps(() => steps.emit(say(`${key[0]}`)));
		steps.ownBytes(key);
		const [told] = steps.run(() => {
			throw broken();
		});
		assert.deepEqual(told, say("7"));
		assert.deepEqual(key, new Uint8Array(1));
	});

	test("know when they are due, and follow a deadline that moves", () => {
		const steps = makeSteps();
		assert.equal(steps.deadline, 1000);
		assert.equal(steps.isDue(999), false);
		assert.equal(steps.isDue(1000), true);
		assert.equal(steps.isDue(Number.NaN), false);
		steps.deadline = 2000;
		assert.equal(steps.isDue(1999), false);
		steps.deadline = undefined;
		assert.equal(steps.isDue(Number.MAX_SAFE_INTEGER), false);
	});
});
