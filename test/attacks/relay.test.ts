import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { encodeChain, issueDevice } from "../../src/identity/index.ts";
import {
	Session,
	signedBytes,
	startInitiator,
	suiteByName,
} from "../../src/session/index.ts";
import {
	LINK_BYTE,
	messages,
	type Place,
	type Routing,
	type Transcript,
} from "../../src/tetrad/index.ts";
import { makeOffer, type Offer } from "../../src/tetrad/offer.ts";
import { RootKey } from "../../src/tetrad/root-key.ts";
import { innerSetup } from "../../src/tetrad/sessions.ts";
import { CONTENT, encodeFrame, FRAME, LINK } from "../../src/wire/index.ts";
import {
	assertNothing,
	assertSound,
	Cast,
	CorruptInitiator,
	CorruptResponder,
	type Devices,
	drive,
	isFlight,
	isLink,
	ROUTINGS,
	Run,
	settle,
	take,
	withKeylog,
} from "../support/attack.ts";
import { DAY } from "../support/authority.ts";
import type { Device } from "../support/four-devices.ts";

const cast = await Cast.make();
const four = await cast.four();
/** A certified agent that is corrupt, and an honest module that is paired with it. */
const mallory = await cast.agent("mallory");
const malloryPurse = await cast.module("mallory-purse");
/** Another one, who helps. */
const eve = await cast.agent("eve");
const evePurse = await cast.module("eve-purse");

const all = [...Object.values(four), mallory, malloryPurse, eve, evePurse];
const R = (fill: number) => new Uint8Array(32).fill(fill);

/** Alice and her purse up to flight 1, as whoever answers sees it. */
async function aliceCalls(routing: Routing): Promise<{
	run: Run;
	corrupt: CorruptResponder;
}> {
	const run = Run.of({ ...four, B: mallory }, cast.now, {
		routing,
		known: all,
	});
	run.start();
	await settle(run, "AX");
	return {
		run,
		corrupt: new CorruptResponder(mallory, take(run, isFlight("A", 0x01))),
	};
}

/** Bob and his till up to flight 2, when `device` calls with that I1. */
async function callBob(
	device: Device,
	offer: Offer,
	i1: Uint8Array,
	bob: Pick<Devices, "B" | "Y"> = four,
): Promise<{ run: Run; corrupt: CorruptInitiator; flight2: Uint8Array }> {
	const run = Run.of({ ...four, A: device, ...bob }, cast.now, { known: all });
	const corrupt = new CorruptInitiator(device, offer, i1);
	toB(run, corrupt.flight1);
	await settle(run, "BY");
	return { run, corrupt, flight2: take(run, isFlight("B", 0x03)) };
}

function toA(run: Run, bytes: Uint8Array): void {
	run.deliver({ wire: "network", from: "B", to: "A", bytes });
}

function toB(run: Run, bytes: Uint8Array): void {
	run.deliver({ wire: "network", from: "A", to: "B", bytes });
}

describe("a corrupt agent between two honest sides wants their modules bound to each other", () => {
	for (const routing of ROUTINGS)
		test(`by passing on what the two modules say, as itself to both (${routing})`, async () => {
			const left = await aliceCalls(routing);
			const { offer, i1 } = left.corrupt;
			const right = await callBob(mallory, offer, i1);
			const { i2, r2 } = right.corrupt.readFlight2(right.flight2);
			toA(left.run, await left.corrupt.flight2({ i2, r2 }));
			await settle(left.run, "AX");
			assert.equal(left.run.outcomes.X, "authentication-failed");
			assert.equal(left.run.bound, "");
			assertNothing(left.run);
			assertNothing(right.run);
		});

	for (const routing of ROUTINGS)
		test(`by passing Bob's own credential on to Alice (${routing})`, async () => {
			const left = await aliceCalls(routing);
			const { offer, i1 } = left.corrupt;
			const right = await callBob(mallory, offer, i1);
			const heard = right.corrupt.readFlight2(right.flight2);
			const { i2, r2, chain, signature } = heard;
			const flight2 = { i2, r2, chain, signature };
			toA(left.run, await left.corrupt.flight2(flight2));
			await settle(left.run, "AX");
			assert.equal(left.run.outcomes.A, "authentication-failed");
			assert.equal(left.run.bound, "");
		});

	for (const routing of ROUTINGS)
		test(`by putting its helper's honest module behind itself as it answers (${routing})`, async () => {
			const { run, corrupt } = await aliceCalls(routing);
			// Eve tells her module whatever Mallory needs, and it signs: for Eve.
			const theirs = Run.of({ ...four, B: eve, Y: evePurse }, cast.now, {
				known: all,
			});
			await drive(
				"Y",
				theirs,
				theirs.Y.linkMessage(
					LINK.answer,
					messages.ANSWER.encode({
						offer: corrupt.offer.raw,
						responderLink: 1,
						outerHash: corrupt.outerHash,
						ownAgent: eve.context.own.chainHash,
						i1: corrupt.i1,
						r2: routing === "direct" ? R(2) : new Uint8Array(),
					}),
					cast.now,
				),
			);
			const { i2 } = messages.ANSWERED.decode(
				take(theirs, isLink(LINK.answered)),
			);
			toA(run, await corrupt.flight2({ i2, r2: R(2) }));
			await settle(run, "AX");
			assert.equal(run.outcomes.X, "authentication-failed");
			assert.equal(run.bound, "");
		});

	for (const routing of ROUTINGS)
		test(`by putting its helper's honest module behind itself as it calls (${routing})`, async () => {
			// Eve's honest purse makes I1 and, later, I3 for a conversation of Mallory's.
			const theirs = Run.of({ ...four, A: eve, X: evePurse }, cast.now, {
				known: all,
				routing,
			});
			theirs.start();
			await settle(theirs, "X");
			const prepared = theirs.sent(isLink(LINK.prepared)).bytes;
			const { i1 } = messages.PREPARED.decode(prepared);
			const offer = offerFor(routing);
			const { run, corrupt, flight2 } = await callBob(mallory, offer, i1);
			const heard = corrupt.readFlight2(flight2);
			await drive(
				"X",
				theirs,
				theirs.X.linkMessage(
					LINK.bindInitiator,
					messages.BIND_INITIATOR.encode({
						offer: offer.raw,
						responderLink: 1,
						outerHash: heard.outerHash,
						ownAgent: eve.context.own.chainHash,
						peerAgent: four.B.context.own.chainHash,
						i2: heard.i2,
						share: routing === "direct" ? R(1) : heard.r2,
					}),
					cast.now,
				),
			);
			const bound = take(theirs, isLink(LINK.initiatorBound));
			const { i3 } = messages.INITIATOR_BOUND[routing].decode(bound);
			const { encodedChain, chainHash } = mallory.context.own;
			const credential = {
				chain: encodedChain,
				signature: await corrupt.sign(
					"A",
					heard.outerHash,
					chainHash,
					four.B.context.own.chainHash,
				),
				r1: R(1),
				finA: R(0),
				i3,
			};
			const flight3 =
				routing === "direct"
					? messages.F3.direct.encode({ ...credential, finX: R(0) })
					: messages.F3.crossed.encode(credential);
			toB(run, corrupt.session.seal(CONTENT.handshake, flight3));
			await settle(run, "BY");
			assert.equal(run.outcomes.Y, "authentication-failed");
			assert.equal(run.bound, "");
			assertNothing(run);
		});
});

function offerFor(routing: Routing, change: Partial<Offer> = {}): Offer {
	const selected = suiteByName("classical-aesgcm");
	return makeOffer({
		suites: Uint8Array.of(selected.id),
		selected,
		routing,
		root: "transcript",
		link: "paired",
		...change,
	});
}

describe("a corrupt agent wants its own honest module to vouch for something else", () => {
	const other = (offer: Uint8Array, change: Partial<Offer>): Uint8Array => {
		const routing = offer[offer.length - 11] === 1 ? "direct" : "crossed";
		return offerFor(routing, change).raw;
	};
	const lies = {
		"another conversation": { outerHash: R(9) },
		"another agent of its own": { ownAgent: eve.context.own.chainHash },
		"another link mode of the answering side": {
			responderLink: LINK_BYTE["unsafe-open"],
		},
	};
	const offers: Record<string, Partial<Offer>> = {
		"root unsafe-xor": { root: "unsafe-xor" },
		"an open link": { link: "unsafe-open" },
		"direct routing": { routing: "direct" },
		"crossed routing": { routing: "crossed" },
		"a longer suite list": { suites: Uint8Array.of(3, 1) },
	};
	for (const routing of ROUTINGS) {
		for (const [what, lie] of Object.entries(lies)) {
			test(`as it answers: ${what} (${routing})`, async () => {
				const run = Run.of(four, cast.now, { routing, known: all });
				run.rewrite(LINK.answer, messages.ANSWER, () => lie);
				await run.establish();
				assertNothing(run);
				assert.equal(run.bound, "");
			});
			test(`as it calls: ${what} (${routing})`, async () => {
				const run = Run.of(four, cast.now, { routing, known: all });
				run.rewrite(LINK.bindInitiator, messages.BIND_INITIATOR, () => lie);
				await run.establish();
				assertNothing(run);
			});
		}
		for (const [what, change] of Object.entries(offers)) {
			if (change.routing === routing) continue;
			test(`as it answers: ${what} (${routing})`, async () => {
				const run = Run.of(four, cast.now, { routing, known: all });
				run.rewrite(LINK.answer, messages.ANSWER, ({ offer }) => {
					const r2 =
						(change.routing ?? routing) === "direct" ? R(5) : new Uint8Array();
					return { offer: other(offer, { routing, ...change }), r2 };
				});
				await run.establish();
				assertNothing(run);
			});
			test(`as it calls: ${what} (${routing})`, async () => {
				const run = Run.of(four, cast.now, { routing, known: all });
				run.rewrite(LINK.bindInitiator, messages.BIND_INITIATOR, (fields) => ({
					offer: other(fields.offer, { routing, ...change }),
				}));
				await run.establish();
				assertNothing(run);
			});
		}
		test(`as it answers: another calling agent (${routing})`, async () => {
			const run = Run.of(four, cast.now, { routing, known: all });
			const peerAgent = eve.context.own.chainHash;
			const body = messages.BIND_RESPONDER[routing];
			run.rewrite(LINK.bindResponder, body, () => ({ peerAgent }));
			await run.establish();
			assert.equal(run.outcomes.Y, "authentication-failed");
			assertNothing(run);
		});
		test(`as it calls: another answering agent (${routing})`, async () => {
			const run = Run.of(four, cast.now, { routing, known: all });
			const peerAgent = eve.context.own.chainHash;
			run.rewrite(LINK.bindInitiator, messages.BIND_INITIATOR, () => ({
				peerAgent,
			}));
			await run.establish();
			assert.equal(run.outcomes.X, "authentication-failed");
			assertNothing(run);
		});
	}
});

describe("a module wants to stand where another one is paired", () => {
	for (const routing of ROUTINGS)
		for (const place of ["X", "Y"] as const) {
			test(`in ${place}, with its own chain (${routing})`, async () => {
				const side = { agentPairedWith: four[place] };
				const run = Run.of({ ...four, [place]: evePurse }, cast.now, {
					routing,
					known: all,
					...(place === "X" ? { AX: side } : { BY: side }),
				});
				await run.establish();
				assert.equal(run.outcomes[place === "X" ? "A" : "B"], "chain-refused");
				assertNothing(run);
			});
			test(`in ${place}, with the chain of the paired one and its own key (${routing})`, async () => {
				const impostor = { ...four[place], signer: evePurse.signer };
				const run = Run.of({ ...four, [place]: impostor }, cast.now, {
					routing,
				});
				await run.establish();
				const judge = place === "X" ? "Y" : "X";
				assert.equal(run.outcomes[judge], "authentication-failed");
				assertNothing(run);
			});
			test(`in ${place}, naming the paired one to its agent (${routing})`, async () => {
				const side = { agentPairedWith: four[place] };
				const run = Run.of({ ...four, [place]: evePurse }, cast.now, {
					routing,
					known: all,
					...(place === "X" ? { AX: side } : { BY: side }),
				});
				const ownModule = four[place].context.own.chainHash;
				if (place === "X")
					run.rewrite(
						LINK.initiatorBound,
						messages.INITIATOR_BOUND[routing],
						() => ({ ownModule }),
					);
				else
					run.rewrite(LINK.responderBound, messages.RESPONDER_BOUND, () => ({
						ownModule,
					}));
				await run.establish();
				assertNothing(run);
			});
		}

	for (const routing of ROUTINGS)
		for (const place of ["X", "Y"] as const)
			test(`in ${place}, while it is paired with another agent (${routing})`, async () => {
				const side = { modulePairedWith: eve };
				const run = Run.of(four, cast.now, {
					routing,
					known: all,
					...(place === "X" ? { AX: side } : { BY: side }),
				});
				await run.establish();
				assert.equal(run.outcomes[place], "chain-refused");
				assertNothing(run);
			});
});

describe("an agent without the key wants to stand in another's place", () => {
	for (const routing of ROUTINGS)
		for (const place of ["A", "B"] as const)
			test(`${place} (${routing})`, async () => {
				const impostor = { ...four[place], signer: eve.signer };
				const run = Run.of({ ...four, [place]: impostor }, cast.now, {
					routing,
				});
				await run.establish();
				const judge = place === "A" ? "B" : "A";
				assert.equal(run.outcomes[judge], "authentication-failed");
				assertNothing(run);
			});
});

describe("two corrupt agents want two honest modules to disagree and be confirmed", () => {
	/** What X is told, and what Y is told. The agents know K and make whatever fins are asked for. */
	const versions: Record<string, { X: Partial<Told>; Y: Partial<Told> }> = {
		root: { X: { root: "unsafe-xor" }, Y: {} },
		"suite list": { X: {}, Y: { suites: Uint8Array.of(3, 1) } },
		"link mode of B–Y": { X: { link: "unsafe-open" }, Y: {} },
		conversation: { X: { outerHash: R(7) }, Y: {} },
		"answering agent": { X: { peerAgent: eve }, Y: {} },
		"calling agent": { X: {}, Y: { peerAgent: eve } },
	};
	interface Told {
		root: Offer["root"];
		suites: Uint8Array;
		/** Of B–Y. */
		link: "paired" | "unsafe-open";
		outerHash: Uint8Array;
		peerAgent: Device;
	}

	for (const routing of ROUTINGS) {
		for (const [what, { X, Y }] of Object.entries(versions))
			test(`on the ${what} (${routing})`, async () => {
				const run = await conspire(routing, X, Y);
				assert.equal(run.confirmed, "", "neither module is confirmed");
			});
		test(`the same agents with one version get through (${routing})`, async () => {
			const run = await conspire(routing, {}, {});
			assert.equal(run.confirmed, "XY");
		});
	}

	/** Plays both agents by hand. Stops as soon as a module does. */
	async function conspire(
		routing: Routing,
		toldX: Partial<Told>,
		toldY: Partial<Told>,
	): Promise<Run> {
		const run = Run.of(four, cast.now, { routing, known: all });
		const direct = routing === "direct";
		const offer = (told: Partial<Told>) =>
			offerFor(routing, {
				...(told.root ? { root: told.root } : {}),
				...(told.suites ? { suites: told.suites } : {}),
			});
		const outerHash = (told: Partial<Told>) => told.outerHash ?? R(3);
		const [r1, r2] = [R(1), R(2)];
		const own = (device: Device) => device.context.own;
		const say = async (
			to: "X" | "Y",
			type: Parameters<Run["X"]["linkMessage"]>[0],
			body: Uint8Array,
		) => drive(to, run, run[to].linkMessage(type, body, cast.now));
		const answer = (type: Parameters<typeof isLink>[0]) =>
			run.pending.some(isLink(type)) ? take(run, isLink(type)) : undefined;
		/** The fins that a module which was told this will want to see. */
		const fins = (told: Partial<Told>, place: "X" | "Y", inner: Uint8Array) => {
			const peer = told.peerAgent;
			const transcript: Transcript = {
				outerHash: outerHash(told),
				innerHash: inner,
				parties: {
					A: own(place === "Y" && peer ? peer : four.A),
					B: own(place === "X" && peer ? peer : four.B),
					X: own(four.X),
					Y: own(four.Y),
				},
				offer: offer(told),
				responderLink: told.link ?? "paired",
			};
			const key = RootKey.form(nodeCrypto, transcript, r1, r2, () => {});
			return { finA: key.fin("A"), finB: key.fin("B") };
		};

		await say("X", LINK.begin, messages.BEGIN.encode({ suite: 3 }));
		const { i1 } = messages.PREPARED.decode(
			answer(LINK.prepared) as Uint8Array,
		);
		await say(
			"Y",
			LINK.answer,
			messages.ANSWER.encode({
				offer: offer(toldY).raw,
				responderLink: LINK_BYTE[toldY.link ?? "paired"],
				outerHash: outerHash(toldY),
				ownAgent: own(four.B).chainHash,
				i1,
				r2: direct ? r2 : new Uint8Array(),
			}),
		);
		const answered = answer(LINK.answered);
		if (answered === undefined) return run;
		const { i2 } = messages.ANSWERED.decode(answered);
		await say(
			"X",
			LINK.bindInitiator,
			messages.BIND_INITIATOR.encode({
				offer: offer(toldX).raw,
				responderLink: LINK_BYTE[toldX.link ?? "paired"],
				outerHash: outerHash(toldX),
				ownAgent: own(four.A).chainHash,
				peerAgent: own(toldX.peerAgent ?? four.B).chainHash,
				i2,
				share: direct ? r1 : r2,
			}),
		);
		const bound = answer(LINK.initiatorBound);
		if (bound === undefined) return run;
		const { i3, innerHash } = messages.INITIATOR_BOUND[routing].decode(bound);
		const forX = fins(toldX, "X", innerHash);
		const forY = fins(toldY, "Y", innerHash);
		if (direct)
			await say("X", LINK.agentBound, messages.AGENT_BOUND.encode(forX));
		const peerAgent = own(toldY.peerAgent ?? four.A).chainHash;
		await say(
			"Y",
			LINK.bindResponder,
			direct
				? messages.BIND_RESPONDER.direct.encode({ peerAgent, i3 })
				: messages.BIND_RESPONDER.crossed.encode({ peerAgent, i3, r1 }),
		);
		const responderBound = answer(LINK.responderBound);
		if (responderBound === undefined) return run;
		const { i4 } = messages.RESPONDER_BOUND.decode(responderBound);
		await say(
			"X",
			LINK.confirmInitiator,
			direct
				? messages.CONFIRM_INITIATOR.direct.encode({ ...forX, i4 })
				: messages.CONFIRM_INITIATOR.crossed.encode({ ...forX, i4 }),
		);
		const confirmed = answer(LINK.initiatorConfirmed);
		if (direct)
			await say(
				"Y",
				LINK.confirmResponder,
				messages.CONFIRM_RESPONDER.direct.encode(forY),
			);
		else if (confirmed !== undefined) {
			const { i5 } = messages.INITIATOR_CONFIRMED.decode(confirmed);
			await say(
				"Y",
				LINK.confirmResponder,
				messages.CONFIRM_RESPONDER.crossed.encode({ ...forY, i5 }),
			);
		}
		return run;
	}
});

describe("one device wants to be two", () => {
	const twice = async (role: "agent" | "module", of: Device, name: string) => {
		const authority = role === "agent" ? cast.world.agency : cast.world.bank;
		const leaf = await issueDevice(nodeCrypto, {
			role,
			name,
			algorithm: of.signer.algorithm,
			publicKey: of.signer.publicKey,
			issuer: authority.issuer,
			notBefore: cast.now - DAY,
			notAfter: cast.now + DAY,
		});
		const chain = encodeChain([leaf]);
		return cast.device(role, { signer: of.signer, chain });
	};

	for (const routing of ROUTINGS) {
		test(`an agent calls itself (${routing})`, async () => {
			const run = Run.of({ ...four, B: four.A }, cast.now, { routing });
			await run.establish();
			assert.equal(run.outcomes.A, "chain-refused");
			const asked = run.delivered.some(isLink(LINK.bindInitiator));
			assert.ok(!asked, "its module need not notice");
			assertNothing(run);
		});
		test(`an agent calls its own key under another name (${routing})`, async () => {
			const B = await twice("agent", four.A, "not-alice");
			const run = Run.of({ ...four, B }, cast.now, { routing });
			await run.establish();
			assert.equal(run.outcomes.A, "chain-refused");
			assertNothing(run);
		});
		test(`an agent is called by itself (${routing})`, async () => {
			const offer = offerFor(routing);
			const bob = four.B;
			const i1 = startInitiator(
				nodeCrypto,
				innerSetup(withKeylog(bob).context, offer.selected),
				new Uint8Array(),
			).message1;
			const { run, corrupt, flight2 } = await callBob(bob, offer, i1);
			const { outerHash } = corrupt.readFlight2(flight2);
			const { encodedChain: chain, chainHash } = bob.context.own;
			const signature = await corrupt.sign(
				"A",
				outerHash,
				chainHash,
				chainHash,
			);
			const flight3 = {
				...{ chain, signature, r1: R(1), finA: R(0), finX: R(0) },
				i3: encodeFrame(FRAME.record, R(0)),
			};
			toB(
				run,
				corrupt.session.seal(
					CONTENT.handshake,
					messages.F3[routing].encode(flight3),
				),
			);
			assert.equal(run.outcomes.B, "chain-refused");
		});
		for (const [type, from] of [
			[LINK.bindInitiator, "X"],
			[LINK.bindResponder, "Y"],
		] as const)
			test(`${from} is told that both agents are one (${routing})`, async () => {
				const run = Run.of(four, cast.now, { routing });
				const self = four[from === "X" ? "A" : "B"].context.own.chainHash;
				if (type === LINK.bindInitiator)
					run.rewrite(type, messages.BIND_INITIATOR, () => ({
						peerAgent: self,
					}));
				else
					run.rewrite(type, messages.BIND_RESPONDER[routing], () => ({
						peerAgent: self,
					}));
				await run.establish();
				assert.equal(run.outcomes[from], "chain-refused");
				assertNothing(run);
			});
		test(`one module serves both sides (${routing})`, async () => {
			const run = Run.of({ ...four, Y: four.X }, cast.now, { routing });
			await run.establish();
			assert.equal(run.outcomes.X, "chain-refused");
			assert.ok(!run.has("X", "sign"), "its agent need not notice");
			assertNothing(run);
		});
		test(`one module's key serves both sides under two names (${routing})`, async () => {
			const Y = await twice("module", four.X, "not-alice-purse");
			const run = Run.of({ ...four, Y }, cast.now, { routing });
			await run.establish();
			assert.equal(run.outcomes.X, "chain-refused");
			assertNothing(run);
		});
		test(`one device serves both sides under two keys that it was certified with (${routing})`, async () => {
			const [B, Y] = [
				await cast.agent("alice"),
				await cast.module("alice-purse"),
			];
			for (const [place, others] of [
				["A", { B }],
				["X", { Y }],
			] as const) {
				const run = Run.of({ ...four, ...others }, cast.now, { routing });
				await run.establish();
				assert.equal(run.outcomes[place], "chain-refused");
				assertNothing(run);
			}
		});
		test(`a module that answers meets itself (${routing})`, async () => {
			const run = await meetItself(routing);
			assert.equal(run.outcomes.Y, "chain-refused");
		});
		for (const place of ["A", "B"] as const)
			test(`${place} hears of one module from its own (${routing})`, async () => {
				const run = Run.of(four, cast.now, { routing });
				const self = four[place === "A" ? "X" : "Y"].context.own.chainHash;
				if (place === "A")
					run.rewrite(
						LINK.initiatorBound,
						messages.INITIATOR_BOUND[routing],
						() => ({ peerModule: self }),
					);
				else
					run.rewrite(LINK.responderBound, messages.RESPONDER_BOUND, () => ({
						peerModule: self,
					}));
				await run.establish();
				assert.equal(run.outcomes[place], "chain-refused");
				assertNothing(run);
			});
	}

	/** Bob's till with its own key at both ends of session 2; the end that calls checks nothing. */
	async function meetItself(routing: Routing): Promise<Run> {
		const run = Run.of(four, cast.now, { routing, known: all });
		const offer = offerFor(routing);
		const till = withKeylog(four.Y);
		const { message1, awaiting } = startInitiator(
			nodeCrypto,
			innerSetup(till.context, offer.selected),
			new Uint8Array(),
		);
		await drive(
			"Y",
			run,
			run.Y.linkMessage(
				LINK.answer,
				messages.ANSWER.encode({
					offer: offer.raw,
					responderLink: 1,
					outerHash: R(3),
					ownAgent: four.B.context.own.chainHash,
					i1: message1,
					r2: routing === "direct" ? R(2) : new Uint8Array(),
				}),
				cast.now,
			),
		);
		const { i2 } = messages.ANSWERED.decode(take(run, isLink(LINK.answered)));
		const { hash, secrets } = awaiting.finish(i2);
		const session = new Session(nodeCrypto, secrets, "initiator");
		const { encodedChain: chain, chainHash } = till.context.own;
		const signature = await till.signer.sign(
			signedBytes(
				"X",
				R(3),
				hash,
				four.A.context.own.deviceId,
				chainHash,
				chainHash,
			),
		);
		const i3 = session.seal(
			CONTENT.handshake,
			routing === "direct"
				? messages.I3.direct.encode({ chain, signature, r1: R(1), finX: R(0) })
				: messages.I3.crossed.encode({ chain, signature, r2: R(2) }),
		);
		const peerAgent = four.A.context.own.chainHash;
		run.apply(
			"Y",
			run.Y.linkMessage(
				LINK.bindResponder,
				routing === "direct"
					? messages.BIND_RESPONDER.direct.encode({ peerAgent, i3 })
					: messages.BIND_RESPONDER.crossed.encode({ peerAgent, i3, r1: R(1) }),
				cast.now,
			),
		);
		return run;
	}
});

describe("somebody swaps the links of two live tetrads", () => {
	const places: readonly Place[] = ["A", "B", "X", "Y"];
	for (const routing of ROUTINGS)
		test(`from any message on (${routing})`, async () => {
			const steps = Run.of(four, cast.now, { routing });
			await steps.establish();
			const count = steps.delivered.filter((d) => d.wire === "link").length;
			for (let from = 2; from < count; from++) {
				const [one, two] = [1, 2].map(() =>
					Run.of(four, cast.now, { routing }),
				) as [Run, Run];
				one.start();
				two.start();
				let seen = 0;
				while (one.pending.length + one.signing.length > 0) {
					const a = one.pending.shift();
					const b = two.pending.shift();
					if (a === undefined || b === undefined) {
						await one.signNext();
						await two.signNext();
						continue;
					}
					const swap = a.wire === "link" && a.to !== a.from && seen++ >= from;
					one.deliver(swap ? b : a);
					two.deliver(swap ? a : b);
				}
				for (const run of [one, two]) {
					assertSound(run);
					assert.notEqual(run.confirmed, "ABXY", `swapped from ${from} on`);
				}
			}
		});

	test("after they are confirmed: no record opens", async () => {
		const [one, two] = [1, 2].map(() => Run.of(four, cast.now)) as [Run, Run];
		await one.establish();
		await two.establish();
		for (const place of places) {
			const agent = place === "A" || place === "B";
			const effects = agent
				? one[place].sendToModule(R(1))
				: one[place].sendToAgent(R(1));
			one.apply(place, effects);
			const bytes = take(one, isLink(LINK.local));
			const to = ({ A: "X", X: "A", B: "Y", Y: "B" } as const)[place];
			two.apply(to, two[to].linkMessage(LINK.local, bytes, cast.now));
			assert.equal(two.outcomes[to], "authentication-failed");
			assert.deepEqual(two.messages(to), []);
		}
	});
});
