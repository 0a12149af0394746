/* Somebody wants the records of a link to be sealed with another cipher than its two ends would take. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CryptoProvider, nodeCrypto } from "../../src/crypto/index.ts";
import { LINK_PROTOCOL } from "../../src/session/index.ts";
import {
	concat,
	copy,
	enc,
	encodeFrame,
	FRAME,
	hex,
	LINK,
	parseFrame,
	utf8,
} from "../../src/wire/index.ts";
import {
	BrokenX25519,
	Cast,
	withKeylog,
	withPolicy,
} from "../support/attack.ts";
import { Eavesdropper } from "../support/eavesdropper.ts";
import {
	type LinkFrame,
	type LinkWire,
	linkBetween,
	pairingBetween,
} from "../support/wire.ts";

const CHACHA = 0x02;
const AES = 0x01;
const PROLOGUE = enc(utf8("tetrad/1 link"));
const KEY = nodeCrypto.random(32);
const E = 32;
/** Where the payload begins: behind `e` and `e1`, and behind `e` and `ekem1`. */
const PAYLOAD_1 = E + 1184 + 16;
const PAYLOAD_2 = E + 1088 + 16;
const TAG = 16;

const cast = await Cast.make({
	suites: ["classical-aesgcm", "classical-chachapoly"],
});
const { A, X } = await cast.four();
const { now } = cast;

/** Neither end is ready, and whoever was told something else than was said gave up for that. */
function assertNoLink(wire: LinkWire, gaveUp: "agent" | "module"): void {
	for (const end of ["agent", "module"] as const)
		assert.ok(!wire.has(end, "ready"), `the ${end} is ready`);
	assert.equal(wire.outcome(gaveUp), "authentication-failed");
}

/** The link with the frame of this type as somebody between the two ends passes it on. */
async function passed(
	wire: LinkWire,
	type: number,
	change: (body: Uint8Array) => Uint8Array,
): Promise<LinkWire> {
	wire.intercept = (frame) => {
		const parsed = parseFrame(frame.bytes);
		if (parsed.type !== type) return [frame];
		const bytes = encodeFrame(parsed.type, change(copy(parsed.body)));
		return [{ ...frame, bytes }];
	};
	return wire.start();
}

/** With what passed, and all that X25519 and ML-KEM agreed on, as soon as it is there. */
function brokenExchange() {
	const broken = new BrokenX25519();
	const encapsulated: Uint8Array[] = [];
	const crypto: CryptoProvider = {
		...broken.crypto,
		encapsulate(publicKey) {
			const made = broken.crypto.encapsulate(publicKey);
			if (made !== undefined) encapsulated.push(copy(made.secret));
			return made;
		},
	};
	return {
		agent: withKeylog(A, { crypto }),
		module: withKeylog(X, { crypto }),
		/** Walks to where the payload of message 2 is sealed. */
		walk(noise: Eavesdropper, hello: Uint8Array, answer: Uint8Array): void {
			noise.ephemeral(answer.subarray(0, E));
			const agreed = broken
				.logarithm(hello.subarray(0, E))
				.agree(answer.subarray(0, E));
			assert.ok(agreed);
			noise.mixKey(agreed);
		},
		secret(): Uint8Array {
			const secret = encapsulated.at(-1);
			assert.ok(secret);
			return secret;
		},
	};
}

/** Message 1 with other ciphers in it, by whoever has the pairing key. */
function naming(hello: Uint8Array, ...ciphers: readonly number[]): Uint8Array {
	const noise = new Eavesdropper(LINK_PROTOCOL, PROLOGUE, KEY);
	noise.ephemeral(hello.subarray(0, E));
	noise.open(hello.subarray(E, PAYLOAD_1));
	const payload = noise.sealed(enc(Uint8Array.from(ciphers)));
	return concat(hello.subarray(0, PAYLOAD_1), payload);
}

describe("somebody between agent and module changes what the agent names or the module picks", () => {
	test("nobody does, and the first choice of both is taken: the control", async () => {
		const wire = await linkBetween(A, X, now, { key: KEY }).start();
		assert.ok(wire.has("agent", "ready") && wire.has("module", "ready"));
		const [hello] = wire.posted as readonly LinkFrame[];
		const { body } = parseFrame((hello as LinkFrame).bytes);
		assert.equal(hex(naming(body, CHACHA, AES)), hex(body));
		assert.notEqual(hex(naming(body, AES)), hex(body));
	});

	test("without any key, at the bits that it knows", async () => {
		// What is sealed with a stream of keys can be changed at will by whoever knows it, but for the tag.
		const toAes = CHACHA ^ AES;
		const swapped = await passed(
			linkBetween(A, X, now),
			FRAME.linkHello,
			(body) => {
				for (const at of [1, 2])
					body[body.length - TAG - at] =
						(body[body.length - TAG - at] as number) ^ toAes;
				return body;
			},
		);
		assertNoLink(swapped, "module");
		assert.ok(!swapped.has("module", "sign"), "nothing was signed");
		const other = await passed(
			linkBetween(A, X, now),
			FRAME.linkAnswer,
			(body) => {
				body[body.length - TAG - 1] =
					(body[body.length - TAG - 1] as number) ^ toAes;
				return body;
			},
		);
		assertNoLink(other, "agent");
	});

	for (const [what, ...ciphers] of [
		["AES alone", AES],
		["AES first, and a cipher that nobody knows", AES, 0x7f, CHACHA],
		["the same in another order", AES, CHACHA],
	] as const)
		test(`with the pairing key: ${what}`, async () => {
			const wire = await passed(
				linkBetween(A, X, now, { key: KEY }),
				FRAME.linkHello,
				(body) => naming(body, ...ciphers),
			);
			assert.ok(wire.has("module", "sign"), "the module took it");
			assertNoLink(wire, "agent");
		});

	test("with the first message of an earlier link, when the agent's owner wanted AES alone", async () => {
		const cautious = withPolicy(A, { suites: ["classical-aesgcm"] });
		const earlier = await linkBetween(cautious, X, now, { key: KEY }).start();
		assert.ok(earlier.has("module", "ready"));
		const [hello] = earlier.posted as readonly LinkFrame[];
		const { body } = parseFrame((hello as LinkFrame).bytes);
		const wire = await passed(
			linkBetween(A, X, now, { key: KEY }),
			FRAME.linkHello,
			() => body,
		);
		assert.ok(wire.has("module", "sign"), "the module took it");
		assertNoLink(wire, "agent");
	});

	/** Whoever has the pairing key, and breaks both key exchanges while they are in use. */
	const withEverything = async (
		named: readonly number[],
		pick: (picked: Uint8Array) => number,
	): Promise<LinkWire> => {
		const exchange = brokenExchange();
		const wire = linkBetween(exchange.agent, exchange.module, now, {
			key: KEY,
		});
		let said: Uint8Array | undefined;
		let heard: Uint8Array | undefined;
		wire.intercept = (frame) => {
			const { type, body } = parseFrame(frame.bytes);
			if (type === FRAME.linkHello) {
				said = copy(body);
				heard = naming(said, ...named);
				return [{ ...frame, bytes: encodeFrame(type, heard) }];
			}
			if (type !== FRAME.linkAnswer) return [frame];
			assert.ok(said && heard);
			// As the module sees the handshake, and as the agent has to see it.
			const [ofModule, ofAgent] = [heard, said].map((hello) => {
				const noise = new Eavesdropper(LINK_PROTOCOL, PROLOGUE, KEY);
				noise.message1(hello);
				exchange.walk(noise, hello, body);
				return noise;
			});
			assert.ok(ofModule && ofAgent);
			const ciphertext = ofModule.open(body.subarray(E, PAYLOAD_2));
			assert.ok(ciphertext);
			const tokens = ofAgent.sealed(ciphertext);
			ofAgent.open(tokens);
			for (const noise of [ofModule, ofAgent]) noise.mixKey(exchange.secret());
			const payload = ofModule.open(body.subarray(PAYLOAD_2));
			assert.ok(payload, "it reads the answer");
			const changed = copy(payload);
			changed[changed.length - 1] = pick(payload.subarray(-1));
			const answer = concat(
				body.subarray(0, E),
				tokens,
				ofAgent.sealed(changed),
			);
			return [{ ...frame, bytes: encodeFrame(type, answer) }];
		};
		return wire.start();
	};

	test("with the pairing key and both key exchanges, and changes nothing: the control", async () => {
		const wire = await withEverything(
			[CHACHA, AES],
			([picked]) => picked as number,
		);
		assert.ok(wire.has("agent", "ready") && wire.has("module", "ready"));
	});

	test("with the pairing key and both key exchanges: what was named", async () => {
		// The module's pick as the module signed it, for an agent that named it, too.
		const wire = await withEverything([AES], ([picked]) => picked as number);
		assertNoLink(wire, "agent");
	});

	test("with the pairing key and both key exchanges: the pick", async () => {
		const wire = await withEverything([CHACHA, AES], () => AES);
		assertNoLink(wire, "agent");
	});
});

describe("an owner who wants nothing but AES", () => {
	const nothingElse: CryptoProvider = {
		...nodeCrypto,
		aead(name, key) {
			assert.equal(name, "AESGCM");
			return nodeCrypto.aead(name, key);
		},
	};
	const cautious = (device: typeof A) =>
		withKeylog(withPolicy(device, { suites: ["classical-aesgcm"] }), {
			crypto: nothingElse,
		});
	const anything = (device: typeof A) =>
		withPolicy(device, {
			suites: ["classical-chachapoly-aesgcm", "classical-chachapoly"],
		});

	for (const [who, agent, module] of [
		["both devices'", cautious(A), cautious(X)],
		["the agent's", cautious(A), anything(X)],
		["the module's", anything(A), cautious(X)],
	] as const)
		test(`has nothing else on a link and in a pairing: ${who}`, async () => {
			const link = await linkBetween(agent, module, now).start();
			assert.ok(link.has("agent", "ready") && link.has("module", "ready"));
			const id = nodeCrypto.random(16);
			for (const size of [10, 20_000])
				for (const end of ["agent", "module"] as const)
					link.apply(
						end,
						link[end].send(id, LINK.local, new Uint8Array(size), []),
					);
			await link.run();
			for (const end of ["agent", "module"] as const)
				assert.equal(
					link.events[end].filter(({ kind }) => kind === "message").length,
					2,
				);
			const pairing = await pairingBetween(agent, module, now).start();
			pairing.apply("agent", pairing.agent.accept());
			pairing.apply("module", pairing.module.accept());
			await pairing.run();
			assert.ok(
				pairing.has("agent", "paired") && pairing.has("module", "paired"),
			);
		});
});

describe("an end of a link", () => {
	test("that picks what was not named is refused", async () => {
		const cautious = withPolicy(A, { suites: ["classical-aesgcm"] });
		const exchange = brokenExchange();
		const agent = {
			...exchange.agent,
			context: { ...exchange.agent.context, policy: cautious.context.policy },
		};
		for (const picked of [CHACHA, 0, 0x7f]) {
			const wire = linkBetween(agent, exchange.module, now, { key: KEY });
			let hello: Uint8Array | undefined;
			wire.intercept = (frame) => {
				const { type, body } = parseFrame(frame.bytes);
				if (type === FRAME.linkHello) hello = copy(body);
				if (type !== FRAME.linkAnswer) return [frame];
				assert.ok(hello);
				const noise = new Eavesdropper(LINK_PROTOCOL, PROLOGUE, KEY);
				noise.message1(hello);
				exchange.walk(noise, hello, body);
				noise.open(body.subarray(E, PAYLOAD_2));
				noise.mixKey(exchange.secret());
				const { h, key, n } = noise;
				const payload = copy(noise.open(body.subarray(PAYLOAD_2)) ?? body);
				payload[payload.length - 1] = picked;
				Object.assign(noise, { h, key, n });
				const sealed = noise.sealed(payload);
				const bytes = concat(body.subarray(0, PAYLOAD_2), sealed);
				return [{ ...frame, bytes: encodeFrame(type, bytes) }];
			};
			await wire.start();
			assert.equal(wire.outcome("agent"), "negotiation-failed");
			assert.ok(!wire.has("agent", "sign"), "nothing was signed");
		}
	});
});
