import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import { SUITES } from "../../src/session/index.ts";
import {
	PLACES,
	type Place,
	ResumptionTokens,
	type Transcript,
} from "../../src/tetrad/index.ts";
import {
	MAX_RESUMPTION_MS,
	MAX_TOKENS,
	MAX_TOKENS_OF_ADDRESS,
	MAX_TOKENS_OF_PEER,
} from "../../src/tetrad/parameters.ts";
import type { ResumptionToken } from "../../src/tetrad/resumption-token.ts";
import { transcriptHash } from "../../src/tetrad/transcript.ts";
import { FRAME, hex, LINK, utf8 } from "../../src/wire/index.ts";
import { Cast, withPolicy } from "../support/attack.ts";
import { DAY } from "../support/authority.ts";
import {
	FourDevices,
	type FourDevicesOptions,
} from "../support/four-devices.ts";
import {
	ADDRESS,
	copyOf,
	type Halves,
	halvesOf,
	holding,
	runHolding,
	signers,
	takeHalves,
} from "../support/resuming.ts";

const cast = await Cast.make();
const devices = await cast.four();
const halves = await halvesOf(devices, cast);

/** Four devices that have had a tetrad with signatures. */
async function metOnce(options: FourDevicesOptions = {}): Promise<FourDevices> {
	const four = await FourDevices.make({ address: ADDRESS, ...options });
	await four.establish();
	assertConfirmed(four);
	assert.equal(signers(four), "ABXY");
	return four;
}

function assertConfirmed(four: FourDevices): void {
	for (const place of PLACES) {
		assert.equal(four.error(place), undefined, `${place} failed`);
		assert.ok(four.has(place, "confirmed"), `${place} is confirmed`);
		assert.ok(four.has(place, "bound"), `${place} is bound`);
	}
	const codes = PLACES.map((place) =>
		four[place].confirmed().root.safetyCode(),
	);
	assert.equal(new Set(codes).size, 1, "one safety code");
	const exports = PLACES.map((place) =>
		hex(four[place].confirmed().root.export("test", utf8("here"), 32)),
	);
	assert.equal(new Set(exports).size, 1, "one exported key");
}

function assertEverySessionCarries(four: FourDevices): void {
	const say = (from: Place) => utf8(`from ${from}`);
	four.apply("A", four.A.send(say("A")));
	four.apply("B", four.B.send(say("B")));
	four.apply("X", four.X.send(say("X")));
	four.apply("Y", four.Y.send(say("Y")));
	four.apply("A", four.A.sendToModule(say("A")));
	four.apply("X", four.X.sendToAgent(say("X")));
	four.apply("B", four.B.sendToModule(say("B")));
	four.apply("Y", four.Y.sendToAgent(say("Y")));
	four.deliverAll();
	const heard = (place: Place) =>
		four
			.messages(place)
			.map(({ session, bytes }) => `${session} ${Buffer.from(bytes)}`)
			.sort();
	assert.deepEqual(heard("A"), ["1 from B", "3 from X"]);
	assert.deepEqual(heard("B"), ["1 from A", "4 from Y"]);
	assert.deepEqual(heard("X"), ["2 from Y", "3 from A"]);
	assert.deepEqual(heard("Y"), ["2 from X", "4 from B"]);
}

/** The types of the frames that crossed the network, in order. */
const frames = (four: FourDevices) =>
	four.delivered
		.filter(({ wire }) => wire === "network")
		.map(({ from, bytes }) => `${from} ${bytes[0]}`);

const FULL_AFTER_ANEW = [
	...[`A ${FRAME.offer}`, `B ${FRAME.anew}`],
	...[`A ${FRAME.offer}`, `B ${FRAME.answer}`],
	...[`A ${FRAME.record}`, `B ${FRAME.record}`],
];

describe("a tetrad is resumed", () => {
	for (const { name } of SUITES)
		test(`without a signature, in three flights, and every session carries (${name})`, async () => {
			const first = await metOnce({ suites: [name] });
			const second = await first.again().establish();
			assertConfirmed(second);
			assert.equal(signers(second), "");
			assert.deepEqual(frames(second), [
				...[`A ${FRAME.offer}`, `B ${FRAME.answer}`, `A ${FRAME.record}`],
			]);
			assertEverySessionCarries(second);
		});

	test("with other keys, and another T that holds the one before", async () => {
		const first = await metOnce();
		const before = first.A.confirmed();
		const second = await first.again().establish();
		for (const place of PLACES) {
			const { root, transcript } = second[place].confirmed();
			assert.notEqual(root.safetyCode(), before.root.safetyCode());
			assert.deepEqual(transcript.resumes, before.root.transcript);
			const { resumes: _, ...alone } = transcript;
			const t = (of: Transcript) => transcriptHash(nodeCrypto, of);
			assert.deepEqual(root.transcript, t(transcript));
			assert.notDeepEqual(root.transcript, t(alone));
			assert.notDeepEqual(root.transcript, before.root.transcript);
			for (const other of PLACES)
				assert.deepEqual(
					transcript.parties[other].certificateId,
					before.transcript.parties[other].certificateId,
				);
		}
	});

	test("again and again, each time under the token of the last", async () => {
		let four = await metOnce({ suites: ["classical-aesgcm"] });
		for (let i = 0; i < 5; i++) {
			four = await four.again().establish();
			assertConfirmed(four);
			assert.equal(signers(four), "");
		}
	});

	test("while the one before goes on", async () => {
		const first = await metOnce();
		assertConfirmed(await first.again().establish());
		assertEverySessionCarries(first);
	});

	test("A is confirmed after two flights, and its first message is given out once B is", async () => {
		const firstMessage = utf8("an order");
		const run = runHolding(devices, halves, cast.now, { firstMessage });
		run.start();
		await run.run(() => run.has("A", "confirmed"));
		assert.deepEqual(frames(run), [`A ${FRAME.offer}`, `B ${FRAME.answer}`]);
		assert.equal(run.bound, "AX");
		assert.ok(!run.has("B", "bound") && !run.has("Y", "bound"));
		await run.run();
		assertConfirmed(run);
		assert.deepEqual(run.messages("B"), [{ session: 1, bytes: firstMessage }]);
		const order = run.events.B.map(({ kind }) => kind);
		assert.ok(order.indexOf("messages") > order.indexOf("confirmed"));
	});

	test("when the routing is direct; a crossed one leaves the token alone and gives another", async () => {
		const first = await metOnce();
		const crossed = await first.again({ routing: "crossed" }).establish();
		assertConfirmed(crossed);
		assert.equal(signers(crossed), "ABXY");
		for (let i = 0; i < 2; i++)
			assert.equal(signers(await first.again().establish()), "");
	});

	test("at the address where it was made, and nowhere else", async () => {
		const first = await metOnce();
		const elsewhere = first.again({ address: "tcp:other.example:7000" });
		assert.equal(signers(await elsewhere.establish()), "ABXY");
		assert.equal(signers(await first.again().establish()), "");
	});
});

describe("all four sign", () => {
	for (const options of [
		{ root: "unsafe-xor" },
		{ link: "unsafe-open" },
	] as const)
		test(`after a tetrad with ${Object.values(options)[0]}, which gives no token`, async () => {
			const first = await metOnce(options);
			const second = await first.again({ root: "transcript" }).establish();
			assertConfirmed(second);
			assert.equal(signers(second), "ABXY");
			for (const place of PLACES)
				if (options.link !== undefined)
					assert.equal(first.devices[place].context.tokens?.size, 0);
		});

	for (const side of ["AX", "BY"] as const)
		test(`after a tetrad with an open link on the side ${side}`, async () => {
			const options = { [side]: { mode: "unsafe-open" } } as const;
			const run = runHolding(devices, {}, cast.now, options);
			await run.establish();
			assertConfirmed(run);
			for (const place of PLACES)
				assert.equal(run.devices[place].context.tokens?.size, 0);
		});

	for (const place of PLACES)
		test(`when ${place} has lost its half, in the same tetrad and at once`, async () => {
			const rest = Object.fromEntries(
				Object.entries(halves).filter(([name]) => name !== place),
			) as Partial<Halves>;
			const run = await runHolding(devices, rest, cast.now).establish();
			assertConfirmed(run);
			assert.equal(signers(run), "ABXY");
			const isKnown = place === "A" || place === "X";
			assert.deepEqual(
				frames(run),
				isKnown ? FULL_AFTER_ANEW.slice(2) : FULL_AFTER_ANEW,
			);
			assertEverySessionCarries(run);
		});

	test("when none of B's devices resumes anything", async () => {
		const first = await metOnce();
		for (const place of ["B", "Y"] as const) {
			const { tokens: _, ...context } = first.devices[place].context;
			first.devices[place] = { ...first.devices[place], context };
		}
		const second = await first.again().establish();
		assertConfirmed(second);
		assert.deepEqual(frames(second), FULL_AFTER_ANEW);
	});

	test("when B would choose another suite by now; the retry comes after anew", async () => {
		const suites = ["classical-aesgcm", "classical-chachapoly"] as const;
		const demands = { suites: [...suites] };
		const four = {
			A: withPolicy(devices.A, demands),
			X: withPolicy(devices.X, demands),
			B: withPolicy(devices.B, { suites: suites.toReversed() }),
			Y: withPolicy(devices.Y, { suites: suites.toReversed() }),
		};
		const run = await runHolding(four, halves, cast.now).establish();
		assertConfirmed(run);
		const [, , ...full] = FULL_AFTER_ANEW;
		assert.deepEqual(frames(run), [
			...FULL_AFTER_ANEW.slice(0, 2),
			...[`A ${FRAME.offer}`, `B ${FRAME.retry}`],
			...full,
		]);
		assert.equal(
			run.A.confirmed().transcript.offer.selected.name,
			"classical-chachapoly",
		);
	});

	test("a day after they last did, however often it was resumed since", async () => {
		let four = await metOnce({ suites: ["classical-aesgcm"] });
		const start = four.now;
		for (const hours of [8, 16, 23.9]) {
			four.now = start + (hours * DAY) / 24;
			four = await four.again().establish();
			assertConfirmed(four);
			assert.equal(signers(four), "", `after ${hours} hours`);
		}
		four.now = start + MAX_RESUMPTION_MS;
		four = await four.again().establish();
		assertConfirmed(four);
		assert.equal(signers(four), "ABXY");
	});

	test("when a clock was put back to before they did", async () => {
		const run = runHolding(devices, halves, cast.now - 1);
		assert.equal(signers(await run.establish()), "ABXY");
	});
});

describe("whoever is asked judges the others again", () => {
	const demandOf = (place: Place, other: Place) => {
		const isOwn = { A: "X", X: "A", B: "Y", Y: "B" }[place] === other;
		const isAgent = other === "A" || other === "B";
		return `${isOwn ? "own" : "peer"}${isAgent ? "Agent" : "Module"}` as const;
	};

	for (const place of PLACES)
		for (const other of PLACES)
			if (place !== other)
				test(`${place}, whose policy refuses ${other} by now`, async () => {
					const refuse = [devices[other].context.own.deviceId];
					const four = {
						...devices,
						[place]: withPolicy(devices[place], {
							demands: { [demandOf(place, other)]: { refuse } },
						}),
					};
					const run = runHolding(four, halves, cast.now);
					await run.establish();
					assert.equal(run.outcomes[place], "chain-refused");
					assert.notEqual(signers(run), "", "it came to signatures first");
					assert.ok(!run.confirmed.includes(place));
				});

	for (const place of PLACES)
		test(`${place}, which has another certificate by now`, async () => {
			const { name } = devices[place].context.own;
			const kind = place === "A" || place === "B" ? "agent" : "module";
			const four = { ...devices, [place]: await cast[kind](name) };
			const run = await runHolding(four, halves, cast.now).establish();
			assertConfirmed(run);
			assert.equal(signers(run), "ABXY");
			const [certificate] = [run.A.confirmed().transcript.parties[place]];
			assert.deepEqual(
				certificate.chainHash,
				four[place].context.own.chainHash,
			);
		});

	test("and a token is of no use from when the first certificate of its tetrad expires", async () => {
		const ends = PLACES.map((place) => devices[place].context.own.notAfter);
		const notAfter = Math.min(...ends);
		const run = runHolding(devices, {}, notAfter - 1000);
		await run.establish();
		assertConfirmed(run);
		const last = takeHalves(run);
		for (const place of PLACES) {
			assert.equal(last[place].expiresAt, notAfter);
			assert.ok(last[place].isFresh(notAfter - 1));
			assert.ok(!last[place].isFresh(notAfter));
		}
	});
});

describe("the tokens of a device", () => {
	const named = (i: number, changes: Partial<ResumptionToken> = {}) =>
		copyOf(halves.A, { id: Uint8Array.of(i >> 8, i & 255), ...changes });

	test("are each taken once, the newest of an address first", () => {
		const tokens = new ResumptionTokens();
		tokens.keep(named(1));
		tokens.keep(named(2));
		assert.equal(tokens.takeFor(ADDRESS, cast.now)?.id[1], 2);
		assert.equal(tokens.takeFor(ADDRESS, cast.now)?.id[1], 1);
		assert.equal(tokens.takeFor(ADDRESS, cast.now), undefined);
		const { id } = halves.B;
		tokens.keep(copyOf(halves.B));
		assert.ok(tokens.take("B", id, cast.now));
		assert.equal(tokens.take("B", id, cast.now), undefined);
		assert.equal(tokens.size, 0);
	});

	test("are so many at most, of an address and in all, and what goes is wiped", () => {
		const tokens = new ResumptionTokens(20);
		const kept = Array.from({ length: 12 }, (_, i) => named(i));
		for (const token of kept) tokens.keep(token);
		assert.equal(tokens.size, MAX_TOKENS_OF_ADDRESS);
		for (let i = 100; i < 200; i++)
			tokens.keep(named(i, { address: `tcp:${i}.example:1` }));
		assert.equal(tokens.size, 20);
		assert.equal(tokens.takeFor(ADDRESS, cast.now), undefined);
		const isWiped = ({ secret }: ResumptionToken) =>
			secret.every((byte) => byte === 0);
		assert.ok(kept.every(isWiped));
		const last = named(300);
		tokens.keep(last);
		tokens.wipe();
		assert.ok(isWiped(last));
		assert.equal(tokens.size, 0);
	});

	for (const place of ["B", "X", "Y"] as const)
		test(`of one caller take the room of no other, at ${place}`, () => {
			const tokens = new ResumptionTokens();
			const { parties } = halves[place];
			const of = (i: number, changed: Partial<typeof parties> = {}) =>
				copyOf(halves[place], {
					id: Uint8Array.of(i >> 8, i & 255),
					parties: { ...parties, ...changed },
				});
			const far = place === "X" ? "B" : "A";
			const other = of(9999, { [far]: parties.Y });
			tokens.keep(other);
			for (let i = 0; i < 2 * MAX_TOKENS; i++) tokens.keep(of(i));
			assert.equal(tokens.size, 1 + MAX_TOKENS_OF_PEER);
			assert.equal(tokens.take(place, other.id, cast.now), other);
			const last = of(2 * MAX_TOKENS - 1).id;
			assert.ok(tokens.take(place, last, cast.now));
			assert.equal(tokens.take(place, of(0).id, cast.now), undefined);
			// Those of the own side are the same in all of its tetrads.
			const near = far === "A" ? "B" : "A";
			tokens.keep(of(1, { [near]: parties.X }));
			assert.equal(tokens.size, MAX_TOKENS_OF_PEER);
		});

	test("are wiped as soon as a key exchange holds them, in all four", async () => {
		const run = runHolding(devices, {}, cast.now);
		const used = Object.fromEntries(
			PLACES.map((place) => [place, copyOf(halves[place])]),
		) as unknown as Halves;
		for (const place of PLACES)
			run.devices[place].context.tokens?.keep(used[place]);
		const fresh = run.again();
		await fresh.establish();
		assertConfirmed(fresh);
		for (const place of PLACES)
			assert.ok(
				used[place].secret.every((byte) => byte === 0),
				place,
			);
	});

	for (const [code, isKept] of [
		["aborted", true],
		["truncated", true],
		["carrier-failed", true],
		["authentication-failed", false],
		["untrusted", false],
		["internal", false],
	] as const)
		test(`${isKept ? "stay" : "go"} when their tetrad ends with ${code}`, async () => {
			const run = await runHolding(devices, {}, cast.now).establish();
			const { tokens } = run.devices.A.context;
			assert.equal(tokens?.size, 1);
			run.apply("A", run.A.abort(new TetradError(code, "it ended so")));
			assert.equal(tokens?.size, isKept ? 1 : 0);
		});

	test("are of use to nobody who begins with another message", () => {
		const run = runHolding(devices, halves, cast.now);
		for (const type of Object.values(LINK)) {
			const again = run.again();
			if (type === LINK.resume || type === LINK.begin) continue;
			again.apply("X", again.X.linkMessage(type, new Uint8Array(), cast.now));
			assert.ok(again.X.ended);
		}
	});

	test("are of the place that they were made in", () => {
		const tokens = new ResumptionTokens();
		tokens.keep(copyOf(halves.A));
		tokens.keep(copyOf(halves.X));
		for (const place of ["B", "Y"] as const)
			assert.equal(tokens.take(place, halves.A.id, cast.now), undefined);
		assert.ok(tokens.take("X", halves.A.id, cast.now));
		const called = new ResumptionTokens();
		called.keep(copyOf(halves.B));
		assert.equal(called.takeFor(ADDRESS, cast.now), undefined);
	});

	test("are the same when the halves are taken of a tetrad that was resumed", async () => {
		const run = await runHolding(devices, halves, cast.now).establish();
		const next = takeHalves(run);
		assert.notDeepEqual(next.A.id, halves.A.id);
		assert.deepEqual(next.A.id, next.Y.id);
		assert.deepEqual(next.A.secret, next.B.secret);
		assert.deepEqual(next.X.secret, next.Y.secret);
		assert.notDeepEqual(next.A.secret, next.X.secret);
		assert.equal(next.A.signedAt, halves.A.signedAt);
		assert.ok(holding(devices.A, next.A).context.tokens?.size === 1);
	});
});
