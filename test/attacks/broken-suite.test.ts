import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	readMessage1,
	Session,
	signedBytes,
	startInitiator,
} from "../../src/session/index.ts";
import { messages, type Routing } from "../../src/tetrad/index.ts";
import { RootKey } from "../../src/tetrad/root-key.ts";
import { innerSetup } from "../../src/tetrad/sessions.ts";
import { CONTENT, FRAME, LINK, parseFrame } from "../../src/wire/index.ts";
import {
	assertNothing,
	BrokenX25519,
	Cast,
	CorruptInitiator,
	CorruptResponder,
	isFlight,
	isLink,
	ROUTINGS,
	Run,
	settle,
	take,
	withKeylog,
} from "../support/attack.ts";
import type { Device } from "../support/four-devices.ts";

// The suite breaks while it is in use: whoever is on the network has every discrete logarithm of
// its X25519 at once, so sessions 1 and 2 hide and keep nothing. Signatures hold.

const cast = await Cast.make();
const four = await cast.four();
const mallory = await cast.agent("mallory");
const malloryPurse = await cast.module("mallory-purse");

const X25519_BYTES = 32;
const EMPTY = new Uint8Array();

interface Side {
	readonly agent: Device;
	readonly module: Device;
}

const BOBS: Side = { agent: four.B, module: four.Y };
const MALLORYS: Side = { agent: mallory, module: malloryPurse };

/**
 * Alice calls somebody, and it is `heardBy` that answers her: in both sessions, with the ephemeral
 * keys of Bob and of his till. Her signatures, over hashes that are Bob's as well, go to him.
 */
async function callThroughBrokenSuite(
	routing: Routing,
	heardBy: Side,
	bobChecks: boolean,
): Promise<Run> {
	const broken = new BrokenX25519();
	const { crypto } = broken;
	const trusting = { ...crypto, verify: () => true };
	const devices = {
		A: withKeylog(four.A, { crypto }),
		X: withKeylog(four.X, { crypto }),
		B: withKeylog(four.B, { crypto: bobChecks ? crypto : trusting }),
		Y: withKeylog(four.Y, { crypto }),
	};
	const known = [...Object.values(four), mallory, malloryPurse];
	const run = Run.of(devices, cast.now, { routing, known });
	const direct = routing === "direct";

	run.start();
	await settle(run, "AX");
	const flight1 = take(run, isFlight("A", FRAME.offer));
	run.deliver({ wire: "network", from: "A", to: "B", bytes: flight1 });
	await settle(run, "BY");
	const flight2 = take(run, isFlight("B", FRAME.answer));

	// Session 1, at both of its ends: towards Alice as whoever hears her, towards Bob as Alice.
	const { message1 } = messages.F1.decode(parseFrame(flight1).body);
	const ephemeral = (message: Uint8Array) =>
		broken.playing(message.subarray(0, X25519_BYTES));
	const towardsA = new CorruptResponder(
		heardBy.agent,
		flight1,
		ephemeral(parseFrame(flight2).body),
	);
	const { offer, i1, outerHash } = towardsA;
	const towardsB = new CorruptInitiator(
		mallory,
		offer,
		i1,
		ephemeral(message1),
	);
	const f2 = towardsB.readFlight2(flight2);
	assert.deepEqual(f2.outerHash, outerHash, "both ends have one h_o");

	// Session 2, in the same way.
	const setup = innerSetup(withKeylog(mallory).context, offer.selected);
	const { awaiting } = startInitiator(ephemeral(i1), setup, EMPTY);
	const asX = awaiting.finish(f2.i2);
	const r2 = f2.r2;
	const agentId = heardBy.agent.context.own.deviceId;
	const module = heardBy.module.context.own;
	const credential = {
		chain: module.encodedChain,
		signature: await heardBy.module.signer.sign(
			signedBytes("Y", outerHash, asX.hash, agentId, module.chainHash),
		),
	};
	const asY = readMessage1(ephemeral(f2.i2), setup, i1).finish(
		direct
			? messages.I2.direct.encode({ ...credential, r2 })
			: messages.I2.crossed.encode(credential),
	);
	const towardsX = new Session(nodeCrypto, asY.secrets, "responder");
	const towardsY = new Session(nodeCrypto, asX.secrets, "initiator");

	run.deliver({
		wire: "network",
		from: "B",
		to: "A",
		bytes: await towardsA.flight2({ i2: asY.message2, r2 }),
	});
	await settle(run, "AX");
	const flight3 = towardsA.open(take(run, isFlight("A", FRAME.record))).bytes;

	// What Alice and her purse signed goes on to Bob, with proofs of the key that he will form.
	const { r1, chain, signature, i3 } = messages.F3[routing].decode(flight3);
	const inside = messages.I3[routing].decode(towardsX.open(i3).bytes);
	const root = RootKey.form(
		nodeCrypto,
		{
			outerHash,
			innerHash: asX.hash,
			parties: {
				A: four.A.context.own,
				B: four.B.context.own,
				X: four.X.context.own,
				Y: four.Y.context.own,
			},
			offer,
			responderLink: "paired",
		},
		r1,
		r2,
		() => {},
	);
	const [finA, finX] = [root.fin("A"), root.fin("X")];
	const xs = { chain: inside.chain, signature: inside.signature };
	const sealed = towardsY.seal(
		CONTENT.handshake,
		direct
			? messages.I3.direct.encode({ ...xs, r1, finX })
			: messages.I3.crossed.encode({ ...xs, r2 }),
	);
	const as = { chain, signature, r1, finA, i3: sealed };
	const bytes = towardsB.session.seal(
		CONTENT.handshake,
		direct
			? messages.F3.direct.encode({ ...as, finX })
			: messages.F3.crossed.encode(as),
	);
	run.deliver({ wire: "network", from: "A", to: "B", bytes });
	await settle(run, "BY");
	return run;
}

const isBound = (run: Run, places: string) =>
	[...run.bound].filter((place) => places.includes(place)).join("");

describe("the suite breaks while it is in use, and Mallory wants Bob to believe that Alice talks to him while she talks to her", () => {
	for (const routing of ROUTINGS) {
		test(`Bob's agent hears that Alice meant another one (${routing})`, async () => {
			const run = await callThroughBrokenSuite(routing, MALLORYS, true);
			assert.ok(run.has("A", "bound"), "Alice talks to Mallory");
			assert.equal(run.outcomes.B, "authentication-failed");
			assert.ok(!run.delivered.some(isLink(LINK.bindResponder)));
			assert.equal(isBound(run, "BY"), "");
			assertNothing(run, "BY");
		});

		test(`Bob's till hears that Alice's purse meant another one, though his agent is corrupt as well (${routing})`, async () => {
			const run = await callThroughBrokenSuite(routing, MALLORYS, false);
			assert.ok(run.delivered.some(isLink(LINK.bindResponder)));
			assert.equal(run.outcomes.Y, "authentication-failed");
			assert.equal(isBound(run, "BY"), "");
			assertNothing(run, "BY");
		});

		test(`with Bob's own words to Alice, whoever broke the suite sits between them: the control (${routing})`, async () => {
			const run = await callThroughBrokenSuite(routing, BOBS, true);
			assert.equal(isBound(run, "BY"), "BY");
		});
	}
});
