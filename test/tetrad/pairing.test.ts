import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { type CryptoProvider, nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import { ChainVerdicts } from "../../src/identity/index.ts";
import type { DeviceContext } from "../../src/tetrad/context.ts";
import { PairingMachine, PairingTries } from "../../src/tetrad/index.ts";
import {
	encodeFrame,
	FRAME,
	hex,
	parseFrame,
	utf8,
} from "../../src/wire/index.ts";
import { makeWorld } from "../support/authority.ts";
import { type Device, makeDevices } from "../support/four-devices.ts";
import { LoneEnd, letCross } from "../support/lone-end.ts";
import {
	LinkByHand,
	PairingByHand,
	type PairingEffect,
} from "../support/machines.ts";

const TIMEOUT_MS = 1000;

let devices: Record<"A" | "B" | "X" | "Y", Device>;
let now: number;

before(async () => {
	({ devices, now } = await makeDevices());
});

/** One end of a pairing with its keys, and what became of it. */
class End extends LoneEnd<PairingEffect, PairingByHand> {
	constructor(
		role: "agent" | "module",
		own: Device,
		device: DeviceContext = own.context,
		tries: PairingTries = new PairingTries(),
	) {
		const options = { device, now, timeoutMs: TIMEOUT_MS };
		super(own, new PairingByHand(role, options, tries), now);
	}

	accept(): this {
		return this.take(this.machine.accept());
	}

	get code(): string | undefined {
		const shown = this.effects.find(({ kind }) => kind === "compare");
		return shown?.kind === "compare" ? shown.code : undefined;
	}

	get peer(): string | undefined {
		const shown = this.effects.find(({ kind }) => kind === "compare");
		return shown?.kind === "compare" ? shown.peer.name : undefined;
	}

	get paired() {
		const done = this.effects.find(({ kind }) => kind === "paired");
		return done?.kind === "paired" ? done : undefined;
	}
}

interface Pair {
	readonly agent: End;
	readonly module: End;
}

const makePair = (agent = devices.A, module = devices.X): Pair => ({
	agent: new End("agent", agent),
	module: new End("module", module),
});

/** Both ends, as far as the two owners comparing the code. */
async function comparing(pair = makePair()): Promise<Pair> {
	pair.module.start();
	pair.agent.start();
	await letCross(pair);
	return pair;
}

const ownerSaysNo = () =>
	new TetradError("pairing-failed", "the owner did not confirm the code");

describe("a pairing", () => {
	test("shows the same three words and the other's name at both ends", async () => {
		const { agent, module } = await comparing();
		assert.equal(agent.code, module.code);
		assert.match(agent.code ?? "", /^[a-z]+ [a-z]+ [a-z]+$/);
		assert.equal(agent.peer, "alice-purse");
		assert.equal(module.peer, "alice");
	});

	test("takes three frames to the code, and shows another code every time", async () => {
		const codes = new Set<string | undefined>();
		for (let i = 0; i < 10; i++) {
			const pair = makePair();
			pair.module.start();
			pair.agent.start();
			const wire = await letCross(pair);
			assert.deepEqual(
				wire.map((frame) => parseFrame(frame).type),
				[FRAME.pairHello, FRAME.pairAnswer, FRAME.record],
			);
			codes.add(pair.agent.code);
		}
		assert.equal(codes.size, 10);
	});

	for (const first of ["agent", "module"] as const)
		test(`is made when both owners accept, the ${first}'s first, and not before`, async () => {
			const pair = await comparing();
			const second = first === "agent" ? "module" : "agent";
			pair[first].accept();
			await letCross(pair);
			assert.equal(pair.agent.paired, undefined);
			assert.equal(pair.module.paired, undefined);
			pair[second].accept();
			await letCross(pair);
			for (const end of [pair.agent, pair.module]) {
				assert.ok(end.paired);
				assert.ok(end.machine.ended);
				assert.equal(end.error, undefined);
			}
		});

	test("is made when the two acceptances cross", async () => {
		const pair = await comparing();
		pair.agent.accept();
		pair.module.accept();
		await letCross(pair);
		assert.ok(pair.agent.paired && pair.module.paired);
	});

	test("leaves the same key and the other's device id at both ends, which make a link", async () => {
		const { agent, module } = await comparing();
		agent.accept();
		module.accept();
		await letCross({ agent, module });
		const [atAgent, atModule] = [agent.paired, module.paired];
		assert.ok(atAgent && atModule);
		assert.equal(atAgent.pairing.key.length, 32);
		assert.equal(hex(atAgent.pairing.key), hex(atModule.pairing.key));
		const { A, X } = devices;
		assert.deepEqual(atAgent.pairing.peerDeviceId, X.context.own.deviceId);
		assert.deepEqual(atModule.pairing.peerDeviceId, A.context.own.deviceId);

		const link = (role: "agent" | "module") =>
			new LinkByHand(role, {
				device: devices[role === "agent" ? "A" : "X"].context,
				pairing: role === "agent" ? atAgent.pairing : atModule.pairing,
				mode: "paired",
				now,
				timeoutMs: TIMEOUT_MS,
			});
		const [hello] = link("agent").start();
		assert.ok(hello?.kind === "send-frame");
		const [answer] = link("module").frame(hello.bytes, now);
		assert.equal(answer?.kind, "sign");
	});

	test("gives another key every time", async () => {
		const keys = new Set<string>();
		for (let i = 0; i < 3; i++) {
			const pair = await comparing();
			pair.agent.accept();
			pair.module.accept();
			await letCross(pair);
			keys.add(hex(pair.agent.paired?.pairing.key ?? new Uint8Array()));
		}
		assert.equal(keys.size, 3);
	});

	for (const refusing of ["agent", "module"] as const)
		for (const otherAccepted of [false, true])
			test(`fails at both ends when the ${refusing}'s owner says no${otherAccepted ? " after the other said yes" : ""}`, async () => {
				const pair = await comparing();
				const other = refusing === "agent" ? "module" : "agent";
				if (otherAccepted) pair[other].accept();
				await letCross(pair);
				pair[refusing].take(pair[refusing].machine.abort(ownerSaysNo()));
				await letCross(pair);
				for (const end of [pair.agent, pair.module]) {
					assert.equal(end.paired, undefined);
					assert.equal(end.error?.code, "pairing-failed");
				}
			});

	test("shows two different codes when somebody sits between with two pairings", async () => {
		// Both of the middleman's devices are certified; they only are not these two owners'.
		const middle = await makeDevices();
		const world = middle.devices;
		const trusting = (device: Device): Device => {
			const both = (name: "agencies" | "banks") => [
				...device.context.policy[name],
				...world.A.context.policy[name],
				...devices.A.context.policy[name],
			];
			const policy = {
				...device.context.policy,
				agencies: both("agencies"),
				banks: both("banks"),
			};
			const verdicts = new ChainVerdicts(nodeCrypto, policy);
			return { ...device, context: { ...device.context, policy, verdicts } };
		};
		const towardsAgent = await comparing(
			makePair(trusting(devices.A), trusting(world.X)),
		);
		const towardsModule = await comparing(
			makePair(trusting(world.A), trusting(devices.X)),
		);
		assert.ok(towardsAgent.agent.code && towardsModule.module.code);
		assert.notEqual(towardsAgent.agent.code, towardsModule.module.code);
	});

	test("is refused when the agent opens another number than it committed to", async () => {
		const drawn: Uint8Array[] = [];
		const crypto: CryptoProvider = {
			...nodeCrypto,
			random(length) {
				const bytes = nodeCrypto.random(length);
				drawn.push(bytes);
				return bytes;
			},
		};
		const agent = new End("agent", devices.A, {
			...devices.A.context,
			crypto,
		}).start();
		const module = new End("module", devices.X).start();
		module.hear(...agent.post());
		await module.signAll();
		// It has seen N_r only now; one more bit of its own number would be one more try.
		const nonce = drawn[0] as Uint8Array;
		nonce[0] = (nonce[0] as number) ^ 1;
		agent.hear(...module.post());
		await agent.signAll();
		module.hear(...agent.post());
		assert.equal(module.error?.code, "authentication-failed");
		assert.equal(module.code, undefined);
	});

	test("is refused for a device of the wrong role or of another authority", async () => {
		const stranger = await makeDevices();
		const cases: [Pair, "agent" | "module"][] = [
			[makePair(devices.A, devices.B), "agent"],
			[makePair(devices.Y, devices.X), "module"],
			[makePair(devices.A, stranger.devices.X), "agent"],
			[makePair(stranger.devices.A, devices.X), "agent"],
		];
		for (const [pair, refusing] of cases) {
			pair.module.start();
			pair.agent.start();
			await letCross(pair);
			assert.equal(pair[refusing].error?.code, "chain-refused");
			assert.equal(pair.agent.paired ?? pair.module.paired, undefined);
			assert.ok(pair.agent.machine.ended && pair.module.machine.ended);
		}
	});

	test("is refused when the module trusts the agent and not the other way round, and the reverse", async () => {
		const other = await makeWorld();
		const withModule = async (agencies: boolean): Promise<Device> => {
			const { signer, chain } = await other.module("other-purse");
			const policy = {
				...devices.X.context.policy,
				banks: [other.bank.anchor],
				...(agencies ? {} : { agencies: [other.agency.anchor] }),
			};
			const verdicts = new ChainVerdicts(nodeCrypto, policy);
			const own = verdicts.judge(chain, "module", now);
			return {
				signer,
				keylog: new Map(),
				context: { crypto: nodeCrypto, policy, verdicts, own },
			};
		};
		for (const trusts of [true, false]) {
			const pair = makePair(devices.A, await withModule(trusts));
			await comparing(pair);
			assert.equal(pair.agent.error?.code, "chain-refused");
			assert.equal(pair.module.error?.code, "pairing-failed");
		}
	});

	test("does not survive a changed byte in its three frames", async () => {
		const flip = (frame: Uint8Array, at: number) =>
			frame.with(at, (frame[at] as number) ^ 0x10);
		const sample = makePair();
		sample.agent.start();
		const length = (sample.agent.post()[0] as Uint8Array).length;
		// The key exchange's own bytes, and the commitment.
		for (const at of [5, 40, 700, length - 32, length - 1]) {
			const pair = makePair();
			pair.agent.start();
			pair.module.start().hear(flip(pair.agent.post()[0] as Uint8Array, at));
			await letCross(pair);
			assert.equal(pair.agent.code, undefined);
			assert.equal(pair.module.code, undefined);
			assert.ok(pair.agent.machine.ended);
		}
		for (const at of [5, 40, 700, -1]) {
			const pair = makePair();
			pair.agent.start();
			pair.module.start().hear(...pair.agent.post());
			await pair.module.signAll();
			const answer = pair.module.post()[0] as Uint8Array;
			pair.agent.hear(flip(answer, at < 0 ? answer.length + at : at));
			assert.equal(pair.agent.error?.code, "authentication-failed");
		}
		const pair = makePair();
		pair.agent.start();
		pair.module.start().hear(...pair.agent.post());
		await pair.module.signAll();
		pair.agent.hear(...pair.module.post());
		await pair.agent.signAll();
		const proof = pair.agent.post()[0] as Uint8Array;
		pair.module.hear(flip(proof, 30));
		assert.equal(pair.module.error?.code, "authentication-failed");
		assert.equal(pair.module.code, undefined);
	});

	test("does not come about from replayed frames", async () => {
		const first = makePair();
		first.module.start();
		first.agent.start();
		const [hello, answer, proof] = (await letCross(first)) as [
			Uint8Array,
			Uint8Array,
			Uint8Array,
		];
		const module = new End("module", devices.X).start().hear(hello);
		await module.signAll();
		module.hear(proof);
		assert.equal(module.error?.code, "authentication-failed");
		const agent = new End("agent", devices.A).start().hear(answer);
		assert.equal(agent.error?.code, "authentication-failed");
	});

	test("is not made by one owner who accepts twice, and takes no harm from it", async () => {
		const pair = await comparing();
		pair.agent.accept();
		assert.equal(pair.agent.pending.length, 1);
		pair.agent.accept();
		assert.equal(pair.agent.pending.length, 1, "an acceptance is sent once");
		await letCross(pair);
		assert.equal(pair.agent.paired ?? pair.module.paired, undefined);
		pair.module.accept();
		await letCross(pair);
		assert.ok(pair.agent.paired && pair.module.paired);
	});

	test("is not made by one acceptance that comes twice", async () => {
		const { agent, module } = await comparing();
		const [acceptance] = agent.accept().post() as [Uint8Array];
		module.hear(acceptance, acceptance);
		assert.equal(module.error?.code, "unexpected-message");
		assert.equal(module.paired, undefined);
	});

	test("ends when an owner accepts before there is a code", async () => {
		for (const reach of [
			(pair: Pair) => pair.agent.start(),
			(pair: Pair) => pair.module.start(),
			(pair: Pair) => pair.module.start().hear(...pair.agent.start().post()),
		]) {
			const end = reach(makePair()).accept();
			assert.equal(end.error?.code, "unexpected-message");
		}
	});

	test("ends on frames out of turn", async () => {
		const stray = [
			encodeFrame(FRAME.pairHello, new Uint8Array(1300)),
			encodeFrame(FRAME.pairAnswer, new Uint8Array(1300)),
			encodeFrame(FRAME.record, new Uint8Array(40)),
			encodeFrame(FRAME.linkHello, new Uint8Array(48)),
			encodeFrame(FRAME.offer, utf8("offer")),
		];
		for (const frame of stray) {
			const { type } = parseFrame(frame);
			const agent = makePair().agent.start();
			if (type !== FRAME.pairAnswer)
				assert.equal(agent.hear(frame).error?.code, "unexpected-message");
			const module = makePair().module.start();
			if (type !== FRAME.pairHello)
				assert.equal(module.hear(frame).error?.code, "unexpected-message");
			const shown = await comparing();
			shown.agent.hear(frame);
			assert.ok(shown.agent.machine.ended);
			assert.equal(shown.agent.paired, undefined);
		}
	});

	test("is answered only when the module's owner was told of the try", async () => {
		const tries = new PairingTries();
		const module = new PairingMachine(
			{ role: "module", tries },
			{ device: devices.X.context, now, timeoutMs: TIMEOUT_MS },
		);
		module.handle({ kind: "start" }, now);
		const [hello] = makePair().agent.start().post() as [Uint8Array];
		const told = module.handle({ kind: "frame", bytes: hello }, now);
		assert.deepEqual(told, [{ kind: "try", number: 1 }]);
		const [asks] = module.handle({ kind: "told" }, now);
		assert.equal(asks?.kind, "sign");
		const [end] = module.handle({ kind: "told" }, now).slice(-1);
		assert.ok(end?.kind === "ended");
		assert.equal(end.error?.code, "unexpected-message");
	});

	test("is refused after three tries that made none, and one that is made starts the count anew", async () => {
		const tries = new PairingTries(1);
		const call = async () => {
			const pair = {
				agent: new End("agent", devices.A),
				module: new End("module", devices.X, devices.X.context, tries),
			};
			return comparing(pair);
		};
		await call();
		const third = await call();
		const fourth = await call();
		assert.equal(fourth.module.error?.code, "limit-exceeded");
		assert.equal(fourth.agent.error?.code, "pairing-failed");
		third.agent.accept();
		third.module.accept();
		await letCross(third);
		assert.ok(third.module.paired);
		for (let i = 0; i < 3; i++) assert.ok((await call()).module.code);
		assert.equal((await call()).module.code, undefined);
	});

	test("ends when the time is over, the comparing included", async () => {
		const early = makePair();
		early.agent.start();
		early.module.start();
		const late = await comparing();
		for (const end of [early.agent, early.module, late.agent, late.module]) {
			assert.equal(end.machine.deadline, now + TIMEOUT_MS);
			end.take(end.machine.time(now + TIMEOUT_MS - 1));
			assert.ok(!end.machine.ended);
			end.take(end.machine.time(now + TIMEOUT_MS));
			assert.equal(end.error?.code, "timed-out");
			assert.equal(end.accept().paired, undefined);
		}
		assert.match(late.agent.error?.message ?? "", /owners compare/);
	});
});
