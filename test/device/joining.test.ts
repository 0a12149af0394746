/* What is sealed together, and when, in devices that run. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Channel } from "../../src/device/runtime/channel.ts";
import type { Tetrad } from "../../src/device/runtime/tetrad.ts";
import type { Place } from "../../src/tetrad/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { Devices, settled, type Wire } from "./support.ts";

type Four = Record<Place, Tetrad>;

/** Each session: its two ends, and the wires that its records cross. */
const SESSIONS: readonly {
	readonly session: number;
	readonly ends: (four: Four) => [Channel, Channel];
	readonly wires: readonly Wire[];
}[] = [
	{
		session: 1,
		ends: ({ A, B }) => [A.agent, B.agent],
		wires: ["network"],
	},
	{
		session: 2,
		ends: ({ X, Y }) => [X.module, Y.module],
		wires: ["link A–X", "network", "link B–Y"],
	},
	{
		session: 3,
		ends: ({ A, X }) => [A.module, X.agent],
		wires: ["link A–X"],
	},
	{
		session: 4,
		ends: ({ B, Y }) => [Y.agent, B.module],
		wires: ["link B–Y"],
	},
];

async function running(): Promise<{
	devices: Devices;
	four: Four;
	frames: Wire[];
	[Symbol.asyncDispose](): Promise<void>;
}> {
	const devices = await Devices.make();
	const four = await devices.tetrad();
	const frames: Wire[] = [];
	// What is said about lists after an establishment has been said.
	await settled(() => frames.length);
	devices.watch = (step) => {
		if (step.kind === "frame") frames.push(step.wire);
	};
	return {
		devices,
		four,
		frames,
		[Symbol.asyncDispose]: () => devices[Symbol.asyncDispose](),
	};
}

/** The end of the turn: what was sent in it has been sealed. */
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function take(channel: Channel, count: number): Promise<string[]> {
	const all: string[] = [];
	while (all.length < count)
		all.push(Buffer.from((await channel.receive()) ?? []).toString());
	return all;
}

const texts = (count: number) =>
	Array.from({ length: count }, (_, i) => `message ${i}`);

for (const { session, ends, wires } of SESSIONS)
	describe(`over session ${session}`, () => {
		test("one message goes at once", async () => {
			await using run = await running();
			const [from, to] = ends(run.four);
			await from.send(utf8("one"));
			assert.deepEqual(await take(to, 1), ["one"]);
			assert.deepEqual(run.frames, wires);
		});

		test("a hundred messages of one turn cross each wire in two frames, the first at once", async () => {
			await using run = await running();
			const [from, to] = ends(run.four);
			const sent = texts(100);
			// Each after the one before it has found room, as a caller does that heeds that.
			for (const text of sent) await from.send(utf8(text));
			assert.deepEqual(await take(to, 100), sent);
			assert.deepEqual(run.frames.toSorted(), [...wires, ...wires].toSorted());
		});

		test("what many turns send while the wires are written to goes together when they are not", async () => {
			await using run = await running();
			const [from, to] = ends(run.four);
			const written = Promise.withResolvers<void>();
			run.devices.busy = written.promise;
			const sent = texts(50);
			for (const text of sent) {
				await from.send(utf8(text));
				await nextTurn();
			}
			assert.deepEqual(run.frames, []);
			run.devices.busy = undefined;
			written.resolve();
			assert.deepEqual(await take(to, 50), sent);
			assert.deepEqual(run.frames, wires);
		});
	});

test("what does not fit into a record does not wait for a wire that is written to", async () => {
	await using run = await running();
	const { X, Y } = run.four;
	run.devices.busy = new Promise(() => {});
	const bytes = new Uint8Array(2 ** 14);
	for (let i = 0; i < 20; i++) await X.module.send(bytes);
	await settled(() => run.frames.length);
	assert.ok(run.frames.length > 0);
	for (let i = 0; i < 15; i++) {
		const message = await Y.module.receive();
		assert.equal(message?.length, bytes.length);
	}
});

test("what was sent before a close arrives before it", async () => {
	await using run = await running();
	const { A, X, Y } = run.four;
	void X.module.send(utf8("to the module"));
	void X.agent.send(utf8("to the agent"));
	void X.close();
	assert.deepEqual(await take(Y.module, 1), ["to the module"]);
	assert.deepEqual(await take(A.module, 1), ["to the agent"]);
	assert.equal(await Y.module.receive(), undefined);
});

test("a message is what it was when it was sent", async () => {
	await using run = await running();
	const { A, B } = run.four;
	const bytes = utf8("as it was");
	const sent = A.agent.send(bytes);
	bytes.fill(0);
	await sent;
	assert.deepEqual(await take(B.agent, 1), ["as it was"]);
});
