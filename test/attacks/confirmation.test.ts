import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	ChainVerdicts,
	type DeviceRole,
	encodeChain,
	issueDevice,
} from "../../src/identity/index.ts";
import {
	RecordSealer,
	readMessage1,
	startInitiator,
	suiteByName,
} from "../../src/session/index.ts";
import type { LinkContext } from "../../src/tetrad/context.ts";
import {
	DEFAULT_TIMEOUT_MS,
	messages,
	PLACES,
	type Place,
	SignedHashes,
} from "../../src/tetrad/index.ts";
import {
	CONTENT,
	concat,
	copy,
	enc,
	hex,
	LINK,
	sameBytes,
} from "../../src/wire/index.ts";
import {
	assertNothing,
	assertSound,
	Cast,
	drive,
	isLink,
	ROUTINGS,
	Run,
	sealing,
	take,
	withKeylog,
} from "../support/attack.ts";
import { DAY } from "../support/authority.ts";
import { FourDevices, makeLink } from "../support/four-devices.ts";
import { type Effect, ModuleByHand } from "../support/machines.ts";

/** The verdicts of a corrupt device, for which it is always today. */
class StoppedClock extends ChainVerdicts {
	override judgeNamed(
		hash: Uint8Array,
		encodedChain: Uint8Array,
		role: DeviceRole,
		now: number,
	) {
		return super.judgeNamed(hash, encodedChain, role, Math.min(now, cast.now));
	}
}

const cast = await Cast.make();
const four = await cast.four();
const text = (words: string) => new TextEncoder().encode(words);
const R = (fill: number) => new Uint8Array(32).fill(fill);

/** A corrupt agent A whose flight 3 has other fields. */
function corruptFlight3(
	change: (
		fields: ReturnType<typeof messages.F3.direct.decode>,
	) => Partial<ReturnType<typeof messages.F3.direct.decode>>,
) {
	let nth = 0;
	const crypto = sealing((plaintext) => {
		if (nth++ !== 0) return plaintext;
		const fields = messages.F3.direct.decode(plaintext.subarray(1));
		return concat(
			plaintext.subarray(0, 1),
			messages.F3.direct.encode({ ...fields, ...change(fields) }),
		);
	});
	return withKeylog(four.A, { crypto });
}

test("an agent goes no further when its own module's proof is wrong", async () => {
	const run = Run.of(four, cast.now);
	run.rewrite(LINK.initiatorBound, messages.INITIATOR_BOUND.direct, () => ({
		finX: R(1),
	}));
	await run.establish();
	assert.equal(run.outcomes.A, "authentication-failed");
	assertNothing(run);
	assert.ok(!run.has("B", "bound"));
});

describe("a corrupt agent wants its first message heard before the other agent is bound", () => {
	const firstMessage = text("deliver it now");

	test("with a wrong proof of its own", async () => {
		const A = corruptFlight3(() => ({ finA: R(1) }));
		const run = Run.of({ ...four, A }, cast.now, { firstMessage });
		await run.establish();
		assert.deepEqual(run.messages("B"), []);
		assert.ok(!run.has("B", "bound"));
	});

	test("with a wrong proof of its module", async () => {
		const A = corruptFlight3(() => ({ finX: R(1) }));
		const run = Run.of({ ...four, A }, cast.now, { firstMessage });
		await run.establish();
		assert.deepEqual(run.messages("B"), []);
		assert.ok(!run.has("B", "bound"));
	});

	test("with a module that B's own module refuses", async () => {
		const X = { ...four.X, signer: four.A.signer };
		const run = Run.of({ ...four, X }, cast.now, { firstMessage });
		await run.establish();
		assertNothing(run);
	});

	test("at every step of an honest run it waits until B is confirmed", async () => {
		for (const routing of ROUTINGS) {
			const run = Run.of(four, cast.now, { routing, firstMessage });
			run.start();
			await run.run(() => {
				const heard = run.messages("B").length > 0;
				assert.ok(!heard || run.has("B", "confirmed"));
				return false;
			});
			assert.equal(run.messages("B").length, 1);
			const kinds = run.events.B.map(({ kind }) => kind);
			assert.ok(kinds.indexOf("confirmed") < kinds.indexOf("messages"));
		}
	});

	test("while B's module says nothing", async () => {
		const run = Run.of(four, cast.now, { firstMessage });
		run.intercept = (d) => (d.type === LINK.responderBound ? [] : [d]);
		await run.establish();
		run.apply("B", run.B.time(run.B.deadline as number));
		assert.deepEqual(run.messages("B"), []);
		assert.equal(run.outcomes.B, "timed-out");
	});

	test("and a second one", async () => {
		const run = Run.of(four, cast.now, { firstMessage });
		let outer: RecordSealer | undefined;
		let records = 0;
		run.intercept = (d) => {
			if (d.wire !== "network" || d.from !== "A" || d.bytes[0] !== 0x05)
				return [d];
			if (++records < 2) return [d];
			const key = run.devices.A.keylog.get("S1_INITIATOR") as Uint8Array;
			outer = new RecordSealer(nodeCrypto, "AESGCM", key, 2);
			const second = outer.seal(CONTENT.message, text("and that"));
			return [d, { ...d, bytes: second }];
		};
		await run.establish();
		assert.equal(run.outcomes.B, "unexpected-message");
		assert.deepEqual(run.messages("B"), []);
		assert.ok(!run.has("B", "bound"));
	});

	test("in crossed routing, where none is allowed before flight 5", async () => {
		const run = Run.of(four, cast.now, { routing: "crossed" });
		let records = 0;
		run.intercept = (d) => {
			if (d.wire !== "network" || d.from !== "A" || d.bytes[0] !== 0x05)
				return [d];
			if (++records > 1) return [d];
			const key = run.devices.A.keylog.get("S1_INITIATOR") as Uint8Array;
			const sealer = new RecordSealer(nodeCrypto, "AESGCM", key, 1);
			const early = sealer.seal(CONTENT.message, firstMessage);
			return [d, { ...d, bytes: early }];
		};
		await run.establish();
		assert.equal(run.outcomes.B, "unexpected-message");
		assertNothing(run, "BY");
	});

	for (const type of [CONTENT.nested, CONTENT.close, CONTENT.handshake])
		test(`as a record of another type, ${type}`, async () => {
			let nth = 0;
			const crypto = sealing((plaintext) =>
				nth++ === 1
					? concat(Uint8Array.of(type), plaintext.subarray(1))
					: plaintext,
			);
			const A = withKeylog(four.A, { crypto });
			const run = Run.of({ ...four, A }, cast.now, { firstMessage });
			await run.establish();
			assert.equal(run.outcomes.B, "unexpected-message");
			assertNothing(run, "BY");
		});
});

describe("somebody wants money moved before the tetrad is confirmed", () => {
	for (const routing of ROUTINGS) {
		test(`by a call on a device that is only bound (${routing})`, async () => {
			const run = Run.of(four, cast.now, { routing });
			run.start();
			const boundOnly = new Set<Place>();
			await run.run(() => {
				for (const place of PLACES) {
					if (run.has(place, "confirmed")) continue;
					if (run.has(place, "bound")) boundOnly.add(place);
					const refused = { code: "not-confirmed" };
					assert.throws(() => run[place].send(text("pay")), refused);
					assert.throws(() => run[place].confirmed(), refused);
					const local =
						place === "A" || place === "B"
							? () => run[place].sendToModule(text("pay"))
							: () => run[place].sendToAgent(text("pay"));
					assert.throws(local, refused);
				}
				return false;
			});
			assert.equal(run.confirmed, "ABXY");
			assert.ok(boundOnly.size >= 3, [...boundOnly].join(""));
		});

		test(`by a record to a device that is only bound (${routing})`, async () => {
			const trial = await Run.of(four, cast.now, { routing }).establish();
			const steps = trial.delivered.length;
			let tried = 0;
			for (const place of ["X", "Y"] as const)
				for (let step = 0; step < steps; step++)
					for (const type of [LINK.nested, LINK.local]) {
						const run = Run.of(four, cast.now, { routing });
						run.start();
						await run.run(() => run.delivered.length === step);
						if (run.has(place, "confirmed")) continue;
						// As good a record as there can be: its own agent has K.
						const { keylog } = run.devices[place];
						const key =
							keylog.get(place === "X" ? "S2_RESPONDER" : "S2_INITIATOR") ??
							R(0);
						const sealer = new RecordSealer(nodeCrypto, "AESGCM", key, 1);
						const record = sealer.seal(CONTENT.message, text("pay"));
						run.apply(place, run[place].linkMessage(type, record, cast.now));
						assert.equal(run.outcomes[place], "unexpected-message");
						assertNothing(run, place);
						tried++;
					}
			assert.ok(tried > 20);
		});
	}
});

describe("a module's confirmation is replayed outside session 2", () => {
	// The agents know K, so they can make the right proof; session 2 is what they do not have.
	const keys = [
		"S1_INITIATOR",
		"S1_RESPONDER",
		"S2_OWN",
		"LOCAL_AX",
		"LOCAL_XA",
		"K",
	];

	test("as I4, to X", async () => {
		for (const routing of ROUTINGS)
			for (const label of [...keys, "S2_PEER"])
				for (const counter of [0, 1]) {
					const run = Run.of(four, cast.now, { routing });
					const body = messages.CONFIRM_INITIATOR[routing];
					run.rewrite(
						LINK.confirmInitiator,
						body as typeof messages.CONFIRM_INITIATOR.direct,
						() => {
							const log = run.devices.Y.keylog;
							const key = keyOf(run, "X", label);
							const sealer = new RecordSealer(
								nodeCrypto,
								"AESGCM",
								key,
								counter,
							);
							const finY = finOf(run, "Y");
							const r1 = log.get("R1") as Uint8Array;
							const content =
								routing === "direct"
									? messages.I4.direct.encode({ finY })
									: messages.I4.crossed.encode({ r1, finY });
							return { i4: sealer.seal(CONTENT.handshake, content) };
						},
					);
					await run.establish();
					// The key that only Y has is the control.
					const control = label === "S2_PEER" && counter === 0;
					assert.equal(run.has("X", "confirmed"), control, label);
					if (!control)
						assert.equal(run.outcomes.X, "authentication-failed", label);
				}
	});

	test("as I5, to Y", async () => {
		for (const label of [...keys, "S2_PEER"])
			for (const counter of [0, 1]) {
				const run = Run.of(four, cast.now, { routing: "crossed" });
				run.rewrite(
					LINK.confirmResponder,
					messages.CONFIRM_RESPONDER.crossed,
					() => {
						const key = keyOf(run, "Y", label);
						const sealer = new RecordSealer(nodeCrypto, "AESGCM", key, counter);
						const content = messages.I5.encode({ finX: finOf(run, "X") });
						return { i5: sealer.seal(CONTENT.handshake, content) };
					},
				);
				await run.establish();
				const control = label === "S2_PEER" && counter === 1;
				assert.equal(run.has("Y", "confirmed"), control, label);
			}
	});

	test("in clear, or as what the module itself said", async () => {
		for (const routing of ROUTINGS) {
			const run = Run.of(four, cast.now, { routing });
			run.change(isLink(LINK.confirmInitiator), (bytes) => {
				const body = messages.CONFIRM_INITIATOR[
					routing
				] as typeof messages.CONFIRM_INITIATOR.direct;
				const mine = run.sent(isLink(LINK.initiatorBound)).bytes;
				const { i3 } = messages.INITIATOR_BOUND[routing].decode(mine);
				return body.encode({ ...body.decode(bytes), i4: i3.subarray(0, 94) });
			});
			await run.establish();
			assert.equal(run.outcomes.X, "authentication-failed");
		}
	});

	test("as I4 a second time, once all are confirmed", async () => {
		for (const routing of ROUTINGS) {
			const run = await Run.of(four, cast.now, { routing }).establish();
			const body = messages.CONFIRM_INITIATOR[
				routing
			] as typeof messages.CONFIRM_INITIATOR.direct;
			const { i4 } = body.decode(run.sent(isLink(LINK.confirmInitiator)).bytes);
			run.apply("X", run.X.linkMessage(LINK.nested, i4, cast.now));
			assert.equal(run.outcomes.X, "authentication-failed");
			assert.deepEqual(run.messages("X"), []);
		}
	});

	test("by a module whose own proof is wrong", async () => {
		for (const [place, nth, name] of [
			["X", 0, "I3"],
			["Y", 1, "I4"],
			["X", 1, "I5"],
		] as const) {
			const routing = name === "I5" ? "crossed" : "direct";
			let seen = 0;
			const crypto = sealing((plaintext) => {
				if (seen++ !== nth) return plaintext;
				const changed = copy(plaintext);
				// The proof is the last field of all three.
				changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
				return changed;
			});
			const device = withKeylog(four[place], { crypto });
			const run = Run.of({ ...four, [place]: device }, cast.now, { routing });
			await run.establish();
			const judge = place === "X" ? "Y" : "X";
			assert.equal(run.outcomes[judge], "authentication-failed", name);
			assert.ok(!run.has(judge, "confirmed"));
		}
	});

	function keyOf(run: Run, place: "X" | "Y", label: string): Uint8Array {
		const name = label
			.replace("S2_OWN", place === "X" ? "S2_INITIATOR" : "S2_RESPONDER")
			.replace("S2_PEER", place === "X" ? "S2_RESPONDER" : "S2_INITIATOR");
		for (const of of PLACES) {
			const key = run.devices[of].keylog.get(name);
			if (key !== undefined) return key;
		}
		return R(0);
	}

	/** The right proof, made from K and T as docs/protocol.md has it. */
	function finOf(run: Run, place: Place): Uint8Array {
		const log = run.devices.Y.keylog;
		const [k, t] = [log.get("K"), log.get("T")] as [Uint8Array, Uint8Array];
		const field = (bytes: Uint8Array) =>
			concat(Uint8Array.of(0, 0, 0, bytes.length), bytes);
		const info = concat(
			field(text("tetrad/1 fin")),
			field(text(place)),
			field(t),
		);
		return nodeCrypto.hmac(nodeCrypto.hkdfExpand(k, info, 32), t);
	}
});

describe("an agent is content with a proof that is not one", () => {
	for (const routing of ROUTINGS)
		for (const field of ["finB", "finY"] as const)
			test(`${field} of flight 4, to A (${routing})`, async () => {
				let nth = 0;
				const crypto = sealing((plaintext) => {
					if (nth++ !== 1) return plaintext;
					const fields = messages.F4.decode(plaintext.subarray(1));
					return concat(
						plaintext.subarray(0, 1),
						messages.F4.encode({ ...fields, [field]: R(1) }),
					);
				});
				const B = withKeylog(four.B, { crypto });
				const run = await Run.of({ ...four, B }, cast.now, {
					routing,
				}).establish();
				assert.equal(run.outcomes.A, "authentication-failed");
				assert.ok(!run.has("A", "confirmed"));
				assert.ok(!run.delivered.some(isLink(LINK.confirmInitiator)));
			});
});

describe("a device fails in the middle of a step", () => {
	test("and nothing of that step gets out", async () => {
		for (const routing of ROUTINGS) {
			// The second extraction makes the keys of session 4, when flight 4 is written already.
			let extractions = 0;
			const crypto = {
				...nodeCrypto,
				hkdfExtract(salt: Uint8Array, secret: Uint8Array) {
					if (++extractions === 2) throw new RangeError("out of memory");
					return nodeCrypto.hkdfExtract(salt, secret);
				},
			};
			const B = withKeylog(four.B, { crypto });
			const firstMessage = text("hello");
			const run = Run.of({ ...four, B }, cast.now, { routing, firstMessage });
			run.start();
			await run.run();
			assert.equal(run.outcomes.B, "internal", "it ends and does not throw");
			assert.ok(!run.has("B", "confirmed"));
			assert.ok(!run.delivered.some(isLink(LINK.confirmResponder)));
			assert.ok(!run.has("Y", "confirmed"));
			if (routing === "direct") assert.ok(!run.has("A", "confirmed"));
			assert.deepEqual(run.messages("B"), []);
		}
	});

	test("because its own agent says something that is no text", () => {
		for (const place of PLACES) {
			const run = Run.of(four, cast.now);
			if (place === "A") run.start();
			const end = enc(Uint8Array.of(0xff, 0xfe), Uint8Array.of(0xc0));
			run.apply(place, run[place].linkMessage(LINK.end, end, cast.now));
			assert.equal(run.outcomes[place], "malformed");
		}
	});
});

describe("a corrupt agent uses its honest module twice", () => {
	const options = (place: "X" | "Y", signedHashes: SignedHashes) => {
		const agent = four[place === "X" ? "A" : "B"].context.own;
		const link: LinkContext = {
			mode: "paired",
			peerDeviceId: agent.deviceId,
			peerChain: agent.encodedChain,
			secret: R(0),
			chain: (hash) =>
				Object.values(four).find(({ context }) =>
					sameBytes(context.own.chainHash, hash),
				)?.context.own.encodedChain,
		};
		return {
			device: withKeylog(four[place]).context,
			link,
			now: cast.now,
			timeoutMs: DEFAULT_TIMEOUT_MS,
			signedHashes,
		};
	};
	const code = (effects: Effect[]) => {
		const end = effects.find(({ kind }) => kind === "ended");
		return end?.kind === "ended" ? end.error?.code : undefined;
	};

	test("to answer for one conversation in two tetrads", async () => {
		const run = await Run.of(four, cast.now).establish();
		const answer = run.sent(isLink(LINK.answer)).bytes;
		const signedHashes = new SignedHashes();
		const ask = () =>
			ModuleByHand.responder(options("Y", signedHashes)).linkMessage(
				LINK.answer,
				answer,
				cast.now,
			);
		assert.ok(ask().some(({ kind }) => kind === "sign"));
		const second = ask();
		assert.equal(code(second), "unexpected-message");
		assert.ok(!second.some(({ kind }) => kind === "sign"));
	});

	test("to call and to answer for one conversation", async () => {
		const run = await Run.of(four, cast.now).establish();
		const signedHashes = new SignedHashes();
		const answer = messages.ANSWER.decode(run.sent(isLink(LINK.answer)).bytes);
		const asY = ModuleByHand.responder(options("X", signedHashes)).linkMessage(
			LINK.answer,
			messages.ANSWER.encode({
				...answer,
				ownAgent: four.A.context.own.chainHash,
			}),
			cast.now,
		);
		assert.ok(asY.some(({ kind }) => kind === "sign"));
		const asX = ModuleByHand.initiator(options("X", signedHashes));
		const prepared = asX
			.linkMessage(LINK.begin, messages.BEGIN.encode({ suite: 3 }), cast.now)
			.find(({ kind }) => kind === "send-link");
		assert.ok(prepared?.kind === "send-link");
		const { i1 } = messages.PREPARED.decode(prepared.body);
		// An honest Y, who answers this I1 for the same conversation.
		const other = Run.of(four, cast.now, { known: Object.values(four) });
		await drive(
			"Y",
			other,
			other.Y.linkMessage(
				LINK.answer,
				messages.ANSWER.encode({ ...answer, i1 }),
				cast.now,
			),
		);
		const { i2 } = messages.ANSWERED.decode(take(other, isLink(LINK.answered)));
		const effects = asX.linkMessage(
			LINK.bindInitiator,
			messages.BIND_INITIATOR.encode({
				offer: answer.offer,
				responderLink: 1,
				outerHash: answer.outerHash,
				ownAgent: four.A.context.own.chainHash,
				peerAgent: four.B.context.own.chainHash,
				i2,
				share: R(1),
			}),
			cast.now,
		);
		assert.equal(code(effects), "unexpected-message");
		assert.ok(!effects.some(({ kind }) => kind === "sign"));
	});

	test("to finish one key exchange twice", () => {
		const setup = {
			protocol: suiteByName("classical-aesgcm").protocol,
			prologue: R(1),
		};
		const nothing = new Uint8Array();
		const { message1, awaiting } = startInitiator(nodeCrypto, setup, nothing);
		const answers = [1, 2].map(() => {
			const answering = readMessage1(nodeCrypto, setup, message1);
			const { message2 } = answering.finish(nothing);
			assert.throws(() => answering.finish(nothing), { code: "internal" });
			return message2;
		});
		awaiting.finish(answers[0] as Uint8Array);
		for (const answer of answers)
			assert.throws(() => awaiting.finish(answer), { code: "internal" });
	});

	test("with many conversations between, as long as it remembers", () => {
		const hashes = new SignedHashes();
		const hash = (i: number) => {
			const bytes = R(0);
			new DataView(bytes.buffer).setUint32(0, i);
			return bytes;
		};
		for (let i = 0; i < 3 * 2 ** 15; i++) {
			hashes.claim(hash(i));
			if (i % 4096 !== 0) continue;
			const back = Math.max(0, i - 2 ** 15 + 1);
			assert.throws(() => hashes.claim(hash(back)), {
				code: "unexpected-message",
			});
		}
	});

	for (const routing of ROUTINGS)
		test(`with one I1 in two conversations (${routing})`, async () => {
			const run = Run.of(four, cast.now, { routing });
			run.start();
			await run.run(() => run.delivered.some(isLink(LINK.answer)));
			// The same I1 goes to another module, or to the same one once more.
			const { i1 } = messages.PREPARED.decode(
				run.sent(isLink(LINK.prepared)).bytes,
			);
			const other = Run.of(four, cast.now, { known: Object.values(four) });
			const first = messages.ANSWER.decode(run.sent(isLink(LINK.answer)).bytes);
			await drive(
				"Y",
				other,
				other.Y.linkMessage(
					LINK.answer,
					messages.ANSWER.encode({ ...first, outerHash: R(8), i1 }),
					cast.now,
				),
			);
			const { i2 } = messages.ANSWERED.decode(
				take(other, isLink(LINK.answered)),
			);
			await run.run(() => run.delivered.some(isLink(LINK.bindInitiator)));
			const asked = run.sent(isLink(LINK.bindInitiator)).bytes;
			run.apply(
				"X",
				run.X.linkMessage(
					LINK.bindInitiator,
					messages.BIND_INITIATOR.encode({
						...messages.BIND_INITIATOR.decode(asked),
						outerHash: R(8),
						i2,
					}),
					cast.now,
				),
			);
			assert.equal(run.outcomes.X, "unexpected-message");
			await run.run();
			assertNothing(run);
		});
});

describe("one of the four is silent", () => {
	for (const routing of ROUTINGS)
		for (const silent of PLACES)
			test(`${silent} stops anywhere, and nobody else believes that it confirmed (${routing})`, async () => {
				const firstMessage = text("hello");
				const options = { routing, firstMessage };
				const trial = await Run.of(four, cast.now, options).establish();
				const steps = trial.delivered.length;
				for (let step = 0; step < steps; step++) {
					const run = Run.of(four, cast.now, options);
					run.intercept = (d) =>
						d.from === silent && run.delivered.length >= step ? [] : [d];
					await run.establish();
					run.intercept = () => [];
					for (const place of PLACES) {
						if (run[place].deadline === undefined) continue;
						run.now = run[place].deadline as number;
						run.apply(place, run[place].time(run.now));
						assert.equal(run.outcomes[place], "timed-out");
					}
					assertSound(run);
					for (const place of PLACES) {
						if (run.has(place, "confirmed")) continue;
						assert.equal(run.outcomes[place], "timed-out", `${place}`);
						assert.deepEqual(run.messages(place), []);
						assert.throws(() => run[place].send(text("pay")), {
							code: "tetrad-closed",
						});
					}
				}
			});
});

describe("a certificate changes while a link is up", () => {
	const certified = async (place: Place, name: string, days: number) => {
		const role = place === "A" || place === "B" ? "agent" : "module";
		const authority = role === "agent" ? cast.world.agency : cast.world.bank;
		const { signer } = four[place];
		const leaf = await issueDevice(nodeCrypto, {
			...{ role, name, issuer: authority.issuer },
			algorithm: signer.algorithm,
			publicKey: signer.publicKey,
			notBefore: cast.now - DAY,
			notAfter: cast.now + days * DAY,
		});
		return cast.device(role, { signer, chain: encodeChain([leaf]) });
	};

	for (const place of PLACES) {
		const side = (of: "agentPairedWith" | "modulePairedWith") => ({
			[place === "A" || place === "X" ? "AX" : "BY"]: { [of]: four[place] },
		});
		const other =
			place === "A" || place === "B" ? "modulePairedWith" : "agentPairedWith";

		test(`${place} is certified anew under its name, and stays the paired device`, async () => {
			const { name } = four[place].context.own;
			const renewed = await certified(place, name, 30);
			const devices = { ...four, [place]: renewed };
			const run = await Run.of(devices, cast.now, side(other)).establish();
			assert.equal(run.confirmed, "ABXY");
		});

		test(`${place} is certified anew under another name, and is another device`, async () => {
			const renamed = await certified(place, "somebody-else", 30);
			const devices = { ...four, [place]: renamed };
			const run = await Run.of(devices, cast.now, side(other)).establish();
			assertNothing(run);
			const judge = { A: "X", X: "A", B: "Y", Y: "B" } as const;
			assert.equal(run.outcomes[judge[place]], "chain-refused");
		});

		test(`${place}'s certificate expires, and the next tetrad is refused`, async () => {
			const { name } = four[place].context.own;
			const short = await certified(place, name, 10);
			const devices = { ...four, [place]: short };
			const today = await Run.of(devices, cast.now).establish();
			assert.equal(today.confirmed, "ABXY");
			const later = cast.now + 11 * DAY;
			if (place === "A") {
				// It does not even ask.
				const asking = () => Run.of(devices, later);
				assert.throws(asking, { code: "chain-refused" });
				return;
			}
			const run = await Run.of(devices, later).establish();
			assertNothing(run);
			assert.ok(Object.values(run.outcomes).includes("chain-refused"));
		});

		test(`${place}'s certificate expires, and ${place} goes on as if it had not: others refuse it`, async () => {
			const { name } = four[place].context.own;
			const short = await certified(place, name, 10);
			const { policy } = short.context;
			const corrupt = {
				...short,
				context: {
					...short.context,
					verdicts: new StoppedClock(nodeCrypto, policy),
				},
			};
			const devices = { ...four, [place]: corrupt };
			// Everybody has seen the chain while it was good, and remembers that.
			const today = await Run.of(devices, cast.now).establish();
			assert.equal(today.confirmed, "ABXY");
			const run = await Run.of(devices, cast.now + 11 * DAY).establish();
			assert.equal(run.confirmed, "");
			const refusing = PLACES.filter(
				(at) => at !== place && run.outcomes[at] === "chain-refused",
			);
			assert.notDeepEqual(refusing, []);
			assert.notEqual(run.outcomes[place], "waits");
		});
	}

	test("over the link that was made with the old one", async () => {
		const { name } = four.A.context.own;
		const renewed = await certified("A", name, 30);
		const stranger = await cast.agent("stranger");
		for (const A of [renewed, stranger]) {
			const ax = await makeLink(four.A, four.X, "paired", cast.now);
			const by = await makeLink(four.B, four.Y, "paired", cast.now);
			const links = {
				A: ax.agentEnd,
				X: ax.moduleEnd,
				B: by.agentEnd,
				Y: by.moduleEnd,
			};
			const devices = { ...four, A };
			const run = new FourDevices(devices, links, cast.now, {});
			await run.establish();
			const confirmed = PLACES.every((place) => run.has(place, "confirmed"));
			assert.equal(confirmed, A === renewed);
			if (A === stranger) assert.equal(run.error("X")?.code, "chain-refused");
		}
	});

	test("and a tetrad names two chains of one device: they are one agent", async () => {
		const { name } = four.A.context.own;
		const renewed = await certified("A", name, 30);
		const B = { ...renewed, signer: four.A.signer };
		const run = await Run.of({ ...four, B }, cast.now).establish();
		assert.equal(run.outcomes.A, "chain-refused");
		assert.equal(
			hex(renewed.context.own.deviceId),
			hex(four.A.context.own.deviceId),
		);
		assertNothing(run);
	});
});
