import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { Driver } from "../../src/device/runtime/driver.ts";
import { TetradError } from "../../src/errors.ts";
import type { Ended, Machine, TimeEvent } from "../../src/machine/index.ts";

type Event = { readonly kind: "heard"; readonly what: string } | TimeEvent;
type Effect =
	| { readonly kind: "say"; readonly what: string }
	| { readonly kind: "show"; readonly what: string };

const heard = (what: string): Event => ({ kind: "heard", what });
const say = (what: string): Effect => ({ kind: "say", what });
const show = (what: string): Effect => ({ kind: "show", what });
const ended: Ended = { kind: "ended", by: "self" };

/** Answers as it is told to, and remembers what it was handed. */
class Scripted implements Machine<Event, Effect> {
	deadline: number | undefined;
	readonly handled: string[] = [];
	readonly answers: Record<string, readonly (Effect | Ended)[]>;

	constructor(answers: Record<string, readonly (Effect | Ended)[]> = {}) {
		this.answers = answers;
	}

	handle(event: Event, now: number): readonly (Effect | Ended)[] {
		const what = event.kind === "time" ? "time" : event.what;
		if (what === "mistake")
			throw new TetradError("invalid-argument", "a mistake");
		this.handled.push(`${what} at ${now - START}`);
		if (what === "time") this.deadline = undefined;
		return this.answers[what] ?? [];
	}
}

const START: number = Date.UTC(2026, 0, 1);
let clock: number = START;

/** A driver that writes down what it carries out; `carry` may do more. */
function drive(machine: Scripted, carry: (effect: Effect) => void = () => {}) {
	const done: string[] = [];
	const handler = (effect: Effect) => {
		done.push(`${effect.kind} ${effect.what}`);
		carry(effect);
	};
	const driver = new Driver<Event, Effect>({
		machine,
		now: () => clock,
		handlers: { say: handler, show: handler },
		ended: (end) => done.push(`ended ${end.error?.code ?? end.by}`),
		failed: (error) => done.push(`failed ${error.code}`),
	});
	return { driver, done };
}

describe("a driver", () => {
	test("carries out what its machine answers, in order and at once", () => {
		const machine = new Scripted({ a: [say("1"), show("2")], b: [say("3")] });
		const { driver, done } = drive(machine);
		driver.feed(heard("a"));
		assert.deepEqual(done, ["say 1", "show 2"]);
		driver.feed(heard("b"));
		assert.deepEqual(done, ["say 1", "show 2", "say 3"]);
	});

	test("asks no clock for an event that may have happened whenever, and tells the machine no time ahead of it", (t) => {
		t.after(() => {
			clock = START;
		});
		const machine = new Scripted({ a: [say("1")], b: [say("2")] });
		const { driver, done } = drive(machine);
		clock += 5;
		driver.feed(heard("a"));
		clock += 5;
		driver.feedWhenever(heard("b"));
		driver.feed(heard("c"));
		assert.deepEqual(machine.handled, ["a at 5", "b at 5", "c at 10"]);
		assert.deepEqual(done, ["say 1", "say 2"]);
	});

	test("finishes what is under way before what an effect leads to", () => {
		const machine = new Scripted({
			a: [say("1"), say("2")],
			b: [say("3"), say("4")],
			c: [say("5")],
		});
		const { driver, done } = drive(machine, ({ what }) => {
			if (what === "1") driver.feed(heard("b"));
			if (what === "3") driver.feed(heard("c"));
			done.push("done");
		});
		driver.feed(heard("a"));
		assert.deepEqual(
			done,
			[1, 2, 3, 4, 5].flatMap((count) => [`say ${count}`, "done"]),
			"each is done before the next begins",
		);
		assert.deepEqual(machine.handled, ["a at 0", "b at 0", "c at 0"]);
	});

	test("throws a caller's mistake to the caller, also inside an effect, and goes on", () => {
		const machine = new Scripted({ a: [say("1"), say("2")] });
		const mistake = { code: "invalid-argument" };
		const { driver, done } = drive(machine, () =>
			assert.throws(() => driver.feed(heard("mistake")), mistake),
		);
		assert.throws(() => driver.feed(heard("mistake")), mistake);
		driver.feed(heard("a"));
		assert.deepEqual(done, ["say 1", "say 2"]);
		assert.equal(driver.stopped, false);
	});

	test("stops with the machine's last effect", () => {
		const machine = new Scripted({ a: [say("1"), ended], b: [say("2")] });
		const { driver, done } = drive(machine, () => driver.feed(heard("b")));
		driver.feed(heard("a"));
		driver.feed(heard("b"));
		assert.deepEqual(done, ["say 1", "ended self"]);
		assert.equal(driver.stopped, true);
		assert.deepEqual(machine.handled, ["a at 0", "b at 0"]);
	});

	test("stops when a handler throws, and drops what was still to be done", () => {
		const machine = new Scripted({ a: [say("1"), say("2"), ended] });
		const { driver, done } = drive(machine, () => {
			throw new TetradError("limit-exceeded", "too much");
		});
		driver.feed(heard("a"));
		driver.feed(heard("a"));
		assert.deepEqual(done, ["say 1", "failed limit-exceeded"]);
		assert.equal(driver.stopped, true);
	});

	test("takes whatever else a handler throws for a fault of its own", () => {
		const { driver, done } = drive(new Scripted({ a: [say("1")] }), () => {
			throw new RangeError("?");
		});
		driver.feed(heard("a"));
		assert.deepEqual(done, ["say 1", "failed internal"]);
	});

	test("does nothing more once it was stopped, also by an effect", () => {
		const machine = new Scripted({ a: [say("1"), say("2")] });
		const { driver, done } = drive(machine, () => driver.stop());
		driver.feed(heard("a"));
		driver.feed(heard("a"));
		assert.deepEqual(done, ["say 1"]);
		assert.deepEqual(machine.handled, ["a at 0"]);
	});
});

describe("a driver's timer", () => {
	beforeEach(() => {
		clock = START;
		mock.timers.enable({ apis: ["setTimeout"] });
	});
	afterEach(() => mock.timers.reset());

	function pass(ms: number): void {
		clock += ms;
		mock.timers.tick(ms);
	}

	test("tells the machine when its deadline has come, once", () => {
		const machine = new Scripted({ time: [say("late")] });
		machine.deadline = START + 100;
		const { done } = drive(machine);
		pass(99);
		assert.deepEqual(machine.handled, []);
		pass(1);
		assert.deepEqual(machine.handled, ["time at 100"]);
		assert.deepEqual(done, ["say late"]);
		pass(1_000_000);
		assert.equal(machine.handled.length, 1);
	});

	test("follows a deadline that moves, and one that goes away", () => {
		const machine = new Scripted();
		machine.deadline = START + 100;
		const { driver } = drive(machine);
		machine.deadline = START + 300;
		driver.feed(heard("a"));
		pass(200);
		assert.deepEqual(machine.handled, ["a at 0"]);
		machine.deadline = undefined;
		driver.feed(heard("b"));
		pass(200);
		machine.deadline = START + 500;
		driver.feed(heard("c"));
		pass(100);
		assert.deepEqual(machine.handled.slice(1), [
			"b at 200",
			"c at 400",
			"time at 500",
		]);
	});

	test("follows a deadline that moves while an effect is carried out", () => {
		const machine = new Scripted({ a: [say("1")] });
		const { driver } = drive(machine, () => {
			machine.deadline = START + 50;
			driver.feed(heard("b"));
		});
		driver.feed(heard("a"));
		pass(50);
		assert.deepEqual(machine.handled.at(-1), "time at 50");
	});

	test("is not too early when the timer is", () => {
		const machine = new Scripted();
		machine.deadline = START + 100;
		drive(machine);
		clock += 98;
		mock.timers.tick(100);
		assert.deepEqual(machine.handled, []);
		pass(1);
		assert.deepEqual(machine.handled, []);
		pass(1);
		assert.deepEqual(machine.handled, ["time at 100"]);
	});

	test("is not held up by a clock that is set back, also for what the machine waits for next", () => {
		let passed = 0;
		const monotonic = mock.method(performance, "now", () => passed);
		const machine = new Scripted();
		machine.deadline = START + 100;
		const { driver } = drive(machine, () => {
			machine.deadline = START + 150;
		});
		machine.answers["time"] = [say("late")];
		clock -= 3_600_000;
		const wait = (ms: number) => {
			passed += ms;
			pass(ms);
		};
		wait(99);
		assert.deepEqual(machine.handled, []);
		wait(1);
		assert.deepEqual(machine.handled, ["time at 100"]);
		wait(49);
		assert.equal(machine.handled.length, 1);
		wait(1);
		assert.deepEqual(machine.handled, ["time at 100", "time at 150"]);
		driver.feed(heard("a"));
		assert.equal(machine.handled.at(-1), `a at ${150 - 3_600_000}`);
		driver.stop();
		monotonic.mock.restore();
	});

	test("reaches further than a timer of Node.js does", () => {
		const days = 24 * 60 * 60 * 1000;
		const machine = new Scripted();
		machine.deadline = START + 60 * days;
		const timers = mock.method(globalThis, "setTimeout");
		drive(machine);
		for (let day = 0; day < 59; day++) pass(days);
		assert.deepEqual(machine.handled, []);
		pass(days);
		assert.deepEqual(machine.handled, [`time at ${60 * days}`]);
		// Node.js fires a timer at once that is to wait longer.
		const waits = timers.mock.calls.map(({ arguments: [, ms = 0] }) => ms);
		assert.ok(waits.length > 1 && Math.max(...waits) < 2 ** 31);
		timers.mock.restore();
	});

	test("has come at once for a deadline that is over", () => {
		const machine = new Scripted();
		machine.deadline = START - 5;
		drive(machine);
		assert.deepEqual(machine.handled, [], "never inside the constructor");
		pass(1);
		assert.deepEqual(machine.handled, ["time at 1"]);
	});

	test("ends with the driver", () => {
		const machine = new Scripted({ a: [ended] });
		machine.deadline = START + 100;
		drive(machine).driver.feed(heard("a"));
		const stopped = new Scripted();
		stopped.deadline = START + 100;
		const { driver } = drive(stopped);
		const cleared = mock.method(globalThis, "clearTimeout");
		driver.stop();
		assert.equal(cleared.mock.callCount(), 1, "no timer holds the process");
		cleared.mock.restore();
		pass(200);
		assert.deepEqual(machine.handled, ["a at 0"]);
		assert.deepEqual(stopped.handled, []);
	});

	test("stops the driver when the machine throws", () => {
		const machine = new Scripted();
		machine.deadline = START + 100;
		machine.handle = () => {
			throw new TetradError("internal", "?");
		};
		const { driver, done } = drive(machine);
		pass(100);
		assert.deepEqual(done, ["failed internal"]);
		assert.equal(driver.stopped, true);
	});
});
