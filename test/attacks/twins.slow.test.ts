import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";

import {
	messages,
	PLACES,
	type Place,
	type Routing,
} from "../../src/tetrad/index.ts";
import {
	CONTENT,
	concat,
	encodeFrame,
	FRAME,
	LINK,
	type LinkMessageType,
	parseFrame,
	type Structure,
	sameBytes,
} from "../../src/wire/index.ts";
import {
	assertSound,
	Cast,
	type Devices,
	linkName,
	ROUTINGS,
	Run,
	sealing,
	withKeylog,
} from "../support/attack.ts";

// Ed25519, so that a field and its twin are equally long.
const cast = await Cast.make({}, "Ed25519");
const four = await cast.four();
const others: Devices = {
	A: await cast.agent("carol"),
	X: await cast.module("carol-purse"),
	B: await cast.agent("dan"),
	Y: await cast.module("dan-till"),
};
const swappedSides: Devices = { A: four.B, B: four.A, X: four.Y, Y: four.X };

type Fields = Readonly<Record<string, unknown>>;
type Body = Structure<Fields>;

/** The structure of each link message that is one. */
const LINK_BODIES = (routing: Routing): ReadonlyMap<number, Body> =>
	new Map(
		Object.entries({
			[LINK.begin]: messages.BEGIN,
			[LINK.prepared]: messages.PREPARED,
			[LINK.bindInitiator]: messages.BIND_INITIATOR,
			[LINK.initiatorBound]: messages.INITIATOR_BOUND[routing],
			[LINK.agentBound]: messages.AGENT_BOUND,
			[LINK.confirmInitiator]: messages.CONFIRM_INITIATOR[routing],
			[LINK.initiatorConfirmed]: messages.INITIATOR_CONFIRMED,
			[LINK.answer]: messages.ANSWER,
			[LINK.answered]: messages.ANSWERED,
			[LINK.bindResponder]: messages.BIND_RESPONDER[routing],
			[LINK.responderBound]: messages.RESPONDER_BOUND,
			[LINK.confirmResponder]: messages.CONFIRM_RESPONDER[routing],
		}).map(([type, body]) => [Number(type), body as unknown as Body]),
	);

/** What each device seals while a tetrad is established, in order. */
const SEALED = (routing: Routing): Readonly<Record<Place, readonly Body[]>> => {
	const crossed = routing === "crossed";
	return {
		A: [messages.F3[routing], ...(crossed ? [messages.F5] : [])],
		B: [messages.F2, messages.F4],
		X: [messages.I3[routing], ...(crossed ? [messages.I5] : [])],
		Y: [messages.I2[routing], messages.I4[routing]],
	} as unknown as Record<Place, readonly Body[]>;
};

/** Everything that the devices of one run said, field by field. */
interface Said {
	readonly flight1: Fields;
	readonly link: ReadonlyMap<number, Fields>;
	readonly sealed: Readonly<Record<Place, readonly Fields[]>>;
}

/** B and Y seal the payload of message 2 first, which has no content type. */
const isRecord = (place: Place, nth: number) =>
	place === "A" || place === "X" || nth > 0;

/** A run in which `change` has its way with what each device seals. */
function tampered(
	devices: Devices,
	routing: Routing,
	change: (place: Place, nth: number, body: Uint8Array) => Uint8Array,
): Run {
	const device = (place: Place) => {
		let nth = 0;
		const crypto = sealing((plaintext) => {
			const now = nth++;
			if (!isRecord(place, now)) return change(place, now, plaintext);
			const body = change(place, now, plaintext.subarray(1));
			return concat(plaintext.subarray(0, 1), body);
		});
		return withKeylog(devices[place], { crypto });
	};
	const all = {
		A: device("A"),
		B: device("B"),
		X: device("X"),
		Y: device("Y"),
	};
	const known = [...Object.values(four), ...Object.values(others)];
	return Run.of(all, cast.now, { routing, known });
}

async function listen(devices: Devices, routing: Routing): Promise<Said> {
	const sealed: Record<Place, Fields[]> = { A: [], B: [], X: [], Y: [] };
	const run = tampered(devices, routing, (place, nth, body) => {
		const structure = SEALED(routing)[place][nth];
		if (structure !== undefined) sealed[place].push(structure.decode(body));
		return body;
	});
	await run.establish();
	assert.equal(run.confirmed, "ABXY");
	const bodies = LINK_BODIES(routing);
	const link = new Map<number, Fields>();
	for (const { wire, type, bytes } of run.delivered) {
		const body = wire === "link" ? bodies.get(type as number) : undefined;
		if (body) link.set(type as number, body.decode(bytes));
	}
	const first = run.delivered.find((d) => d.wire === "network");
	assert.ok(first);
	const flight1 = messages.F1.decode(parseFrame(first.bytes).body);
	return { flight1: { ...flight1 }, link, sealed };
}

/** The fields that differ, and have the same length. */
function differing(fields: Fields, twin: Fields): string[] {
	return Object.keys(fields).filter((name) => {
		const [own, other] = [fields[name], twin[name]];
		return (
			own !== undefined && other !== undefined && !isDeepStrictEqual(own, other)
		);
	});
}

async function mustFail(run: Run, what: string): Promise<void> {
	await run.establish();
	assertSound(run);
	assert.notEqual(run.confirmed, "ABXY", what);
}

const TWINS: Readonly<Record<string, Devices>> = {
	"another run of the same four devices": four,
	"a run of four others": others,
	"a run of the same four, who call the other way round": swappedSides,
};

describe("one field is replaced by its twin", () => {
	for (const [whose, devices] of Object.entries(TWINS))
		for (const routing of ROUTINGS)
			test(`from ${whose} (${routing})`, async () => {
				const twin = await listen(devices, routing);
				const model = await listen(four, routing);
				let replaced = 0;

				for (const field of differing(model.flight1, twin.flight1)) {
					const run = Run.of(four, cast.now, { routing });
					run.change(
						(d) => d.wire === "network" && d.bytes[0] === FRAME.offer,
						(bytes) => {
							const fields = messages.F1.decode(parseFrame(bytes).body);
							const changed = { ...fields, [field]: twin.flight1[field] };
							const body = messages.F1.encode(changed as typeof fields);
							return encodeFrame(FRAME.offer, body);
						},
					);
					await mustFail(run, `flight 1: ${field}`);
					replaced++;
				}

				for (const [type, body] of LINK_BODIES(routing))
					for (const field of differing(
						model.link.get(type) ?? {},
						twin.link.get(type) ?? {},
					)) {
						const run = tampered(four, routing, (_, __, bytes) => bytes);
						run.rewrite(type as LinkMessageType, body, () => ({
							[field]: twin.link.get(type)?.[field],
						}));
						const name = linkName(type as LinkMessageType);
						await mustFail(run, `${name}: ${field}`);
						replaced++;
					}

				for (const place of PLACES)
					for (const [nth, body] of SEALED(routing)[place].entries())
						for (const field of differing(
							model.sealed[place][nth] ?? {},
							twin.sealed[place][nth] ?? {},
						)) {
							const run = tampered(four, routing, (at, i, bytes) => {
								if (at !== place || i !== nth) return bytes;
								const other = twin.sealed[place][nth]?.[field];
								return body.encode({ ...body.decode(bytes), [field]: other });
							});
							await mustFail(run, `sealed by ${place}, ${nth}: ${field}`);
							replaced++;
						}
				assert.ok(replaced >= 35, `${replaced} fields were replaced`);
			});
});

describe("a whole message is replaced by its twin", () => {
	const combinations = ROUTINGS.flatMap((routing) =>
		ROUTINGS.map((other) => [routing, other] as const),
	);
	for (const [whose, devices] of Object.entries(TWINS))
		for (const [routing, other] of combinations)
			test(`${routing} and ${other}, ${whose}`, async () => {
				const trial = await Run.of(four, cast.now, { routing }).establish();
				const known = [...Object.values(four), ...Object.values(others)];
				for (let at = 0; at < trial.delivered.length; at++) {
					const one = Run.of(four, cast.now, { routing, known });
					const two = Run.of(devices, cast.now, { routing: other, known });
					one.start();
					two.start();
					let swapped = false;
					for (let step = 0; one.pending.length + one.signing.length > 0; ) {
						const [a, b] = [one.pending.shift(), two.pending.shift()];
						if (a === undefined) {
							await one.signNext();
							await two.signNext();
							if (b !== undefined) two.deliver(b);
							continue;
						}
						if (step++ === at && b !== undefined) {
							swapped = !sameBytes(a.bytes, b.bytes);
							one.deliver({ ...b, to: a.to, from: a.from, wire: a.wire });
						} else one.deliver(a);
						if (b !== undefined) two.deliver(b);
					}
					assertSound(one);
					if (swapped) assert.notEqual(one.confirmed, "ABXY", `message ${at}`);
				}
			});
});

describe("a message comes again", () => {
	for (const routing of ROUTINGS)
		test(`at any time, at any device (${routing})`, async () => {
			const firstMessage = Uint8Array.of(1, 2, 3);
			const options = { routing, firstMessage };
			const trial = await Run.of(four, cast.now, options).establish();
			const count = trial.delivered.length;
			for (let step = 1; step <= count; step++)
				for (let which = 0; which < step; which++)
					for (const to of PLACES) {
						const wire = trial.delivered[which]?.wire;
						if (wire === "network" && (to === "X" || to === "Y")) continue;
						const run = Run.of(four, cast.now, options);
						run.start();
						await run.run(() => run.delivered.length === step);
						const again = run.delivered[which];
						assert.ok(again);
						const before = run.has(to, "confirmed");
						run.deliver({ ...again, to });
						await run.run();
						assertSound(run);
						const what = `message ${which} again after ${step}, to ${to}`;
						assert.equal(run.has(to, "confirmed"), before, what);
						assert.ok(run.error(to), what);
						assert.ok(run.messages("B").length <= 1, what);
					}
		});

	for (const routing of ROUTINGS)
		test(`a whole recorded run, to each of its devices (${routing})`, async () => {
			const recorded = await Run.of(four, cast.now, { routing }).establish();
			for (const place of PLACES) {
				const run = Run.of(four, cast.now, { routing });
				if (place === "A") run.start();
				for (const delivery of recorded.delivered)
					if (delivery.to === place) {
						run.deliver(delivery);
						while (run.signing.length > 0) await run.signNext();
					}
				assert.ok(!run.has(place, "bound"), `${place} is not bound`);
				assert.ok(!run.has(place, "confirmed"));
				assert.ok(run[place].ended, `${place} has ended`);
			}
		});

	for (const routing of ROUTINGS)
		test(`reflected to the agent that sent it (${routing})`, async () => {
			const trial = await Run.of(four, cast.now, { routing }).establish();
			const frames = trial.delivered.filter((d) => d.wire === "network");
			for (let at = 0; at < frames.length; at++) {
				const run = Run.of(four, cast.now, { routing });
				let seen = 0;
				run.intercept = (d) =>
					d.wire === "network" && seen++ === at
						? [{ ...d, from: d.to, to: d.from }]
						: [d];
				await run.establish();
				assertSound(run);
				const sender = frames[at]?.from as Place;
				assert.ok(
					["unexpected-message", "authentication-failed"].includes(
						run.outcomes[sender],
					),
					`${sender} takes its own frame ${at}: ${run.outcomes[sender]}`,
				);
			}
		});

	test("reflected after it is confirmed, in every session", async () => {
		for (const place of PLACES)
			for (const inner of [false, true]) {
				const run = await Run.of(four, cast.now).establish();
				const message = Uint8Array.of(1);
				const agent = place === "A" || place === "B";
				const effects = inner
					? run[place].send(message)
					: agent
						? run[place].sendToModule(message)
						: run[place].sendToAgent(message);
				run.apply(place, effects);
				const sent = run.pending.shift();
				assert.ok(sent);
				run.deliver({ ...sent, to: place });
				assert.equal(run.outcomes[place], "authentication-failed");
				assert.deepEqual(run.messages(place), []);
			}
	});
});

describe("messages come out of order", () => {
	test("the first message comes before flight 3", async () => {
		const run = Run.of(four, cast.now, { firstMessage: Uint8Array.of(1) });
		run.start();
		const isF3 = () =>
			run.pending.filter((d) => d.wire === "network" && d.from === "A")
				.length === 2;
		await run.run(isF3);
		run.pending.sort((a, b) =>
			a.wire === b.wire ? 0 : a.wire === "network" ? 1 : -1,
		);
		const records = run.pending.splice(-2);
		run.pending.push(...records.toReversed());
		await run.run();
		assert.equal(run.outcomes.B, "authentication-failed");
		assert.deepEqual(run.messages("B"), []);
		assert.ok(!run.has("B", "bound"));
	});

	for (const routing of ROUTINGS)
		test(`any message is left out (${routing})`, async () => {
			const trial = await Run.of(four, cast.now, { routing }).establish();
			for (let at = 0; at < trial.delivered.length; at++) {
				const run = Run.of(four, cast.now, { routing });
				let seen = 0;
				run.intercept = (d) => (seen++ === at ? [] : [d]);
				await run.establish();
				assertSound(run);
				assert.notEqual(run.confirmed, "ABXY", `without message ${at}`);
			}
		});

	test("an application message stands where a flight belongs", async () => {
		for (const routing of ROUTINGS)
			for (const place of PLACES)
				for (const nth of [0, 1]) {
					if (!isRecord(place, nth)) continue;
					let seen = 0;
					const crypto = sealing((plaintext) =>
						seen++ === nth
							? concat(Uint8Array.of(CONTENT.message), plaintext.subarray(1))
							: plaintext,
					);
					const corrupt = withKeylog(four[place], { crypto });
					const devices = { ...four, [place]: corrupt };
					const run = await Run.of(devices, cast.now, { routing }).establish();
					if (seen <= nth) continue;
					assert.notEqual(run.confirmed, "ABXY", `${place} ${nth} ${routing}`);
				}
	});
});
