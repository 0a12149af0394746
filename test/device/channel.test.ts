/* How whoever reads a channel gets what came: one message at a time, or all that wait. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Channel } from "../../src/device/runtime/channel.ts";
import { TetradError } from "../../src/errors.ts";

const MIB = 2 ** 20;
const code = (expected: string) => ({ code: expected });

/** A channel at which the test is the tetrad, and what its sender was told. */
function channel() {
	const told: boolean[] = [];
	const made = new Channel({
		send: () => Promise.resolve(),
		full: (isFull) => void told.push(isFull),
	});
	return { channel: made, told };
}

const numbered = (from: number, to: number) =>
	Array.from({ length: to - from }, (_, i) => Uint8Array.of(from + i));

const numbers = (messages: readonly Uint8Array[] | undefined) =>
	messages?.map(([number]) => number);

/** After all promises that are settled have been heard of. */
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("receiving many messages", () => {
	test("hands over all that wait, in order, and none twice", async () => {
		const { channel: it } = channel();
		it.deliver(numbered(0, 3));
		it.deliver(numbered(3, 5));
		assert.deepEqual(numbers(await it.receiveMany()), [0, 1, 2, 3, 4]);
		it.deliver(numbered(5, 7));
		assert.deepEqual(numbers([(await it.receive()) ?? new Uint8Array()]), [5]);
		assert.deepEqual(numbers(await it.receiveMany()), [6]);
	});

	test("waits where none waits, and gets all that come in one turn", async () => {
		const { channel: it } = channel();
		const waiting = it.receiveMany();
		it.deliver(numbered(0, 2));
		it.deliver(numbered(2, 4));
		assert.deepEqual(numbers(await waiting), [0, 1, 2, 3]);
	});

	test("is answered in the order of asking, by one message for each that asked for one", async () => {
		const { channel: it } = channel();
		const heard: unknown[] = [];
		void it.receive().then((one) => heard.push(one?.[0]));
		void it.receiveMany().then((all) => heard.push(numbers(all)));
		void it.receive().then((one) => heard.push(one?.[0]));
		void it.receiveMany().then((all) => heard.push(numbers(all)));
		it.deliver(numbered(0, 4));
		// Of what waits for somebody who asked before, nobody who asks now gets anything.
		void it.receive().then((one) => heard.push(one?.[0]));
		await nextTurn();
		assert.deepEqual(heard, [0, [1, 2, 3]]);
		it.deliver(numbered(4, 7));
		await nextTurn();
		assert.deepEqual(heard.slice(2), [4, [5, 6]]);
		it.deliver(numbered(7, 8));
		await nextTurn();
		assert.deepEqual(heard.slice(4), [7]);
	});

	test("is given up by its signal, and loses nothing", async () => {
		const { channel: it } = channel();
		const stop = new AbortController();
		const abandoned = it.receiveMany({ signal: stop.signal });
		stop.abort(new Error("enough"));
		await assert.rejects(abandoned, code("aborted"));
		await assert.rejects(
			it.receiveMany({ signal: stop.signal }),
			code("aborted"),
		);
		it.deliver(numbered(0, 2));
		// What waits is handed over, whatever the signal says, as by `receive`.
		const all = await it.receiveMany({ signal: stop.signal });
		assert.deepEqual(numbers(all), [0, 1]);
	});

	test("is not given up any more once something has come", async () => {
		const { channel: it } = channel();
		const stop = new AbortController();
		const waiting = it.receiveMany({ signal: stop.signal });
		const behind = it.receiveMany();
		it.deliver(numbered(0, 2));
		stop.abort();
		assert.deepEqual(numbers(await waiting), [0, 1]);
		it.deliver(numbered(2, 3));
		assert.deepEqual(numbers(await behind), [2]);
	});

	test("ends in order or with why the tetrad ended, after what came before", async () => {
		for (const error of [undefined, new TetradError("truncated", "cut")]) {
			const { channel: it } = channel();
			it.deliver(numbered(0, 1));
			it.end(error);
			assert.deepEqual(numbers(await it.receiveMany()), [0]);
			const { channel: waited } = channel();
			const first = waited.receiveMany();
			const second = waited.receiveMany();
			waited.deliver(numbered(0, 1));
			waited.end(error);
			const late = waited.receive();
			assert.deepEqual(numbers(await first), [0]);
			const { channel: silent } = channel();
			const nothing = silent.receiveMany();
			silent.end(error);
			for (const over of [it.receiveMany(), second, late, nothing])
				if (error === undefined) assert.equal(await over, undefined);
				else await assert.rejects(over, error);
		}
	});

	test("lets a sender go on that was stopped, since what was handed over waits no more", async () => {
		const { channel: it, told } = channel();
		for (let i = 0; i < 5; i++) it.deliver([new Uint8Array(MIB / 4)]);
		assert.deepEqual(told, [true]);
		assert.equal((await it.receiveMany())?.length, 5);
		assert.deepEqual(told, [true, false]);
	});

	test("counts what waits for a reader whose turn has not come as unread", async () => {
		const { channel: it, told } = channel();
		const waiting = it.receiveMany();
		const row = () => Array.from({ length: 3 }, () => new Uint8Array(MIB));
		it.deliver(row());
		it.deliver(row());
		assert.deepEqual(told, [true]);
		assert.throws(() => it.deliver(row()), code("limit-exceeded"));
		// Of the row in which it was too much, what still had room.
		assert.equal((await waiting)?.length, 7);
		assert.deepEqual(told, [true, false]);
	});

	test("says so when memory that messages share was given away, to all who wait", async () => {
		const lost = code("invalid-argument");
		const giveAway = ({ buffer }: Uint8Array) =>
			structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
		const shared = () => {
			const bytes = new Uint8Array(100);
			return [bytes.subarray(0, 50), bytes.subarray(50)];
		};
		const { channel: it } = channel();
		it.deliver(shared());
		giveAway((await it.receive()) as Uint8Array);
		await assert.rejects(it.receiveMany(), lost);
		it.deliver(numbered(0, 1));
		await assert.rejects(it.receiveMany(), lost);
		const { channel: waited, told } = channel();
		const one = waited.receive();
		const others = [waited.receiveMany(), waited.receive()];
		const messages = shared();
		waited.deliver([...messages, new Uint8Array(2 * MIB)]);
		giveAway(messages[0] as Uint8Array);
		await one;
		for (const other of others) await assert.rejects(other, lost);
		assert.deepEqual(told, [true, false]);
	});

	test("gives each message to one reader, in the order in which all came and asked, whatever happens", async () => {
		const step = fc.oneof(
			{ weight: 3, arbitrary: fc.constant({ kind: "one" } as const) },
			{ weight: 3, arbitrary: fc.constant({ kind: "many" } as const) },
			{ weight: 2, arbitrary: fc.constant({ kind: "give-up" } as const) },
			{ weight: 2, arbitrary: fc.constant({ kind: "turn" } as const) },
			{
				weight: 4,
				arbitrary: fc
					.integer({ min: 1, max: 4 })
					.map((count) => ({ kind: "come", count }) as const),
			},
		);
		await fc.assert(
			fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
				const { channel: it } = channel();
				let came = 0;
				const asked: { stop: AbortController; got: Promise<number[]> }[] = [];
				const ask = (kind: "one" | "many") => {
					const stop = new AbortController();
					const { signal } = stop;
					const all = async () =>
						kind === "many"
							? ((await it.receiveMany({ signal })) ?? [])
							: [await it.receive({ signal })].filter(
									(one) => one !== undefined,
								);
					const got = all().then(
						(messages) => numbers(messages) as number[],
						() => [],
					);
					asked.push({ stop, got });
				};
				for (const given of steps)
					if (given.kind === "come") {
						it.deliver(numbered(came, came + given.count));
						came += given.count;
					} else if (given.kind === "turn") await nextTurn();
					else if (given.kind === "give-up") asked.at(-1)?.stop.abort();
					else ask(given.kind);
				it.end(undefined);
				ask("many");
				const got = await Promise.all(asked.map((one) => one.got));
				assert.deepEqual(
					got.flat(),
					Array.from({ length: came }, (_, i) => i),
				);
			}),
			{ numRuns: 300 },
		);
	});
});
