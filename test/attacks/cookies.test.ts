import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import {
	Admission,
	type AdmissionEvent,
	LOAD_LIMITS,
	messages,
} from "../../src/tetrad/index.ts";
import { NEXT_FLIGHT_MS } from "../../src/tetrad/parameters.ts";
import {
	encodeFrame,
	FRAME,
	parseFrame,
	REFUSAL,
} from "../../src/wire/index.ts";
import {
	assertNothing,
	Cast,
	isFlight,
	isLink,
	ROUTINGS,
	Run,
	withPolicy,
} from "../support/attack.ts";

const cast = await Cast.make({ suites: ["hybrid-aesgcm", "classical-aesgcm"] });
const four = await cast.four();

const cookieFrame = (cookie: Uint8Array) =>
	encodeFrame(FRAME.cookie, messages.COOKIE.encode({ cookie }));

/** B is busy: what comes to it comes through its admission. */
function busy(run: Run): Run {
	const admission = new Admission(nodeCrypto, { ...LOAD_LIMITS, busyFrom: 0 });
	let isAdmitted = false;
	const give = (event: AdmissionEvent) =>
		admission.handle(event, run.now).flatMap((effect) => {
			switch (effect.kind) {
				case "send-frame":
					return [network("B", effect.bytes)];
				case "admit":
					isAdmitted = true;
					return [network("A", effect.bytes)];
				default:
					return [network("B", refusal(REFUSAL.stopped))];
			}
		});
	const [id, source] = [1, "192.0.2.1"];
	give({ kind: "arrived", id, source, peer: `tcp:${source}:4000` });
	run.intercept = (d) => {
		if (d.wire !== "network") return [d];
		if (d.from === "A" && !isAdmitted)
			return give({ kind: "frame", id, bytes: d.bytes });
		const [type] = d.bytes;
		if (type === FRAME.retry && d.from === "B") {
			isAdmitted = false;
			give({ kind: "retried", id });
		}
		return [d];
	};
	return run;
}

function network(from: "A" | "B", bytes: Uint8Array) {
	const to = from === "A" ? "B" : "A";
	return { wire: "network", from, to, bytes } as const;
}

function refusal(why: number): Uint8Array {
	return encodeFrame(FRAME.refusal, Uint8Array.of(why));
}

/** What A has sent to ask for a tetrad, by name. */
function asked(run: Run): string[] {
	const names = new Map<number, string>([
		[FRAME.offer, "offer"],
		[FRAME.cookieOffer, "cookieOffer"],
	]);
	return [...run.delivered, ...run.pending].flatMap(({ wire, from, bytes }) =>
		wire === "network" && from === "A"
			? [names.get(bytes[0] ?? 0) ?? []].flat()
			: [],
	);
}

describe("an agent that is busy", () => {
	for (const routing of ROUTINGS)
		test(`asks for a cookie, and the tetrad is what it would have been (${routing})`, async () => {
			const run = await busy(Run.of(four, cast.now, { routing })).establish();
			assert.equal(run.confirmed, "ABXY");
			const begins = run.delivered.filter(isLink(1));
			assert.equal(begins.length, 1, "the same keys are offered again");
		});

	test("asks for one, also where it wants another suite", async () => {
		const suites = ["classical-aesgcm", "hybrid-aesgcm"] as const;
		const B = withPolicy(four.B, { suites });
		const Y = withPolicy(four.Y, { suites });
		const run = busy(Run.of({ ...four, B, Y }, cast.now));
		await run.establish();
		assert.equal(run.confirmed, "ABXY");
		const cookies = run.delivered.filter(isFlight("B", FRAME.cookie));
		assert.equal(cookies.length, 1);
	});

	test("and says so is told from one that refuses, until the tetrad is confirmed", async () => {
		for (const [why, code] of [
			[REFUSAL.busy, "busy"],
			[REFUSAL.stopped, "refused-by-peer"],
			[2, "refused-by-peer"],
		] as const) {
			const run = Run.of(four, cast.now);
			run.intercept = (d) =>
				isFlight("A", FRAME.offer)(d) ? [network("B", refusal(why))] : [d];
			await run.establish();
			assert.equal(run.outcomes.A, code);
			assertNothing(run);
		}
		const confirmed = await Run.of(four, cast.now).establish();
		confirmed.deliver(network("B", refusal(REFUSAL.busy)));
		assert.equal(confirmed.outcomes.A, "refused-by-peer");
	});

	test("may also say so once it knows who calls, and nothing was begun", async () => {
		const run = Run.of(four, cast.now, {
			admit(peer) {
				assert.equal(peer.name, four.A.context.own.name);
				throw new TetradError("busy", "too many tetrads");
			},
		});
		await run.establish();
		assert.equal(run.outcomes.A, "busy");
		assert.equal(run.outcomes.B, "busy");
		assert.equal(run.bound, "AX");
	});
});

describe("somebody forges a cookie", () => {
	const forged = new Uint8Array(64).fill(7);

	for (const routing of ROUTINGS)
		test(`and gains an offer that is repeated, and fails (${routing})`, async () => {
			const run = Run.of(four, cast.now, { routing });
			run.intercept = (d) =>
				isFlight("B", FRAME.answer)(d)
					? [network("B", cookieFrame(forged)), d]
					: [d];
			await run.establish();
			assert.deepEqual(asked(run), ["offer", "cookieOffer"]);
			assert.equal(run.outcomes.B, "unexpected-message");
			assertNothing(run);
		});

	test("before B has asked for one, and B refuses it", async () => {
		const run = busy(Run.of(four, cast.now));
		const { intercept } = run;
		run.intercept = (d) =>
			isFlight("A", FRAME.offer)(d)
				? [network("B", cookieFrame(forged))]
				: intercept(d);
		await run.establish();
		assert.equal(run.outcomes.A, "refused-by-peer");
		assertNothing(run);
	});

	test("twice, and A offers nothing a third time", async () => {
		const run = Run.of(four, cast.now);
		run.intercept = (d) =>
			d.wire === "network" && d.from === "A"
				? [network("B", cookieFrame(forged))]
				: [d];
		await run.establish();
		assert.equal(run.outcomes.A, "unexpected-message");
		assert.equal(asked(run).length, 0);
		assertNothing(run);
	});

	test("of no length, or too long", async () => {
		for (const body of [
			new Uint8Array(),
			new Uint8Array(4),
			messages.COOKIE.encode({ cookie: forged }).map((byte, i) =>
				i === 3 ? byte + 1 : byte,
			),
		]) {
			const run = Run.of(four, cast.now);
			run.intercept = (d) =>
				isFlight("A", FRAME.offer)(d)
					? [network("B", encodeFrame(FRAME.cookie, body))]
					: [d];
			await run.establish();
			assert.equal(run.outcomes.A, "malformed");
		}
	});

	test("at any other time, to whichever agent", async () => {
		const trial = await Run.of(four, cast.now).establish();
		const cookieOffer = encodeFrame(
			FRAME.cookieOffer,
			messages.COOKIE_OFFER.encode({
				cookie: forged,
				offer: new Uint8Array(10),
				message1: new Uint8Array(2432),
			}),
		);
		for (const to of ["A", "B"] as const)
			for (const bytes of [cookieFrame(forged), cookieOffer])
				for (let step = 0; step <= trial.delivered.length; step++) {
					const run = Run.of(four, cast.now);
					run.start();
					await run.run(() => run.delivered.length === step);
					const isOffered = asked(run).length > 0;
					const isAnswered = run.delivered.some(isFlight("B", FRAME.answer));
					run.deliver(network(to === "A" ? "B" : "A", bytes));
					// The one time at which A waits for a cookie.
					if (to === "A" && bytes !== cookieOffer && isOffered && !isAnswered)
						continue;
					assert.ok(
						["unexpected-message", "authentication-failed"].includes(
							run.outcomes[to],
						),
						`${to} at ${step}: ${run.outcomes[to]}`,
					);
				}
	});

	test("or takes the true one away, and A waits until its time is over", async () => {
		const run = busy(Run.of(four, cast.now));
		const { intercept } = run;
		run.intercept = (d) =>
			intercept(d).filter(({ bytes }) => bytes[0] !== FRAME.cookie);
		await run.establish();
		assert.equal(run.outcomes.A, "waits");
		run.now = run.A.deadline as number;
		run.apply("A", run.A.time(run.now));
		assert.equal(run.outcomes.A, "timed-out");
		assertNothing(run);
	});

	test("or changes the offer that goes with it", async () => {
		const run = busy(Run.of(four, cast.now));
		const { intercept } = run;
		run.intercept = (d) => {
			if (!isFlight("A", FRAME.cookieOffer)(d)) return intercept(d);
			const fields = messages.COOKIE_OFFER.decode(parseFrame(d.bytes).body);
			const message1 = fields.message1.map((byte, i) =>
				i === 40 ? byte ^ 1 : byte,
			);
			const body = messages.COOKIE_OFFER.encode({ ...fields, message1 });
			return intercept({ ...d, bytes: encodeFrame(FRAME.cookieOffer, body) });
		};
		await run.establish();
		assert.equal(run.outcomes.A, "refused-by-peer");
		assertNothing(run);
	});
});

describe("somebody repeats an offer, and is silent then", () => {
	for (const [routing, flight, from] of [
		["direct", 0, "record"],
		["crossed", 0, "record"],
		["crossed", 1, "record"],
	] as const)
		test(`B gives up ${NEXT_FLIGHT_MS / 1000} s after the flight before (${routing}, ${flight === 0 ? "flight 3" : "flight 5"})`, async () => {
			const run = Run.of(four, cast.now, { routing });
			let records = 0;
			run.intercept = (d) =>
				isFlight("A", FRAME[from])(d) && records++ === flight ? [] : [d];
			run.now = cast.now + 5_000;
			await run.establish();
			assert.equal(run.outcomes.B, "waits");
			assert.equal(run.B.deadline, run.now + NEXT_FLIGHT_MS);
			run.apply("B", run.B.time(run.now + NEXT_FLIGHT_MS));
			assert.equal(run.outcomes.B, "timed-out");
			assertNothing(run, "BY");
		});
});
