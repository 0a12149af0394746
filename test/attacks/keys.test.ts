import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CryptoProvider, nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import {
	LINK_PROTOCOL,
	type NoiseProtocol,
	nonceFor,
	RecordOpener,
	readMessage1,
	Session,
	startInitiator,
	suiteByName,
} from "../../src/session/index.ts";
import {
	LINK_BYTE,
	type LinkMode,
	messages,
	PLACES,
	type Place,
	ROOT_BYTE,
	ROUTING_BYTE,
	type Root,
	type Routing,
	readToItsEnd,
	type Transcript,
} from "../../src/tetrad/index.ts";
import { parseOffer } from "../../src/tetrad/offer.ts";
import { RootKey } from "../../src/tetrad/root-key.ts";
import {
	concat,
	copy,
	enc,
	encodeFrame,
	FRAME,
	hex,
	LINK,
	parseFrame,
	sameBytes,
	utf8,
} from "../../src/wire/index.ts";
import {
	assertNothing,
	BrokenX25519,
	Cast,
	CorruptResponder,
	type Devices,
	isFlight,
	isLink,
	ROUTINGS,
	Run,
	settle,
	take,
	withKeylog,
} from "../support/attack.ts";
import { Eavesdropper } from "../support/eavesdropper.ts";
import { type Device, FourDevices } from "../support/four-devices.ts";
import type { LinkByHand } from "../support/machines.ts";
import { linkBetween, pairingBetween } from "../support/wire.ts";

const cast = await Cast.make();
const four = await cast.four();
const { now } = cast;

const fixedShares = (share: Uint8Array): CryptoProvider => ({
	...nodeCrypto,
	random: (length) => (length === 32 ? copy(share) : nodeCrypto.random(length)),
});

/** Real links, and every frame that crosses them. */
interface Tapped {
	readonly links: Record<Place, LinkByHand>;
	readonly frames: Uint8Array[];
}

async function tappedLinks(
	devices: Devices,
	mode: LinkMode,
	keys: { AX: Uint8Array; BY: Uint8Array },
): Promise<Tapped> {
	const ax = linkBetween(devices.A, devices.X, now, { mode, key: keys.AX });
	const by = linkBetween(devices.B, devices.Y, now, { mode, key: keys.BY });
	await ax.start();
	await by.start();
	const frames = [...ax.posted, ...by.posted].map(({ bytes }) => bytes);
	const tap = (machine: LinkByHand): LinkByHand =>
		new Proxy(machine, {
			get(of, name) {
				const member = Reflect.get(of, name, of);
				if (typeof member !== "function") return member;
				return (...given: unknown[]) => {
					const result: unknown = Reflect.apply(member, of, given);
					if (name === "send")
						for (const { bytes } of result as { bytes: Uint8Array }[])
							frames.push(bytes);
					return result;
				};
			},
		});
	return {
		links: {
			A: tap(ax.agent),
			X: tap(ax.module),
			B: tap(by.agent),
			Y: tap(by.module),
		},
		frames,
	};
}

const fresh = (devices: Devices, change: Partial<Devices> = {}): Devices => ({
	A: withKeylog(change.A ?? devices.A),
	B: withKeylog(change.B ?? devices.B),
	X: withKeylog(change.X ?? devices.X),
	Y: withKeylog(change.Y ?? devices.Y),
});

const logged = (run: FourDevices, place: Place, label: string): Uint8Array => {
	const value = run.devices[place].keylog.get(label);
	assert.ok(value, `${place} logged ${label}`);
	return value;
};

describe("somebody forces the same root key twice", () => {
	const A = withKeylog(four.A, {
		crypto: fixedShares(new Uint8Array(32).fill(1)),
	});
	const B = withKeylog(four.B, {
		crypto: fixedShares(new Uint8Array(32).fill(2)),
	});

	for (const routing of ROUTINGS)
		for (const mode of ["paired", "unsafe-open"] as const)
			test(`and every key made from it is another one (${routing}, ${mode})`, async () => {
				const keys = {
					AX: nodeCrypto.random(32),
					BY: nodeCrypto.random(32),
				};
				const { links } = await tappedLinks(four, mode, keys);
				const seen: Record<string, string>[] = [];
				for (let i = 0; i < 2; i++) {
					const devices = fresh(four, { A, B });
					const run = new FourDevices(
						{
							...devices,
							A: withKeylog(devices.A, { crypto: A.context.crypto }),
							B: withKeylog(devices.B, { crypto: B.context.crypto }),
						},
						links,
						now,
						{ routing, root: "unsafe-xor" },
					);
					await run.establish();
					const { root } = run.X.confirmed();
					const nothing = new Uint8Array();
					seen.push({
						K: hex(logged(run, "A", "K")),
						...Object.fromEntries(
							["AX", "XA"].map((of) => [
								of,
								hex(logged(run, "X", `LOCAL_${of}`)),
							]),
						),
						...Object.fromEntries(
							["BY", "YB"].map((of) => [
								of,
								hex(logged(run, "Y", `LOCAL_${of}`)),
							]),
						),
						exporter: hex(root.export("pay", nothing, 32)),
						code: root.safetyCode(),
						...Object.fromEntries(
							PLACES.map((place) => [`fin ${place}`, hex(root.fin(place))]),
						),
					});
				}
				const [one, two] = seen as [
					Record<string, string>,
					Record<string, string>,
				];
				assert.equal(one["K"], two["K"], "K was forced");
				for (const name of Object.keys(one))
					if (name !== "K") assert.notEqual(one[name], two[name], name);
				assert.equal(new Set(Object.values(one)).size, Object.keys(one).length);
			});
});

describe("a corrupt agent knows K, and wants the records of the other side", () => {
	for (const routing of ROUTINGS)
		test(`from what K and T give (${routing})`, async () => {
			const keys = { AX: nodeCrypto.random(32), BY: nodeCrypto.random(32) };
			const { links, frames } = await tappedLinks(four, "paired", keys);
			const run = new FourDevices(fresh(four), links, now, { routing });
			await run.establish();
			// B has K and T, and let us say that it also tapped the link of the others.
			const [k, t] = [logged(run, "B", "K"), logged(run, "B", "T")];
			run.apply("A", run.A.sendToModule(utf8("for my purse only")));
			const record = run.pending[0]?.bytes as Uint8Array;
			const bodies = [new Uint8Array(), new Uint8Array(32), k, t];
			for (const secret of [...bodies, logged(run, "B", "LINK_SECRET")])
				for (const direction of ["AX", "XA", "BY", "YB"]) {
					const key = localKey(k, t, secret, direction);
					assert.notEqual(hex(key), hex(logged(run, "A", "LOCAL_AX")));
					const opener = new RecordOpener(nodeCrypto, "AESGCM", key);
					assert.throws(() => opener.open(record), {
						code: "authentication-failed",
					});
				}
			const own = logged(run, "A", "LINK_SECRET");
			const right = localKey(k, t, own, "AX");
			const opener = new RecordOpener(nodeCrypto, "AESGCM", right);
			const { bytes } = opener.open(record);
			assert.deepEqual(bytes, utf8("for my purse only"), "the control opens");
			assert.ok(frames.length > 0);
		});
});

/** Session 3 or 4, as docs/protocol.md has it. */
function localKey(
	k: Uint8Array,
	t: Uint8Array,
	secret: Uint8Array,
	direction: string,
): Uint8Array {
	const prk = nodeCrypto.hkdfExtract(k, secret);
	const info = enc(utf8("tetrad/1 link"), utf8(direction), t);
	return nodeCrypto.hkdfExpand(prk, info, 32);
}

describe("a corrupt agent chooses its share after it saw the other one", () => {
	const share = new Uint8Array(32).fill(7);
	/** As corrupt as it gets: it draws the same share, and does not mind that both are equal. */
	const careless: CryptoProvider = {
		...fixedShares(share),
		equal: (a, b) =>
			nodeCrypto.equal(a, b) && !(sameBytes(a, share) && sameBytes(b, share)),
	};
	for (const routing of ROUTINGS)
		for (const root of ["transcript", "unsafe-xor"] as const)
			for (const judge of PLACES)
				test(`so that R1 = R2, and ${judge} refuses (${routing}, ${root})`, async () => {
					const device = (place: Place) =>
						withKeylog(four[place], {
							crypto:
								place === judge
									? { ...careless, equal: nodeCrypto.equal }
									: careless,
						});
					const devices = {
						A: device("A"),
						B: device("B"),
						X: device("X"),
						Y: device("Y"),
					};
					const run = await Run.of(devices, now, { routing, root }).establish();
					assert.equal(run.outcomes[judge], "authentication-failed");
					assert.ok(!run.has(judge, "bound"));
				});
	test("the others alone would not have noticed", async () => {
		const device = (place: Place) =>
			withKeylog(four[place], { crypto: careless });
		const devices = {
			A: device("A"),
			B: device("B"),
			X: device("X"),
			Y: device("Y"),
		};
		const run = await Run.of(devices, now).establish();
		assert.equal(run.confirmed, "ABXY");
	});
});

describe("an attacker who stole Alice's own keys wants to be somebody else to her", () => {
	for (const routing of ROUTINGS) {
		test(`Bob, with her agent's key (${routing})`, async () => {
			const run = Run.of(four, now, { routing });
			run.start();
			await settle(run, "AX");
			const thief = new CorruptResponder(
				{ ...four.B, signer: four.A.signer },
				take(run, isFlight("A", FRAME.offer)),
			);
			const flight2 = await thief.flight2({
				i2: new Uint8Array(600),
				r2: new Uint8Array(32),
			});
			run.deliver({ wire: "network", from: "B", to: "A", bytes: flight2 });
			assert.equal(run.outcomes.A, "authentication-failed");
			assert.equal(run.bound, "");
		});
		test(`Bob's till, with her purse's key (${routing})`, async () => {
			const Y = { ...four.Y, signer: four.X.signer };
			const run = await Run.of({ ...four, Y }, now, { routing }).establish();
			assert.equal(run.outcomes.X, "authentication-failed");
			assertNothing(run);
		});
		test(`Bob and his till, by being her and her purse (${routing})`, async () => {
			const run = Run.of({ ...four, B: four.A, Y: four.X }, now, { routing });
			await run.establish();
			assert.equal(run.outcomes.A, "chain-refused");
			assertNothing(run);
		});
		test(`her purse, to her agent, with her agent's key and without the pairing's (${routing})`, async () => {
			const wire = linkBetween(four.A, four.X, now, {
				moduleKey: nodeCrypto.random(32),
			});
			await wire.start();
			assert.ok(!wire.has("agent", "ready"));
		});
	}
});

describe("every long-term key leaks after the run", () => {
	const MARKER = utf8("this must stay between the two of us");

	for (const routing of ROUTINGS)
		test(`and nothing of what was recorded can be read (${routing})`, async () => {
			// The pairings, the links made with their keys, and a tetrad: all of it is on tape.
			const pair = async (agent: Device, module: Device) => {
				const wire = await pairingBetween(agent, module, now).start();
				wire.apply("agent", wire.agent.accept());
				wire.apply("module", wire.module.accept());
				await wire.run();
				const key = wire.find("agent", "paired")?.pairing.key;
				assert.ok(key);
				return { key, frames: wire.posted.map(({ bytes }) => bytes) };
			};
			const ax = await pair(four.A, four.X);
			const by = await pair(four.B, four.Y);
			const { links, frames } = await tappedLinks(four, "paired", {
				AX: ax.key,
				BY: by.key,
			});
			const devices = fresh(four);
			const run = new FourDevices(devices, links, now, {
				routing,
				firstMessage: MARKER,
			});
			await run.establish();
			for (const place of PLACES) {
				run.apply(place, run[place].send(MARKER));
				run.apply(
					place,
					place === "A" || place === "B"
						? run[place].sendToModule(MARKER)
						: run[place].sendToAgent(MARKER),
				);
			}
			await run.run();
			for (const place of PLACES)
				assert.equal(
					run.messages(place).length,
					place === "B" ? 3 : 2,
					"all was delivered",
				);
			const network = run.delivered
				.filter(({ wire }) => wire === "network")
				.map(({ bytes }) => bytes);
			const tape = [...ax.frames, ...by.frames, ...frames, ...network];

			// Nothing is in clear that should not be.
			const all = tape.map(hex).join(" ");
			const secrets = [
				MARKER,
				...["K", "R1", "R2"].map((label) => logged(run, "A", label)),
				...PLACES.map((place) => four[place].context.own.encodedChain),
			];
			for (const secret of secrets) assert.ok(!all.includes(hex(secret)));

			// What is left: guesses for what the ephemeral keys agreed on. Signing keys enter no key.
			const guesses = [
				undefined,
				new Uint8Array(32),
				new Uint8Array(),
				ax.key,
				by.key,
			];
			const suite = suiteByName("classical-aesgcm").protocol;
			let tried = 0;
			const tryKeys = (keys: readonly Uint8Array[]) => {
				for (const key of keys)
					for (const frame of tape) {
						if (frame[0] !== FRAME.record) continue;
						for (const counter of [0, 1]) {
							const plaintext = nodeCrypto
								.aead("AESGCM", key)
								.open(
									nonceFor("AESGCM", counter),
									frame.subarray(0, 5),
									frame.subarray(5),
								);
							assert.equal(plaintext, undefined, "a record opens");
							tried++;
						}
					}
			};
			const walk = (
				protocol: NoiseProtocol,
				prologue: Uint8Array,
				one: Uint8Array,
				two: Uint8Array,
				psk?: Uint8Array,
			) => {
				for (const guess of guesses) {
					const noise = new Eavesdropper(protocol, prologue, psk);
					const first = noise.message1(one);
					assert.ok(first !== undefined, "message 1 is readable with the psk");
					// Without any key nothing is opened: all comes back as it is.
					const hasKey = noise.key !== undefined || guess !== undefined;
					const opened = noise.message2(two, guess, guess);
					if (hasKey)
						assert.deepEqual(
							opened,
							{ ciphertext: undefined, payload: undefined },
							"message 2 opens",
						);
					tryKeys([...noise.records(), noise.key ?? noise.ck]);
				}
			};
			const body = (frame: Uint8Array | undefined) =>
				parseFrame(frame as Uint8Array).body;
			const hello = frames.filter((f) => f[0] === FRAME.linkHello);
			const answer = frames.filter((f) => f[0] === FRAME.linkAnswer);
			assert.equal(hello.length + answer.length, 4);
			const prologue = enc(utf8("tetrad/1 link"));
			for (const [i, key] of [ax.key, by.key].entries())
				walk(LINK_PROTOCOL, prologue, body(hello[i]), body(answer[i]), key);
			const { offer, message1 } = messages.F1.decode(body(network[0]));
			const outer = enc(utf8("tetrad/1 s1"), offer);
			walk(suite, outer, message1, body(network[1]));
			const pairing = enc(utf8("tetrad/1 pairing"));
			const hybrid = suiteByName("hybrid-aesgcm").protocol;
			for (const { frames: taped } of [ax, by])
				walk(hybrid, pairing, body(taped[0]), body(taped[1]));
			assert.ok(tried > 500);
		});

	test("an attacker who later breaks X25519 still has ML-KEM before it", async () => {
		const broken: Uint8Array[] = [];
		const watched: CryptoProvider = {
			...nodeCrypto,
			generateX25519() {
				const key = nodeCrypto.generateX25519();
				return {
					publicKey: key.publicKey,
					agree(peer) {
						const shared = key.agree(peer);
						if (shared) broken.push(copy(shared));
						return shared;
					},
					wipe: key.wipe,
				};
			},
		};
		const hybridCast = await Cast.make({ suites: ["hybrid-aesgcm"] });
		const hybrid = await hybridCast.four();
		const A = withKeylog(hybrid.A, { crypto: watched });
		const run = await Run.of({ ...hybrid, A }, now).establish();
		assert.equal(run.confirmed, "ABXY");
		const [shared] = broken;
		assert.ok(shared);
		const { protocol } = suiteByName("hybrid-aesgcm");
		const flight1 = run.sent(isFlight("A", FRAME.offer)).bytes;
		const { offer, message1 } = messages.F1.decode(parseFrame(flight1).body);
		const noise = new Eavesdropper(protocol, enc(utf8("tetrad/1 s1"), offer));
		const two = run.sent(isFlight("B", FRAME.answer)).bytes.subarray(5);
		noise.message1(message1);
		noise.ephemeral(two.subarray(0, 32));
		noise.mixKey(shared);
		const ciphertext = noise.open(two.subarray(32, 32 + 1104));
		assert.equal(ciphertext?.length, 1088, "the broken key opens this much");
		const sealed = two.subarray(32 + 1104);
		for (const guess of [undefined, new Uint8Array(32), shared]) {
			const copyOf = Object.assign(
				Object.create(Object.getPrototypeOf(noise)),
				noise,
			) as Eavesdropper;
			if (guess === undefined) {
				const plain = nodeCrypto
					.aead("AESGCM", noise.key as Uint8Array)
					.open(nonceFor("AESGCM", noise.n), noise.h, sealed);
				assert.equal(plain, undefined);
				continue;
			}
			const [, key] = copyOf.hkdf(guess);
			const plain = nodeCrypto
				.aead("AESGCM", key)
				.open(nonceFor("AESGCM", 0), noise.h, sealed);
			assert.equal(plain, undefined);
		}
	});
});

describe("somebody recorded both links, and has discrete logarithms and the pairing keys later", () => {
	for (const routing of ROUTINGS) {
		/** Two links and a tetrad over them; every private key of X25519 is known, and each secret of ML-KEM is kept for the control. */
		const record = async () => {
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
			const devices = {
				A: withKeylog(four.A, { crypto }),
				B: withKeylog(four.B, { crypto }),
				X: withKeylog(four.X, { crypto }),
				Y: withKeylog(four.Y, { crypto }),
			};
			const keys = { AX: nodeCrypto.random(32), BY: nodeCrypto.random(32) };
			const { links, frames } = await tappedLinks(devices, "paired", keys);
			const run = new FourDevices(devices, links, now, { routing });
			await run.establish();
			for (const place of PLACES) assert.ok(run.has(place, "confirmed"));
			return { run, frames, keys, broken, encapsulated };
		};

		/** Which of R1 and R2 the tape of the links yields, with guesses for what ML-KEM agreed on. */
		const sharesOn = (
			{ run, frames, keys, broken }: Awaited<ReturnType<typeof record>>,
			guesses: readonly (Uint8Array | undefined)[],
		): string[] => {
			const bodies = (type: number) =>
				frames.filter((f) => f[0] === type).map((f) => parseFrame(f).body);
			const hellos = bodies(FRAME.linkHello);
			const answers = bodies(FRAME.linkAnswer);
			const read: Uint8Array[] = [];
			for (const [i, psk] of [keys.AX, keys.BY].entries())
				for (const guess of guesses) {
					const [one, two] = [hellos[i], answers[i]];
					assert.ok(one && two);
					const agreed = broken
						.logarithm(one.subarray(0, 32))
						.agree(two.subarray(0, 32));
					const prologue = enc(utf8("tetrad/1 link"));
					const noise = new Eavesdropper(LINK_PROTOCOL, prologue, psk);
					noise.message1(one);
					noise.message2(two, agreed, guess);
					for (const key of noise.records())
						for (const frame of frames) read.push(...opened(key, frame));
				}
			const tape = read.map(hex).join(" ");
			return ["R1", "R2"].filter((label) =>
				tape.includes(hex(logged(run, "A", label))),
			);
		};

		test(`and reads neither share (${routing})`, async () => {
			const recorded = await record();
			const known = [recorded.keys.AX, recorded.keys.BY];
			const guesses = [undefined, new Uint8Array(32), new Uint8Array()];
			assert.deepEqual(sharesOn(recorded, [...guesses, ...known]), []);
		});

		test(`and would read both if ML-KEM were broken as well: the control (${routing})`, async () => {
			const recorded = await record();
			const shares = sharesOn(recorded, recorded.encapsulated);
			assert.deepEqual(shares, ["R1", "R2"]);
		});
	}

	/** What this record says, if it is one of the first under this key. */
	function opened(key: Uint8Array, frame: Uint8Array): Uint8Array[] {
		if (frame[0] !== FRAME.record) return [];
		const { aead } = LINK_PROTOCOL;
		return Array.from({ length: 16 }, (_, counter) =>
			nodeCrypto
				.aead(aead, key)
				.open(nonceFor(aead, counter), frame.subarray(0, 5), frame.subarray(5)),
		).filter((plaintext) => plaintext !== undefined);
	}
});

/** What two open links say, to whoever tapped them. */
class Taps {
	readonly said = new Map<number, Uint8Array>();
	readonly chains = new Map<string, Uint8Array>();

	constructor(frames: readonly Uint8Array[]) {
		for (const frame of frames) {
			const { type, body } = parseFrame(frame);
			if (type === FRAME.openHello) this.#chain(body.subarray(4));
			if (type !== FRAME.openMessage) continue;
			const kind = body[16] as number;
			if (kind === LINK.chain) this.#chain(body.subarray(17));
			else this.said.set(kind, body.subarray(17));
		}
	}

	#chain(chain: Uint8Array): void {
		this.chains.set(hex(nodeCrypto.sha256(chain)), chain);
	}

	certificateId(chainHash: Uint8Array): Uint8Array {
		const chain = this.chains.get(hex(chainHash)) as Uint8Array;
		const length = new DataView(chain.buffer, chain.byteOffset).getUint32(0);
		return nodeCrypto.sha256(chain.subarray(4, 4 + length));
	}

	/** K and T, as far as the two links say them. */
	keys(
		routing: Routing,
		root: Root,
	): { k: Uint8Array; t: Uint8Array } | undefined {
		const bind = this.said.get(LINK.bindInitiator);
		const bound = this.said.get(LINK.initiatorBound);
		const answer = this.said.get(LINK.answer);
		const respond = this.said.get(LINK.bindResponder);
		if (!bind || !bound || !answer || !respond) return undefined;
		const a = messages.BIND_INITIATOR.decode(bind);
		const x = messages.INITIATOR_BOUND[routing].decode(bound);
		const b = messages.ANSWER.decode(answer);
		const [r1, r2] =
			routing === "direct"
				? [a.share, b.r2 ?? new Uint8Array()]
				: [messages.BIND_RESPONDER.crossed.decode(respond).r1, a.share];
		const offer = parseOffer(a.offer);
		const t = nodeCrypto.sha256(
			enc(
				utf8("tetrad/1 T"),
				a.outerHash,
				x.innerHash,
				this.certificateId(a.ownAgent),
				this.certificateId(a.peerAgent),
				this.certificateId(x.ownModule),
				this.certificateId(x.peerModule),
				a.offer,
				Uint8Array.of(offer.selected.id),
				Uint8Array.of(ROUTING_BYTE[routing]),
				Uint8Array.of(ROOT_BYTE[root]),
				Uint8Array.of(LINK_BYTE[offer.link]),
				Uint8Array.of(a.responderLink),
			),
		);
		const xor = r1.map((byte, i) => byte ^ (r2[i] as number));
		const k = root === "unsafe-xor" ? xor : nodeCrypto.hkdfExtract(t, xor);
		return { k, t };
	}
}

describe("somebody taps both links", () => {
	const record = async (routing: Routing, root: Root, mode: LinkMode) => {
		const keys = { AX: nodeCrypto.random(32), BY: nodeCrypto.random(32) };
		const { links, frames } = await tappedLinks(four, mode, keys);
		const run = new FourDevices(fresh(four), links, now, { routing, root });
		await run.establish();
		for (const place of PLACES) assert.ok(run.has(place, "confirmed"));
		return { run, frames, root };
	};

	for (const routing of ROUTINGS) {
		for (const root of ["unsafe-xor", "transcript"] as const)
			test(`and has K when they are open: the hole of the patent (${routing}, ${root})`, async () => {
				const { run, frames } = await record(routing, root, "unsafe-open");
				const found = new Taps(frames).keys(routing, root);
				assert.equal(hex(found?.k as Uint8Array), hex(logged(run, "A", "K")));
				// Which is worth what it opens.
				run.apply("X", run.X.sendToAgent(utf8("my balance")));
				const sent = run.pending[0]?.bytes as Uint8Array;
				const key = localKey(
					found?.k as Uint8Array,
					found?.t as Uint8Array,
					new Uint8Array(),
					"XA",
				);
				const opener = new RecordOpener(nodeCrypto, "AESGCM", key);
				assert.deepEqual(opener.open(sent).bytes, utf8("my balance"));
			});

		test(`and has nothing with the defaults (${routing})`, async () => {
			const { run, frames } = await record(routing, "transcript", "paired");
			const taps = new Taps(frames);
			assert.equal(taps.said.size, 0, "no message can be read");
			assert.equal(taps.keys(routing, "transcript"), undefined);
			const tape = frames.map(hex).join(" ");
			const labels = ["R1", "R2", "K", "T", "OUTER_HASH", "INNER_HASH"];
			for (const label of labels)
				assert.ok(!tape.includes(hex(logged(run, "A", label))), label);
		});

		test(`or one of them, and lacks the other share (${routing})`, async () => {
			const keys = { AX: nodeCrypto.random(32), BY: nodeCrypto.random(32) };
			const { links, frames } = await tappedLinks(four, "unsafe-open", keys);
			const run = new FourDevices(fresh(four), links, now, {
				routing,
				root: "unsafe-xor",
			});
			const from = frames.length;
			await run.establish();
			const openHalf = (places: readonly Place[]) => {
				const bodies = run.delivered
					.filter((d) => d.wire === "link" && places.includes(d.from))
					.map(({ bytes }) => hex(bytes))
					.join(" ");
				return ["R1", "R2"].filter((label) =>
					bodies.includes(hex(logged(run, "A", label))),
				);
			};
			assert.ok(frames.length > from);
			assert.equal(openHalf(["A", "X"]).length, 1);
			assert.equal(openHalf(["B", "Y"]).length, 1);
			assert.equal(openHalf(PLACES).length, 2);
		});
	}
});

describe("a tetrad is over", () => {
	test("and its root key derives nothing any more", async () => {
		const run = await Run.of(four, now).establish();
		for (const place of PLACES) {
			const { root, transcript } = run[place].confirmed();
			const fin = copy(root.fin("A"));
			const local = () =>
				root.localSession("AESGCM", new Uint8Array(), "AX", () => {});
			root.wipe();
			const over = { code: "tetrad-closed" };
			assert.throws(() => root.export("pay", new Uint8Array(), 32), over);
			assert.throws(() => root.safetyCode(), over);
			assert.throws(local, over);
			assert.throws(
				() => root.fin("B"),
				over,
				"a fin that was asked for before",
			);
			assert.throws(() => root.check("A", fin), over);
			const zero = new Uint8Array(32);
			const other = RootKey.form(
				nodeCrypto,
				transcript as Transcript,
				zero,
				new Uint8Array(32).fill(1),
				() => {},
			);
			other.wipe();
			assert.throws(() => other.fin("A"), over);
		}
	});

	test("and its sessions seal, open and export nothing any more", async () => {
		const run = await Run.of(four, now).establish();
		const { outer } = run.A.confirmed();
		const record = run.B.confirmed().outer.seal(0x01, utf8("late"));
		run.apply("A", run.A.abort(new TetradError("aborted", "enough")));
		assert.throws(() => outer.seal(0x01, utf8("x")), { code: "tetrad-closed" });
		assert.throws(() => outer.export("x", new Uint8Array(), 32), {
			code: "tetrad-closed",
		});
		assert.throws(() => outer.open(record), { code: "authentication-failed" });
	});

	test("and the agent and module keep none of its keys, however it ended", async () => {
		for (const place of PLACES) {
			const run = await Run.of(four, now).establish();
			const { root } = run[place].confirmed();
			const broken = Uint8Array.of(0x05, 0, 0, 0, 1, 0);
			run.apply(
				place,
				place === "A" || place === "B"
					? run[place].frame(broken, now)
					: run[place].linkMessage(LINK.nested, broken, now),
			);
			assert.equal(run.outcomes[place], "authentication-failed");
			assert.throws(() => root.export("pay", new Uint8Array(), 32), {
				code: "tetrad-closed",
			});
		}
	});
});

describe("buffers are not what they seem", () => {
	for (const routing of ROUTINGS)
		for (const kind of ["Uint8Array", "Buffer"] as const)
			for (const first of ["AB", "XY"])
				test(`a carrier writes over what it delivered (${routing}, ${kind}, ${first} sign first)`, async () => {
					const firstMessage = utf8("hello");
					const run = Run.of(four, now, { routing, firstMessage });
					const deliver = run.deliver.bind(run);
					run.deliver = (delivery) => {
						const bytes =
							kind === "Buffer"
								? Buffer.from(delivery.bytes)
								: copy(delivery.bytes);
						deliver({ ...delivery, bytes });
						bytes.fill(0xee);
					};
					run.start();
					await run.run(() => {
						const early = ({ place }: { place: Place }) =>
							first.includes(place) ? 0 : 1;
						run.signing.sort((a, b) => early(a) - early(b));
						return false;
					});
					assert.equal(run.confirmed, "ABXY");
					for (const place of PLACES) {
						const { offer, innerHash, outerHash } =
							run[place].confirmed().transcript;
						assert.deepEqual([...offer.suites], [3]);
						const logs = [innerHash, outerHash].map(hex);
						assert.deepEqual(
							logs,
							["INNER_HASH", "OUTER_HASH"].map((of) =>
								hex(logged(run, "X", of)),
							),
						);
					}
				});

	test("a provider that returns Buffers makes the same keys", () => {
		const b = (bytes: Uint8Array) => Buffer.from(bytes);
		const buffers: CryptoProvider = {
			...nodeCrypto,
			random: (n) => b(nodeCrypto.random(n)),
			sha256: (...parts) => b(nodeCrypto.sha256(...parts)),
			hmac: (key, ...parts) => b(nodeCrypto.hmac(key, ...parts)),
			hkdf: (...given) => b(nodeCrypto.hkdf(...given)),
			hkdfExtract: (...given) => b(nodeCrypto.hkdfExtract(...given)),
			hkdfExpand: (...given) => b(nodeCrypto.hkdfExpand(...given)),
		};
		const setup = {
			protocol: suiteByName("hybrid-aesgcm").protocol,
			prologue: new Uint8Array(),
		};
		const { message1, awaiting } = startInitiator(
			buffers,
			setup,
			new Uint8Array(),
		);
		const answering = readMessage1(nodeCrypto, setup, message1);
		const { message2, secrets: theirs } = answering.finish(utf8("hi"));
		const { secrets: ours } = awaiting.finish(message2);
		for (const name of [
			"initiatorKey",
			"responderKey",
			"exporterSecret",
		] as const) {
			assert.equal(hex(ours[name]), hex(theirs[name]), name);
			assert.notEqual(hex(ours[name]), "00".repeat(32), name);
		}
		assert.notEqual(hex(ours.initiatorKey), hex(ours.responderKey));
		const one = new Session(buffers, ours, "initiator");
		const two = new Session(nodeCrypto, theirs, "responder");
		assert.deepEqual(two.open(one.seal(0x01, utf8("x"))).bytes, utf8("x"));
	});

	test("four devices whose providers return Buffers confirm the same K", async () => {
		const b = (bytes: Uint8Array) => Buffer.from(bytes);
		const crypto: CryptoProvider = {
			...nodeCrypto,
			random: (n) => b(nodeCrypto.random(n)),
			sha256: (...parts) => b(nodeCrypto.sha256(...parts)),
			hmac: (key, ...parts) => b(nodeCrypto.hmac(key, ...parts)),
			hkdf: (...given) => b(nodeCrypto.hkdf(...given)),
			hkdfExtract: (...given) => b(nodeCrypto.hkdfExtract(...given)),
			hkdfExpand: (...given) => b(nodeCrypto.hkdfExpand(...given)),
		};
		for (const routing of ROUTINGS) {
			const A = withKeylog(four.A, { crypto });
			const Y = withKeylog(four.Y, { crypto });
			const run = await Run.of({ ...four, A, Y }, now, { routing }).establish();
			assert.equal(run.confirmed, "ABXY");
			assert.notEqual(hex(logged(run, "A", "K")), "00".repeat(32));
			assert.notEqual(hex(logged(run, "A", "LOCAL_AX")), "00".repeat(32));
		}
	});
});

describe("an agent's own side", () => {
	for (const routing of ROUTINGS)
		for (const place of ["X", "Y"] as const)
			test(`${place} fails, and the other agent hears no more than a refusal (${routing})`, async () => {
				const run = Run.of(four, now, { routing });
				const type = place === "X" ? LINK.bindInitiator : LINK.answer;
				run.change(isLink(type), (bytes) => bytes.subarray(1));
				await run.establish();
				const [near, far] = place === "X" ? ["A", "B"] : ["B", "A"];
				assert.ok(run.error(place));
				assert.equal(run.outcomes[near as Place], "refused-by-peer");
				assert.equal(run.outcomes[far as Place], "refused-by-peer");
				const frames = run.delivered.filter(
					(d) => d.wire === "network" && d.bytes[0] === FRAME.refusal,
				);
				assert.equal(frames.length, 1);
				assert.deepEqual(
					frames[0]?.bytes,
					encodeFrame(FRAME.refusal, Uint8Array.of(0)),
				);
			});

	test("changes its first message after the call, and sends what it was", async () => {
		const firstMessage = utf8("one apple");
		const run = Run.of(four, now, { firstMessage });
		firstMessage.set(utf8("ten lemon"));
		await run.establish();
		assert.deepEqual(run.messages("B")[0]?.bytes, utf8("one apple"));
	});

	test("is told at once of a first message that nothing can carry", () => {
		const firstMessage = new Uint8Array(2 ** 18 + 1);
		assert.throws(() => Run.of(four, now, { firstMessage }), {
			code: "message-too-large",
		});
	});
});

describe("somebody wants an unfinished exchange to look like an orderly end", () => {
	const by = (run: Run, place: Place) => {
		const end = run.events[place].find(({ kind }) => kind === "ended");
		return end?.kind === "ended" ? (end.by ?? end.error?.code) : "waits";
	};

	test("an agent that says so is not the other module", async () => {
		for (const place of ["X", "Y"] as const) {
			const run = await Run.of(four, now).establish();
			const end = messages.END.encode({ code: "", reason: "" });
			run.apply(place, run[place].linkMessage(LINK.end, end, now));
			assert.equal(by(run, place), "agent");
		}
	});

	test("only the seal of session 2 is", async () => {
		for (const [place, other] of [
			["X", "Y"],
			["Y", "X"],
		] as const) {
			const run = await Run.of(four, now).establish();
			run.apply(other, run[other].close());
			await run.run();
			assert.equal(by(run, place), "module");
			assert.equal(by(run, other), "self");
			assert.equal(by(run, other === "X" ? "A" : "B"), "module");
			assert.equal(by(run, place === "X" ? "A" : "B"), "agent");
		}
	});

	test("a corrupt agent that leaves the other module's last words out is told of where they are read", async () => {
		const run = await Run.of(four, now).establish();
		run.apply("Y", run.Y.send(utf8("one")));
		await run.run();
		// B takes these two, passes none of them on, and closes session 1.
		run.apply("Y", run.Y.send(utf8("two")));
		run.apply("Y", run.Y.close());
		take(run, isLink(LINK.nested));
		take(run, isLink(LINK.nested));
		await run.run();
		const end = run.events.X.find(({ kind }) => kind === "ended");
		assert.ok(end?.kind === "ended");
		assert.equal(end.error, undefined, "the own agent said: in order");
		assert.equal(readToItsEnd(end)?.code, "unsealed-end");
		const honest = await Run.of(four, now).establish();
		honest.apply("Y", honest.Y.close());
		await honest.run();
		const sealed = honest.events.X.find(({ kind }) => kind === "ended");
		assert.ok(sealed?.kind === "ended");
		assert.equal(readToItsEnd(sealed), undefined);
	});

	test("by a close that was cut from another session, or in clear", async () => {
		const run = await Run.of(four, now).establish();
		const other = await Run.of(four, now).establish();
		other.apply("Y", other.Y.close());
		const sealed = take(other, isLink(LINK.nested));
		run.apply("X", run.X.linkMessage(LINK.nested, sealed, now));
		assert.equal(by(run, "X"), "authentication-failed");
		const again = await Run.of(four, now).establish();
		const clear = encodeFrame(
			FRAME.record,
			concat(Uint8Array.of(3), new Uint8Array(16)),
		);
		again.apply("X", again.X.linkMessage(LINK.nested, clear, now));
		assert.equal(by(again, "X"), "authentication-failed");
	});

	test("by ending the tetrad before it is confirmed", async () => {
		for (const place of PLACES) {
			const run = Run.of(four, now);
			if (place === "A") run.start();
			const end = messages.END.encode({ code: "", reason: "" });
			run.apply(place, run[place].linkMessage(LINK.end, end, now));
			assert.equal(by(run, place), "aborted");
		}
	});

	test("by a code that means something else on the other side", async () => {
		for (const code of ["internal", "invalid-argument", "busy", "", "x"]) {
			const run = Run.of(four, now);
			run.start();
			const end = messages.END.encode({
				code,
				reason: "because",
			});
			run.apply("A", run.A.linkMessage(LINK.end, end, now));
			const expected = code === "" ? "aborted" : "refused-by-peer";
			assert.equal(run.outcomes.A, expected);
		}
	});
});
