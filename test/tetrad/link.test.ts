import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { Asked } from "../../sim/turns.ts";
import { type CryptoProvider, nodeCrypto } from "../../src/crypto/index.ts";
import {
	type RecordAead,
	RecordOpener,
	type SuiteName,
} from "../../src/session/index.ts";
import { LINK_CIPHERS, type LinkMode } from "../../src/tetrad/index.ts";
import {
	concat,
	encodeFrame,
	FRAME,
	FRAME_HEADER_BYTES,
	type FrameType,
	hex,
	LINK,
	parseFrame,
	utf8,
} from "../../src/wire/index.ts";
import { type Device, makeDevices } from "../support/four-devices.ts";
import { LoneEnd, letCross } from "../support/lone-end.ts";
import { LinkByHand, type LinkEffect } from "../support/machines.ts";

const TIMEOUT_MS = 1000;
const ID = new Uint8Array(16).fill(7);
const NOTHING = new Uint8Array();

let devices: Record<"A" | "B" | "X" | "Y", Device>;
let now: number;

before(async () => {
	({ devices, now } = await makeDevices());
});

interface EndOptions {
	readonly own: Device;
	/** Whom the pairing names. */
	readonly peer: Device;
	readonly key: Uint8Array;
	readonly mode?: LinkMode;
}

/** One end of a link with its keys, and what became of it. */
class End extends LoneEnd<LinkEffect, LinkByHand> {
	/** A chain that comes is hashed once, and nothing else is on a link that is ready. */
	readonly hashes: () => number;

	constructor(role: "agent" | "module", options: EndOptions) {
		const { own, peer, key, mode = "paired" } = options;
		let hashes = 0;
		const crypto: CryptoProvider = {
			...nodeCrypto,
			sha256: (...parts) => {
				hashes++;
				return nodeCrypto.sha256(...parts);
			},
		};
		super(
			own,
			new LinkByHand(role, {
				device: { ...own.context, crypto },
				pairing: { peerDeviceId: peer.context.own.deviceId, key },
				mode,
				now,
				timeoutMs: TIMEOUT_MS,
			}),
			now,
		);
		this.hashes = () => hashes;
	}

	get isReady(): boolean {
		return this.effects.some(({ kind }) => kind === "ready");
	}

	get messages() {
		return this.effects.filter((effect) => effect.kind === "message");
	}
}

interface Pair {
	readonly agent: End;
	readonly module: End;
}

function makePair(
	change: {
		readonly agent?: Partial<EndOptions>;
		readonly module?: Partial<EndOptions>;
		readonly mode?: LinkMode;
	} = {},
): Pair {
	const key = nodeCrypto.random(32);
	const { A, X } = devices;
	const mode = change.mode ?? "paired";
	return {
		agent: new End("agent", { own: A, peer: X, key, mode, ...change.agent }),
		module: new End("module", { own: X, peer: A, key, mode, ...change.module }),
	};
}

/** Starts both ends and lets everything cross; the frames in the order in which they did. */
function connect({ agent, module }: Pair): Promise<Uint8Array[]> {
	module.start();
	agent.start();
	return letCross({ agent, module });
}

async function connected(mode: LinkMode = "paired"): Promise<Pair> {
	const pair = makePair({ mode });
	await connect(pair);
	assert.ok(pair.agent.isReady && pair.module.isReady);
	return pair;
}

const types = (frames: readonly Uint8Array[]): FrameType[] =>
	frames.map((frame) => parseFrame(frame).type);

/** Sends a message of a tetrad and delivers it; how many link messages crossed with it, itself included. */
function send(
	from: End,
	to: End,
	chains: readonly Uint8Array[] = [],
	body: Uint8Array = NOTHING,
): number {
	const named = chains.map((encodedChain) => ({
		encodedChain,
		chainHash: nodeCrypto.sha256(encodedChain),
	}));
	from.take(from.machine.send(ID, LINK.nested, body, named));
	const before = to.hashes();
	to.hear(...from.post());
	return 1 + to.hashes() - before;
}

const known = (end: End, chain: Uint8Array): boolean =>
	end.machine.contextFor(ID).chain(nodeCrypto.sha256(chain)) !== undefined;

describe("a paired link", () => {
	test("is ready after three frames, and each end knows the other", async () => {
		const pair = makePair();
		const wire = await connect(pair);
		assert.deepEqual(types(wire), [
			FRAME.linkHello,
			FRAME.linkAnswer,
			FRAME.record,
		]);
		const peers = [pair.agent, pair.module].map((end) => {
			const ready = end.effects.find((effect) => effect.kind === "ready");
			return ready?.kind === "ready" ? ready.peer.name : undefined;
		});
		assert.deepEqual(peers, ["alice-purse", "alice"]);
	});

	test("carries messages of many tetrads both ways, and shows none of them", async () => {
		const { agent, module } = await connected();
		const body = utf8("R1 must not be seen on the wire");
		const ids = [1, 2, 3].map((n) => new Uint8Array(16).fill(n));
		for (const [from, to] of [
			[agent, module],
			[module, agent],
		] as const) {
			for (const id of ids)
				from.take(from.machine.send(id, LINK.local, body, []));
			const frames = from.post();
			assert.deepEqual(new Set(types(frames)), new Set([FRAME.record]));
			for (const frame of frames)
				assert.ok(!Buffer.from(frame).includes(Buffer.from(body)));
			to.hear(...frames);
			assert.deepEqual(
				to.messages.map(({ tetradId, type, body }) => [
					tetradId[0],
					type,
					hex(body),
				]),
				[1, 2, 3].map((n) => [n, LINK.local, hex(body)]),
			);
		}
	});

	for (const [agentSuites, moduleSuites, records] of [
		[["hybrid-chachapoly"], ["hybrid-chachapoly"], "ChaChaPoly"],
		[["hybrid-aesgcm"], ["hybrid-aesgcm"], "AESGCM"],
		[
			["hybrid-chachapoly-aesgcm"],
			["hybrid-aesgcm", "classical-chachapoly-aesgcm"],
			"ChaChaPoly+AESGCM",
		],
		[
			["hybrid-aesgcm", "classical-chachapoly"],
			["hybrid-aesgcm", "hybrid-chachapoly"],
			"ChaChaPoly",
		],
		[["hybrid-chachapoly-aesgcm"], ["hybrid-chachapoly"], "ChaChaPoly"],
		[["hybrid-chachapoly"], ["classical-chachapoly-aesgcm"], "ChaChaPoly"],
		[["hybrid-aesgcm", "hybrid-chachapoly"], ["hybrid-aesgcm"], "AESGCM"],
		[["hybrid-aesgcm"], ["hybrid-chachapoly-aesgcm"], "AESGCM"],
		[["hybrid-chachapoly"], ["hybrid-aesgcm"], "AESGCM"],
	] as const satisfies readonly (readonly [
		readonly SuiteName[],
		readonly SuiteName[],
		RecordAead,
	])[])
		test(`of a policy with ${agentSuites.join(" and ")} and one with ${moduleSuites.join(" and ")} is sealed with ${records}`, async () => {
			const keylog = new Map<string, Uint8Array>();
			const demanding = (device: Device, suites: readonly SuiteName[]) => ({
				...device,
				context: {
					...device.context,
					policy: { ...device.context.policy, suites },
					unsafeKeylog: (label: string, key: Uint8Array) =>
						void keylog.set(label, key.slice()),
				},
			});
			const { agent, module } = makePair({
				agent: { own: demanding(devices.A, agentSuites) },
				module: { own: demanding(devices.X, moduleSuites) },
			});
			const [, , l3] = await connect({ agent, module });
			assert.ok(agent.isReady && module.isReady);
			const sent = { agent: [l3 as Uint8Array], module: [] as Uint8Array[] };
			const bodies = [utf8("short"), new Uint8Array(20_000)];
			for (const [name, from, to] of [
				["agent", agent, module],
				["module", module, agent],
			] as const) {
				for (const body of bodies)
					from.take(from.machine.send(ID, LINK.local, body, []));
				const frames = from.post();
				sent[name].push(...frames);
				to.hear(...frames);
				assert.equal(to.messages.length, bodies.length);
			}
			for (const [name, label] of [
				["agent", "LINK_INITIATOR"],
				["module", "LINK_RESPONDER"],
			] as const) {
				const key = keylog.get(label);
				assert.ok(key);
				for (const { records: tried } of LINK_CIPHERS) {
					const opener = new RecordOpener(nodeCrypto, tried, key);
					const open = () => sent[name].map((frame) => opener.openAll(frame));
					if (tried === records) open();
					else assert.throws(open, { code: "authentication-failed" });
				}
			}
		});

	test("gives every tetrad a secret of its own, the same at both ends", async () => {
		const { agent, module } = await connected();
		const other = new Uint8Array(16).fill(8);
		const secret = (end: End, id: Uint8Array) =>
			hex(end.machine.contextFor(id).secret);
		assert.equal(secret(agent, ID), secret(module, ID));
		assert.equal(secret(agent, ID).length, 64);
		assert.notEqual(secret(agent, ID), secret(agent, other));
		const again = await connected();
		assert.notEqual(secret(agent, ID), secret(again.agent, ID));
	});

	test("closes in order, and neither end takes or sends anything afterwards", async () => {
		const { agent, module } = await connected();
		agent.take(agent.machine.close());
		module.hear(...agent.post());
		for (const end of [agent, module]) {
			assert.ok(end.machine.ended);
			assert.equal(end.error, undefined);
			assert.equal(end.machine.deadline, undefined);
			end.pending.length = 0;
			end.hear(encodeFrame(FRAME.record, new Uint8Array(40)));
			end.take(end.machine.time(now + 10 * TIMEOUT_MS));
			assert.deepEqual(end.pending, []);
		}
	});

	test("is not made with a wrong pairing key, and the agent learns only that it was refused", async () => {
		const pair = makePair({ agent: { key: nodeCrypto.random(32) } });
		await connect(pair);
		assert.equal(pair.module.error?.code, "authentication-failed");
		assert.equal(pair.agent.error?.code, "refused-by-peer");
		assert.deepEqual(pair.module.signing, []);
	});

	test("is refused by a module whose pairing names another agent, though the key is right", async () => {
		const pair = makePair({ module: { peer: devices.B } });
		await connect(pair);
		assert.equal(pair.module.error?.code, "chain-refused");
		assert.match(pair.module.error?.message ?? "", /alice .*not the agent/);
		assert.ok(!pair.module.isReady);
		assert.ok(pair.agent.machine.ended);
	});

	test("is refused by an agent whose pairing names another module, though the key is right", async () => {
		const pair = makePair({ agent: { peer: devices.Y } });
		await connect(pair);
		assert.equal(pair.agent.error?.code, "chain-refused");
		assert.equal(pair.module.error?.code, "refused-by-peer");
		assert.ok(!pair.agent.isReady && !pair.module.isReady);
	});

	test("is refused when an agent answers in a module's place", async () => {
		const { A, B } = devices;
		const pair = makePair({
			agent: { peer: B },
			module: { own: B, peer: A },
		});
		await connect(pair);
		assert.equal(pair.agent.error?.code, "chain-refused");
		assert.ok(!pair.module.isReady);
	});

	test("is refused when a module calls in an agent's place", async () => {
		const { X, Y } = devices;
		const pair = makePair({
			agent: { own: Y, peer: X },
			module: { own: X, peer: Y },
		});
		await connect(pair);
		assert.equal(pair.module.error?.code, "chain-refused");
		assert.ok(!pair.module.isReady);
	});

	test("is refused when both ends call", async () => {
		const pair = makePair();
		const other = new End("agent", {
			own: devices.X,
			peer: devices.A,
			key: nodeCrypto.random(32),
		});
		await connect({ agent: pair.agent, module: other });
		for (const end of [pair.agent, other]) {
			assert.ok(end.machine.ended);
			assert.ok(!end.isReady);
		}
	});

	test("does not open under a signature of the other end's role", async () => {
		// The agent's own key signs what only a module may sign, and the other way round.
		const { agent, module } = makePair();
		agent.start();
		module.start().hear(...agent.post());
		const [{ content }] = module.signing.splice(0) as [Asked<"here">];
		const swapped = content.slice();
		const role = Buffer.from(content).indexOf("LM");
		assert.ok(role > 0, "the module signs for LM");
		swapped.set(utf8("LA"), role);
		module.take(module.machine.signed(await devices.X.signer.sign(swapped)));
		agent.hear(...module.post());
		assert.equal(agent.error?.code, "authentication-failed");
	});

	test("does not come about from replayed frames", async () => {
		const key = nodeCrypto.random(32);
		const pair = makePair({ agent: { key }, module: { key } });
		const [hello, answer, proof] = (await connect(pair)) as [
			Uint8Array,
			Uint8Array,
			Uint8Array,
		];
		const again = makePair({ agent: { key }, module: { key } });
		again.module.start().hear(hello);
		await again.module.signAll();
		assert.deepEqual(types(again.module.post()), [FRAME.linkAnswer]);
		again.module.hear(proof);
		assert.equal(again.module.error?.code, "authentication-failed");
		again.agent.start().hear(answer);
		assert.equal(again.agent.error?.code, "authentication-failed");
		assert.ok(!again.agent.isReady && !again.module.isReady);
	});

	test("does not survive a changed byte anywhere in its three frames", async () => {
		const { agent, module } = makePair();
		const hello = agent.start().post()[0] as Uint8Array;
		const flip = (frame: Uint8Array, at: number) => {
			const changed = frame.slice();
			changed[at] = (changed[at] as number) ^ 0x80;
			return changed;
		};
		const { X, A } = devices;
		const key = nodeCrypto.random(32);
		for (let at = FRAME_HEADER_BYTES; at < hello.length; at++) {
			const fresh = new End("module", { own: X, peer: A, key }).start();
			assert.equal(fresh.hear(flip(hello, at)).isReady, false);
			assert.equal(fresh.error?.code, "authentication-failed");
		}
		module.start().hear(hello);
		await module.signAll();
		const answer = module.post()[0] as Uint8Array;
		for (const at of [5, 36, 37, 60, answer.length - 1]) {
			const copy = makePair();
			copy.agent.start();
			copy.module.start().hear(...copy.agent.post());
			await copy.module.signAll();
			copy.agent.hear(flip(copy.module.post()[0] as Uint8Array, at));
			assert.equal(copy.agent.error?.code, "authentication-failed");
		}
		agent.hear(answer);
		await agent.signAll();
		const proof = agent.post()[0] as Uint8Array;
		module.hear(flip(proof, proof.length - 1));
		assert.equal(module.error?.code, "authentication-failed");
	});

	test("ends on a frame that comes out of turn, at every step of both ends", async () => {
		const sample = await connect(makePair());
		const [hello, answer, record] = sample as [
			Uint8Array,
			Uint8Array,
			Uint8Array,
		];
		/** Each step: how to get there, and the frames that have no place in it. */
		const steps: Record<string, [(pair: Pair) => Promise<End>, Uint8Array[]]> =
			{
				"module, before the agent called": [
					async ({ module }) => module.start(),
					[answer, record],
				],
				"module, while it signs": [
					async ({ agent, module }) =>
						module.start().hear(...agent.start().post()),
					[hello, answer, record],
				],
				"module, once it has answered": [
					async ({ agent, module }) =>
						module
							.start()
							.hear(...agent.start().post())
							.signAll(),
					[hello, answer],
				],
				"agent, before it called": [
					async ({ agent }) => agent,
					[hello, answer, record],
				],
				"agent, once it has called": [
					async ({ agent }) => agent.start(),
					[hello, record],
				],
				"agent, while it signs": [
					async ({ agent, module }) => {
						module.start().hear(...agent.start().post());
						return agent.hear(...(await module.signAll()).post());
					},
					[hello, answer, record],
				],
			};
		for (const [step, [reach, frames]] of Object.entries(steps))
			for (const frame of [
				...frames,
				encodeFrame(FRAME.openHello, NOTHING),
				encodeFrame(FRAME.openMessage, NOTHING),
				encodeFrame(FRAME.offer, NOTHING),
				encodeFrame(FRAME.pairHello, NOTHING),
			]) {
				const end = (await reach(makePair())).hear(frame);
				assert.equal(end.error?.code, "unexpected-message", step);
				assert.ok(!end.isReady);
			}
	});

	test("ends on a message that is replayed, reordered or changed once it is ready", async () => {
		const attacks: ((frames: Uint8Array[]) => Uint8Array[])[] = [
			([a]) => [a, a] as Uint8Array[],
			([, b]) => [b] as Uint8Array[],
			([a]) => [(a as Uint8Array).with(20, 1 ^ ((a as Uint8Array)[20] ?? 0))],
			() => [encodeFrame(FRAME.refusal, Uint8Array.of(0))],
			() => [encodeFrame(FRAME.openMessage, new Uint8Array(17))],
		];
		for (const attack of attacks) {
			const { agent, module } = await connected();
			for (let i = 0; i < 2; i++)
				agent.take(agent.machine.send(ID, LINK.local, utf8("message"), []));
			module.hear(...attack(agent.post()));
			assert.equal(module.error?.code, "authentication-failed");
		}
	});

	test("ends with a reason when the time is over, and has no deadline once it is ready", async () => {
		const { agent, module } = makePair();
		agent.start();
		module.start();
		for (const end of [agent, module]) {
			assert.equal(end.machine.deadline, now + TIMEOUT_MS);
			end.take(end.machine.time(now + TIMEOUT_MS - 1));
			assert.ok(!end.machine.ended);
			end.take(end.machine.time(now + TIMEOUT_MS));
			assert.equal(end.error?.code, "timed-out");
		}
		const ready = await connected();
		for (const end of [ready.agent, ready.module]) {
			assert.equal(end.machine.deadline, undefined);
			end.take(end.machine.time(now + 1000 * TIMEOUT_MS));
			assert.ok(!end.machine.ended);
		}
	});

	test("throws a caller's mistake to the caller and goes on", async () => {
		const { agent } = makePair();
		assert.throws(() => agent.machine.send(ID, LINK.local, NOTHING, []), {
			code: "carrier-failed",
		});
		assert.throws(() => agent.machine.contextFor(ID), {
			code: "carrier-failed",
		});
		const ready = await connected();
		assert.throws(
			() =>
				ready.agent.machine.send(ID, LINK.local, new Uint8Array(2 ** 18), []),
			{ code: "message-too-large" },
		);
		assert.equal(send(ready.agent, ready.module, [], utf8("still here")), 1);
		assert.equal(ready.module.messages.length, 1);
	});
});

for (const mode of ["paired", "unsafe-open"] as const)
	describe(`chains on a ${mode} link`, () => {
		const chain = (n: number) => utf8(`chain number ${n}`);

		test("cross once and are known by their hash from then on, each way", async () => {
			const { agent, module } = await connected(mode);
			for (const [from, to] of [
				[agent, module],
				[module, agent],
			] as const) {
				assert.ok(!known(to, chain(1)));
				assert.equal(send(from, to, [chain(1)]), 2);
				assert.ok(known(to, chain(1)));
				assert.equal(send(from, to, [chain(1)]), 1);
				assert.equal(send(from, to, [chain(1), chain(2), chain(2)]), 2);
				assert.equal(send(from, to, [chain(2), chain(1)]), 1);
			}
		});

		test("that the ends showed at the start do not cross again", async () => {
			const { agent, module } = await connected(mode);
			const { A, X } = devices;
			assert.equal(send(agent, module, [A.context.own.encodedChain]), 1);
			assert.equal(send(module, agent, [X.context.own.encodedChain]), 1);
			assert.ok(known(module, A.context.own.encodedChain));
			assert.ok(known(agent, X.context.own.encodedChain));
			assert.equal(send(agent, module, [X.context.own.encodedChain]), 2);
		});

		test("are forgotten at both ends at the same point, the oldest of 64 first", async () => {
			const { agent, module } = await connected(mode);
			const all = [devices.A.context.own.encodedChain];
			for (let n = 1; n <= 130; n++) {
				assert.equal(send(agent, module, [chain(n)]), 2);
				all.push(chain(n));
				// It takes until the next frame.
				send(agent, module);
				const kept = all.slice(-64);
				assert.ok(kept.every((c) => known(module, c)));
				assert.ok(all.slice(0, -64).every((c) => !known(module, c)));
			}
			// What was forgotten crosses again, what was not does not.
			assert.equal(send(agent, module, [chain(130 - 63)]), 1);
			assert.equal(send(agent, module, [chain(130 - 64)]), 2);
			assert.ok(known(module, chain(130 - 64)));
		});

		test("that one message names are all known when it comes, also when one pushes out another", async () => {
			const { agent, module } = await connected(mode);
			for (let n = 1; n <= 64; n++) send(agent, module, [chain(n)]);
			// Chain 1 is the oldest now, so a new one would push it out.
			send(agent, module, [chain(1), chain(65)]);
			assert.ok(known(module, chain(1)) && known(module, chain(65)));
			send(agent, module, [chain(66), chain(2), chain(67)]);
			for (const n of [66, 2, 67]) assert.ok(known(module, chain(n)));
		});

		test("that a message names are known when it comes, also when one in the same record pushes them out", async () => {
			const { agent, module } = await connected(mode);
			for (let n = 1; n <= 64; n++) send(agent, module, [chain(n)]);
			agent.machine.holds = true;
			for (const n of [1, 65, 66]) {
				const chainHash = nodeCrypto.sha256(chain(n));
				const named = [{ chainHash, encodedChain: chain(n) }];
				agent.take(agent.machine.send(ID, LINK.nested, NOTHING, named));
			}
			agent.machine.holds = false;
			agent.take(agent.machine.flush());
			module.hear(...agent.post().slice(0, 1));
			assert.ok(known(module, chain(1)));
		});

		test("are kept although the caller changes its buffer afterwards", async () => {
			const { agent, module } = await connected(mode);
			const buffer = chain(1);
			send(agent, module, [buffer]);
			buffer.fill(0);
			assert.ok(known(module, chain(1)));
		});
	});

describe("an open link", () => {
	test("is ready when each end has shown its chain, and carries messages in clear", async () => {
		const pair = makePair({ mode: "unsafe-open" });
		const wire = await connect(pair);
		assert.deepEqual(types(wire), [FRAME.openHello, FRAME.openHello]);
		const { agent, module } = pair;
		agent.take(agent.machine.send(ID, LINK.local, utf8("in clear"), []));
		const [frame] = agent.post() as [Uint8Array];
		assert.ok(Buffer.from(frame).includes("in clear"));
		module.hear(frame);
		assert.equal(module.messages.length, 1);
		assert.equal(agent.machine.contextFor(ID).secret.length, 0);
	});

	test("is refused for another device than the paired one, at either end", async () => {
		for (const change of [
			{ agent: { peer: devices.Y } },
			{ module: { peer: devices.B } },
		]) {
			const pair = makePair({ ...change, mode: "unsafe-open" });
			await connect(pair);
			const refusing = "agent" in change ? pair.agent : pair.module;
			assert.equal(refusing.error?.code, "chain-refused");
			assert.ok(!refusing.isReady);
		}
	});

	test("is refused for a device of the wrong role", async () => {
		const { A, B } = devices;
		const pair = makePair({
			mode: "unsafe-open",
			agent: { peer: B },
			module: { own: B, peer: A },
		});
		await connect(pair);
		assert.equal(pair.agent.error?.code, "chain-refused");
	});

	test("does not meet a paired one: neither end speaks the other's language", async () => {
		for (const change of [
			{ agent: { mode: "unsafe-open" as const } },
			{ module: { mode: "unsafe-open" as const } },
		]) {
			const pair = makePair(change);
			await connect(pair);
			for (const end of [pair.agent, pair.module]) {
				assert.ok(end.machine.ended);
				assert.ok(!end.isReady);
				assert.ok(end.error !== undefined);
			}
		}
	});

	test("ends on a message that is none", async () => {
		const bad: Record<string, Uint8Array> = {
			"no type": ID,
			"an unknown type": concat(ID, Uint8Array.of(0x7f)),
			"a chain with a tetrad's id": concat(
				ID,
				Uint8Array.of(LINK.chain),
				utf8("chain"),
			),
			"a chain over the limit": concat(
				new Uint8Array(16),
				Uint8Array.of(LINK.chain),
				new Uint8Array(2 ** 17),
			),
		};
		for (const [what, body] of Object.entries(bad)) {
			const { module } = await connected("unsafe-open");
			module.hear(encodeFrame(FRAME.openMessage, body));
			assert.equal(module.error?.code, "malformed", what);
		}
	});
});
