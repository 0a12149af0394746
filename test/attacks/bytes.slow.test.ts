import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CryptoProvider, ML_KEM_768 } from "../../src/crypto/index.ts";
import type { LinkContext } from "../../src/tetrad/context.ts";
import {
	DEFAULT_TIMEOUT_MS,
	messages,
	PLACES,
	type Place,
	type Routing,
	SignedHashes,
} from "../../src/tetrad/index.ts";
import {
	concat,
	copy,
	encodeFrame,
	FRAME,
	LINK,
	type LinkMessageType,
	parseFrame,
	sameBytes,
} from "../../src/wire/index.ts";
import {
	assertNothing,
	assertSound,
	Cast,
	type Devices,
	isFlight,
	isLink,
	linkName,
	ROUTINGS,
	Run,
	sealing,
	withKeylog,
} from "../support/attack.ts";
import { fixedCrypto } from "../support/fixed-crypto.ts";
import type { Delivery, Device } from "../support/four-devices.ts";
import { AgentByHand, type Effect, ModuleByHand } from "../support/machines.ts";

const cast = await Cast.make();
const four = await cast.four();
const hybrid = await (await Cast.make({ suites: ["hybrid-aesgcm"] })).four();

/** What one machine was given in a run. */
type Input =
	| {
			readonly kind: "delivery";
			readonly delivery: Delivery;
			readonly nth: number;
	  }
	| { readonly kind: "signed"; readonly signature: Uint8Array };

type Inputs = Record<Place, Input[]>;

const seeded = (device: Device, place: Place, crypto?: CryptoProvider) =>
	withKeylog(device, { crypto: crypto ?? fixedCrypto(`bytes ${place}`) });

/** One run with fixed randomness, and what each machine was given in it. */
async function record(routing: Routing): Promise<Inputs> {
	const inputs: Inputs = { A: [], B: [], X: [], Y: [] };
	const device = (place: Place): Device => {
		const { signer } = four[place];
		return {
			...seeded(four[place], place),
			signer: {
				...{ algorithm: signer.algorithm, publicKey: signer.publicKey },
				async sign(content) {
					const signature = await signer.sign(content);
					inputs[place].push({ kind: "signed", signature });
					return signature;
				},
			},
		};
	};
	const run = Run.of(
		{ A: device("A"), B: device("B"), X: device("X"), Y: device("Y") },
		cast.now,
		{ routing },
	);
	const deliver = run.deliver.bind(run);
	run.deliver = (delivery) => {
		const nth = run.delivered.length;
		inputs[delivery.to].push({ kind: "delivery", delivery, nth });
		deliver(delivery);
	};
	await run.establish();
	assert.equal(run.confirmed, "ABXY");
	return inputs;
}

/** The machine of one place, with the randomness that it had in the recorded run. */
function machineOf(place: Place, routing: Routing) {
	const peer = { A: "X", X: "A", B: "Y", Y: "B" } as const;
	const own = four[peer[place]].context.own;
	const link: LinkContext = {
		mode: "paired",
		peerDeviceId: own.deviceId,
		peerChain: own.encodedChain,
		secret: new Uint8Array(32),
		chain: (hash) =>
			Object.values(four).find(({ context }) =>
				sameBytes(context.own.chainHash, hash),
			)?.context.own.encodedChain,
	};
	const options = {
		device: seeded(four[place], place).context,
		link,
		now: cast.now,
		timeoutMs: DEFAULT_TIMEOUT_MS,
		signedHashes: new SignedHashes(),
	};
	switch (place) {
		case "A":
			return AgentByHand.initiator({ ...options, routing, root: "transcript" });
		case "B":
			return AgentByHand.responder(options);
		case "X":
			return ModuleByHand.initiator(options);
		case "Y":
			return ModuleByHand.responder(options);
	}
}

function give(
	machine: ReturnType<typeof machineOf>,
	delivery: Delivery,
	bytes: Uint8Array,
): Effect[] {
	if (delivery.wire === "network")
		return (machine as AgentByHand).frame(bytes, cast.now);
	return machine.linkMessage(delivery.type as LinkMessageType, bytes, cast.now);
}

/** Whether the machine that gets other bytes as its `at`th input ends at once. */
function noticed(
	place: Place,
	routing: Routing,
	inputs: readonly Input[],
	at: number,
	bytes: Uint8Array,
): boolean {
	const machine = machineOf(place, routing);
	if (place === "A" && machine instanceof AgentByHand) machine.start();
	for (const input of inputs.slice(0, at)) {
		if (input.kind === "signed") machine.signed(input.signature);
		else give(machine, input.delivery, input.delivery.bytes);
	}
	assert.ok(!machine.ended);
	const input = inputs[at];
	assert.ok(input?.kind === "delivery");
	const effects = give(machine, input.delivery, bytes);
	const end = effects.find(({ kind }) => kind === "ended");
	if (end?.kind !== "ended") return false;
	assert.ok(end.error);
	assert.notEqual(end.error.code, "internal", String(end.error.cause));
	return true;
}

/** Every machine gets `change`d bytes once; what the machine does not notice, the four together must. */
async function attempt(
	routing: Routing,
	change: (bytes: Uint8Array, delivery: Delivery) => Iterable<Uint8Array>,
): Promise<{ tried: number; live: number }> {
	const inputs = await record(routing);
	const count = { tried: 0, live: 0 };
	for (const place of PLACES)
		for (const [at, input] of inputs[place].entries()) {
			if (input.kind === "signed") continue;
			const { delivery, nth } = input;
			for (const bytes of change(delivery.bytes, delivery)) {
				count.tried++;
				if (noticed(place, routing, inputs[place], at, bytes)) continue;
				count.live++;
				// The recorded bytes are not those of this run: what differs is applied to them.
				const run = Run.of(four, cast.now, { routing });
				let seen = 0;
				run.intercept = (d) =>
					seen++ === nth
						? [{ ...d, bytes: alike(delivery.bytes, bytes, d.bytes) }]
						: [d];
				await run.establish();
				assertSound(run);
				const what =
					delivery.type === undefined
						? `frame ${delivery.bytes[0]}`
						: linkName(delivery.type);
				// An agent cannot read what one module says to the other; that one does.
				assert.notEqual(run.confirmed, "ABXY", `${what} to ${place}`);
			}
		}
	return count;
}

/** Does to `bytes` what was done to `before`: flipped bits, a cut, or more at the end. */
function alike(
	before: Uint8Array,
	after: Uint8Array,
	bytes: Uint8Array,
): Uint8Array {
	if (after.length > before.length)
		return concat(bytes, after.subarray(before.length));
	const cut = before.length - after.length;
	const changed = copy(bytes.subarray(0, bytes.length - cut));
	// Signatures of P-256 certificates differ in length, but not within one cast.
	for (let i = 0; i < changed.length; i++)
		changed[i] =
			(changed[i] as number) ^ (before[i] as number) ^ (after[i] as number);
	return changed;
}

describe("somebody changes what is on its way", () => {
	for (const routing of ROUTINGS) {
		test(`one bit of every byte of every flight and every link message (${routing})`, async () => {
			const { tried, live } = await attempt(routing, function* (bytes) {
				for (let i = 0; i < bytes.length; i++) {
					const flipped = copy(bytes);
					flipped[i] = (flipped[i] as number) ^ (1 << (i % 8));
					yield flipped;
				}
			});
			assert.ok(tried > 5000 && live < tried / 2, `${tried}, ${live} live`);
		});

		test(`cut at every length (${routing})`, async () => {
			const { tried } = await attempt(routing, function* (bytes, { wire }) {
				for (let length = 0; length < bytes.length; length++) {
					if (wire === "link") yield bytes.subarray(0, length);
					else if (length >= 5) {
						const type = bytes[0] as 1;
						yield encodeFrame(type, bytes.subarray(5, length));
					} else yield bytes.subarray(0, length);
				}
			});
			assert.ok(tried > 5000);
		});

		test(`with bytes after the end (${routing})`, async () => {
			await attempt(routing, function* (bytes, { wire }) {
				const ends = [1, 4, 16, 36].map((length) => new Uint8Array(length));
				for (const end of [...ends, Uint8Array.of(0, 0, 0, 1, 7)]) {
					yield concat(bytes, end);
					if (wire === "network")
						yield encodeFrame(bytes[0] as 1, concat(bytes.subarray(5), end));
				}
			});
		});
	}
});

describe("a peer sends more than a message may hold", () => {
	const huge = (length: number) => new Uint8Array(length);
	const field = (length: number, announced = length) => {
		const bytes = huge(4 + length);
		new DataView(bytes.buffer).setUint32(0, announced);
		return bytes;
	};

	test("a field that is announced as 4 GiB, in every link message and every flight", async () => {
		for (const routing of ROUTINGS)
			await attempt(routing, function* (bytes, { wire }) {
				const start = wire === "network" ? 5 : 0;
				if (bytes.length < start + 4) return;
				for (const announced of [2 ** 32 - 1, 2 ** 31, 2 ** 24]) {
					const changed = copy(bytes);
					new DataView(changed.buffer).setUint32(start, announced);
					yield changed;
				}
			});
	});

	test("a message that is nothing but a field of a megabyte", async () => {
		for (const place of PLACES)
			for (const type of Object.values(LINK)) {
				const run = Run.of(four, cast.now);
				if (place === "A") run.start();
				const bytes = field(2 ** 20);
				run.apply(place, run[place].linkMessage(type, bytes, cast.now));
				assert.ok(run.error(place), `${place} ${linkName(type)}`);
				assert.ok(run[place].ended);
			}
	});

	test("fields inside fields, as deep as they go", () => {
		const nested = huge(2 ** 18 - 8);
		const lengths = new DataView(nested.buffer);
		for (let at = 0; at < nested.length; at += 4)
			lengths.setUint32(at, nested.length - at - 4);
		for (const type of Object.values(LINK)) {
			const run = Run.of(four, cast.now);
			run.apply("Y", run.Y.linkMessage(type, nested, cast.now));
			assert.ok(run.error("Y"));
		}
		const run = Run.of(four, cast.now);
		const bytes = encodeFrame(FRAME.offer, nested);
		run.deliver({ wire: "network", from: "A", to: "B", bytes });
		assert.ok(run.error("B"));
	});

	test("a hundred thousand empty fields", () => {
		const many = huge(2 ** 18);
		const run = Run.of(four, cast.now);
		const bytes = encodeFrame(FRAME.offer, many);
		run.deliver({ wire: "network", from: "A", to: "B", bytes });
		assert.equal(run.outcomes.B, "malformed");
	});

	test("a frame that announces 4 GiB", () => {
		for (const place of ["A", "B"] as const)
			for (const type of Object.values(FRAME)) {
				const run = Run.of(four, cast.now);
				const bytes = Uint8Array.of(type, 0xff, 0xff, 0xff, 0xff, 0);
				run.apply(place, run[place].frame(bytes, cast.now));
				assert.equal(run.outcomes[place], "malformed");
			}
	});
});

/** Points whose order divides the cofactor, and their other encodings (RFC 7748, 6.1; Curve25519 page). */
const LOW_ORDER = [
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map((hex) => new Uint8Array(Buffer.from(hex, "hex")));

describe("a peer sends a key that makes the secret known", () => {
	const where: Record<string, [Place, (run: Run, point: Uint8Array) => void]> =
		{
			"in flight 1": [
				"B",
				(run, point) =>
					run.change(isFlight("A", FRAME.offer), (bytes) => {
						const fields = messages.F1.decode(parseFrame(bytes).body);
						const message1 = concat(point, fields.message1.subarray(32));
						return encodeFrame(
							FRAME.offer,
							messages.F1.encode({ ...fields, message1 }),
						);
					}),
			],
			"in flight 2": [
				"A",
				(run, point) =>
					run.change(isFlight("B", FRAME.answer), (bytes) =>
						encodeFrame(FRAME.answer, concat(point, bytes.subarray(37))),
					),
			],
			"in I1": [
				"Y",
				(run, point) =>
					run.rewrite(LINK.answer, messages.ANSWER, ({ i1 }) => ({
						i1: concat(point, i1.subarray(32)),
					})),
			],
			"in I2": [
				"X",
				(run, point) =>
					run.rewrite(
						LINK.bindInitiator,
						messages.BIND_INITIATOR,
						({ i2 }) => ({
							i2: concat(point, i2.subarray(32)),
						}),
					),
			],
		};
	for (const [what, [place, put]] of Object.entries(where))
		test(`an X25519 point of low order ${what}`, async () => {
			for (const devices of [four, hybrid])
				for (const point of LOW_ORDER) {
					const run = Run.of(devices, cast.now);
					put(run, point);
					await run.establish();
					assert.equal(run.outcomes[place], "authentication-failed");
					assertNothing(run);
				}
		});

	test("an ML-KEM key that fails the modulus check, in flight 1 and in I1", async () => {
		const bad = new Uint8Array(ML_KEM_768.publicKeyBytes).fill(0xff);
		for (const [type, place] of [
			["F1", "B"],
			["I1", "Y"],
		] as const) {
			const run = Run.of(hybrid, cast.now);
			if (type === "F1")
				run.change(isFlight("A", FRAME.offer), (bytes) => {
					const fields = messages.F1.decode(parseFrame(bytes).body);
					const message1 = copy(fields.message1);
					message1.set(bad, 32);
					return encodeFrame(
						FRAME.offer,
						messages.F1.encode({ ...fields, message1 }),
					);
				});
			else
				run.rewrite(LINK.answer, messages.ANSWER, ({ i1 }) => {
					const changed = copy(i1);
					changed.set(bad, 32);
					return { i1: changed };
				});
			await run.establish();
			assert.equal(run.outcomes[place], "authentication-failed", type);
			assertNothing(run);
		}
	});

	test("an ML-KEM ciphertext for another key, in flight 2 and in I2", async () => {
		for (const place of ["B", "Y"] as const) {
			const device = hybrid[place];
			const { crypto } = device.context;
			const corrupt = sealing((plaintext) => {
				if (plaintext.length !== ML_KEM_768.ciphertextBytes) return plaintext;
				const other = crypto.encapsulate(crypto.generateKem().publicKey);
				return other?.ciphertext ?? plaintext;
			});
			const devices = {
				...hybrid,
				[place]: withKeylog(device, { crypto: corrupt }),
			};
			const run = await Run.of(devices, cast.now).establish();
			const judge = place === "B" ? "A" : "X";
			assert.equal(run.outcomes[judge], "authentication-failed");
			assertNothing(run);
		}
	});

	test("one bit in a sample of the hybrid key exchange", async () => {
		const flip = async (
			devices: Devices,
			when: (d: Delivery) => boolean,
			at: number,
		) => {
			const run = Run.of(devices, cast.now);
			run.change(when, (bytes) => {
				const changed = copy(bytes);
				changed[at] = (changed[at] as number) ^ (1 << (at % 8));
				return changed;
			});
			await run.establish();
			assertSound(run);
			assert.notEqual(run.confirmed, "ABXY", `byte ${at}`);
			assertNothing(run);
		};
		for (let at = 60; at < 2400; at += 157)
			await flip(hybrid, isFlight("A", FRAME.offer), at);
		for (let at = 5; at < 2300; at += 173)
			await flip(hybrid, isFlight("B", FRAME.answer), at);
		for (let at = 4; at < 1220; at += 149)
			await flip(hybrid, isLink(LINK.prepared), at);
		for (let at = 4; at < 1700; at += 167)
			await flip(hybrid, isLink(LINK.answered), at);
	});
});
