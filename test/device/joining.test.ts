/* What is sealed together, and when, in devices that run. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Carrier } from "../../src/carrier/index.ts";
import type { Channel } from "../../src/device/runtime/channel.ts";
import type { Tetrad } from "../../src/device/runtime/tetrad.ts";
import type { Place } from "../../src/tetrad/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { Devices, hear, settled, until, type Wire } from "./support.ts";

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

		test("a hundred messages of one turn are received together, behind the first", async () => {
			await using run = await running();
			const [from, to] = ends(run.four);
			const sent = texts(100);
			for (const text of sent) await from.send(utf8(text));
			const heard: string[][] = [];
			while (heard.flat().length < 100)
				heard.push(
					((await to.receiveMany()) ?? []).map((message) =>
						Buffer.from(message).toString(),
					),
				);
			assert.deepEqual(heard, [sent.slice(0, 1), sent.slice(1)]);
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
	for (let i = 0; i < 40; i++) await X.module.send(bytes);
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

test("what was sent before its module or its agent was closed arrives", async () => {
	for (const place of ["X", "A"] as const) {
		await using devices = await Devices.make();
		const four = await devices.tetrad();
		await settled(() => 0);
		const sent = ["one", "two", "three"];
		const { module, agent } = four[place];
		for (const text of sent) {
			void module.send(utf8(text));
			void agent.send(utf8(text));
		}
		await devices[place].close();
		const [far, near] =
			place === "X"
				? [four.Y.module, four.A.module]
				: [four.B.agent, four.X.agent];
		for (const channel of [far, near])
			for (const text of sent) assert.equal(await hear(channel), text);
	}
});

test("after a message that there is no room for, none that came in its record is given either", async () => {
	await using devices = await Devices.make();
	const { X, Y } = await devices.tetrad();
	await settled(() => 0);
	const large = new Uint8Array(16_000);
	// Nobody reads at Y, which can hold 8 MiB.
	for (let left = 2 ** 23 - 8_000; left > 16_064; left -= 16_064)
		await X.module.send(large);
	await X.module.send(utf8("fits"));
	await settled(() => Y.ended);
	assert.ok(!Y.ended);
	const written = Promise.withResolvers<void>();
	devices.busy = written.promise;
	void X.module.send(large);
	void X.module.send(large);
	void X.module.send(utf8("after what did not fit"));
	devices.busy = undefined;
	written.resolve();
	await until(() => Y.ended, "Y holds more than it may");
	await assert.rejects(
		async () => {
			for (;;) {
				const text = await hear(Y.module);
				assert.notEqual(text, "after what did not fit");
			}
		},
		{ code: "limit-exceeded" },
	);
});

test("nothing is flushed again and again that a driver which failed does not take", async () => {
	await using devices = await Devices.make();
	const carriers = devices.carriers.bind(devices);
	let isBroken = false;
	devices.carriers = (wire) => {
		const [near, far] = carriers(wire);
		if (wire !== "network") return [near, far];
		const send = near.send.bind(near);
		near.send = (bytes, owned) => {
			if (isBroken) throw new Error("this carrier is broken");
			return send(bytes, owned);
		};
		return [near, far];
	};
	const { A } = await devices.tetrad();
	await settled(() => 0);
	let asked = 0;
	Object.defineProperty(devices, "busy", {
		get() {
			if (++asked > 1000) throw new Error("it is flushed for ever");
			return undefined;
		},
	});
	void A.module.send(utf8("at once"));
	void A.module.send(utf8("waits"));
	isBroken = true;
	await assert.rejects(async () => {
		await A.agent.send(utf8("fails"));
		await A.closed;
	});
	await settled(() => asked);
});

test("what waits when its wire breaks is given up, and whoever sends then hears of it", async () => {
	await using devices = await Devices.make();
	const carriers = devices.carriers.bind(devices);
	let near: Carrier | undefined;
	devices.carriers = (wire) => {
		const ends = carriers(wire);
		if (wire === "network") near = ends[0];
		return ends;
	};
	const { A, X } = await devices.tetrad();
	const written = Promise.withResolvers<void>();
	devices.busy = written.promise;
	for (const text of texts(10)) {
		await A.agent.send(utf8(text));
		await X.module.send(utf8(text));
	}
	near?.destroy();
	devices.busy = undefined;
	written.resolve();
	await assert.rejects(A.closed);
	await assert.rejects(X.closed);
	for (const channel of [A.agent, A.module, X.module, X.agent])
		await assert.rejects(channel.send(utf8("late")), { code: "tetrad-closed" });
});

test("what an agent sent before it lost its module arrives at the other agent", async () => {
	await using devices = await Devices.make();
	const { A, B } = await devices.tetrad();
	devices.busy = new Promise(() => {});
	for (const text of texts(10)) await A.agent.send(utf8(text));
	for (const carrier of devices.dialed.A) carrier.destroy();
	assert.deepEqual(await take(B.agent, 10), texts(10));
	await assert.rejects(B.agent.receive());
});
