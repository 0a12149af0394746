import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Carrier, connect, listen } from "../../src/carrier/index.ts";
import { SoftwareAuthority } from "../../src/device/authority/software-authority.ts";
import { MoneyModule } from "../../src/device/runtime/money-module.ts";
import type { Tetrad } from "../../src/device/runtime/tetrad.ts";
import { TrustedAgent } from "../../src/device/runtime/trusted-agent.ts";
import { TetradError } from "../../src/errors.ts";
import type { Signer } from "../../src/identity/index.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import {
	makePolicy,
	PLACES,
	type Place,
	type Routing,
} from "../../src/tetrad/index.ts";
import { encodeFrame, FRAME } from "../../src/wire/index.ts";
import {
	certify,
	Devices,
	hear,
	policyOf,
	type Step,
	say,
	until,
} from "./support.ts";

type Outcome = { readonly code: string } | { readonly tetrad: Tetrad };

const outcome = (promise: Promise<Tetrad>): Promise<Outcome> =>
	promise.then(
		(tetrad) => ({ tetrad }),
		(error: TetradError) => ({ code: error.code }),
	);

const codeOf = async (promise: Promise<Tetrad>): Promise<string> => {
	const result = await outcome(promise);
	return "code" in result ? result.code : "no error";
};

/** A tetrad comes about and carries, on devices that have been through something. */
async function assertWorks(devices: Devices): Promise<void> {
	devices.watch = () => {};
	const { connecting, accepting } = devices.meet();
	const [a, b] = [await connecting, await accepting];
	await a.agent.send(say("still alive"));
	assert.equal(await hear(b.agent), "still alive");
	await a.close();
	await b.closed;
}

/** Calls `at` with the number of each step of an establishment, until A is confirmed. */
function countSteps(devices: Devices, at: (step: number, what: Step) => void) {
	let step = 0;
	devices.watch = (what) => {
		if (!devices.events.A.some(({ kind }) => kind === "confirmed"))
			at(step++, what);
	};
	return () => step;
}

/** How many steps an establishment has, the making of both links included. */
async function stepsOf(devices: Devices, routing: Routing): Promise<number> {
	const count = countSteps(devices, () => {});
	const tetrad = await devices.meet({ routing }).connecting;
	await tetrad.close();
	return count();
}

/** Modules whose owners do not look at their tetrads. */
const IGNORED = { module: { onTetrad: () => {} } };

describe("an abort by the caller", () => {
	for (const [side, routing] of [
		["connect", "direct"],
		["connect", "crossed"],
		["accept", "direct"],
	] as const)
		test(`of ${side}, at every single step of an establishment, ends it at all four (${routing})`, async () => {
			await using devices = await Devices.make(IGNORED);
			const steps = await stepsOf(devices, routing);
			assert.ok(steps > 15);
			for (let at = 0; at < steps; at++) {
				await devices.reset();
				const stop = new AbortController();
				countSteps(devices, (step) => {
					if (step === at) stop.abort(new Error("enough"));
				});
				const { signal } = stop;
				const { connecting, accepting } = devices.meet(
					{ routing, ...(side === "connect" ? { signal } : {}) },
					side === "accept" ? { signal } : {},
				);
				const results = {
					connect: await outcome(connecting),
					accept: await outcome(accepting),
				};
				const own = results[side];
				// B is confirmed before A; from then on its signal has no effect.
				if ("code" in own) {
					assert.equal(own.code, "aborted", `step ${at}`);
					const other = results[side === "connect" ? "accept" : "connect"];
					if ("tetrad" in other)
						await other.tetrad.closed.then(
							() => assert.fail("it was not closed in order"),
							() => {},
						);
				} else assert.equal(side, "accept");
				if ("code" in own)
					for (const place of PLACES) {
						const { events } = devices;
						const began = () => events[place].length > 0;
						if (began())
							await until(
								() => devices.ends(place).length === 1,
								`${place} hears of the abort at step ${at}`,
							);
					}
				await assertWorks(devices);
			}
		});

	test("before anything began opens nothing and closes the carrier", async () => {
		await using devices = await Devices.make();
		const [left, right] = devices.carriers("network");
		const closed = Promise.withResolvers<void>();
		right.receive({ frame: () => {}, closed: () => closed.resolve() });
		await assert.rejects(
			devices.A.connect(left, { signal: AbortSignal.abort() }),
			{ code: "aborted" },
		);
		await closed.promise;
		assert.deepEqual(devices.dialed.A, []);
	});

	test("is heard while the link is still being dialed", async () => {
		await using devices = await Devices.make();
		const stop = new AbortController();
		const dialing = Promise.withResolvers<Carrier>();
		const asked = Promise.withResolvers<void>();
		devices.A.useModule({
			pairing: devices.pairings.A,
			dial() {
				asked.resolve();
				return dialing.promise;
			},
		});
		const { connecting } = devices.meet({ signal: stop.signal });
		await asked.promise;
		stop.abort();
		await assert.rejects(connecting, { code: "aborted" });
		// The link was not the caller's alone: it comes about, and the next tetrad uses it.
		const [near, far] = devices.carriers("link A–X");
		void devices.X.serve(far, { pairing: devices.pairings.X });
		dialing.resolve(near);
		await assertWorks(devices);
	});

	test("after the tetrad is confirmed has no effect", async () => {
		await using devices = await Devices.make();
		const stop = new AbortController();
		const { connecting, accepting } = devices.meet({ signal: stop.signal });
		const [a, b] = [await connecting, await accepting];
		stop.abort();
		await a.agent.send(say("unmoved"));
		assert.equal(await hear(b.agent), "unmoved");
	});

	test("ends a pairing at both ends", async () => {
		await using devices = await Devices.make();
		const [left, right] = devices.carriers("link A–X");
		const stop = new AbortController();
		const asked = Promise.withResolvers<void>();
		const never = () => {
			asked.resolve();
			return new Promise<boolean>(() => {});
		};
		const atAgent = devices.A.pair(left, {
			confirm: never,
			signal: stop.signal,
		});
		const atModule = devices.X.pair(right, {
			confirm: never,
			tried: () => {},
		});
		const failed = assert.rejects(atModule, { code: "pairing-failed" });
		await asked.promise;
		stop.abort();
		await assert.rejects(atAgent, { code: "aborted" });
		await failed;
	});
});

describe("time that runs out", () => {
	test("ends a connect to an agent that says nothing", async () => {
		await using devices = await Devices.make({ timeoutMs: 200 });
		await devices.A.reachModule();
		const [left, right] = devices.carriers("network");
		const frames: number[] = [];
		const closed = Promise.withResolvers<void>();
		right.receive({
			frame: (bytes) => void frames.push(bytes[0] as number),
			closed: () => closed.resolve(),
		});
		await assert.rejects(devices.A.connect(left), {
			code: "timed-out",
			message: /the other agent answers the offer/,
		});
		await closed.promise;
		assert.deepEqual(frames, [FRAME.offer, FRAME.refusal]);
		await until(() => devices.ends("X").length === 1, "X hears of it");
		await assertWorks(devices);
	});

	test("is a number, or nothing is begun", async () => {
		await using devices = await Devices.make();
		const [left, right] = devices.carriers("network");
		const closed = Promise.withResolvers<void>();
		right.receive({
			frame: () => assert.fail("nothing is said"),
			closed: () => closed.resolve(),
		});
		await assert.rejects(devices.A.connect(left, { timeoutMs: Number.NaN }), {
			code: "invalid-argument",
		});
		await closed.promise;
		await assertWorks(devices);
	});

	test("ends an accept of an agent that says nothing, before its module hears of it", async () => {
		await using devices = await Devices.make({ timeoutMs: 200 });
		const [, right] = devices.carriers("network");
		await assert.rejects(devices.B.accept(right), { code: "timed-out" });
		assert.deepEqual(devices.events.Y, []);
		await assertWorks(devices);
	});

	test("ends a link whose module says nothing, and the next try dials again", async () => {
		await using devices = await Devices.make({ timeoutMs: 200 });
		let dialed = 0;
		devices.A.useModule({
			pairing: devices.pairings.A,
			dial() {
				// The first time somebody is there who never answers.
				return dialed++ === 0
					? devices.carriers("link A–X")[0]
					: devices.dial("A");
			},
		});
		await assert.rejects(devices.A.reachModule(), { code: "timed-out" });
		await assertWorks(devices);
		assert.equal(dialed, 2);
	});
});

describe("a link that is lost", () => {
	for (const [agent, routing] of [
		["A", "direct"],
		["B", "direct"],
		["A", "crossed"],
	] as const)
		test(`between ${agent} and its module, at every step, ends the tetrad, and the next one dials again (${routing})`, async () => {
			await using devices = await Devices.make(IGNORED);
			const steps = await stepsOf(devices, routing);
			for (let at = 0; at < steps; at++) {
				await devices.reset();
				let broken = false;
				countSteps(devices, (step) => {
					if (step < at || broken) return;
					const [carrier] = devices.dialed[agent];
					if (carrier === undefined) return;
					broken = true;
					carrier.destroy(new TetradError("carrier-failed", "cut"));
				});
				const { connecting, accepting } = devices.meet({ routing });
				for (const promise of [connecting, accepting]) {
					const result = await outcome(promise);
					if ("code" in result) continue;
					await result.tetrad.closed.then(
						() => assert.fail("it was not closed in order"),
						() => {},
					);
				}
				if (!broken) continue;
				await assertWorks(devices);
				assert.ok(devices.dialed[agent].length >= 2);
			}
		});

	test("with tetrads on it ends each of them with the reason", async () => {
		await using devices = await Devices.make();
		const [one, two] = [await devices.tetrad(), await devices.tetrad()];
		const waiting = assert.rejects(one.A.module.receive(), {
			code: "carrier-failed",
		});
		devices.dialed.A[0]?.destroy(new TetradError("carrier-failed", "cut"));
		await waiting;
		for (const four of [one, two])
			for (const place of PLACES)
				await assert.rejects(four[place].closed, TetradError);
		await assertWorks(devices);
	});

	test("and dialed in vain says why, and is tried again the next time", async () => {
		await using devices = await Devices.make();
		let dialed = 0;
		devices.A.useModule({
			pairing: devices.pairings.A,
			dial() {
				if (dialed++ === 0)
					throw new TetradError("carrier-failed", "nobody is at home");
				return devices.dial("A");
			},
		});
		assert.equal(await codeOf(devices.meet().connecting), "carrier-failed");
		await assertWorks(devices);
	});
});

describe("a carrier that is lost", () => {
	for (const routing of ["direct", "crossed"] as const)
		test(`between the agents, at every step, ends the tetrad at all four (${routing})`, async () => {
			await using devices = await Devices.make(IGNORED);
			const steps = await stepsOf(devices, routing);
			for (let at = 0; at < steps; at++) {
				await devices.reset();
				const [left, right] = devices.carriers("network");
				countSteps(devices, (step) => {
					if (step === at)
						left.destroy(new TetradError("carrier-failed", "cut"));
				});
				const observe = (place: Place) => ({
					observe: (event: (typeof devices.events.A)[number]) =>
						void devices.events[place].push(event),
				});
				const accepting = devices.B.accept(right, observe("B"));
				const connecting = devices.A.connect(left, {
					routing,
					...observe("A"),
				});
				for (const result of [
					await outcome(connecting),
					await outcome(accepting),
				])
					if ("tetrad" in result) await assert.rejects(result.tetrad.closed);
				for (const place of PLACES)
					if (devices.events[place].length > 0)
						await until(
							() => devices.ends(place).length === 1,
							`${place} hears of step ${at}`,
						);
				await assertWorks(devices);
			}
		});

	test("or closed without a word after the tetrad is confirmed is no end in order", async () => {
		await using devices = await Devices.make();
		const [left, right] = devices.carriers("network");
		const accepting = devices.B.accept(right);
		const a = await devices.A.connect(left);
		const b = await accepting;
		left.close();
		await assert.rejects(b.closed, { code: "truncated" });
		await assert.rejects(b.agent.receive(), { code: "truncated" });
		await a.close();
	});
});

describe("a signer", () => {
	for (const failing of PLACES)
		test(`of ${failing} that cannot sign ends the tetrad with key-store-failed there`, async () => {
			let broken = false;
			await using devices = await Devices.make({
				signer: (place, own) =>
					place === failing
						? {
								...signerOf(own),
								sign: (message) =>
									broken
										? Promise.reject(new Error("the token was pulled out"))
										: own.sign(message),
							}
						: own,
			});
			await devices.A.reachModule();
			await devices.B.reachModule();
			broken = true;
			const { connecting, accepting } = devices.meet();
			const results = {
				A: await codeOf(connecting),
				B: await codeOf(accepting),
			};
			// The own agent learns why, the other side only that it is over.
			const own = failing === "A" || failing === "X" ? "A" : "B";
			const other = own === "A" ? "B" : "A";
			assert.equal(results[own], "key-store-failed");
			assert.equal(results[other], "refused-by-peer");
			await until(
				() => devices.ends(failing).length === 1,
				`the tetrad ended at ${failing}`,
			);
			assert.equal(devices.ends(failing)[0]?.code, "key-store-failed");
			broken = false;
			await assertWorks(devices);
		});

	test("that says itself what failed is quoted", async () => {
		await using devices = await Devices.make({
			signer: (place, own) =>
				place === "A"
					? {
							...signerOf(own),
							sign: () =>
								Promise.reject(
									new TetradError("key-store-failed", "slot 3 is empty"),
								),
						}
					: own,
		});
		await assert.rejects(devices.A.reachModule(), {
			code: "key-store-failed",
			message: "slot 3 is empty",
		});
	});

	test("that is slow delays its tetrad and no other", async () => {
		const held: (() => void)[] = [];
		let slow = false;
		await using devices = await Devices.make({
			signer: (place, own) => ({
				...signerOf(own),
				sign: async (message) => {
					if (slow && place === "X")
						await new Promise<void>((resolve) => held.push(resolve));
					return own.sign(message);
				},
			}),
		});
		await devices.A.reachModule();
		slow = true;
		const first = devices.meet();
		await until(() => held.length === 1, "X signs");
		slow = false;
		const second = devices.meet();
		await second.connecting;
		assert.deepEqual(devices.events.A.map(({ kind }) => kind).sort(), [
			"bound",
			"confirmed",
		]);
		held[0]?.();
		await first.connecting;
	});

	test("whose signature comes after the end is not heard any more", async () => {
		const held: (() => void)[] = [];
		let slow = false;
		await using devices = await Devices.make({
			signer: (place, own) => ({
				...signerOf(own),
				sign: async (message) => {
					if (slow && place === "A")
						await new Promise<void>((resolve) => held.push(resolve));
					return own.sign(message);
				},
			}),
		});
		await devices.A.reachModule();
		slow = true;
		const stop = new AbortController();
		const { connecting, accepting } = devices.meet({ signal: stop.signal });
		await until(() => held.length === 1, "A signs");
		stop.abort();
		assert.equal(await codeOf(connecting), "aborted");
		assert.equal(await codeOf(accepting), "refused-by-peer");
		slow = false;
		held[0]?.();
		await assertWorks(devices);
		assert.equal(devices.ends("A").length, 2);
	});

	test("that signs something else is refused by the other side", async () => {
		for (const wrong of PLACES) {
			let lying = false;
			await using devices = await Devices.make({
				signer: (place, own) => ({
					...signerOf(own),
					sign: (message) =>
						own.sign(
							lying && place === wrong ? say("something else") : message,
						),
				}),
			});
			await devices.A.reachModule();
			await devices.B.reachModule();
			lying = true;
			const { connecting, accepting } = devices.meet();
			const results = [await codeOf(connecting), await codeOf(accepting)];
			assert.ok(results.includes("authentication-failed"), wrong);
			assert.ok(!results.includes("no error"), wrong);
		}
	});

	function signerOf(own: Signer): Pick<Signer, "algorithm" | "publicKey"> {
		return { algorithm: own.algorithm, publicKey: own.publicKey };
	}
});

describe("a device", () => {
	test("that is paired with nobody neither connects nor accepts, and closes the carrier", async () => {
		const agent = new TrustedAgent({
			identity: await certify("A"),
			policy: await policyOf(),
		});
		await using devices = await Devices.make();
		for (const start of [
			(carrier: Carrier) => agent.connect(carrier),
			(carrier: Carrier) => agent.accept(carrier),
		]) {
			const [left, right] = devices.carriers("network");
			const closed = Promise.withResolvers<void>();
			right.receive({ frame: () => {}, closed: () => closed.resolve() });
			await assert.rejects(start(left), {
				code: "not-paired",
				message: /pair it/,
			});
			await closed.promise;
		}
		await assert.rejects(agent.reachModule(), { code: "not-paired" });
	});

	test("whose chain its own policy refuses is not made", async () => {
		const stranger = await SoftwareAuthority.create("agency", "Other Agency");
		const otherBank = await SoftwareAuthority.create("bank", "Other Bank");
		const policy = await policyOf();
		const refused = { code: "chain-refused" };
		const agent = await stranger.certify("alice");
		assert.throws(() => new TrustedAgent({ identity: agent, policy }), refused);
		const module = await otherBank.certify("alice-purse");
		assert.throws(() => new MoneyModule({ identity: module, policy }), refused);
		// The right authority, the wrong kind of device.
		const [asAgent, asModule] = [await certify("A"), await certify("X")];
		assert.throws(
			() => new TrustedAgent({ identity: asModule, policy }),
			refused,
		);
		assert.throws(
			() => new MoneyModule({ identity: asAgent, policy }),
			refused,
		);
	});

	test("whose certificate is for another key is not made", async () => {
		const { chain } = await certify("A");
		const policy = await policyOf();
		for (const algorithm of ["P-256", "Ed25519"] as const) {
			const signer = generateSoftwareKey(algorithm);
			assert.throws(
				() => new TrustedAgent({ identity: { signer, chain }, policy }),
				{ code: "invalid-argument", message: /alice.*another key/ },
			);
		}
	});

	test("does not ask for what its own policy does not accept", async () => {
		await using devices = await Devices.make({
			policy: { routings: ["direct"] },
		});
		await assert.rejects(devices.meet({ routing: "crossed" }).connecting, {
			code: "invalid-argument",
		});
		await assert.rejects(devices.meet({ root: "unsafe-xor" }).connecting, {
			code: "invalid-argument",
		});
		await assertWorks(devices);
	});

	test("of another world is refused by both sides, and both go on", async () => {
		await using devices = await Devices.make();
		const agency = await SoftwareAuthority.create("agency", "Other Agency");
		const bank = await SoftwareAuthority.create("bank", "Other Bank");
		const policy = makePolicy({
			agencies: [agency.anchor],
			banks: [bank.anchor],
		});
		const stranger = new TrustedAgent({
			identity: await agency.certify("mallory"),
			policy,
		});
		const purse = new MoneyModule({
			identity: await bank.certify("mallory-purse"),
			policy,
		});
		await using _stranger = stranger;
		await using _purse = purse;
		const key = new Uint8Array(32).fill(1);
		stranger.useModule({
			pairing: { peerDeviceId: purse.device.deviceId, key },
			dial() {
				const [near, far] = devices.carriers("link A–X");
				const peerDeviceId = stranger.device.deviceId;
				void purse.serve(far, { pairing: { peerDeviceId, key } });
				return near;
			},
		});
		const [left, right] = devices.carriers("network");
		const accepting = devices.B.accept(right);
		const accepted = codeOf(accepting);
		assert.equal(await codeOf(stranger.connect(left)), "chain-refused");
		assert.equal(await accepted, "refused-by-peer");
		await assertWorks(devices);
	});

	test("refuses an open link over TCP, at either end, and lets the connection go", async () => {
		await using devices = await Devices.make({ link: "unsafe-open" });
		const served = Promise.withResolvers<Carrier>();
		await using listener = await listen("127.0.0.1:0", served.resolve);
		const near = await connect(listener.address);
		const far = await served.promise;
		devices.A.useModule({
			pairing: devices.pairings.A,
			mode: "unsafe-open",
			dial: () => near,
		});
		const refused = { code: "invalid-argument", message: /refused over TCP/ };
		await assert.rejects(devices.A.reachModule(), refused);
		// The agent's end was closed, so the module's end hears of it.
		const gone = Promise.withResolvers<void>();
		far.receive({ frame: () => {}, closed: () => gone.resolve() });
		await gone.promise;

		const again = Promise.withResolvers<Carrier>();
		await using other = await listen("127.0.0.1:0", again.resolve);
		const caller = await connect(other.address);
		const callerGone = Promise.withResolvers<void>();
		caller.receive({ frame: () => {}, closed: () => callerGone.resolve() });
		const pairing = devices.pairings.X;
		await assert.rejects(
			devices.X.serve(await again.promise, { pairing, mode: "unsafe-open" }),
			refused,
		);
		await callerGone.promise;
	});

	test("that is a module serves one agent and no second", async () => {
		await using devices = await Devices.make();
		await devices.A.reachModule();
		const [left, right] = devices.carriers("link A–X");
		const gone = Promise.withResolvers<void>();
		left.receive({ frame: () => {}, closed: () => gone.resolve() });
		await assert.rejects(
			devices.X.serve(right, { pairing: devices.pairings.Y }),
			{ code: "invalid-argument" },
		);
		await gone.promise;
		await assertWorks(devices);
	});

	test("that is a closed module neither serves nor accepts any more", async () => {
		const devices = await Devices.make();
		const waiting = assert.rejects(devices.X.accept(), {
			code: "tetrad-closed",
		});
		await devices.X.close();
		await waiting;
		await assert.rejects(devices.X.accept(), { code: "tetrad-closed" });
		const [left, right] = devices.carriers("link A–X");
		const gone = Promise.withResolvers<void>();
		left.receive({ frame: () => {}, closed: () => gone.resolve() });
		await assert.rejects(
			devices.X.serve(right, { pairing: devices.pairings.X }),
			{ code: "tetrad-closed" },
		);
		await gone.promise;
		await devices[Symbol.asyncDispose]();
	});

	test("hears strangers that speak no Tetrad, and goes on", async () => {
		await using devices = await Devices.make();
		const garbage: Uint8Array[] = [
			encodeFrame(FRAME.offer, new Uint8Array(100)),
			encodeFrame(FRAME.offer, new Uint8Array()),
			encodeFrame(FRAME.record, new Uint8Array(100)),
			encodeFrame(FRAME.refusal, new Uint8Array()),
			encodeFrame(FRAME.linkHello, new Uint8Array(48)),
			say("GET / HTTP/1.1\r\nHost: tetrad\r\n\r\n"),
		];
		for (const bytes of garbage) {
			const [left, right] = devices.carriers("network");
			left.receive({ frame: () => {}, closed: () => {} });
			const accepting = codeOf(devices.B.accept(right));
			left.send(bytes);
			left.close();
			assert.notEqual(await accepting, "no error");

			const [near, far] = devices.carriers("link A–X");
			near.receive({ frame: () => {}, closed: () => {} });
			const pairing = devices.pairings.X;
			const serving = devices.X.serve(far, { pairing });
			near.send(bytes);
			near.close();
			await assert.rejects(serving, TetradError);
		}
		await assertWorks(devices);
	});
});
