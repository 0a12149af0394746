import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	type CryptoProvider,
	ML_KEM_768,
	nodeCrypto,
} from "../../src/crypto/index.ts";
import {
	LINK_PROTOCOL,
	MAX_CONTENT_BYTES,
	RecordSealer,
	readMessage1,
	Session,
	signedBytes,
	startInitiator,
	suiteByName,
} from "../../src/session/index.ts";
import { PairingTries, PLACES, safetyWords } from "../../src/tetrad/index.ts";
import {
	CONTENT,
	concat,
	copy,
	dec,
	enc,
	encodeFrame,
	FRAME,
	hex,
	LINK,
	utf8,
} from "../../src/wire/index.ts";
import { Cast, Run, withKeylog } from "../support/attack.ts";
import { type Device, FourDevices, makeLink } from "../support/four-devices.ts";
import { LinkByHand } from "../support/machines.ts";
import {
	type LinkFrame,
	linkBetween,
	pairingBetween,
} from "../support/wire.ts";

const cast = await Cast.make();
const four = await cast.four();
const mallory = await cast.agent("mallory");
const malloryPurse = await cast.module("mallory-purse");
const { now } = cast;
const { A, X } = four;
const SECRET = nodeCrypto.random(32);

const flip =
	(at: number) =>
	(bytes: Uint8Array): Uint8Array => {
		const changed = copy(bytes);
		changed[at] = (changed[at] as number) ^ (1 << (at % 8));
		return changed;
	};

describe("another device wants to be at the end of a link", () => {
	test("a module that is certified, with the pairing's key", async () => {
		const key = SECRET;
		const wire = linkBetween(A, malloryPurse, now, { key, agentPairedWith: X });
		await wire.start();
		assert.equal(wire.outcome("agent"), "chain-refused");
		assert.ok(!wire.has("module", "ready"));
	});

	test("an agent that is certified, with the pairing's key", async () => {
		const key = SECRET;
		const wire = linkBetween(mallory, X, now, { key, modulePairedWith: A });
		await wire.start();
		assert.equal(wire.outcome("module"), "chain-refused");
		assert.ok(!wire.has("module", "ready"));
	});

	test("on an open link, the same", async () => {
		const mode = "unsafe-open";
		const one = linkBetween(A, malloryPurse, now, { mode, agentPairedWith: X });
		await one.start();
		assert.equal(one.outcome("agent"), "chain-refused");
		const two = linkBetween(mallory, X, now, { mode, modulePairedWith: A });
		await two.start();
		assert.equal(two.outcome("module"), "chain-refused");
	});

	test("with the paired chain and the pairing's key, and without the signing key", async () => {
		const fakeX = { ...X, signer: malloryPurse.signer };
		const one = await linkBetween(A, fakeX, now, { key: SECRET }).start();
		assert.equal(one.outcome("agent"), "authentication-failed");
		const fakeA = { ...A, signer: mallory.signer };
		const two = await linkBetween(fakeA, X, now, { key: SECRET }).start();
		assert.equal(two.outcome("module"), "authentication-failed");
		assert.ok(!two.has("module", "ready"));
	});

	test("with the right signing key, and without the pairing's key", async () => {
		const moduleKey = nodeCrypto.random(32);
		const wire = await linkBetween(A, X, now, { moduleKey }).start();
		assert.equal(wire.outcome("module"), "authentication-failed");
		assert.ok(!wire.has("agent", "ready"));
	});

	test("with a signature that the device made elsewhere", async () => {
		for (const end of ["agent", "module"] as const)
			for (const role of ["LA", "LM", "PA", "PM", "A", "X"] as const) {
				if (role === (end === "agent" ? "LA" : "LM")) continue;
				const device = end === "agent" ? A : X;
				const { signer } = device;
				const misled = {
					...device,
					signer: {
						...{ algorithm: signer.algorithm, publicKey: signer.publicKey },
						// Behind the role: its zero byte, then the fields.
						sign: (content: Uint8Array) => {
							const fields = content.subarray(12);
							const head = signedBytes(role).subarray(0, 10 + role.length);
							return signer.sign(new Uint8Array(Buffer.concat([head, fields])));
						},
					},
				};
				const wire = linkBetween(
					end === "agent" ? misled : A,
					end === "module" ? misled : X,
					now,
				);
				await wire.start();
				const judge = end === "agent" ? "module" : "agent";
				assert.equal(wire.outcome(judge), "authentication-failed", role);
			}
	});

	test("with a signature that the device made on an earlier link, or in an earlier pairing", async () => {
		const kinds = {
			link: (agent: Device, module: Device) =>
				linkBetween(agent, module, now, { key: SECRET }).start(),
			pairing: (agent: Device, module: Device) =>
				pairingBetween(agent, module, now).start(),
		};
		for (const make of Object.values(kinds))
			for (const end of ["agent", "module"] as const) {
				const device = end === "agent" ? A : X;
				let earlier: Uint8Array | undefined;
				const { algorithm, publicKey } = device.signer;
				const sign = async (content: Uint8Array) => {
					earlier ??= await device.signer.sign(content);
					return earlier;
				};
				const thief = { ...device, signer: { algorithm, publicKey, sign } };
				const ends = [
					end === "agent" ? thief : A,
					end === "module" ? thief : X,
				] as const;
				const judge = end === "agent" ? "module" : "agent";
				const first = await make(...ends);
				assert.notEqual(first.outcome(judge), "authentication-failed");
				const second = await make(...ends);
				assert.equal(second.outcome(judge), "authentication-failed");
			}
	});

	test("a module with an agent's certificate, and the other way round", async () => {
		const options = { key: SECRET };
		const one = linkBetween(A, mallory, now, {
			...options,
			agentPairedWith: mallory,
		});
		await one.start();
		assert.equal(one.outcome("agent"), "chain-refused");
		const two = linkBetween(malloryPurse, X, now, {
			...options,
			modulePairedWith: malloryPurse,
		});
		await two.start();
		assert.equal(two.outcome("module"), "chain-refused");
	});
});

describe("somebody sits on a link", () => {
	test("and flips a bit of any frame before it is ready", async () => {
		const trial = await linkBetween(A, X, now).start();
		for (const [nth, { bytes, to }] of trial.posted.entries())
			for (let at = 0; at < bytes.length; at++) {
				const wire = linkBetween(A, X, now);
				let seen = 0;
				wire.intercept = (f) =>
					seen++ === nth ? [{ ...f, bytes: flip(at)(f.bytes) }] : [f];
				await wire.start();
				assert.ok(!wire.has("module", "ready"), `${nth}, ${at}`);
				assert.notEqual(wire.outcome(to), "waits");
				assert.notEqual(wire.outcome(to), "internal");
			}
	});

	test("and flips, cuts, repeats or reorders records", async () => {
		const change: Record<string, (frames: LinkFrame[]) => LinkFrame[]> = {
			flipped: ([one]) =>
				Array.from({ length: one?.bytes.length ?? 0 }, (_, at) => ({
					...(one as LinkFrame),
					bytes: flip(at)((one as LinkFrame).bytes),
				})),
			cut: ([one]) =>
				Array.from({ length: one?.bytes.length ?? 0 }, (_, at) => ({
					...(one as LinkFrame),
					bytes: (one as LinkFrame).bytes.subarray(0, at),
				})),
			"in another order": ([, two]) => [two as LinkFrame],
			reflected: ([one]) => [
				{ ...(one as LinkFrame), from: "module", to: "agent" },
			],
		};
		for (const [what, make] of Object.entries(change)) {
			let count = 1;
			for (let i = 0; i < count; i++) {
				const wire = await linkBetween(A, X, now).start();
				const id = nodeCrypto.random(16);
				const hold: LinkFrame[] = [];
				wire.intercept = (f) => {
					hold.push(f);
					return [];
				};
				for (const fill of [1, 2])
					wire.apply(
						"agent",
						wire.agent.send(id, LINK.local, Uint8Array.of(fill), []),
					);
				const tried = make(hold);
				count = tried.length;
				const frame = tried[i] as LinkFrame;
				wire.deliver(frame);
				assert.ok(!wire.has(frame.to, "message"), what);
				assert.notEqual(wire.outcome(frame.to), "waits", what);
				// And never again, not even the right one.
				wire.deliver(hold[0] as LinkFrame);
				assert.ok(!wire.has(frame.to, "message"), what);
			}
		}
	});

	test("and repeats a record", async () => {
		const wire = await linkBetween(A, X, now).start();
		wire.intercept = (f) => [f, f];
		const id = nodeCrypto.random(16);
		wire.apply("agent", wire.agent.send(id, LINK.local, new Uint8Array(), []));
		await wire.run();
		const heard = wire.events.module.filter(({ kind }) => kind === "message");
		assert.equal(heard.length, 1);
		assert.equal(wire.outcome("module"), "authentication-failed");
	});

	test("and plays a recorded link to each end", async () => {
		const recorded = await linkBetween(A, X, now, { key: SECRET }).start();
		for (const end of ["agent", "module"] as const) {
			const wire = linkBetween(A, X, now, { key: SECRET });
			if (end === "agent") wire.apply("agent", wire.agent.start());
			for (const frame of recorded.posted) {
				if (frame.to !== end) continue;
				wire.deliver(frame);
				await wire.signNext();
			}
			assert.ok(!wire.has(end, "ready"));
			assert.notEqual(wire.outcome(end), "waits");
		}
	});

	test("and swaps the records of two links of the same two devices", async () => {
		const [one, two] = [linkBetween(A, X, now), linkBetween(A, X, now)];
		await one.start();
		await two.start();
		const id = nodeCrypto.random(16);
		one.intercept = () => [];
		one.apply("agent", one.agent.send(id, LINK.local, new Uint8Array(), []));
		two.deliver(one.posted.at(-1) as LinkFrame);
		assert.equal(two.outcome("module"), "authentication-failed");
		assert.ok(!two.has("module", "message"));
	});

	test("and reads nothing of what passes, on a paired link", async () => {
		const wire = await linkBetween(A, X, now).start();
		const words = utf8("pay a hundred to bob-till");
		const id = nodeCrypto.random(16);
		wire.apply(
			"agent",
			wire.agent.send(id, LINK.local, words, [four.B.context.own]),
		);
		await wire.run();
		const wires = wire.posted.map(({ bytes }) => hex(bytes)).join("");
		for (const secret of [
			words,
			id,
			A.context.own.encodedChain,
			X.context.own.encodedChain,
			four.B.context.own.encodedChain,
		])
			assert.ok(!wires.includes(hex(secret)));
	});
});

describe("a corrupt agent wants the link of its module to break", () => {
	test("by what its first message says", async () => {
		for (const [payload, code] of [
			[new Uint8Array(), "malformed"],
			[utf8("hello"), "malformed"],
			[enc(new Uint8Array()), "malformed"],
			[enc(Uint8Array.of(1, 2, 1)), "malformed"],
			[enc(Uint8Array.from({ length: 17 }, (_, i) => i + 1)), "malformed"],
			[enc(Uint8Array.of(1), new Uint8Array()), "malformed"],
			[enc(Uint8Array.of(0, 0x7f, 0xff)), "negotiation-failed"],
		] as const) {
			const wire = linkBetween(A, X, now, { key: SECRET });
			const { message1 } = startInitiator(
				nodeCrypto,
				{
					protocol: LINK_PROTOCOL,
					prologue: enc(utf8("tetrad/1 link")),
					psk: SECRET,
				},
				payload,
			);
			const bytes = encodeFrame(FRAME.linkHello, message1);
			wire.deliver({ from: "agent", to: "module", bytes });
			assert.equal(wire.outcome("module"), code, hex(payload));
			assert.deepEqual(wire.signing, []);
		}
	});

	test("by a record of another content type", async () => {
		for (const type of Object.values(CONTENT)) {
			const agent = withKeylog(A);
			const wire = await linkBetween(agent, X, now).start();
			const key = agent.keylog.get("LINK_INITIATOR") as Uint8Array;
			const sealer = new RecordSealer(nodeCrypto, "AESGCM", key, 1);
			const body = new Uint8Array(40).fill(1, 0, 16);
			body[16] = LINK.end;
			const bytes = sealer.seal(type, body);
			wire.deliver({ from: "agent", to: "module", bytes });
			const heard = wire.has("module", "message");
			assert.equal(heard, type === CONTENT.link);
			// A close is empty.
			const expected = {
				[CONTENT.link]: "waits",
				[CONTENT.close]: "malformed",
			};
			assert.equal(
				wire.outcome("module"),
				expected[type as 3 | 4] ?? "authentication-failed",
			);
		}
	});

	test("by chains that have no end", async () => {
		const wire = await linkBetween(A, X, now).start();
		const chain = (i: number) => {
			const encodedChain = new Uint8Array(16400);
			new DataView(encodedChain.buffer).setUint32(0, i);
			return { encodedChain, chainHash: nodeCrypto.sha256(encodedChain) };
		};
		const id = nodeCrypto.random(16);
		const hashes = [];
		for (let i = 0; i < 200; i++) {
			const named = chain(i);
			hashes.push(named.chainHash);
			wire.apply("agent", wire.agent.send(id, LINK.end, id, [named]));
			await wire.run();
		}
		const context = wire.module.contextFor(id);
		const known = hashes.filter((hash) => context.chain(hash) !== undefined);
		assert.ok(known.length <= 64, "only so many are kept");
		assert.ok(known.length > 32);
	});

	test("by a chain under a tetrad's name, or one too large", async () => {
		for (const [id, size] of [
			[nodeCrypto.random(16), 100],
			[new Uint8Array(16), 16401],
		] as const) {
			const wire = await linkBetween(A, X, now).start();
			wire.apply(
				"agent",
				wire.agent.send(id, LINK.chain, new Uint8Array(size), []),
			);
			await wire.run();
			assert.equal(wire.outcome("module"), "malformed");
		}
	});

	test("by a message of no tetrad, or of an unknown type", async () => {
		for (const [id, type] of [
			[new Uint8Array(16), LINK.begin],
			[new Uint8Array(16), LINK.end],
			[nodeCrypto.random(16), 0x7f],
		] as const)
			for (const mode of ["paired", "unsafe-open"] as const) {
				const agent = withKeylog(A);
				const wire = await linkBetween(agent, X, now, { mode }).start();
				const message = concat(id, Uint8Array.of(type));
				const key = agent.keylog.get("LINK_INITIATOR") ?? new Uint8Array(32);
				const sealer = new RecordSealer(nodeCrypto, "AESGCM", key, 1);
				const bytes =
					mode === "paired"
						? sealer.seal(CONTENT.link, message)
						: encodeFrame(FRAME.openMessage, message);
				wire.deliver({ from: "agent", to: "module", bytes });
				assert.ok(!wire.has("module", "message"));
				assert.equal(wire.outcome("module"), "malformed");
			}
	});

	test("by one chain sent again: it takes a second place, and both ends drop alike", async () => {
		const wire = await linkBetween(A, X, now).start();
		const id = nodeCrypto.random(16);
		const named = (i: number) => {
			const encodedChain = new Uint8Array(8).fill(i);
			return { encodedChain, chainHash: nodeCrypto.sha256(encodedChain) };
		};
		const twice = named(1);
		for (let i = 0; i < 2; i++)
			wire.apply(
				"agent",
				wire.agent.send(new Uint8Array(16), LINK.chain, twice.encodedChain, []),
			);
		await wire.run();
		const context = wire.module.contextFor(id);
		const own = A.context.own.chainHash;
		// With its own chain and these two, 61 more fill the book; the next drops the oldest.
		for (let i = 2; i < 63; i++)
			wire.apply("agent", wire.agent.send(id, LINK.end, id, [named(i)]));
		await wire.run();
		assert.ok(context.chain(own));
		for (const [i, left] of [
			[63, true],
			[64, true],
			[65, false],
		] as const) {
			wire.apply("agent", wire.agent.send(id, LINK.end, id, [named(i)]));
			await wire.run();
			// What one frame has pushed out is forgotten when the next comes.
			wire.apply("agent", wire.agent.send(id, LINK.end, id, []));
			await wire.run();
			assert.equal(context.chain(twice.chainHash) !== undefined, left);
			assert.equal(context.chain(own), undefined);
		}
	});

	test("by a chain that nobody judged: it is judged when it is named", async () => {
		const run = Run.of(four, now);
		const stranger = await (await Cast.make()).agent("stranger");
		const devices = { ...four, A: { ...stranger } };
		await run.establish();
		const other = await Run.of(devices, now, {
			AX: { modulePairedWith: stranger },
		}).establish();
		assert.equal(other.outcomes.X, "chain-refused");
	});
});

describe("a carrier writes over what it delivered", () => {
	for (const kind of ["Uint8Array", "Buffer"] as const) {
		const scribbling = (wire: { deliver(frame: LinkFrame): void }): void => {
			const deliver = wire.deliver.bind(wire);
			wire.deliver = (frame) => {
				const bytes =
					kind === "Buffer" ? Buffer.from(frame.bytes) : copy(frame.bytes);
				deliver({ ...frame, bytes });
				bytes.fill(0xee);
			};
		};
		for (const mode of ["paired", "unsafe-open"] as const)
			test(`and the link holds (${mode}, ${kind})`, async () => {
				// Nobody judged these chains before, so no verdict is remembered.
				const own = await Cast.make();
				const { A, X, B } = await own.four();
				const wire = linkBetween(A, X, own.now, { mode });
				scribbling(wire);
				await wire.start();
				const id = nodeCrypto.random(16);
				const named = B.context.own;
				wire.apply("agent", wire.agent.send(id, LINK.end, id, [named]));
				await wire.run();
				const context = wire.module.contextFor(id);
				const same = (a: Uint8Array | undefined, b: Uint8Array) =>
					assert.equal(hex(a ?? new Uint8Array()), hex(b));
				same(context.chain(named.chainHash), named.encodedChain);
				same(context.peerChain, A.context.own.encodedChain);
				same(context.chain(A.context.own.chainHash), context.peerChain);
				const back = wire.agent.contextFor(id);
				same(back.peerChain, X.context.own.encodedChain);
			});
		test(`and the pairing holds (${kind})`, async () => {
			const wire = pairingBetween(A, X, now);
			scribbling(wire);
			await wire.start();
			const [a, x] = (["agent", "module"] as const).map(
				(end) => wire.find(end, "compare")?.code,
			);
			assert.ok(a);
			assert.equal(a, x);
		});
	}
});

describe("somebody at the end of a link, with the pairing's key, sends what would make the secret known", () => {
	const zero = new Uint8Array(32);
	const drawing = (publicKey: Uint8Array): CryptoProvider => ({
		...nodeCrypto,
		generateX25519: () => ({ publicKey, agree: () => copy(zero), wipe() {} }),
	});
	const one = Uint8Array.of(1, ...new Uint8Array(31));
	const overModulus = new Uint8Array(ML_KEM_768.publicKeyBytes).fill(0xff);
	const agents: Record<string, CryptoProvider> = {
		"an X25519 point of low order": drawing(zero),
		"another one": drawing(one),
		"an ML-KEM key that fails the modulus check": {
			...nodeCrypto,
			generateKem: () => ({
				...nodeCrypto.generateKem(),
				publicKey: overModulus,
			}),
		},
	};
	const modules: Record<string, CryptoProvider> = {
		"an X25519 point of low order": drawing(zero),
		"another one": drawing(one),
		"an ML-KEM ciphertext for another key": {
			...nodeCrypto,
			encapsulate: () =>
				nodeCrypto.encapsulate(nodeCrypto.generateKem().publicKey),
		},
	};

	for (const [what, crypto] of Object.entries(agents))
		test(`the agent: ${what}`, async () => {
			const wire = linkBetween(withKeylog(A, { crypto }), X, now);
			await wire.start();
			assert.equal(wire.outcome("module"), "authentication-failed");
			assert.ok(!wire.has("module", "sign"), "nothing was signed");
		});

	for (const [what, crypto] of Object.entries(modules))
		test(`the module: ${what}`, async () => {
			const wire = linkBetween(A, withKeylog(X, { crypto }), now);
			await wire.start();
			assert.equal(wire.outcome("agent"), "authentication-failed");
			assert.ok(!wire.has("agent", "sign"), "nothing was signed");
		});
});

describe("an end of a link that has not begun", () => {
	const message1 = startInitiator(
		nodeCrypto,
		{
			protocol: LINK_PROTOCOL,
			prologue: enc(utf8("tetrad/1 link")),
			psk: SECRET,
		},
		new Uint8Array(),
	).message1;

	test("does not answer as if it were the other end", () => {
		const end = (role: "agent" | "module", mode: "paired" | "unsafe-open") =>
			new LinkByHand(role, {
				device: (role === "agent" ? A : X).context,
				pairing: {
					peerDeviceId: (role === "agent" ? X : A).context.own.deviceId,
					key: SECRET,
				},
				...{ mode, now, timeoutMs: 1000 },
			});
		for (const machine of [
			end("agent", "paired"),
			end("module", "unsafe-open"),
			end("agent", "unsafe-open"),
		]) {
			const hello = encodeFrame(FRAME.linkHello, message1);
			const effects = machine.frame(hello, now);
			assert.deepEqual(
				effects.map(({ kind }) => kind),
				["send-frame", "ended"],
			);
			const [refusal, end] = effects;
			assert.ok(refusal?.kind === "send-frame" && end?.kind === "ended");
			assert.equal(refusal.bytes[0], FRAME.refusal);
			assert.equal(end.error?.code, "unexpected-message");
		}
	});

	test("gives no tetrad anything", () => {
		const wire = linkBetween(A, X, now);
		const lost = { code: "carrier-failed" };
		const id = new Uint8Array(16);
		assert.throws(() => wire.agent.contextFor(id), lost);
		assert.throws(() => wire.agent.send(id, LINK.end, id, []), lost);
	});
});

describe("a peer wants the link of somebody else to break", () => {
	const shared = async () => {
		const ax = await makeLink(A, X, "paired", now);
		const by = await makeLink(four.B, four.Y, "paired", now);
		return {
			A: ax.agentEnd,
			X: ax.moduleEnd,
			B: by.agentEnd,
			Y: by.moduleEnd,
		};
	};

	test("a record of session 2 that fits no link ends its own tetrad and nothing else", async () => {
		const links = await shared();
		for (const size of [MAX_CONTENT_BYTES - 16, MAX_CONTENT_BYTES]) {
			const one = new FourDevices(four, links, now, {});
			const two = new FourDevices(four, links, now, {});
			await one.establish();
			await two.establish();
			const evil = one.B.confirmed().outer.seal(
				CONTENT.nested,
				new Uint8Array(size),
			);
			one.apply("A", one.A.frame(evil, now));
			assert.equal(one.error("A")?.code, "limit-exceeded");
			assert.equal(links.A.ended, false);
			two.apply("A", two.A.sendToModule(utf8("still here")));
			await two.run();
			assert.equal(two.messages("X").length, 1);
		}
		// And the largest one that does fit is carried.
		const fits = new FourDevices(four, links, now, {});
		await fits.establish();
		const largest = fits.B.confirmed().outer.seal(
			CONTENT.nested,
			new Uint8Array(MAX_CONTENT_BYTES - 17),
		);
		fits.apply("A", fits.A.frame(largest, now));
		assert.equal(fits.error("A"), undefined);
		assert.equal(links.A.ended, false);
	});

	test("130 peers, one after another, over one link", async () => {
		const by = await makeLink(four.B, four.Y, "paired", now);
		for (let i = 0; i < 130; i++) {
			const agent = await cast.agent(`buyer-${i}`);
			const module = await cast.module(`purse-${i}`);
			const ax = await makeLink(agent, module, "paired", now);
			const run = new FourDevices(
				{ A: agent, X: module, B: four.B, Y: four.Y },
				{
					A: ax.agentEnd,
					X: ax.moduleEnd,
					B: by.agentEnd,
					Y: by.moduleEnd,
				},
				now,
				{},
			);
			await run.establish();
			for (const place of PLACES)
				assert.ok(run.has(place, "confirmed"), `peer ${i}, ${place}`);
		}
	});

	test("a message that is too large is the caller's mistake and not the link's end", async () => {
		const links = await shared();
		assert.throws(
			() =>
				links.A.send(
					new Uint8Array(16),
					LINK.nested,
					new Uint8Array(MAX_CONTENT_BYTES),
					[],
				),
			{ code: "message-too-large" },
		);
		assert.equal(links.A.ended, false);
	});
});

const PAIRING_SETUP = {
	protocol: suiteByName("hybrid-aesgcm").protocol,
	prologue: enc(utf8("tetrad/1 pairing")),
};

describe("somebody in the middle of a pairing wants both owners to see one code", () => {
	const accept = async (
		wire: ReturnType<typeof pairingBetween>,
	): Promise<void> => {
		wire.apply("agent", wire.agent.accept());
		wire.apply("module", wire.module.accept());
		await wire.run();
	};

	test("an honest pairing shows one code and leaves one key", async () => {
		const wire = await pairingBetween(A, X, now).start();
		const codes = (["agent", "module"] as const).map(
			(end) => wire.find(end, "compare")?.code,
		);
		assert.equal(codes[0], codes[1]);
		assert.equal(codes[0]?.split(" ").length, 3);
		await accept(wire);
		const keys = (["agent", "module"] as const).map((end) =>
			hex(wire.find(end, "paired")?.pairing.key ?? new Uint8Array()),
		);
		assert.equal(keys[0], keys[1]);
		assert.notEqual(keys[0], "");
	});

	test("two pairings show two codes", async () => {
		// The middle is an agent to the module and a module to the agent.
		const left = await pairingBetween(A, malloryPurse, now).start();
		const right = await pairingBetween(mallory, X, now).start();
		const a = left.find("agent", "compare")?.code;
		const x = right.find("module", "compare")?.code;
		assert.ok(a && x);
		assert.notEqual(a, x);
	});

	test("by choosing its number when it knows the other one: the commitment binds it", async () => {
		// Whoever calls has to say which number it will be before it sees the module's.
		const commitment = (nonce: Uint8Array) =>
			nodeCrypto.sha256(enc(utf8("tetrad/1 pair"), nonce));
		for (const honest of [true, false]) {
			const wire = pairingBetween(mallory, X, now);
			const first = nodeCrypto.random(32);
			const { message1, awaiting } = startInitiator(
				nodeCrypto,
				PAIRING_SETUP,
				enc(commitment(first)),
			);
			wire.deliver({
				from: "agent",
				to: "module",
				bytes: encodeFrame(FRAME.pairHello, message1),
			});
			await wire.signNext();
			const answer = wire.posted.at(-1)?.bytes as Uint8Array;
			const { hash, secrets } = awaiting.finish(answer.subarray(5));
			const session = new Session(nodeCrypto, secrets, "initiator");
			const { encodedChain, chainHash } = mallory.context.own;
			const signature = await mallory.signer.sign(
				signedBytes("PA", hash, chainHash),
			);
			const nonce = honest ? first : nodeCrypto.random(32);
			wire.deliver({
				from: "agent",
				to: "module",
				bytes: session.seal(
					CONTENT.handshake,
					enc(encodedChain, signature, nonce),
				),
			});
			assert.equal(wire.has("module", "compare"), honest);
			if (!honest)
				assert.equal(wire.outcome("module"), "authentication-failed");
		}
	});

	test("by opening pairings until the module's number suits it: three, and its owner is shown each", async () => {
		// As a module, a stranger learned which code the agent shows. As an agent, it computes the
		// module's code from P2 and breaks off before P3 while that is another one.
		const tries = new PairingTries();
		const attack = async (pairings: number) => {
			const codes = new Set<string>();
			const shown: number[] = [];
			let refused = 0;
			for (let nth = 0; nth < pairings; nth++) {
				const wire = pairingBetween(mallory, X, now, tries);
				const nonce = nodeCrypto.random(32);
				const { message1, awaiting } = startInitiator(
					nodeCrypto,
					PAIRING_SETUP,
					enc(nodeCrypto.sha256(enc(utf8("tetrad/1 pair"), nonce))),
				);
				wire.deliver({
					from: "agent",
					to: "module",
					bytes: encodeFrame(FRAME.pairHello, message1),
				});
				await wire.signNext();
				const shownTry = wire.find("module", "try");
				if (shownTry !== undefined) shown.push(shownTry.number);
				const answer = wire.posted.find(({ from }) => from === "module");
				if (answer?.bytes[0] !== FRAME.pairAnswer) {
					assert.equal(wire.outcome("module"), "limit-exceeded");
					refused += 1;
					continue;
				}
				const { hash, payload } = awaiting.finish(answer.bytes.subarray(5));
				const digest = nodeCrypto.sha256(
					enc(
						utf8("tetrad/1 pair code"),
						hash,
						mallory.context.own.certificateId,
						X.context.own.certificateId,
						nonce,
						dec(payload, 3)[2] as Uint8Array,
					),
				);
				codes.add(safetyWords(digest));
			}
			assert.deepEqual(shown, [1, 2, 3], "each is shown to the module's owner");
			assert.equal(codes.size, 3);
			assert.equal(refused, pairings - 3);
		};
		await attack(20);
		// The owner lets the module wait again, and not for more than three again.
		tries.allow();
		await attack(20);
		tries.allow();
		const again = await pairingBetween(A, X, now, tries).start();
		assert.ok(again.has("module", "compare"));
	});

	test("the agent's number is not to be seen before the module's is chosen", async () => {
		const wire = pairingBetween(A, X, now);
		wire.apply("agent", wire.agent.start());
		const hello = wire.posted[0]?.bytes as Uint8Array;
		const { payload } = readMessage1(
			nodeCrypto,
			PAIRING_SETUP,
			hello.subarray(5),
		);
		await wire.run();
		wire.apply("module", wire.module.start());
		assert.equal(payload.length, 36, "a hash and nothing else");
		const again = pairingBetween(A, X, now);
		again.apply("agent", again.agent.start());
		const other = readMessage1(
			nodeCrypto,
			PAIRING_SETUP,
			(again.posted[0] as LinkFrame).bytes.subarray(5),
		);
		assert.notEqual(hex(other.payload), hex(payload));
	});

	test("the code depends on the session, both certificates and both numbers", async () => {
		const codes = new Set<string>();
		const devices: [typeof A, typeof X][] = [
			[A, X],
			[A, X],
			[mallory, X],
			[A, malloryPurse],
		];
		for (const [agent, module] of devices) {
			const wire = await pairingBetween(agent, module, now).start();
			codes.add(wire.find("agent", "compare")?.code ?? "");
		}
		assert.equal(codes.size, devices.length);
	});

	test("with a chain whose key it does not have", async () => {
		const fakeX = { ...X, signer: malloryPurse.signer };
		const one = await pairingBetween(A, fakeX, now).start();
		assert.equal(one.outcome("agent"), "authentication-failed");
		assert.ok(!one.has("agent", "compare"));
		const fakeA = { ...A, signer: mallory.signer };
		const two = await pairingBetween(fakeA, X, now).start();
		assert.equal(two.outcome("module"), "authentication-failed");
		assert.ok(!two.has("module", "compare"));
	});

	test("by a bit in any byte of a frame", async () => {
		const trial = await pairingBetween(A, X, now).start();
		for (const [nth, { bytes }] of trial.posted.entries())
			for (let at = 0; at < bytes.length; at += nth === 0 ? 41 : 23) {
				const wire = pairingBetween(A, X, now);
				let seen = 0;
				wire.intercept = (f) =>
					seen++ === nth ? [{ ...f, bytes: flip(at)(f.bytes) }] : [f];
				await wire.start();
				assert.ok(!wire.has("module", "compare"), `${nth}, ${at}`);
			}
	});

	test("by accepting in the owner's place", async () => {
		const wire = await pairingBetween(A, X, now).start();
		wire.apply("module", wire.module.accept());
		await wire.run();
		// The agent's owner has not said anything.
		assert.ok(!wire.has("agent", "paired") && !wire.has("module", "paired"));
		const accepted = wire.posted.at(-1) as LinkFrame;
		wire.deliver(accepted);
		assert.ok(!wire.has("agent", "paired"));
		assert.equal(wire.outcome("agent"), "unexpected-message");
	});

	test("by reflecting an acceptance", async () => {
		const wire = await pairingBetween(A, X, now).start();
		wire.intercept = (f) => [{ ...f, from: f.to, to: f.from }];
		wire.apply("agent", wire.agent.accept());
		await wire.run();
		assert.ok(!wire.has("agent", "paired"));
		assert.equal(wire.outcome("agent"), "authentication-failed");
	});
});
