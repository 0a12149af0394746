import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import { RecordOpener } from "../../src/session/index.ts";
import { messages, PLACES, type Place } from "../../src/tetrad/index.ts";
import {
	copy,
	encodeFrame,
	FRAME,
	type FrameType,
	hex,
	LINK,
	type LinkMessageType,
	type Structure,
} from "../../src/wire/index.ts";
import { Cast, ROUTINGS, Run } from "../support/attack.ts";
import type { Effect } from "../support/machines.ts";
import { RECORD_AEADS } from "../support/record-aeads.ts";
import { linkBetween, pairingBetween, type Wire } from "../support/wire.ts";

const cast = await Cast.make();
const four = await cast.four();
const { now } = cast;

/** Every run of the suite sees the same cases. */
const SEED = 20_260_601;
const settings = (numRuns: number) => ({
	seed: SEED,
	numRuns,
	endOnFailure: true,
});

const LINK_TYPES = Object.values(LINK);
const FRAME_TYPES = Object.values(FRAME);

/** What only a caller can do wrong, and is thrown to the caller. */
const CALLER_ERRORS = ["not-confirmed", "tetrad-closed", "message-too-large"];

/** Changes to bytes that are on their way. */
const damage = fc.oneof(
	fc.record({ kind: fc.constant("flip"), at: fc.nat(), bit: fc.nat(7) }),
	fc.record({ kind: fc.constant("cut"), at: fc.nat() }),
	fc.record({
		kind: fc.constant("more"),
		bytes: fc.uint8Array({ maxLength: 40 }),
	}),
	fc.record({
		kind: fc.constant("length"),
		at: fc.nat(),
		to: fc.constantFrom(0, 1, 32, 2 ** 31, 2 ** 32 - 1),
	}),
	fc.record({
		kind: fc.constant("other"),
		bytes: fc.uint8Array({ maxLength: 2500 }),
	}),
);

type Damage = {
	kind: string;
	at?: number;
	bit?: number;
	to?: number;
	bytes?: Uint8Array;
};

function damaged(bytes: Uint8Array, how: Damage): Uint8Array {
	const changed = copy(bytes);
	const at = (how.at ?? 0) % Math.max(1, changed.length);
	switch (how.kind) {
		case "flip":
			if (changed.length > 0)
				changed[at] = (changed[at] as number) ^ (1 << (how.bit ?? 0));
			return changed;
		case "cut":
			return changed.subarray(0, at);
		case "more":
			return new Uint8Array([...changed, ...(how.bytes ?? [])]);
		case "length":
			if (changed.length >= 4)
				new DataView(changed.buffer).setUint32(
					Math.min(at, changed.length - 4),
					how.to ?? 0,
				);
			return changed;
		default:
			return copy(how.bytes ?? new Uint8Array());
	}
}

const place = fc.constantFrom(...PLACES);

/** One thing that an attacker, a carrier, a signer or an application may do. */
const step = fc.oneof(
	{ weight: 80, arbitrary: fc.record({ do: fc.constant("go on") }) },
	{
		weight: 1,
		arbitrary: fc.record({ do: fc.constant("damage"), how: damage }),
	},
	{ weight: 1, arbitrary: fc.record({ do: fc.constant("drop") }) },
	{
		weight: 1,
		arbitrary: fc.record({ do: fc.constant("repeat"), nth: fc.nat() }),
	},
	{ weight: 1, arbitrary: fc.record({ do: fc.constant("delay") }) },
	{
		weight: 1,
		arbitrary: fc.record({
			do: fc.constant("redirect"),
			nth: fc.nat(),
			to: place,
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			do: fc.constant("frame"),
			to: place,
			type: fc.constantFrom(...FRAME_TYPES),
			bytes: fc.uint8Array({ maxLength: 300 }),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			do: fc.constant("link"),
			to: place,
			link: fc.constantFrom(...LINK_TYPES),
			bytes: fc.uint8Array({ maxLength: 300 }),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			do: fc.constant("signature"),
			to: place,
			bytes: fc.uint8Array({ minLength: 63, maxLength: 65 }),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			do: fc.constant("call"),
			to: place,
			call: fc.constantFrom("send", "local", "close", "start", "late", "never"),
			bytes: fc.uint8Array({ maxLength: 64 }),
		}),
	},
);

interface Step {
	readonly do: string;
	readonly how?: Damage;
	readonly nth?: number;
	readonly to?: Place;
	readonly type?: FrameType;
	readonly link?: LinkMessageType;
	readonly bytes?: Uint8Array;
	readonly call?: string;
}

/** Does one step. Only a caller's mistake may be thrown. */
async function take(run: Run, event: Step): Promise<void> {
	const to = event.to ?? "A";
	const bytes = event.bytes ?? new Uint8Array();
	const [next] = run.pending;
	try {
		switch (event.do) {
			case "go on":
				if (next !== undefined) {
					run.pending.shift();
					run.deliver(next);
				} else await run.signNext();
				return;
			case "damage":
				if (next !== undefined)
					run.pending[0] = {
						...next,
						bytes: damaged(next.bytes, event.how as Damage),
					};
				return;
			case "drop":
				run.pending.shift();
				return;
			case "delay":
				if (next !== undefined) run.pending.push(run.pending.shift() ?? next);
				return;
			case "repeat":
			case "redirect": {
				const old =
					run.delivered[(event.nth ?? 0) % (run.delivered.length || 1)];
				if (old === undefined) return;
				const agents = to === "A" || to === "B";
				if (event.do === "repeat") run.deliver(old);
				else if (old.wire === "link" || agents) run.deliver({ ...old, to });
				return;
			}
			case "frame":
				if (to !== "A" && to !== "B") return;
				run.apply(to, run[to].frame(encodeFrame(event.type ?? 1, bytes), now));
				return;
			case "link":
				run.apply(to, run[to].linkMessage(event.link ?? 1, bytes, now));
				return;
			case "signature":
				run.apply(to, run[to].signed(bytes));
				return;
			case "call":
				return call(run, to, event.call ?? "", bytes);
		}
	} catch (error) {
		assert.ok(error instanceof TetradError, String(error));
		assert.ok(CALLER_ERRORS.includes(error.code), error.code);
	}
}

function call(run: Run, to: Place, what: string, bytes: Uint8Array): void {
	const agent = to === "A" || to === "B";
	switch (what) {
		case "send":
			return run.apply(to, run[to].send(bytes));
		case "local":
			return run.apply(
				to,
				agent ? run[to].sendToModule(bytes) : run[to].sendToAgent(bytes),
			);
		case "close":
			return run.apply(to, agent ? run[to].close(now) : run[to].close());
		case "start":
			return run.apply("A", run.A.start());
		case "late":
			return run.apply(to, run[to].time(now + 10 ** 9));
		case "never":
			return run.apply(to, run[to].time(Number.NaN));
	}
}

/** What must hold of any run, whatever was done to it. */
function assertInvariants(run: Run, own: ReadonlySet<string>): void {
	for (const at of PLACES) {
		const events = run.events[at];
		const ends = events.filter(({ kind }) => kind === "ended");
		assert.ok(ends.length <= 1, `${at} ends once`);
		if (ends.length > 0)
			assert.equal(events.at(-1)?.kind, "ended", `${at} says nothing after it`);
		assert.notEqual(run.error(at)?.code, "internal", `${at}`);
		const first = (kind: Effect["kind"]) =>
			events.findIndex((event) => event.kind === kind);
		if (first("messages") >= 0) {
			assert.ok(first("confirmed") >= 0, `${at} hears something unconfirmed`);
			assert.ok(first("confirmed") < first("messages"));
		}
		const signs = events.filter(({ kind }) => kind === "sign");
		assert.ok(signs.length <= 1, `${at} signs once`);
		if (!run.has(at, "confirmed")) continue;
		for (const other of PLACES)
			for (const label of ["K", "T"]) {
				const [ours, theirs] = [at, other].map((of) =>
					hex(run.devices[of].keylog.get(label) ?? new Uint8Array()),
				);
				assert.equal(theirs, ours, `${at} is confirmed, ${other}: ${label}`);
			}
		const t = run.devices[at].keylog.get("T") as Uint8Array;
		assert.ok(!own.has(hex(t)), "no two runs have one transcript");
	}
}

describe("anything may come, at any time", () => {
	test("four machines end in order or with a reason, and nobody is wrongly confirmed", async () => {
		const transcripts = new Set<string>();
		let confirmed = 0;
		let broken = 0;
		await fc.assert(
			fc.asyncProperty(
				fc.constantFrom(...ROUTINGS),
				fc.constantFrom("transcript" as const, "unsafe-xor" as const),
				fc.boolean(),
				fc.array(step, { minLength: 10, maxLength: 60 }),
				async (routing, root, withFirst, steps) => {
					const run = Run.of(four, now, {
						...{ routing, root },
						...(withFirst ? { firstMessage: Uint8Array.of(1) } : {}),
					});
					run.start();
					for (const event of steps) await take(run, event);
					const waiting = () => run.pending.length + run.signing.length;
					for (let i = 0; i < 100 && waiting() > 0; i++)
						await take(run, { do: "go on" });
					assert.equal(waiting(), 0, "nothing goes round in circles");
					assertInvariants(run, transcripts);
					if (run.confirmed === "ABXY") confirmed++;
					if (PLACES.some((at) => run.error(at))) broken++;
					const t = run.devices.A.keylog.get("T");
					if (t !== undefined) transcripts.add(hex(t));
				},
			),
			settings(400),
		);
		assert.ok(confirmed > 10 && broken > 100, `${confirmed}, ${broken}`);
	});

	test("each machine, from its first state on, takes bytes that mean nothing", () => {
		fc.assert(
			fc.property(
				fc.array(
					fc.record({
						to: place,
						link: fc.constantFrom(...LINK_TYPES),
						type: fc.constantFrom(...FRAME_TYPES),
						onLink: fc.boolean(),
						bytes: fc.uint8Array({ maxLength: 4000 }),
					}),
					{ maxLength: 6 },
				),
				(inputs) => {
					const run = Run.of(four, now);
					run.start();
					for (const { to, link, type, onLink, bytes } of inputs) {
						if (onLink) run.apply(to, run[to].linkMessage(link, bytes, now));
						else if (to === "A" || to === "B") {
							run.apply(to, run[to].frame(bytes, now));
							run.apply(to, run[to].frame(encodeFrame(type, bytes), now));
						}
					}
					assert.equal(run.confirmed, "");
					assert.equal(run.bound, "");
					assert.deepEqual(run.signing, []);
					for (const at of PLACES)
						assert.notEqual(run.error(at)?.code, "internal");
				},
			),
			settings(500),
		);
	});

	test("every message body, as random bytes and as damaged ones", () => {
		type Body = Structure<Record<string, Uint8Array>>;
		const bodies: [string, Body][] = [];
		for (const [name, value] of Object.entries(messages)) {
			const found =
				"decode" in value ? { [name]: value } : "direct" in value ? value : {};
			for (const [variant, body] of Object.entries(found))
				bodies.push([`${name} ${variant}`, body as unknown as Body]);
		}
		assert.ok(bodies.length > 20);
		fc.assert(
			fc.property(
				fc.constantFrom(...bodies),
				fc.uint8Array({ maxLength: 2000 }),
				damage,
				([name, body], bytes, how) => {
					for (const input of [bytes, damaged(bytes, how)])
						try {
							const again = body.encode(body.decode(input));
							assert.equal(hex(again), hex(input), `${name}: one encoding`);
						} catch (error) {
							if (!(error instanceof TetradError)) throw error;
							assert.equal(error.family, "peer");
						}
				},
			),
			settings(500),
		);
	});

	test("a record opener takes anything and opens nothing", () => {
		fc.assert(
			fc.property(
				fc.uint8Array({ maxLength: 400 }),
				fc.constantFrom(...RECORD_AEADS),
				(bytes, aead) => {
					const opener = new RecordOpener(nodeCrypto, aead, new Uint8Array(32));
					for (const frame of [bytes, encodeFrame(FRAME.record, bytes)])
						assert.throws(() => opener.open(frame), {
							name: "TetradError",
							code: "authentication-failed",
						});
				},
			),
			settings(300),
		);
	});

	/** What a wire of two ends may be put through. */
	const wireStep = fc.oneof(
		{ weight: 8, arbitrary: fc.record({ do: fc.constant("go on") }) },
		{
			weight: 1,
			arbitrary: fc.record({ do: fc.constant("damage"), how: damage }),
		},
		{
			weight: 1,
			arbitrary: fc.record({ do: fc.constant("repeat"), nth: fc.nat() }),
		},
		{
			weight: 1,
			arbitrary: fc.record({ do: fc.constant("reflect"), nth: fc.nat() }),
		},
		{ weight: 1, arbitrary: fc.record({ do: fc.constant("sign") }) },
		{ weight: 1, arbitrary: fc.record({ do: fc.constant("late") }) },
		{ weight: 1, arbitrary: fc.record({ do: fc.constant("accept") }) },
		{
			weight: 1,
			arbitrary: fc.record({
				do: fc.constant("frame"),
				type: fc.constantFrom(...FRAME_TYPES),
				bytes: fc.uint8Array({ maxLength: 1400 }),
			}),
		},
	);
	type WireStep = {
		do: string;
		how?: Damage;
		nth?: number;
		type?: FrameType;
		bytes?: Uint8Array;
	};
	type AnyWire = Wire<never, never> & {
		agent: { accept?: () => [] };
	};

	const play = async (made: unknown, steps: readonly WireStep[]) => {
		const wire = made as AnyWire;
		const machine = (end: "agent" | "module") =>
			wire[end] as unknown as ReturnType<typeof pairingBetween>["agent"];
		wire.apply("module", machine("module").start());
		wire.apply("agent", machine("agent").start());
		for (const [i, event] of steps.entries()) {
			const end = i % 2 === 0 ? "agent" : "module";
			const [next] = wire.pending;
			const old = wire.posted[(event.nth ?? 0) % (wire.posted.length || 1)];
			if (event.do === "go on" && next) {
				wire.pending.shift();
				wire.deliver(next);
			} else if (event.do === "go on") await wire.signNext();
			else if (event.do === "damage" && next)
				wire.pending[0] = {
					...next,
					bytes: damaged(next.bytes, event.how as Damage),
				};
			else if (event.do === "repeat" && old) wire.deliver(old);
			else if (event.do === "reflect" && old)
				wire.deliver({ ...old, to: old.from, from: old.to });
			else if (event.do === "sign")
				wire.apply(end, machine(end).signed(new Uint8Array(64)));
			else if (event.do === "late")
				wire.apply(end, machine(end).time(now + 10 ** 6));
			else if (event.do === "accept")
				wire.apply(end, machine(end).accept?.() ?? []);
			else if (event.do === "frame")
				wire.deliver({
					from: end,
					to: end === "agent" ? "module" : "agent",
					bytes: encodeFrame(event.type ?? 1, event.bytes ?? new Uint8Array()),
				});
		}
		for (const end of ["agent", "module"] as const) {
			const events = wire.events[end] as {
				kind: string;
				error?: TetradError;
			}[];
			const ends = events.filter(({ kind }) => kind === "ended");
			assert.ok(ends.length <= 1);
			if (ends.length > 0) assert.equal(events.at(-1)?.kind, "ended");
			assert.notEqual(ends[0]?.error?.code, "internal");
		}
	};

	test("the two ends of a link", async () => {
		let ready = 0;
		await fc.assert(
			fc.asyncProperty(
				fc.constantFrom("paired" as const, "unsafe-open" as const),
				fc.array(wireStep, { minLength: 4, maxLength: 20 }),
				async (mode, steps) => {
					const wire = linkBetween(four.A, four.X, now, { mode });
					await play(wire, steps);
					const { agent, module } = {
						agent: wire.find("agent", "ready"),
						module: wire.find("module", "ready"),
					};
					if (agent) assert.equal(agent.peer.name, "alice-purse");
					if (module) assert.equal(module.peer.name, "alice");
					if (agent && module) ready++;
				},
			),
			settings(400),
		);
		assert.ok(ready > 5, `${ready}`);
	});

	test("the two ends of a pairing", async () => {
		let compared = 0;
		await fc.assert(
			fc.asyncProperty(
				fc.array(wireStep, { minLength: 4, maxLength: 20 }),
				async (steps) => {
					const wire = pairingBetween(four.A, four.X, now);
					await play(wire, steps);
					const codes = (["agent", "module"] as const).map(
						(end) => wire.find(end, "compare")?.code,
					);
					if (codes[0] && codes[1]) {
						assert.equal(codes[0], codes[1]);
						compared++;
					}
					const keys = (["agent", "module"] as const).map(
						(end) => wire.find(end, "paired")?.pairing.key,
					);
					if (keys[0] && keys[1]) assert.equal(hex(keys[0]), hex(keys[1]));
					for (const end of ["agent", "module"] as const)
						if (wire.has(end, "paired")) assert.ok(codes[0] && codes[1]);
				},
			),
			settings(300),
		);
		assert.ok(compared > 5, `${compared}`);
	});
});
