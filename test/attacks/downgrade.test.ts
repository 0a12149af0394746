import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	message1Overhead,
	readMessage1,
	type SuiteName,
	startInitiator,
	suiteById,
	suiteByName,
} from "../../src/session/index.ts";
import { messages, PLACES, type Policy } from "../../src/tetrad/index.ts";
import { makeOffer, type Offer, parseOffer } from "../../src/tetrad/offer.ts";
import { encodeFrame, FRAME, LINK, parseFrame } from "../../src/wire/index.ts";
import {
	assertNothing,
	Cast,
	CorruptInitiator,
	isFlight,
	isLink,
	ROUTINGS,
	Run,
	sealing,
	take,
	withKeylog,
	withPolicy,
} from "../support/attack.ts";

const suites: readonly SuiteName[] = ["hybrid-aesgcm", "classical-aesgcm"];
const HYBRID = suiteByName("hybrid-aesgcm");
const CLASSICAL = suiteByName("classical-aesgcm");
/** Everybody would accept a classical suite if nothing better were there. */
const cast = await Cast.make({ suites });
const four = await cast.four();

const retryFrame = (suite: number) =>
	encodeFrame(FRAME.retry, messages.RETRY.encode({ suite }));

const refusal = encodeFrame(FRAME.refusal, Uint8Array.of(0));

function offersOf(run: Run): Offer[] {
	return [...run.delivered, ...run.pending]
		.filter(isFlight("A", FRAME.offer))
		.map(({ bytes }) =>
			parseOffer(messages.F1.decode(parseFrame(bytes).body).offer),
		);
}

/** On the network, offers are what `change` makes of them. */
function changeOffer(run: Run, change: Partial<Offer>): Run {
	return run.change(isFlight("A", FRAME.offer), (bytes) => {
		const { offer, message1 } = messages.F1.decode(parseFrame(bytes).body);
		const { suites, selected, routing, root, link } = parseOffer(offer);
		const choice = { suites, selected, routing, root, link };
		const { raw } = makeOffer({ ...choice, ...change });
		const body = messages.F1.encode({ offer: raw, message1 });
		return encodeFrame(FRAME.offer, body);
	});
}

describe("the network wants a weaker choice than the agents made", () => {
	const changes: Record<string, Partial<Offer>> = {
		"root unsafe-xor": { root: "unsafe-xor" },
		"the other routing": {},
		"an open link": { link: "unsafe-open" },
		"the suites in another order": { suites: Uint8Array.of(3, 1) },
		"one suite less": { suites: Uint8Array.of(1) },
		"one suite more": { suites: Uint8Array.of(1, 3, 4) },
	};
	for (const routing of ROUTINGS)
		for (const [what, change] of Object.entries(changes))
			test(`and writes it into the offer: ${what} (${routing})`, async () => {
				const run = Run.of(four, cast.now, { routing });
				const other = routing === "direct" ? "crossed" : "direct";
				const isRouting = Object.keys(change).length === 0;
				changeOffer(run, isRouting ? { routing: other } : change);
				await run.establish();
				assert.equal(run.outcomes.A, "authentication-failed");
				assert.equal(run.bound, "");
				assertNothing(run);
			});

	test("and leaves only the weaker suite in the list", async () => {
		const run = Run.of(four, cast.now);
		changeOffer(run, { suites: Uint8Array.of(3), selected: CLASSICAL });
		await run.establish();
		assertNothing(run);
		assert.equal(run.bound, "");
	});

	test("and selects the weaker suite of the same list", async () => {
		const run = Run.of(four, cast.now);
		changeOffer(run, { selected: CLASSICAL });
		await run.establish();
		assertNothing(run);
		assert.ok(!run.delivered.some(isFlight("B", FRAME.answer)));
	});
});

describe("a corrupt agent wants the responder to take the weaker of two suites", () => {
	for (const routing of ROUTINGS)
		test(`by selecting it (${routing})`, async () => {
			const offer = makeOffer({
				suites: Uint8Array.of(HYBRID.id, CLASSICAL.id),
				selected: CLASSICAL,
				routing,
				root: "transcript",
				link: "paired",
			});
			const caller = new CorruptInitiator(four.A, offer, new Uint8Array(32));
			const run = Run.of(four, cast.now);
			const call = () =>
				run.deliver({
					wire: "network",
					from: "A",
					to: "B",
					bytes: caller.flight1,
				});
			call();
			const answer = take(run, isFlight("B", FRAME.retry));
			assert.deepEqual(answer, retryFrame(HYBRID.id));
			call();
			assert.equal(run.outcomes.B, "negotiation-failed", "it is asked once");
			assert.ok(!run.pending.some(isLink(LINK.answer)));
		});
});

describe("somebody forges a retry", () => {
	/** Each offer is answered by this retry before the responder sees it. */
	const forge = (run: Run, suite: number, times: number) => {
		let forged = 0;
		run.intercept = (d) =>
			isFlight("A", FRAME.offer)(d) && forged++ < times
				? [{ ...d, from: "B", to: "A", bytes: retryFrame(suite) }]
				: [d];
		return run;
	};

	for (const routing of ROUTINGS) {
		test(`and gains nothing but another offer (${routing})`, async () => {
			const run = forge(Run.of(four, cast.now, { routing }), CLASSICAL.id, 1);
			await run.establish();
			assertNothing(run);
			assert.equal(run.outcomes.A, "negotiation-failed");
			assert.ok(!run.delivered.some(isFlight("B", FRAME.answer)));
			const offered = run.sent(isFlight("A", FRAME.offer)).bytes;
			const { offer } = messages.F1.decode(parseFrame(offered).body);
			assert.deepEqual([...parseOffer(offer).suites], [1, 3]);
		});

		test(`twice (${routing})`, async () => {
			const run = forge(Run.of(four, cast.now, { routing }), CLASSICAL.id, 2);
			await run.establish();
			assertNothing(run);
			assert.equal(run.outcomes.A, "negotiation-failed");
			const begins = run.delivered.filter(isLink(LINK.begin));
			assert.equal(begins.length, 2, "no third offer is prepared");
		});

		for (const [what, suite] of [
			["the suite that was offered already", HYBRID.id],
			["a suite that was not offered", 4],
			["a suite that is none", 0],
			["a suite that is none, 255", 255],
		] as const)
			test(`that names ${what} (${routing})`, async () => {
				const every = SUITE_NAMES;
				const X = withPolicy(four.X, { suites: every });
				const run = forge(
					Run.of({ ...four, X }, cast.now, { routing }),
					suite,
					1,
				);
				await run.establish();
				assert.equal(run.outcomes.A, "negotiation-failed");
				const begins = run.delivered.filter(isLink(LINK.begin));
				assert.equal(begins.length, 1, "nothing new is prepared");
				assertNothing(run);
			});
	}

	test("after a true one", async () => {
		const B = withPolicy(four.B, { suites: suites.toReversed() });
		const Y = withPolicy(four.Y, { suites: suites.toReversed() });
		const run = Run.of({ ...four, B, Y }, cast.now);
		let offers = 0;
		run.intercept = (d) =>
			isFlight("A", FRAME.offer)(d) && offers++ === 1
				? [{ ...d, from: "B", to: "A", bytes: retryFrame(HYBRID.id) }]
				: [d];
		await run.establish();
		assertNothing(run);
		assert.equal(run.outcomes.A, "negotiation-failed");
	});

	test("and sends the first offer again after the retry", async () => {
		const B = withPolicy(four.B, { suites: suites.toReversed() });
		const Y = withPolicy(four.Y, { suites: suites.toReversed() });
		const run = Run.of({ ...four, B, Y }, cast.now);
		let first: Uint8Array | undefined;
		run.change(isFlight("A", FRAME.offer), (bytes) => {
			first ??= bytes;
			return first;
		});
		await run.establish();
		assertNothing(run);
		assert.equal(run.outcomes.B, "negotiation-failed");
	});

	test("a true retry is followed with fresh keys and the same list", async () => {
		const B = withPolicy(four.B, { suites: suites.toReversed() });
		const Y = withPolicy(four.Y, { suites: suites.toReversed() });
		const run = await Run.of({ ...four, B, Y }, cast.now).establish();
		assert.equal(run.confirmed, "ABXY");
		const [one, two] = offersOf(run);
		assert.ok(one && two);
		assert.deepEqual([...two.suites], [...one.suites]);
		assert.deepEqual(
			[two.routing, two.root, two.link],
			[one.routing, one.root, one.link],
		);
		const keys = run.delivered
			.filter(isFlight("A", FRAME.offer))
			.map(({ bytes }) => messages.F1.decode(parseFrame(bytes).body).message1);
		assert.notDeepEqual(keys[0]?.subarray(0, 32), keys[1]?.subarray(0, 32));
	});
});

const SUITE_NAMES: readonly SuiteName[] = [1, 2, 3, 4].map(
	(id) => (suiteById(id) as { name: SuiteName }).name,
);

describe("a refusal or a time-out lowers nothing", () => {
	for (const routing of ROUTINGS)
		test(`a forged refusal ends the attempt, whenever it comes (${routing})`, async () => {
			const trial = await Run.of(four, cast.now, { routing }).establish();
			for (const to of ["A", "B"] as const)
				for (let step = 0; step <= trial.delivered.length; step++) {
					const run = Run.of(four, cast.now, { routing });
					run.start();
					await run.run(() => run.delivered.length === step);
					const before = run.has(to, "confirmed");
					const from = to === "A" ? "B" : "A";
					run.deliver({ wire: "network", from, to, bytes: refusal });
					assert.equal(run.outcomes[to], "refused-by-peer");
					const said = run.pending.filter(
						(d) => d.from === to && d.wire === "network",
					).length;
					await run.run();
					const after = run.delivered.filter(
						(d) => d.from === to && d.wire === "network",
					);
					assert.equal(run.has(to, "confirmed"), before);
					assert.ok(offersOf(run).length <= 1, "no second offer");
					assert.ok(said <= after.length, "and nothing new after the end");
				}
		});

	test("a time-out ends the attempt, and nothing is offered after it", async () => {
		const run = Run.of(four, cast.now);
		run.intercept = (d) => (d.wire === "network" ? [] : [d]);
		await run.establish();
		run.now = run.A.deadline as number;
		run.intercept = (d) => [d];
		run.apply("A", run.A.time(run.now));
		await run.run();
		assert.equal(run.outcomes.A, "timed-out");
		assert.deepEqual(offersOf(run), []);
		assert.deepEqual(run.A.time(run.now + 1), []);
	});
});

describe("a device's own policy is not what its peers would like", () => {
	const strict: Record<string, [Partial<Policy>, object]> = {
		"direct routing only": [{ routings: ["direct"] }, { routing: "crossed" }],
		"crossed routing only": [{ routings: ["crossed"] }, { routing: "direct" }],
		"root transcript only": [{ roots: ["transcript"] }, { root: "unsafe-xor" }],
		"paired links only, and A–X is open": [
			{ links: ["paired"] },
			{ AX: { mode: "unsafe-open" } },
		],
		"paired links only, and B–Y is open": [
			{ links: ["paired"] },
			{ BY: { mode: "unsafe-open" } },
		],
		"another suite": [{ suites: ["classical-chachapoly"] }, {}],
	};
	for (const [what, [demands, options]] of Object.entries(strict))
		for (const place of PLACES)
			test(`${place} accepts ${what}`, async () => {
				const device = withPolicy(four[place], demands);
				// The others' agents are as corrupt as they can be: they accept it all.
				const make = () =>
					Run.of({ ...four, [place]: device }, cast.now, options);
				if (place === "A" && !("BY" in options) && !("suites" in demands)) {
					assert.throws(make, { code: "invalid-argument" });
					return;
				}
				const run = make();
				await run.establish();
				const codes = ["negotiation-failed"];
				if (place === "A" && "suites" in demands)
					assert.equal(run.outcomes.X, "negotiation-failed");
				else assert.ok(codes.includes(run.outcomes[place]), place);
				assertNothing(run);
				if (place === "X" && "suites" in demands)
					assert.ok(!run.delivered.some(isLink(LINK.prepared)));
			});
});

describe("a corrupt agent lies about a link", () => {
	for (const routing of ROUTINGS) {
		test(`A says paired to X, whose link is open (${routing})`, async () => {
			const AX = { mode: "paired", modeAtModule: "unsafe-open" } as const;
			const run = await Run.of(four, cast.now, { routing, AX }).establish();
			assert.equal(run.outcomes.X, "negotiation-failed");
			assertNothing(run);
		});
		test(`B says paired to Y, whose link is open (${routing})`, async () => {
			const BY = { mode: "paired", modeAtModule: "unsafe-open" } as const;
			const run = await Run.of(four, cast.now, { routing, BY }).establish();
			assert.equal(run.outcomes.Y, "negotiation-failed");
			assertNothing(run);
		});
		test(`B says paired to A, and its link is open (${routing})`, async () => {
			let first = true;
			const crypto = sealing((plaintext) => {
				// The ciphertext of the hybrid exchange is sealed before flight 2.
				if (plaintext.length === 1088 || !first) return plaintext;
				first = false;
				const fields = messages.F2.decode(plaintext);
				return messages.F2.encode({
					...fields,
					responderLink: 1,
				});
			});
			const B = withKeylog(four.B, { crypto });
			const run = Run.of({ ...four, B }, cast.now, {
				routing,
				BY: { mode: "unsafe-open" },
			});
			await run.establish();
			assertNothing(run);
		});
		for (const byte of [0, 3, 255])
			test(`a link mode that is none, ${byte} (${routing})`, async () => {
				const responderLink = byte;
				for (const place of ["X", "Y"] as const) {
					const run = Run.of(four, cast.now, { routing });
					if (place === "X")
						run.rewrite(LINK.bindInitiator, messages.BIND_INITIATOR, () => ({
							responderLink,
						}));
					else
						run.rewrite(LINK.answer, messages.ANSWER, () => ({
							responderLink,
						}));
					await run.establish();
					assert.ok(run.error(place));
					assert.equal(run.outcomes[place], "negotiation-failed");
					assertNothing(run);
				}
				// And as B says it to A.
				let first = true;
				const crypto = sealing((plaintext) => {
					if (plaintext.length === 1088 || !first) return plaintext;
					first = false;
					const fields = messages.F2.decode(plaintext);
					return messages.F2.encode({ ...fields, responderLink });
				});
				const B = withKeylog(four.B, { crypto });
				const run = Run.of({ ...four, B }, cast.now, { routing });
				await run.establish();
				assert.equal(run.outcomes.A, "negotiation-failed");
				assertNothing(run);
			});
		test(`I1 is for another suite than the offer (${routing})`, async () => {
			const every = (["A", "B", "X", "Y"] as const).map((place) => [
				place,
				withPolicy(four[place], {
					suites: ["classical-aesgcm", "classical-chachapoly"],
				}),
			]);
			const devices = Object.fromEntries(every) as typeof four;
			const run = Run.of(devices, cast.now, { routing });
			run.rewrite(LINK.begin, messages.BEGIN, () => ({
				suite: 4,
			}));
			await run.establish();
			assert.equal(run.outcomes.X, "negotiation-failed");
			assertNothing(run);
		});
	}
});

describe("an offer that no honest agent makes", () => {
	const raw = (fields: number[][]) =>
		Uint8Array.from(
			fields.flatMap((field) => [0, 0, 0, field.length, ...field]),
		);
	const bad: Record<string, Uint8Array> = {
		"another version": raw([[2], [1, 3], [1], [1], [1], [1]]),
		"a suite twice": raw([[1], [1, 1], [1], [1], [1], [1]]),
		"a selection outside of its list": raw([[1], [3], [1], [1], [1], [1]]),
		"no suite": raw([[1], [], [1], [1], [1], [1]]),
		"17 suites": raw([
			[1],
			Array.from({ length: 17 }, (_, i) => i + 1),
			[1],
			[1],
			[1],
			[1],
		]),
		"a routing that is none": raw([[1], [1], [1], [3], [1], [1]]),
		"a root that is none": raw([[1], [1], [1], [1], [0], [1]]),
		"a link that is none": raw([[1], [1], [1], [1], [1], [9]]),
		"a field more": raw([[1], [1], [1], [1], [1], [1], []]),
		"a field less": raw([[1], [1], [1], [1], [1]]),
	};
	const good = makeOffer({
		suites: Uint8Array.of(HYBRID.id),
		selected: HYBRID,
		routing: "direct",
		root: "transcript",
		link: "paired",
	});
	/** Everything else about flight 1 is right. */
	const call = (raw: Uint8Array, i1Bytes = message1Overhead("NNhfs")) => {
		const i1 = new Uint8Array(i1Bytes).fill(9);
		const caller = new CorruptInitiator(four.A, { ...good, raw }, i1);
		const run = Run.of(four, cast.now);
		const bytes = caller.flight1;
		run.deliver({ wire: "network", from: "A", to: "B", bytes });
		return run;
	};

	test("or with a message1 of another length than its suite's", () => {
		const offer = raw([[1], [1], [1], [1], [1], [1]]);
		for (const more of [-1, 1]) {
			const run = call(offer, message1Overhead("NNhfs") + more);
			assert.equal(run.outcomes.B, "authentication-failed");
		}
		// One byte more than any suite has, with a token or without, is more than the table allows.
		const { maxBytes = 0 } = messages.F1.fields["message1"] ?? {};
		assert.equal(
			call(offer, maxBytes + 1 - message1Overhead("NNhfs")).outcomes.B,
			"malformed",
		);
	});

	test("and one that every honest agent makes, as the control", () => {
		const run = call(raw([[1], [1], [1], [1], [1], [1]]));
		assert.ok(run.pending.some(isLink(LINK.answer)));
	});

	for (const [what, offer] of Object.entries(bad))
		test(what, () => {
			const run = call(offer);
			assert.ok(run.error("B"), "B has ended");
			assert.ok(!run.pending.some(isLink(LINK.answer)));
			assert.deepEqual(run.signing, []);
		});
});

describe("the two ends of a key exchange start from different words", () => {
	for (const name of suites)
		test(`and never finish it (${name})`, () => {
			const { protocol } = suiteByName(name);
			const nothing = new Uint8Array();
			const one = startInitiator(
				nodeCrypto,
				{ protocol, prologue: Uint8Array.of(1) },
				nothing,
			);
			const other = { protocol, prologue: Uint8Array.of(2) };
			const { message2 } = readMessage1(nodeCrypto, other, one.message1).finish(
				nothing,
			);
			assert.throws(() => one.awaiting.finish(message2), {
				code: "authentication-failed",
			});
		});
});
