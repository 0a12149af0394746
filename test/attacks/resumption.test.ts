import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CryptoProvider, nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import {
	encodeBundle,
	issueUntrustedList,
	parseCertificate,
	parseChain,
} from "../../src/identity/index.ts";
import { readMessage1, suiteByName } from "../../src/session/index.ts";
import {
	messages,
	PLACES,
	type Place,
	ResumptionTokens,
	SignedHashes,
} from "../../src/tetrad/index.ts";
import {
	isResuming,
	makeResumingOffer,
	parseResumingOffer,
} from "../../src/tetrad/offer.ts";
import { NEXT_FLIGHT_MS } from "../../src/tetrad/parameters.ts";
import { resumedTranscript } from "../../src/tetrad/role/resumed-transcript.ts";
import { RootKey } from "../../src/tetrad/root-key.ts";
import { resumedOuterSetup } from "../../src/tetrad/sessions.ts";
import {
	concat,
	copy,
	encodeFrame,
	FRAME,
	LINK,
	type LinkMessageType,
	parseFrame,
	type Structure,
} from "../../src/wire/index.ts";
import {
	assertNothing,
	assertSound,
	Cast,
	type Devices,
	isFlight,
	isLink,
	linkName,
	Run,
	sealing,
	settle,
	take,
	withKeylog,
	withPolicy,
} from "../support/attack.ts";
import { DAY, type TestAuthority } from "../support/authority.ts";
import type { Delivery } from "../support/four-devices.ts";
import type { Effect } from "../support/machines.ts";
import {
	ADDRESS,
	copyOf,
	type Halves,
	halvesOf,
	holding,
	runHolding,
	signers,
} from "../support/resuming.ts";

const cast = await Cast.make();
const four = await cast.four();
const halves = await halvesOf(four, cast);

/** As if it had been drawn by somebody who has no half of the token. */
const guessed = (half: Halves[Place]) =>
	copyOf(half, { secret: nodeCrypto.random(32) });

const run = (has: Partial<Halves> = halves) => runHolding(four, has, cast.now);

/** What a resumption with B's side looks like to the network, up to F1. */
async function offered(): Promise<{ victim: Run; flight1: Uint8Array }> {
	const victim = run();
	victim.start();
	await settle(victim, "AX");
	const flight1 = take(victim, isFlight("A", FRAME.offer));
	return { victim, flight1 };
}

const toB = (bytes: Uint8Array): Delivery => ({
	...{ wire: "network", from: "A", to: "B" },
	bytes,
});

/** B and Y as they are later on, in another tetrad: with the same tokens, in other machines. */
const later = (before: Run): Run =>
	Run.of(before.devices, cast.now, { address: ADDRESS });

describe("somebody wants a token to count twice", () => {
	test("by sending the first flight again, after the tetrad that it was for", async () => {
		const first = run();
		await first.establish();
		assert.equal(first.confirmed, "ABXY");
		const again = later(first);
		const { bytes } = first.sent(isFlight("A", FRAME.offer));
		again.deliver(toB(bytes));
		const anew = take(again, isFlight("B", FRAME.anew));
		assert.deepEqual(anew, encodeFrame(FRAME.anew, new Uint8Array()));
		assert.ok(!again.posted.some(isLink(LINK.resumeAnswer)));
		assertNothing(again);
	});

	test("by sending it first: B answers what nobody can read, and the honest agent signs", async () => {
		const { victim, flight1 } = await offered();
		const thief = later(victim);
		thief.deliver(toB(flight1));
		await settle(thief, "BY");
		take(thief, isFlight("B", FRAME.answer));
		assertNothing(thief);
		victim.put(toB(flight1));
		await victim.run();
		assert.equal(victim.confirmed, "ABXY");
		assert.equal(signers(victim), "ABXY");
	});

	test("by sending it twice on one carrier", async () => {
		const { victim, flight1 } = await offered();
		victim.deliver(toB(flight1));
		victim.deliver(toB(flight1));
		assert.equal(victim.outcomes.B, "unexpected-message");
		assertNothing(victim);
	});

	test("or a second token after the first was of no use", async () => {
		const { victim, flight1 } = await offered();
		victim.devices.B.context.tokens?.wipe();
		victim.deliver(toB(flight1));
		victim.deliver(toB(flight1));
		assert.equal(victim.outcomes.B, "malformed");
		assertNothing(victim);
	});

	test("an agent asks its own module to resume one tetrad twice", async () => {
		const first = run();
		const ask = (of: Run) => {
			const { suite, id: token } = halves.X;
			const body = messages.RESUME.encode({
				...{ suite: suite.id, token },
				r1: nodeCrypto.random(32),
			});
			of.apply("X", of.X.linkMessage(LINK.resume, body, cast.now));
		};
		ask(first);
		assert.ok(first.posted.some(isLink(LINK.resumePrepared)));
		const second = later(first);
		ask(second);
		assert.ok(second.posted.some(isLink(LINK.tokenUnknown)));
		ask(first);
		assert.equal(first.outcomes.X, "unexpected-message");
	});
});

describe("somebody wants a token to count for somebody else", () => {
	test("an agent that was called calls with what it was called with", async () => {
		const { B, A, X, Y } = four;
		const reversed: Devices = { A: B, B: A, X: Y, Y: X };
		const calling = Run.of(
			{
				A: holding(reversed.A, halves.B),
				B: holding(reversed.B, halves.A),
				X: holding(reversed.X, halves.Y),
				Y: holding(reversed.Y, halves.X),
			},
			cast.now,
			{ address: ADDRESS },
		);
		await calling.establish();
		assert.equal(calling.confirmed, "ABXY");
		assert.equal(signers(calling), "ABXY");
	});

	test("by giving an agent its own first flight back", async () => {
		const { victim, flight1 } = await offered();
		// Alice also answers calls, with the same tokens.
		const { A, X, B, Y } = victim.devices;
		const answering = Run.of({ A: B, B: A, X: Y, Y: X }, cast.now);
		answering.deliver(toB(flight1));
		take(answering, isFlight("B", FRAME.anew));
		assertNothing(answering);
	});

	test("by passing it to another agent, who knows nothing of it", async () => {
		const carol: Devices = {
			...four,
			B: await cast.agent("carol"),
			Y: await cast.module("carol-till"),
		};
		const passed = Run.of(
			{
				A: holding(carol.A, halves.A),
				X: holding(carol.X, halves.X),
				B: holding(carol.B),
				Y: holding(carol.Y),
			},
			cast.now,
			{ address: ADDRESS },
		);
		await passed.establish();
		assert.equal(passed.confirmed, "ABXY");
		assert.equal(signers(passed), "ABXY");
		assert.equal(passed.A.confirmed().transcript.parties.B.name, "carol");
	});

	test("another agent has stolen B's half, and answers as B with devices of its own", async () => {
		const carol: Devices = {
			...four,
			B: await cast.agent("carol"),
			Y: await cast.module("carol-till"),
		};
		const stolen = Run.of(
			{
				A: holding(carol.A, halves.A),
				X: holding(carol.X, halves.X),
				B: holding(carol.B, halves.B),
				Y: holding(carol.Y, halves.Y),
			},
			cast.now,
			{ address: ADDRESS },
		);
		await stolen.establish();
		// Her own code will not even begin: it takes another chain than the one of then.
		assert.equal(signers(stolen), "ABXY");
		assert.equal(stolen.A.confirmed().transcript.parties.B.name, "carol");
	});

	test("a module was paired with another agent since", async () => {
		const other = await cast.agent("dave");
		for (const place of ["X", "Y"] as const) {
			const side = { modulePairedWith: other };
			const paired = runHolding(four, halves, cast.now, {
				...(place === "X" ? { AX: side } : { BY: side }),
			});
			await paired.establish();
			assert.ok(paired.posted.some(isLink(LINK.tokenUnknown)));
			assert.equal(paired.outcomes[place], "chain-refused");
			assertNothing(paired);
		}
	});
});

describe("somebody has stolen half of a token, and no key", () => {
	// The thief is the other side's whole counterpart, in place of the devices that it robbed: it
	// shows their chains, which are public, and cannot sign for them.
	const cannotSign = (devices: Devices, places: string): Devices => {
		const robbed = { ...devices };
		for (const place of PLACES)
			if (places.includes(place)) {
				const { signer } = devices[place];
				const sign = () =>
					Promise.resolve(nodeCrypto.random(64) as Uint8Array<ArrayBuffer>);
				robbed[place] = { ...devices[place], signer: { ...signer, sign } };
			}
		return robbed;
	};

	for (const [who, places, stolen, first] of [
		["A's, and calls as A and X", "AX", "A", "Y"],
		["X's, and calls as A and X", "AX", "X", "B"],
		["B's, and answers as B and Y", "BY", "B", "Y"],
		["Y's, and answers as B and Y", "BY", "Y", "B"],
	] as const)
		test(`${who}: ${first} cannot open what is under the other half`, async () => {
			const has = { ...halves };
			for (const place of PLACES)
				if (places.includes(place) && place !== stolen)
					has[place] = guessed(halves[place]);
			const robbed = runHolding(cannotSign(four, places), has, cast.now);
			await robbed.establish();
			assert.equal(robbed.outcomes[first], "authentication-failed");
			assertNothing(robbed);
		});

	test("B's, and answers A rightly, with a session 2 that it has made up", async () => {
		const { victim, flight1 } = await offered();
		const { offer, message1 } = messages.F1.decode(parseFrame(flight1).body);
		const handshake = readMessage1(
			nodeCrypto,
			resumedOuterSetup(
				four.B.context,
				parseResumingOffer(offer),
				copyOf(halves.B),
			),
			message1,
		);
		const random = () => nodeCrypto.random(32);
		const { i2, finB, finY } = {
			...{ i2: nodeCrypto.random(120), finB: random(), finY: random() },
		};
		const { message2 } = handshake.finish(
			messages.RESUMED_F2.encode({ r2: random(), i2, finB, finY }),
		);
		const bytes = encodeFrame(FRAME.answer, message2);
		victim.deliver({ wire: "network", from: "B", to: "A", bytes });
		await settle(victim, "AX");
		assert.equal(victim.outcomes.X, "authentication-failed");
		assertNothing(victim);
	});

	test("nor does it, without any half, get further by asking for signatures", async () => {
		const { A, X, ...others } = halves;
		const robbed = runHolding(cannotSign(four, "AX"), others, cast.now);
		await robbed.establish();
		assert.equal(robbed.outcomes.B, "authentication-failed");
		assertNothing(robbed, "BY");
	});

	test("both halves of a side are that side, once: the one that was robbed is told by having to sign", async () => {
		const robbed = runHolding(cannotSign(four, "AX"), halves, cast.now);
		await robbed.establish();
		assert.equal(robbed.confirmed, "ABXY");
		const honest = Run.of(
			{
				...robbed.devices,
				A: holding(four.A, halves.A),
				X: holding(four.X, halves.X),
			},
			cast.now,
			{ address: ADDRESS },
		);
		await honest.establish();
		assert.equal(honest.confirmed, "ABXY");
		assert.equal(signers(honest), "ABXY");
	});

	test("whoever has both halves again, and the answer of a recorded run, opens it in no other run", async () => {
		const first = await run().establish();
		const { bytes } = first.sent(isFlight("B", FRAME.answer));
		const thief = run();
		thief.start();
		await settle(thief, "AX");
		thief.deliver({ wire: "network", from: "B", to: "A", bytes });
		assert.equal(thief.outcomes.A, "authentication-failed");
	});
});

describe("a corrupt agent mixes two tokens", () => {
	test("it names one to its module and another to the other agent", async () => {
		const other = await halvesOf(four, cast);
		const crossed = Run.of(
			{
				A: holding(four.A, halves.A),
				X: holding(four.X, halves.X, other.X),
				B: holding(four.B, halves.B, other.B),
				Y: holding(four.Y, halves.Y, other.Y),
			},
			cast.now,
			{ address: ADDRESS },
		);
		crossed.rewrite(LINK.resume, messages.RESUME, () => ({
			token: other.A.id,
		}));
		await crossed.establish();
		assert.equal(crossed.outcomes.Y, "authentication-failed");
		assertNothing(crossed);
	});

	test("it tells its module of an offer with another token than it asked for", async () => {
		const other = await halvesOf(four, cast);
		const lied = run();
		lied.rewrite(LINK.resumeBind, messages.RESUME_BIND, ({ offer }) => {
			const changed = copy(offer);
			changed.set(other.A.id, changed.length - 16);
			return { offer: changed };
		});
		await lied.establish();
		assert.equal(lied.outcomes.X, "negotiation-failed");
		assertSound(lied);
	});

	for (const [what, change] of [
		["another root", { root: "unsafe-xor" }],
		["another routing", { routing: "crossed" }],
		["another mode of its link", { link: "unsafe-open" }],
		["another suite", { selected: suiteByName("classical-chachapoly") }],
	] as const)
		test(`it tells its module of an offer with ${what}`, async () => {
			const demands = {
				suites: ["classical-aesgcm", "classical-chachapoly"] as const,
			};
			const lied = runHolding(
				{ ...four, X: withPolicy(four.X, demands) },
				halves,
				cast.now,
			);
			lied.rewrite(LINK.resumeBind, messages.RESUME_BIND, ({ offer }) => ({
				offer: makeResumingOffer({
					...parseResumingOffer(offer),
					suites: Uint8Array.of(3, 4),
					...change,
				}).raw,
			}));
			await lied.establish();
			assert.equal(lied.outcomes.X, "negotiation-failed");
			assertNothing(lied);
		});

	for (const type of [LINK.resumeBind, LINK.resumeAnswer] as const)
		test(`it names another conversation to its module in ${linkName(type)}`, async () => {
			const lied = run();
			const outerHash = nodeCrypto.random(32);
			if (type === LINK.resumeBind)
				lied.rewrite(type, messages.RESUME_BIND, () => ({ outerHash }));
			else lied.rewrite(type, messages.RESUME_ANSWER, () => ({ outerHash }));
			await lied.establish();
			const module = type === LINK.resumeBind ? "X" : "B";
			assert.equal(lied.outcomes[module], "authentication-failed");
			assertNothing(lied);
		});

	for (const isOne of [true, false])
		test(`both agents are corrupt, know K, and tell their modules of ${isOne ? "one conversation, as the control" : "two conversations"}`, () => {
			const { X, Y } = run();
			const suites = Uint8Array.of(halves.A.suite.id);
			const offer = makeResumingOffer({
				...{ suites, selected: halves.A.suite, routing: "direct" },
				...{ root: "transcript", link: "paired", token: halves.A.id },
			});
			const [r1, r2] = [nodeCrypto.random(32), nodeCrypto.random(32)];
			const forX = nodeCrypto.random(32);
			const forY = isOne ? forX : nodeCrypto.random(32);
			const said = (effects: Effect[], type: LinkMessageType) => {
				const found = effects.find(
					(effect) => effect.kind === "send-link" && effect.type === type,
				);
				assert.ok(found?.kind === "send-link", linkName(type));
				return found.body;
			};
			const resume = { suite: halves.A.suite.id, token: halves.A.id, r1 };
			const { i1 } = messages.RESUME_PREPARED.decode(
				said(
					X.linkMessage(LINK.resume, messages.RESUME.encode(resume), cast.now),
					LINK.resumePrepared,
				),
			);
			const answer = { offer: offer.raw, outerHash: forY, i1, r2 };
			const { i2, innerHash } = messages.RESUME_ANSWERED.decode(
				said(
					Y.linkMessage(
						LINK.resumeAnswer,
						messages.RESUME_ANSWER.encode(answer),
						cast.now,
					),
					LINK.resumeAnswered,
				),
			);
			// Both shares and all of T are theirs, so they can prove K for A and for B as they like.
			const root = RootKey.form(
				nodeCrypto,
				resumedTranscript(halves.A, offer, {
					outerHash: forX,
					innerHash: copy(innerHash),
				}),
				...([r1, r2] as const),
				() => {},
			);
			const finB = root.fin("B");
			const bind = { offer: offer.raw, outerHash: forX, i2, finB };
			const bound = X.linkMessage(
				LINK.resumeBind,
				messages.RESUME_BIND.encode(bind),
				cast.now,
			);
			if (isOne) return void said(bound, LINK.resumeBound);
			const end = bound.find(({ kind }) => kind === "ended");
			assert.ok(end?.kind === "ended");
			assert.equal(end.error?.code, "authentication-failed");
			assert.ok(!bound.some(({ kind }) => kind === "bound"));
		});

	for (const place of ["X", "Y"] as const)
		test(`it wants ${place} to speak again for a conversation for which it has, with a token`, async () => {
			class Spoken extends SignedHashes {
				readonly #before: Uint8Array;

				constructor(before: Uint8Array) {
					super();
					this.#before = before;
					this.claim(before);
				}

				/** Whatever it is, it was this one before. */
				override claim(_: Uint8Array): void {
					super.claim(this.#before);
				}
			}
			const before = nodeCrypto.random(32);
			const again = runHolding(four, halves, cast.now, {
				signedHashes: { [place]: new Spoken(before) },
			});
			await again.establish();
			assert.equal(again.outcomes[place], "unexpected-message");
			assertNothing(again);
		});
});

describe("a corrupt device proves something else than K over T", () => {
	/** Seals other fields in the place of those of one message. */
	const lying = <Value>(
		body: Structure<Value>,
		skip: 0 | 1,
		lie: Partial<Value>,
	): CryptoProvider =>
		sealing((plaintext) => {
			let fields: Value;
			try {
				fields = body.decode(plaintext.subarray(skip));
			} catch {
				return plaintext;
			}
			return concat(
				plaintext.subarray(0, skip),
				body.encode({ ...fields, ...lie }),
			);
		});
	const wrong = nodeCrypto.random(32);
	const { RESUMED_F2, RESUMED_F3, RESUMED_I2, RESUMED_I3 } = messages;

	for (const [what, liar, crypto, judge] of [
		["B: fin_B in F2", "B", lying(RESUMED_F2, 0, { finB: wrong }), "X"],
		["B: fin_Y in F2", "B", lying(RESUMED_F2, 0, { finY: wrong }), "A"],
		["B: R2 in F2", "B", lying(RESUMED_F2, 0, { r2: wrong }), "A"],
		["Y: fin_Y in I2", "Y", lying(RESUMED_I2, 0, { finY: wrong }), "X"],
		["Y: R2 in I2", "Y", lying(RESUMED_I2, 0, { r2: wrong }), "X"],
		["A: fin_A in F3", "A", lying(RESUMED_F3, 1, { finA: wrong }), "B"],
		["A: fin_X in F3", "A", lying(RESUMED_F3, 1, { finX: wrong }), "B"],
		["X: fin_X in I3", "X", lying(RESUMED_I3, 1, { finX: wrong }), "Y"],
	] as const)
		test(`${what}, and ${judge} goes no further`, async () => {
			const corrupt = {
				...four,
				[liar]: withKeylog(four[liar], { crypto }),
			};
			const lied = runHolding(corrupt, halves, cast.now);
			await lied.establish();
			assert.equal(lied.outcomes[judge], "authentication-failed");
			assert.ok(!lied.has(judge, "confirmed"));
			assertSound(lied);
		});

	test("X: fin_X to its own agent, and A goes no further", async () => {
		const lied = run();
		lied.rewrite(LINK.resumeBound, messages.RESUME_BOUND, () => ({
			finX: wrong,
		}));
		await lied.establish();
		assert.equal(lied.outcomes.A, "authentication-failed");
		assertNothing(lied);
	});

	test("B: fin_B in F2, of which a corrupt X says nothing, and A goes no further", async () => {
		let right = wrong;
		const crypto = sealing((plaintext) => {
			try {
				const fields = RESUMED_F2.decode(plaintext);
				right = copy(fields.finB);
				return RESUMED_F2.encode({ ...fields, finB: wrong });
			} catch {
				return plaintext;
			}
		});
		const B = withKeylog(four.B, { crypto });
		const lied = runHolding({ ...four, B }, halves, cast.now);
		lied.rewrite(LINK.resumeBind, messages.RESUME_BIND, () => ({
			finB: right,
		}));
		await lied.establish();
		assert.equal(lied.outcomes.A, "authentication-failed");
		assertNothing(lied);
	});

	test("A: fin_B to its own module, which has asked for it, and X goes no further", async () => {
		// What B proved reaches X before A has formed K, so A may pass on what it likes, and X looks.
		const lied = run();
		lied.rewrite(LINK.resumeBind, messages.RESUME_BIND, () => ({
			finB: wrong,
		}));
		await lied.establish();
		assert.equal(lied.outcomes.X, "authentication-failed");
		assertNothing(lied);
	});
});

describe("somebody wants less than there was", () => {
	const offerWith = async (change: (raw: Uint8Array) => void) => {
		const lied = run();
		lied.change(isFlight("A", FRAME.offer), (bytes) => {
			const { offer, message1 } = messages.F1.decode(parseFrame(bytes).body);
			// The offer without a token, which may follow, is left as it is.
			if (!isResuming(offer)) return bytes;
			const raw = copy(offer);
			change(raw);
			return encodeFrame(
				FRAME.offer,
				messages.F1.encode({ offer: raw, message1 }),
			);
		});
		return lied.establish();
	};
	/** Where each field of the offer has its value; one suite is in its list. */
	const AT = { suite: 9, selected: 14, routing: 19, root: 24, link: 29 };

	for (const [what, at, value] of [
		["the root unsafe-xor", AT.root, 2],
		["an open link", AT.link, 2],
		["crossed routing", AT.routing, 2],
	] as const)
		test(`${what}: B asks for signatures, and gets nothing under the token`, async () => {
			const lied = await offerWith((raw) => raw.fill(value, at, at + 1));
			assert.ok(lied.posted.some(isFlight("B", FRAME.anew)));
			assert.equal(signers(lied), "ABXY");
			assertSound(lied);
		});

	test("another suite, which it would take a token for a hybrid one to", async () => {
		const lied = await offerWith((raw) => {
			raw[AT.suite] = 4;
			raw[AT.selected] = 4;
		});
		assert.ok(lied.posted.some(isFlight("B", FRAME.anew)));
		assertSound(lied);
	});

	test("a list of suites in another order does not open", async () => {
		const suites = ["classical-aesgcm", "classical-chachapoly"] as const;
		const demands = { suites: [...suites] };
		const wide = Object.fromEntries(
			PLACES.map((place) => [place, withPolicy(four[place], demands)]),
		) as unknown as Devices;
		const lied = runHolding(wide, halves, cast.now);
		lied.change(isFlight("A", FRAME.offer), (bytes) => {
			const changed = copy(bytes);
			// Frame header, length of the offer, and the fields before the list.
			const list = 5 + 4 + 9;
			[changed[list], changed[list + 1]] = [4, 3];
			return changed;
		});
		await lied.establish();
		assert.equal(lied.outcomes.B, "authentication-failed");
		assertNothing(lied);
	});

	test("signatures to be left out, by saying anew: they are what it gains", async () => {
		const forged = run();
		forged.start();
		await settle(forged, "AX");
		const anew = encodeFrame(FRAME.anew, new Uint8Array());
		take(forged, isFlight("A", FRAME.offer));
		forged.deliver({ wire: "network", from: "B", to: "A", bytes: anew });
		await forged.run();
		assert.equal(forged.confirmed, "ABXY");
		assert.equal(signers(forged), "ABXY");
	});

	test("anew twice, after F2, without a token, or with something in it", async () => {
		const anew = encodeFrame(FRAME.anew, new Uint8Array());
		const say = (to: Run, bytes = anew) =>
			to.deliver({ wire: "network", from: "B", to: "A", bytes });
		const twice = run();
		twice.start();
		await settle(twice, "AX");
		say(twice);
		await settle(twice, "AX");
		say(twice);
		assert.equal(twice.outcomes.A, "unexpected-message");

		const full = run();
		await full.establish();
		say(full);
		assert.equal(full.outcomes.A, "authentication-failed");

		const without = run({});
		without.start();
		await settle(without, "AX");
		say(without);
		assert.equal(without.outcomes.A, "unexpected-message");

		const filled = run();
		filled.start();
		await settle(filled, "AX");
		say(filled, encodeFrame(FRAME.anew, Uint8Array.of(0)));
		assert.equal(filled.outcomes.A, "malformed");
	});

	test("a retry in the place of an answer", async () => {
		const { victim } = await offered();
		const bytes = encodeFrame(FRAME.retry, messages.RETRY.encode({ suite: 4 }));
		victim.deliver({ wire: "network", from: "B", to: "A", bytes });
		assert.equal(victim.outcomes.A, "unexpected-message");
		assertNothing(victim);
	});
});

describe("a device that is trusted no longer", () => {
	async function bundleAgainst(
		{ root }: TestAuthority,
		place: Place,
	): Promise<Uint8Array> {
		const [leaf] = parseChain(four[place].context.own.encodedChain);
		assert.ok(leaf);
		const list = await issueUntrustedList(nodeCrypto, {
			issuer: root,
			number: 1n,
			thisUpdate: cast.now,
			nextUpdate: cast.now + DAY,
			entries: [
				{
					serial: parseCertificate(leaf).serial,
					instant: cast.now,
					reason: undefined,
				},
			],
		});
		return encodeBundle(list, new Uint8Array());
	}

	for (const named of PLACES)
		for (const by of PLACES)
			if (named !== by || named !== "A")
				test(`${named} is on a list that ${by} alone has, and ${by} makes no tetrad`, async () => {
					const kind = named === "A" || named === "B" ? "agency" : "bank";
					const device = withPolicy(four[by], {});
					device.context.verdicts.lists.offer(
						await bundleAgainst(cast.world[kind], named),
						cast.now,
					);
					const listed = runHolding(
						{ ...four, [by]: device },
						halves,
						cast.now,
					);
					await listed.establish();
					assert.equal(listed.outcomes[by], "untrusted");
					assert.ok(!listed.confirmed.includes(by));
					assertSound(listed);
				});

	test("and who was of the tetrad before, but is not of this one, may be on any list", async () => {
		const carol: Devices = {
			A: withPolicy(four.A, {}),
			X: four.X,
			B: await cast.agent("carol"),
			Y: await cast.module("carol-till"),
		};
		const passed = runHolding(carol, { A: halves.A, X: halves.X }, cast.now);
		await passed.establish();
		assert.equal(passed.confirmed, "ABXY");
		carol.A.context.verdicts.lists.offer(
			await bundleAgainst(cast.world.agency, "B"),
			cast.now,
		);
		passed.apply("A", passed.A.listsChanged(cast.now));
		assert.equal(passed.outcomes.A, "waits");
	});

	test("a list that comes on the way ends the tetrad at whoever has it", async () => {
		const device = withPolicy(four.B, {});
		const listed = runHolding({ ...four, B: device }, halves, cast.now);
		listed.start();
		await settle(listed, "AXY");
		listed.deliver(toB(take(listed, isFlight("A", FRAME.offer))));
		device.context.verdicts.lists.offer(
			await bundleAgainst(cast.world.agency, "A"),
			cast.now,
		);
		listed.apply("B", listed.B.listsChanged(cast.now));
		assert.equal(listed.outcomes.B, "untrusted");
	});
});

/** The deliveries of one resumption, by their number. */
const undisturbed = await run().establish();

describe("somebody changes what is on its way", () => {
	const sizes = undisturbed.posted.map(({ bytes }) => bytes.length);

	const changed = (
		nth: number,
		change: (bytes: Uint8Array) => Uint8Array,
	): Promise<Run> => {
		const one = run();
		let seen = 0;
		one.intercept = (d) =>
			seen++ === nth ? [{ ...d, bytes: change(d.bytes) }] : [d];
		return one.establish();
	};

	/** Nobody disagrees, and if all four end up confirmed, they have signed. */
	const assertHeld = (one: Run, what: string) => {
		assertSound(one);
		if (one.confirmed === "ABXY") assert.equal(signers(one), "ABXY", what);
	};

	const nameOf = (nth: number) => {
		const { wire, from, bytes, type } = undisturbed.posted[nth] as Delivery;
		return wire === "link"
			? linkName(type as LinkMessageType)
			: `frame ${bytes[0]} of ${from}`;
	};

	for (const [nth, size] of sizes.entries()) {
		test(`one bit in ${nameOf(nth)}`, async () => {
			for (let at = 0; at < size; at += 5) {
				const one = await changed(nth, (bytes) => {
					const flipped = copy(bytes);
					flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
					return flipped;
				});
				assertHeld(one, `${nameOf(nth)} at ${at}`);
			}
		});

		test(`the length of ${nameOf(nth)}`, async () => {
			const isFrame = undisturbed.posted[nth]?.wire === "network";
			const head = isFrame ? 5 : 0;
			const body = size - head;
			for (const length of [0, 1, body >> 1, body - 16, body - 1, body + 1]) {
				if (length < 0) continue;
				const one = await changed(nth, (bytes) => {
					const cut = new Uint8Array(length);
					cut.set(bytes.subarray(head, head + length).subarray(0, length));
					return isFrame
						? encodeFrame(bytes[0] as typeof FRAME.offer, cut)
						: cut;
				});
				assertHeld(one, `${nameOf(nth)} of ${length} bytes`);
				assert.notEqual(one.confirmed, "ABXY");
			}
		});
	}

	test("a message of a resumption to a device that is in another state", () => {
		for (const place of PLACES)
			for (const [type, bytes] of undisturbed.posted
				.filter(({ wire }) => wire === "link")
				.map((d) => [d.type as LinkMessageType, d.bytes] as const)) {
				const one = run({});
				one.apply(place, one[place].linkMessage(type, bytes, cast.now));
				assertNothing(one);
				const begins =
					(place === "X" && type === LINK.resume) ||
					(place === "Y" && type === LINK.resumeAnswer);
				assert.equal(one[place].ended, !begins, `${place} ${linkName(type)}`);
			}
	});
});

describe("somebody is silent", () => {
	test("wherever it is, each device that waits says for what when its time is over", async () => {
		const sentences = new Set<string>();
		for (let nth = 0; nth <= undisturbed.posted.length; nth++) {
			const stopped = run();
			let seen = 0;
			stopped.intercept = (d) => (seen++ < nth ? [d] : []);
			if (nth > 0) stopped.start();
			await stopped.run();
			for (const place of PLACES) {
				if (stopped.has(place, "confirmed")) continue;
				const device = stopped[place];
				const { deadline } = device;
				assert.ok(deadline !== undefined, `${place} waits for ever`);
				stopped.apply(place, device.time(deadline - 1));
				assert.ok(!device.ended, place);
				stopped.apply(place, device.time(deadline));
				assert.equal(stopped.outcomes[place], "timed-out");
				sentences.add(`${place}: ${stopped.error(place)?.message}`);
			}
		}
		// Every state but the last of each, and B and Y before anything has come.
		assert.equal(sentences.size, 4 + 3 + 3 + 2, [...sentences].join("\n"));
	});

	test("after F2: B waits no longer for whoever repeats an offer than in any other tetrad", async () => {
		const { victim, flight1 } = await offered();
		victim.deliver(toB(flight1));
		await settle(victim, "BY");
		assert.equal(victim.B.deadline, cast.now + NEXT_FLIGHT_MS);
	});

	test("a signature that nobody has asked for", () => {
		for (const place of PLACES) {
			const signed = run();
			if (place === "A") signed.start();
			signed.apply(place, signed[place].signed(nodeCrypto.random(64)));
			assert.equal(signed.outcomes[place], "unexpected-message");
		}
	});

	test("or has an agent begin twice", () => {
		const twice = run();
		twice.start();
		twice.start();
		assert.equal(twice.outcomes.A, "unexpected-message");
	});

	test("a cookie comes twice", async () => {
		const { victim } = await offered();
		const cookie = messages.COOKIE.encode({ cookie: nodeCrypto.random(33) });
		const bytes = encodeFrame(FRAME.cookie, cookie);
		for (let i = 0; i < 2; i++)
			victim.deliver({ wire: "network", from: "B", to: "A", bytes });
		assert.equal(victim.outcomes.A, "unexpected-message");
	});

	test("something in the word that a token is not known", async () => {
		for (const [place, other] of [
			["A", "X"],
			["B", "Y"],
		] as const) {
			const { [other]: _, ...has } = halves;
			const said = run(has);
			said.change(isLink(LINK.tokenUnknown), () => Uint8Array.of(0));
			await said.establish();
			assert.equal(said.outcomes[place], "malformed");
			assertNothing(said);
		}
	});
});

describe("an agent that is called too much", () => {
	test("is busy also for whoever has a token, before it has answered", async () => {
		const busy = runHolding(four, halves, cast.now, {
			admit: () => {
				throw new TetradError("busy", "too much of this agent");
			},
		});
		await busy.establish();
		assert.equal(busy.outcomes.A, "busy");
		assert.ok(!busy.posted.some(isFlight("B", FRAME.answer)));
		assertNothing(busy);
	});

	test("counts a caller once, also when the token of its module is gone", async () => {
		for (const has of [halves, { ...halves, Y: undefined }]) {
			const callers: string[] = [];
			const { Y, ...rest } = has;
			const called = runHolding(
				four,
				Y === undefined ? rest : halves,
				cast.now,
				{
					admit: ({ name }) => void callers.push(name),
				},
			);
			await called.establish();
			assert.equal(called.confirmed, "ABXY");
			assert.deepEqual(callers, ["alice"]);
		}
	});

	test("takes the same offer again, with a cookie", async () => {
		const { victim, flight1 } = await offered();
		const cookie = nodeCrypto.random(33);
		const bytes = encodeFrame(FRAME.cookie, messages.COOKIE.encode({ cookie }));
		victim.deliver({ wire: "network", from: "B", to: "A", bytes });
		const again = take(victim, isFlight("A", FRAME.cookieOffer));
		const body = messages.COOKIE_OFFER.decode(parseFrame(again).body);
		assert.deepEqual(body.cookie, cookie);
		assert.deepEqual(messages.F1.encode(body), parseFrame(flight1).body);
		assert.deepEqual(parseResumingOffer(body.offer).token, halves.A.id);
		victim.put(toB(flight1));
		await victim.run();
		assert.equal(victim.confirmed, "ABXY");
		assert.equal(signers(victim), "");
	});
});

test("a device without a place for tokens makes none and takes none", async () => {
	const plain = Run.of(four, cast.now, { address: ADDRESS });
	await plain.establish();
	assert.equal(plain.confirmed, "ABXY");
	for (const place of PLACES)
		assert.equal(plain.devices[place].context.tokens, undefined);
	assert.equal(new ResumptionTokens().takeFor(ADDRESS, cast.now), undefined);
});
