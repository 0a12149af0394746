import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Channel } from "../../src/device/runtime/channel.ts";
import type { Tetrad, TetradEvent } from "../../src/device/runtime/tetrad.ts";
import type { TetradError } from "../../src/errors.ts";
import { PLACES, type Place } from "../../src/tetrad/index.ts";
import { hex, parseUtf8 } from "../../src/wire/index.ts";
import { Devices, hear, isAgent, say, settled, until } from "./support.ts";

const LARGEST_TO_AGENT = 2 ** 18;

/** The two channels of a device: to the device of its kind, and to the one of its side. */
function channels(place: Place, tetrad: Tetrad) {
	return isAgent(place)
		? { far: tetrad.agent, near: tetrad.module }
		: { far: tetrad.module, near: tetrad.agent };
}

const FAR: Readonly<Record<Place, Place>> = { A: "B", B: "A", X: "Y", Y: "X" };
const NEAR: Readonly<Record<Place, Place>> = { A: "X", X: "A", B: "Y", Y: "B" };

/** Every array of bytes that whoever has this can reach. */
function arraysIn(
	value: unknown,
	seen = new Set<unknown>(),
): readonly Uint8Array[] {
	if (typeof value !== "object" || value === null || seen.has(value)) return [];
	seen.add(value);
	if (value instanceof Uint8Array) return [value];
	return Object.values(value).flatMap((one) => arraysIn(one, seen));
}

describe("a tetrad", () => {
	for (const routing of ["direct", "crossed"] as const)
		for (const link of ["paired", "unsafe-open"] as const)
			test(`is the same for its four devices, and every session carries (${routing}, ${link})`, async () => {
				await using devices = await Devices.make({ link });
				const four = await devices.tetrad({ routing });
				const codes = PLACES.map((place) => four[place].safetyCode);
				assert.equal(new Set(codes).size, 1);
				const keys = PLACES.map((place) =>
					hex(four[place].export("test", say("context"), 32)),
				);
				assert.equal(new Set(keys).size, 1);
				for (const place of PLACES) {
					assert.equal(four[place].place, place);
					assert.equal(four[place].ended, false);
					const names = PLACES.map((of) => four[place].parties[of].name);
					assert.deepEqual(names, ["alice", "bob", "alice-purse", "bob-till"]);
					const { far, near } = channels(place, four[place]);
					await far.send(say(`${place} to ${FAR[place]}`));
					await near.send(say(`${place} to ${NEAR[place]}`));
				}
				for (const place of PLACES) {
					const { far, near } = channels(place, four[place]);
					assert.equal(await hear(far), `${FAR[place]} to ${place}`);
					assert.equal(await hear(near), `${NEAR[place]} to ${place}`);
				}
			});

	test("gives the first message to the other agent, before any later one", async () => {
		for (const routing of ["direct", "crossed"] as const) {
			await using devices = await Devices.make();
			const four = await devices.tetrad({
				routing,
				firstMessage: say("first"),
			});
			await four.A.agent.send(say("second"));
			assert.equal(await hear(four.B.agent), "first");
			assert.equal(await hear(four.B.agent), "second");
		}
	});

	test("shows its application no memory in which anything else was opened", async () => {
		// What libsodium opens, where it is there, is cut from blocks.
		const policy = { suites: ["hybrid-chachapoly"] } as const;
		await using devices = await Devices.make({ policy });
		const four = await devices.tetrad();
		for (const place of PLACES) {
			const { far } = channels(place, four[place]);
			await far.send(new Uint8Array(200).fill(1));
		}
		for (const place of PLACES) {
			const { transcript, parties } = four[place];
			const heard = await channels(place, four[place]).far.receive();
			const shown = arraysIn([transcript, parties, heard]);
			assert.ok(shown.length > 20);
			// A certificate's key is in its certificate, and that is all.
			for (const { length, buffer } of shown)
				assert.ok(buffer.byteLength <= Math.max(512, length + 1));
		}
	});

	test("says so when its application gives memory away that later messages share, and loses none in silence", async () => {
		await using devices = await Devices.make();
		const four = await devices.tetrad();
		const texts = ["one", "two", "three", "four"].map((text) =>
			text.padEnd(300, "."),
		);
		const burst = async (give: (message: Uint8Array) => Uint8Array) => {
			await Promise.all(texts.map((text) => four.A.agent.send(say(text))));
			const heard: string[] = [];
			for (const _ of texts) {
				const message = (await four.B.agent.receive()) as Uint8Array;
				heard.push(parseUtf8(message));
				const bytes = give(message);
				structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
			}
			return heard;
		};
		assert.deepEqual(await burst((message) => message.slice()), texts);
		await assert.rejects(
			burst((message) => message),
			{ code: "invalid-argument" },
		);
		await four.A.agent.send(say("five"));
		await four.A.module.send(say("six"));
		assert.equal(await hear(four.X.agent), "six");
		await assert.rejects(four.B.agent.receive(), { code: "invalid-argument" });
	});

	for (const closer of PLACES)
		test(`that ${closer} closes is closed in order for all four`, async () => {
			await using devices = await Devices.make();
			const four = await devices.tetrad();
			const said = (channel: Tetrad["agent"]) =>
				channel.receive().then(
					(message) => message ?? "nothing more",
					(error: TetradError) => error.code,
				);
			// Session 2 is read to its end only where the other module closed it.
			const sure = { A: "Y", B: "X", X: "Y", Y: "X" }[closer];
			const ending = (place: Place, to: "agent" | "module") =>
				to === "agent" || isAgent(place) || place === sure
					? "nothing more"
					: "unsealed-end";
			const all = PLACES.flatMap((place) =>
				(["agent", "module"] as const).map((to) => ({ place, to })),
			);
			const waiting = all.map(({ place, to }) => said(four[place][to]));
			await four[closer].close();
			for (const place of PLACES) {
				await four[place].closed;
				assert.equal(four[place].ended, true);
				assert.throws(() => four[place].export("l", say(""), 32), {
					code: "tetrad-closed",
				});
				for (const to of ["agent", "module"] as const) {
					const channel = four[place][to];
					await assert.rejects(channel.send(say("late")), {
						code: "tetrad-closed",
					});
					assert.equal(await said(channel), ending(place, to));
				}
				await four[place].close();
			}
			assert.deepEqual(
				await Promise.all(waiting),
				all.map(({ place, to }) => ending(place, to)),
			);
			for (const place of PLACES)
				assert.deepEqual(devices.ends(place), [undefined]);
		});

	test("gives what was said before the close to whoever reads later", async () => {
		await using devices = await Devices.make();
		const four = await devices.tetrad();
		for (const place of PLACES) {
			const { far } = channels(place, four[place]);
			for (const word of ["one", "two", "three"]) await far.send(say(word));
		}
		await four.X.close();
		for (const place of PLACES) await four[place].closed;
		// Everything that X sent left before its close, so its peer has it.
		const heard: string[] = [];
		for await (const message of four.Y.module) heard.push(`${message.length}`);
		assert.deepEqual(heard, ["3", "3", "5"]);
	});

	test("that the other agent closes does not look to a module's reader as if the other module had nothing more to say", async () => {
		await using devices = await Devices.make();
		const four = await devices.tetrad();
		for (const word of ["one", "two"]) await four.Y.module.send(say(word));
		await settled(() => 0);
		await four.A.close();
		await four.X.closed;
		const heard: string[] = [];
		const reading = (async () => {
			for await (const message of four.X.module) heard.push(parseUtf8(message));
		})();
		await assert.rejects(reading, { code: "unsealed-end" });
		assert.deepEqual(heard, ["one", "two"]);
	});

	test("is closed at the end of its `await using` scope, and so is a device", async () => {
		const devices = await Devices.make();
		let kept: Record<Place, Tetrad>;
		{
			const four = await devices.tetrad();
			await using _tetrad = four.B;
			kept = four;
		}
		for (const place of PLACES) await kept[place].closed;

		const second = await devices.tetrad();
		{
			await using _module = devices.Y;
		}
		for (const place of PLACES)
			await second[place].closed.then(
				() => {},
				() => {},
			);
		for (const place of PLACES) assert.equal(second[place].ended, true);
		await devices[Symbol.asyncDispose]();
	});

	test("of which one agent's device is closed ends for the other three", async () => {
		await using devices = await Devices.make();
		const four = await devices.tetrad();
		await devices.A.close();
		for (const place of PLACES)
			await four[place].closed.then(
				() => {},
				() => {},
			);
		for (const place of PLACES) assert.equal(four[place].ended, true);
		const [left] = devices.carriers("network");
		await assert.rejects(devices.A.connect(left), { code: "tetrad-closed" });
	});

	test("refuses a message over the limit and lives on", async () => {
		await using devices = await Devices.make();
		const four = await devices.tetrad();
		const large = { code: "message-too-large" };
		const tooLarge = new Uint8Array(LARGEST_TO_AGENT + 1);
		for (const place of PLACES)
			for (const channel of [four[place].agent, four[place].module])
				await assert.rejects(channel.send(tooLarge), large);
		await four.A.agent.send(tooLarge.subarray(1));
		const arrived = await four.B.agent.receive();
		assert.equal(arrived?.length, LARGEST_TO_AGENT);
		// A record of session 2 must fit into a record on a link, so its limit is lower.
		const toModule = LARGEST_TO_AGENT - 100;
		for (const place of ["X", "Y"] as const) {
			await four[place].module.send(new Uint8Array(toModule));
			const other = four[FAR[place]].module;
			assert.equal((await other.receive())?.length, toModule);
		}
	});

	test("gives up one wait of a channel by its signal, and the next wait gets the message", async () => {
		await using devices = await Devices.make();
		const four = await devices.tetrad();
		const stop = new AbortController();
		const abandoned = four.B.agent.receive({ signal: stop.signal });
		const kept = four.B.agent.receive();
		stop.abort(new Error("enough"));
		await assert.rejects(abandoned, { code: "aborted" });
		await assert.rejects(four.B.agent.receive({ signal: stop.signal }), {
			code: "aborted",
		});
		await four.A.agent.send(say("hello"));
		assert.equal(Buffer.from((await kept) ?? []).toString(), "hello");
	});
});

describe("many tetrads on one link", () => {
	test("are made at the same time, and none hears what another says", async () => {
		await using devices = await Devices.make();
		const count = 20;
		const met = Array.from({ length: count }, (_, i) =>
			devices.meet({
				routing: i % 2 === 0 ? "direct" : "crossed",
				firstMessage: say(`first of ${i}`),
			}),
		);
		const made = await Promise.all(
			met.map(async ({ connecting, accepting }) => ({
				A: await connecting,
				B: await accepting,
			})),
		);
		const bySafetyCode = new Map<string, Record<"X" | "Y", Tetrad>>();
		const xs = new Map<string, Tetrad>();
		for (let i = 0; i < count; i++) {
			const x = await devices.X.accept();
			xs.set(x.safetyCode, x);
		}
		for (let i = 0; i < count; i++) {
			const Y = await devices.Y.accept();
			const X = xs.get(Y.safetyCode);
			assert.ok(X, "the two modules have the same tetrads");
			bySafetyCode.set(Y.safetyCode, { X, Y });
		}
		assert.equal(bySafetyCode.size, count);
		assert.equal(devices.dialed.A.length, 1);
		assert.equal(devices.dialed.B.length, 1);
		await Promise.all(
			made.map(async ({ A, B }, i) => {
				const modules = bySafetyCode.get(A.safetyCode);
				assert.ok(modules);
				assert.equal(B.safetyCode, A.safetyCode);
				assert.equal(await hear(B.agent), `first of ${i}`);
				await A.module.send(say(`to X, ${i}`));
				await modules.X.module.send(say(`to Y, ${i}`));
				await modules.Y.agent.send(say(`to B, ${i}`));
				assert.equal(await hear(modules.X.agent), `to X, ${i}`);
				assert.equal(await hear(modules.Y.module), `to Y, ${i}`);
				assert.equal(await hear(B.module), `to B, ${i}`);
			}),
		);
		// One ends, the others go on.
		const [first, second] = made;
		await first?.A.close();
		await first?.B.closed;
		await second?.A.agent.send(say("still here"));
		assert.equal(await hear(second?.B.agent as Tetrad["agent"]), "still here");
	});

	test("beyond 64 that nobody takes are closed, and those 64 live", async () => {
		await using devices = await Devices.make();
		const made: Tetrad[] = [];
		for (let i = 0; i < 65; i++) {
			const { connecting } = devices.meet();
			made.push(await connecting);
			// X takes its tetrads; Y's owner does not look at them.
			await devices.X.accept();
		}
		await made[64]?.closed;
		assert.equal(made.filter(({ ended }) => ended).length, 1);
		const first = await devices.Y.accept();
		assert.equal(first.safetyCode, made[0]?.safetyCode);
		const next = await devices.meet().connecting;
		await next.module.send(say("there is room again"));
		assert.equal(next.ended, false);
	});

	test("wait for `accept`, which gives up by its signal", async () => {
		await using devices = await Devices.make();
		const stop = new AbortController();
		const abandoned = devices.Y.accept({ signal: stop.signal });
		stop.abort();
		await assert.rejects(abandoned, { code: "aborted" });
		await assert.rejects(devices.Y.accept({ signal: stop.signal }), {
			code: "aborted",
		});
		const four = await devices.tetrad();
		assert.equal(four.Y.place, "Y");
	});

	test("all go to `onTetrad` when the module has one, with their numbers", async () => {
		const taken: [string, number][] = [];
		await using devices = await Devices.make({
			module: {
				onTetrad: (tetrad, number) => void taken.push([tetrad.place, number]),
			},
		});
		await devices.meet().connecting;
		await devices.meet().connecting;
		await until(() => taken.length === 4, "four tetrads were taken");
		assert.deepEqual(taken.sort(), [
			["X", 1],
			["X", 2],
			["Y", 1],
			["Y", 2],
		]);
	});
});

describe("back-pressure", () => {
	const SIZE = 200_000;
	const COUNT = 100;

	/** Sends without pause; how many messages the sender was allowed so far. */
	function flood(channel: Tetrad["agent"]) {
		const state = { sent: 0, done: Promise.resolve() };
		state.done = (async () => {
			for (let i = 0; i < COUNT; i++) {
				const message = new Uint8Array(SIZE);
				new DataView(message.buffer).setUint32(0, i);
				await channel.send(message);
				state.sent++;
			}
		})();
		return state;
	}

	async function drain(channel: Tetrad["agent"]): Promise<void> {
		for (let i = 0; i < COUNT; i++) {
			const message = await channel.receive();
			assert.ok(message);
			assert.equal(message.length, SIZE);
			const view = new DataView(message.buffer, message.byteOffset);
			assert.equal(view.getUint32(0), i);
		}
	}

	for (const from of ["A", "B"] as const)
		test(`stops ${from} while the other agent does not read, and then everything arrives in order`, async () => {
			await using devices = await Devices.make();
			const four = await devices.tetrad();
			const sending = flood(four[from].agent);
			await settled(() => sending.sent);
			// A mebibyte at the reader, one in the sender's queue, and what is in between.
			assert.ok(
				sending.sent * SIZE < 4 * 2 ** 20,
				`${sending.sent} messages were taken`,
			);
			await drain(four[from === "A" ? "B" : "A"].agent);
			await sending.done;
		});

	test("of one tetrad does not stop another, nor the modules of the same", async () => {
		await using devices = await Devices.make();
		const stuck = await devices.tetrad();
		const sending = flood(stuck.A.agent);
		await settled(() => sending.sent);
		const other = await devices.tetrad();
		await other.A.agent.send(say("past it"));
		assert.equal(await hear(other.B.agent), "past it");
		await stuck.A.module.send(say("on the link"));
		assert.equal(await hear(stuck.X.agent), "on the link");
		await drain(stuck.B.agent);
		await sending.done;
	});

	test("holds what a module sends to the other, and everything arrives in order", async () => {
		await using devices = await Devices.make();
		const four = await devices.tetrad();
		const sending = flood(four.X.module);
		await drain(four.Y.module);
		await sending.done;
	});

	test("ends on one side with the tetrad: a sender that waits is let go", async () => {
		await using devices = await Devices.make();
		const four = await devices.tetrad();
		const sending = flood(four.A.agent);
		const outcome = sending.done.then(
			() => "sent",
			(error) => error.code,
		);
		await settled(() => sending.sent);
		await four.Y.close();
		await four.A.closed;
		assert.equal(await outcome, "tetrad-closed");
	});
});

describe("messages that nobody reads", () => {
	for (const [from, to] of [
		["X", "A"],
		["A", "X"],
		["Y", "B"],
		["X", "Y"],
	] as const)
		test(`from ${from} to ${to} end their tetrad at 8 MiB and no other`, async () => {
			await using devices = await Devices.make();
			const four = await devices.tetrad();
			const other = await devices.tetrad();
			const { far, near } = channels(from, four[from]);
			const way = FAR[from] === to ? far : near;
			const sent = (async () => {
				for (let i = 0; i < 200; i++) await way.send(new Uint8Array(200_000));
			})().catch(() => {});
			await assert.rejects(four[to].closed, { code: "limit-exceeded" });
			await sent;
			// What had come before is still there, and then the reason.
			const back = channels(to, four[to]);
			const unread = FAR[to] === from ? back.far : back.near;
			assert.equal((await unread.receive())?.length, 200_000);
			await assert.rejects(
				(async () => {
					while ((await unread.receive()) !== undefined);
				})(),
				{ code: "limit-exceeded" },
			);
			for (const place of PLACES)
				await until(() => four[place].ended, `the tetrad ended at ${place}`);
			await other.A.agent.send(say("still here"));
			assert.equal(await hear(other.B.agent), "still here");
			await other.A.module.send(say("here as well"));
			assert.equal(await hear(other.X.agent), "here as well");
		});

	test("and that are empty cost something too", () => {
		const full: boolean[] = [];
		const channel = new Channel({
			send: () => Promise.resolve(),
			full: (isFull) => void full.push(isFull),
		});
		const empty = new Uint8Array();
		assert.throws(
			() => {
				for (let i = 0; i < 1_000_000; i++) channel.deliver([empty]);
			},
			{ code: "limit-exceeded" },
		);
		assert.deepEqual(full, [true]);
	});
});

describe("an application that is told of its tetrad", () => {
	for (const kind of ["bound", "confirmed"] as const)
		for (const place of ["A", "B"] as const) {
			test(`and throws when it is ${kind}, at ${place}, ends that tetrad and no other`, async () => {
				await using devices = await Devices.make();
				const other = await devices.tetrad();
				const wrong = new Error("wrong");
				const options = {
					observe: (event: TetradEvent) => {
						if (event.kind === kind) throw wrong;
					},
				};
				const { connecting, accepting } =
					place === "A" ? devices.meet(options) : devices.meet({}, options);
				await assert.rejects(place === "A" ? connecting : accepting, {
					code: "internal",
					cause: wrong,
				});
				for (const at of PLACES)
					await until(
						() => devices.events[at].filter(isEnd).length > 0 || at === place,
						`${at} hears of the end`,
					);
				await other.A.module.send(say("still here"));
				assert.equal(await hear(other.X.agent), "still here");
			});
		}

	for (const place of ["A", "B"] as const)
		test(`and gives up when it is bound, at ${place}, is told why it ended`, async () => {
			await using devices = await Devices.make();
			const stop = new AbortController();
			const options = {
				signal: stop.signal,
				observe: (event: TetradEvent) => {
					if (event.kind === "bound") stop.abort();
				},
			};
			const { connecting, accepting } =
				place === "A" ? devices.meet(options) : devices.meet({}, options);
			const gaveUp = place === "A" ? connecting : accepting;
			await assert.rejects(gaveUp, { code: "aborted" });
		});
});

const isEnd = ({ kind }: TetradEvent): boolean => kind === "ended";
