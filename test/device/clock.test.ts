import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClockOptions } from "../../src/device/runtime/clock.ts";
import { TrustedAgent } from "../../src/device/runtime/trusted-agent.ts";
import { TetradError } from "../../src/errors.ts";
import { PLACES, type Place } from "../../src/tetrad/index.ts";
import { certify, Devices, listOf, policyOf } from "./support.ts";

const MINUTE_MS = 60_000;
const YEAR_MS = 365 * 86_400_000;

/** A clock that a test moves, and what was stored of it. */
class TestClock {
	time = Date.now();
	readonly stored: number[] = [];

	get options(): ClockOptions {
		return {
			now: () => this.time,
			lastSeen: this.stored.at(-1),
			seen: async (time) => void this.stored.push(time),
		};
	}
}

async function agent(clock: ClockOptions): Promise<TrustedAgent> {
	return new TrustedAgent({
		identity: await certify("A"),
		policy: await policyOf(),
		clock,
	});
}

async function refusal(clock: ClockOptions): Promise<TetradError> {
	try {
		await agent(clock);
	} catch (thrown) {
		assert.ok(thrown instanceof TetradError);
		return thrown;
	}
	return assert.fail("the device started");
}

const iso = (time: number) => new Date(time).toISOString();

describe("a device does not start", () => {
	test("when its clock is behind what it has seen, and names both times", async () => {
		const clock = new TestClock();
		await (await agent(clock.options)).close();
		const seen = clock.time;
		clock.time -= 6 * MINUTE_MS;
		const error = await refusal(clock.options);
		assert.equal(error.code, "clock-wrong");
		assert.ok(error.message.includes(iso(seen)), error.message);
		assert.ok(error.message.includes(iso(clock.time)), error.message);
		assert.match(error.message, /set the clock right/);
		assert.equal(error.family, "environment");
		clock.time = seen - 4 * MINUTE_MS;
		await (await agent(clock.options)).close();
		assert.equal(Math.max(...clock.stored), seen);
		assert.equal(clock.stored.at(-1), seen, "it never goes back");
	});

	test("ten years ahead, or before its certificate, and remembers neither", async () => {
		for (const [off, code, expected] of [
			[10 * YEAR_MS, "chain-refused", /expired.*clock shows.*set it right/],
			[-10 * YEAR_MS, "clock-wrong", /valid from.*set the clock right/],
		] as const) {
			const clock = new TestClock();
			clock.time += off;
			const error = await refusal(clock.options);
			assert.equal(error.code, code, error.message);
			assert.match(error.message, expected);
			assert.ok(error.message.includes(iso(clock.time)), error.message);
			assert.deepEqual(clock.stored, []);
			clock.time = Date.now();
			await (await agent(clock.options)).close();
		}
	});

	test("behind the date of a list that it holds", async () => {
		const clock = new TestClock();
		const bundle = await listOf("bank", { number: 1n, thisUpdate: clock.time });
		clock.time -= 11 * MINUTE_MS;
		const own = await certify("A");
		const policy = await policyOf();
		assert.throws(
			() =>
				new TrustedAgent({
					identity: own,
					policy,
					clock: clock.options,
					lists: { bundles: [bundle], store: async () => {} },
				}),
			{ code: "clock-wrong", message: /untrusted list of .* is from/ },
		);
	});
});

describe("a running device", () => {
	for (const place of PLACES)
		test(`whose clock jumps makes no tetrad, as ${place}, until it is right again`, async () => {
			const clocks = {
				A: new TestClock(),
				B: new TestClock(),
				X: new TestClock(),
				Y: new TestClock(),
			};
			await using devices = await Devices.make({
				device: (at: Place) => ({ clock: clocks[at].options }),
				timeoutMs: 5000,
			});
			const codes = async () => {
				const { connecting, accepting } = devices.meet();
				const both = await Promise.all(
					[connecting, accepting].map((promise) =>
						promise.then(
							async (tetrad) => {
								await tetrad.close();
								return "none";
							},
							({ code }: TetradError) => code,
						),
					),
				);
				return both;
			};
			assert.deepEqual(await codes(), ["none", "none"]);
			const right = clocks[place].time;
			for (const [off, code] of [
				[-6 * MINUTE_MS, "clock-wrong"],
				[-10 * YEAR_MS, "clock-wrong"],
				[10 * YEAR_MS, "chain-refused"],
			] as const) {
				clocks[place].time = right + off;
				const own = (await codes())[place === "A" || place === "X" ? 0 : 1];
				assert.equal(own, code, `${off}`);
				clocks[place].time = right;
				assert.deepEqual(await codes(), ["none", "none"]);
			}
			assert.ok(clocks[place].stored.every((time) => time <= right));
		});

	test("stores the time at most once a minute, and when it closes", async () => {
		const clock = new TestClock();
		await using devices = await Devices.make({
			device: (at) => (at === "A" ? { clock: clock.options } : {}),
		});
		const start = clock.time;
		for (let i = 0; i < 3; i++) {
			clock.time += 1000;
			await (await devices.meet().connecting).close();
		}
		assert.deepEqual(clock.stored, [start]);
		clock.time += MINUTE_MS;
		await (await devices.meet().connecting).close();
		assert.deepEqual(clock.stored, [start, start + 3000 + MINUTE_MS]);
		clock.time += 5000;
		await (await devices.meet().connecting).close();
		await devices.A.close();
		assert.equal(clock.stored.at(-1), start + 8000 + MINUTE_MS);
	});

	test("that cannot store the time makes no further tetrad", async () => {
		let full = false;
		const clock = new TestClock();
		const store: ClockOptions = {
			...clock.options,
			seen: async () => {
				if (full) throw new TetradError("home-unusable", "the disk is full");
			},
		};
		await using devices = await Devices.make({
			device: (at) => (at === "B" ? { clock: store } : {}),
		});
		await (await devices.meet().connecting).close();
		full = true;
		clock.time += 2 * MINUTE_MS;
		// Whether this one is made still depends on how soon the disk says no.
		await devices.meet().connecting.then(
			(made) => made.close(),
			() => {},
		);
		const { accepting } = devices.meet();
		await assert.rejects(accepting, { code: "home-unusable" });
		await assert.rejects(devices.B.close(), { code: "home-unusable" });
		full = false;
	});

	test("that could not store the time makes tetrads again once it can", async () => {
		let full = false;
		const clock = new TestClock();
		const store: ClockOptions = {
			...clock.options,
			seen: async (time) => {
				if (full) throw new TetradError("home-unusable", "the disk is full");
				clock.stored.push(time);
			},
		};
		await using devices = await Devices.make({
			device: (at) => (at === "B" ? { clock: store } : {}),
		});
		full = true;
		clock.time += 2 * MINUTE_MS;
		const outcomes: string[] = [];
		for (const isFull of [true, true, false, false, false]) {
			full = isFull;
			outcomes.push(
				await devices.meet().accepting.then(
					async (made) => {
						await made.close();
						return "made";
					},
					({ code }: TetradError) => code,
				),
			);
		}
		assert.equal(outcomes[1], "home-unusable");
		// The first time that it is asked to again, it tries to store the time.
		assert.deepEqual(outcomes.slice(3), ["made", "made"]);
		assert.equal(clock.stored.at(-1), clock.time);
		await devices.B.close();
	});

	test("takes no list from after its time, and an expired one of a peer is no fault", async () => {
		const clock = new TestClock();
		await using devices = await Devices.make({
			device: (at) => (at === "A" ? { clock: clock.options } : {}),
		});
		clock.time -= 4 * MINUTE_MS;
		await assert.rejects(
			devices.A.learnList(
				await listOf("bank", {
					number: 1n,
					thisUpdate: Date.now() + 9 * MINUTE_MS,
				}),
			),
			{ code: "list-refused", message: /still to come; set the clock right/ },
		);
		const tetrads = await devices.tetrad();
		await devices.B.learnList(
			await listOf("bank", {
				number: 1n,
				thisUpdate: Date.now() + 9 * MINUTE_MS,
			}),
		);
		await tetrads.A.agent.send(Uint8Array.of(1));
		assert.deepEqual(await tetrads.B.agent.receive(), Uint8Array.of(1));
		assert.ok(!tetrads.A.ended);
	});
});
