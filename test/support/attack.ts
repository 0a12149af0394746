import assert from "node:assert/strict";
import {
	type CryptoProvider,
	nodeCrypto,
	type SignatureAlgorithm,
	type X25519Key,
} from "../../src/crypto/index.ts";
import { ChainVerdicts, type DeviceRole } from "../../src/identity/index.ts";
import {
	type AnsweringMessage1,
	type AwaitingMessage2,
	type Content,
	readMessage1,
	Session,
	type SignatureRole,
	signedBytes,
	startInitiator,
} from "../../src/session/index.ts";
import type { LinkContext } from "../../src/tetrad/context.ts";
import {
	type LinkMode,
	makePolicy,
	messages,
	PLACES,
	type Place,
	type Policy,
	type Routing,
} from "../../src/tetrad/index.ts";
import { type Offer, parseOffer } from "../../src/tetrad/offer.ts";
import { outerSetup } from "../../src/tetrad/sessions.ts";
import {
	type ContentType,
	concat,
	copy,
	enc,
	encodeFrame,
	FRAME,
	hex,
	LINK,
	type LinkMessageType,
	parseFrame,
	type Structure,
} from "../../src/wire/index.ts";
import { makeWorld, type TestDevice, type World } from "./authority.ts";
import {
	type Delivery,
	type Device,
	FourDevices,
	type FourDevicesOptions,
	type LinkEnd,
} from "./four-devices.ts";
import type { Effect, LinkByHand, LinkEffect } from "./machines.ts";

// What an attacker has: certified devices of its own, links that lie, session 1 in its hands, and
// whatever is on its way.

export type Devices = Readonly<Record<Place, Device>>;

export const ROUTINGS: readonly Routing[] = ["direct", "crossed"];

/** Where an attacker can be: everybody whom one agency and one bank certify. Classical suites, for speed. */
export class Cast {
	readonly world: World;
	readonly policy: Policy;

	private constructor(world: World, policy: Policy) {
		this.world = world;
		this.policy = policy;
	}

	static async make(
		demands: Partial<Policy> = {},
		algorithm: SignatureAlgorithm = "P-256",
	): Promise<Cast> {
		const world = await makeWorld({ algorithm });
		const policy = makePolicy({
			...world.policy,
			suites: ["classical-aesgcm"],
			roots: ["transcript", "unsafe-xor"],
			links: ["paired", "unsafe-open"],
			...demands,
		});
		return new Cast(world, policy);
	}

	get now(): number {
		return this.world.now;
	}

	async agent(name: string): Promise<Device> {
		return this.device("agent", await this.world.agent(name));
	}

	async module(name: string): Promise<Device> {
		return this.device("module", await this.world.module(name));
	}

	/** Alice with her purse, and Bob with his till. */
	async four(): Promise<Devices> {
		return {
			A: await this.agent("alice"),
			X: await this.module("alice-purse"),
			B: await this.agent("bob"),
			Y: await this.module("bob-till"),
		};
	}

	device(
		role: DeviceRole,
		{ signer, chain }: Pick<TestDevice, "signer" | "chain">,
		demands: Partial<Policy> = {},
	): Device {
		const policy = { ...this.policy, ...demands };
		const verdicts = new ChainVerdicts(nodeCrypto, policy);
		const own = verdicts.judge(chain, role, this.now);
		return withKeylog({
			context: { crypto: nodeCrypto, policy, verdicts, own },
			signer,
			keylog: new Map(),
		});
	}
}

/** The same device with an empty keylog and, if given, other parts of its context. */
export function withKeylog(
	device: Device,
	context: Partial<Device["context"]> = {},
): Device {
	const keylog = new Map<string, Uint8Array>();
	const unsafeKeylog = (label: string, secret: Uint8Array) =>
		void keylog.set(label, copy(secret));
	return {
		...device,
		keylog,
		context: { ...device.context, ...context, unsafeKeylog },
	};
}

/** The device as one whose owner demands something else. */
export function withPolicy(device: Device, demands: Partial<Policy>): Device {
	const policy = { ...device.context.policy, ...demands };
	const verdicts = new ChainVerdicts(nodeCrypto, policy);
	return withKeylog(device, { policy, verdicts });
}

/** What each end of a side believes, where that is not the truth. */
interface Side {
	readonly mode?: LinkMode;
	/** The mode as the module's end sees it. */
	readonly modeAtModule?: LinkMode;
	/** The module that the agent takes itself to be paired with. */
	readonly agentPairedWith?: Device;
	/** The agent that the module is paired with. */
	readonly modulePairedWith?: Device;
}

/**
 * The two ends of a link without a link between them: every chain that anybody carried is known
 * at both, and each end may be paired with whomever. It stands in for `LinkMachine`, whose own
 * attacks are in test/attacks/link.slow.test.ts.
 */
function looseLink(
	agent: Device,
	module: Device,
	known: Map<string, Uint8Array>,
	side: Side,
): { agentEnd: LinkEnd; moduleEnd: LinkEnd } {
	const secret = nodeCrypto.random(32);
	const end = (peer: Device, mode: LinkMode): LinkEnd => ({
		contextFor: (): LinkContext => ({
			mode,
			peerDeviceId: peer.context.own.deviceId,
			peerChain: peer.context.own.encodedChain,
			secret: mode === "paired" ? copy(secret) : new Uint8Array(),
			chain: (hash) => known.get(hex(hash)),
		}),
		send(
			_: Uint8Array,
			type: LinkMessageType,
			body: Uint8Array,
			chains: Parameters<LinkByHand["send"]>[3],
		): LinkEffect[] {
			for (const { encodedChain } of chains)
				known.set(hex(nodeCrypto.sha256(encodedChain)), encodedChain);
			const bytes = concat(Uint8Array.of(type), body);
			return [{ kind: "send-frame", bytes }];
		},
		frame: (bytes: Uint8Array): LinkEffect[] => [
			{
				kind: "message",
				tetradId: new Uint8Array(16),
				type: bytes[0] as LinkMessageType,
				body: bytes.subarray(1),
			},
		],
	});
	const mode = side.mode ?? "paired";
	const agentEnd = end(side.agentPairedWith ?? module, mode);
	const moduleEnd = end(
		side.modulePairedWith ?? agent,
		side.modeAtModule ?? mode,
	);
	return { agentEnd, moduleEnd };
}

export interface RunOptions extends FourDevicesOptions {
	readonly AX?: Side;
	readonly BY?: Side;
	/** Whose chains the links have carried before. */
	readonly known?: readonly Device[];
}

/** Four machines with loose links and keylogs of this run only. */
export class Run extends FourDevices {
	static of(devices: Devices, now: number, options: RunOptions = {}): Run {
		const own = {
			A: withKeylog(devices.A),
			B: withKeylog(devices.B),
			X: withKeylog(devices.X),
			Y: withKeylog(devices.Y),
		};
		const known = new Map<string, Uint8Array>();
		for (const { context } of options.known ?? [])
			known.set(hex(context.own.chainHash), context.own.encodedChain);
		const mode = options.link ? { mode: options.link } : {};
		const ax = looseLink(own.A, own.X, known, { ...mode, ...options.AX });
		const by = looseLink(own.B, own.Y, known, { ...mode, ...options.BY });
		const links = {
			A: ax.agentEnd,
			X: ax.moduleEnd,
			B: by.agentEnd,
			Y: by.moduleEnd,
		};
		return new Run(own, links, now, options);
	}

	override async establish(): Promise<this> {
		await super.establish();
		assertNoInternalError(this);
		return this;
	}

	/** The places that are confirmed, in the order A, B, X, Y. */
	get confirmed(): string {
		return PLACES.filter((place) => this.has(place, "confirmed")).join("");
	}

	get bound(): string {
		return PLACES.filter((place) => this.has(place, "bound")).join("");
	}

	/** How each machine ended: a code, "in order", or "waits". */
	get outcomes(): Record<Place, string> {
		const outcome = (place: Place) =>
			this[place].ended ? (this.error(place)?.code ?? "in order") : "waits";
		return {
			A: outcome("A"),
			B: outcome("B"),
			X: outcome("X"),
			Y: outcome("Y"),
		};
	}

	/** Everything on its way to `place` reaches it as `change` has it. */
	change(
		when: (delivery: Delivery) => boolean,
		change: (bytes: Uint8Array, delivery: Delivery) => Uint8Array,
	): this {
		const before = this.intercept;
		this.intercept = (delivery) =>
			before(delivery).map((d) =>
				when(d) ? { ...d, bytes: change(d.bytes, d) } : d,
			);
		return this;
	}

	/** Link messages of `type` reach their end with other fields. */
	rewrite<Value>(
		type: LinkMessageType,
		body: Structure<Value>,
		change: (fields: Value) => Partial<Value>,
	): this {
		return this.change(
			(d) => d.type === type,
			(bytes) => {
				const fields = body.decode(bytes);
				return body.encode({ ...fields, ...change(fields) });
			},
		);
	}

	/** The first thing that was sent and that `when` holds for. */
	sent(when: (delivery: Delivery) => boolean): Delivery {
		const found = [...this.delivered, ...this.pending].find(when);
		assert.ok(found, "it was sent");
		return found;
	}
}

export const isFlight =
	(from: Place, frame: number) =>
	(d: Delivery): boolean =>
		d.wire === "network" && d.from === from && d.bytes[0] === frame;

/** No device may ever come to a state that its code rules out. */
function assertNoInternalError(run: FourDevices): void {
	for (const place of PLACES)
		assert.notEqual(
			run.error(place)?.code,
			"internal",
			`${place}: ${run.error(place)?.cause}`,
		);
}

/** Nobody is confirmed unless every device formed the same K over the same transcript. */
export function assertSound(run: FourDevices): void {
	assertNoInternalError(run);
	const secret = (place: Place, label: string) => {
		const value = run.devices[place].keylog.get(label);
		return value === undefined ? "none" : hex(value);
	};
	for (const place of PLACES) {
		if (!run.has(place, "confirmed")) continue;
		for (const other of PLACES)
			for (const label of ["K", "T"])
				assert.equal(
					secret(other, label),
					secret(place, label),
					`${place} is confirmed, and ${other} has another ${label}`,
				);
	}
}

/** The attack failed: nobody is confirmed, and no application heard anything. */
export function assertNothing(run: Run, places = "ABXY"): void {
	assertNoInternalError(run);
	const reached = [...run.confirmed].filter((place) => places.includes(place));
	assert.deepEqual(reached, [], "nobody is confirmed");
	for (const place of PLACES)
		if (places.includes(place))
			assert.deepEqual(run.messages(place), [], `${place} released nothing`);
}

/** A provider through which a corrupt device seals something else than its code wants to. */
export function sealing(
	change: (plaintext: Uint8Array) => Uint8Array,
	crypto: CryptoProvider = nodeCrypto,
): CryptoProvider {
	return {
		...crypto,
		aead(name, key) {
			const honest = crypto.aead(name, key);
			return {
				seal: (nonce, associatedData, plaintext) =>
					honest.seal(nonce, associatedData, change(plaintext)),
				sealRecord: (nonce, header, ...parts) =>
					honest.sealRecord(nonce, header, change(concat(...parts))),
				open: honest.open,
			};
		},
	};
}

/** X25519 whose discrete logarithms somebody takes at once. */
export class BrokenX25519 {
	readonly #keys = new Map<string, X25519Key>();
	/** What everybody computes with. */
	readonly crypto: CryptoProvider = {
		...nodeCrypto,
		generateX25519: () => {
			// Broken for good: it outlives the exchange that it was drawn for.
			const key = { ...nodeCrypto.generateX25519(), wipe() {} };
			this.#keys.set(hex(key.publicKey), key);
			return key;
		},
	};

	/** The private half of a public key that somebody drew. */
	logarithm(publicKey: Uint8Array): X25519Key {
		const key = this.#keys.get(hex(publicKey));
		assert.ok(key, "somebody drew this key");
		return key;
	}

	/** Plays an end of a key exchange again, from the public key that it sent. */
	playing(publicKey: Uint8Array): CryptoProvider {
		const key = this.logarithm(publicKey);
		return { ...nodeCrypto, generateX25519: () => key };
	}
}

/** What a corrupt agent that answers puts into flight 2. */
type Flight2 = Parameters<typeof messages.F2.encode>[0];

/** Session 1 in the hands of a corrupt agent that answers. */
export class CorruptResponder {
	readonly device: Device;
	readonly offer: Offer;
	readonly i1: Uint8Array;
	readonly outerHash: Uint8Array;
	readonly #handshake: AnsweringMessage1;
	#session: Session | undefined;

	constructor(
		device: Device,
		flight1: Uint8Array,
		crypto: CryptoProvider = nodeCrypto,
	) {
		const { offer, message1 } = messages.F1.decode(parseFrame(flight1).body);
		this.device = device;
		this.offer = parseOffer(offer);
		this.#handshake = readMessage1(
			crypto,
			outerSetup(withKeylog(device).context, this.offer),
			message1,
		);
		this.i1 = this.#handshake.payload;
		this.outerHash = this.#handshake.hash;
	}

	sign(role: SignatureRole, ...fields: Uint8Array[]): Promise<Uint8Array> {
		return this.device.signer.sign(signedBytes(role, ...fields));
	}

	/** Flight 2 with the device's own chain and an honest signature, unless told otherwise. */
	async flight2(
		fields: Partial<Flight2> & Pick<Flight2, "i2" | "r2">,
	): Promise<Uint8Array> {
		const { encodedChain, chainHash } = this.device.context.own;
		const { message2, secrets } = this.#handshake.finish(
			messages.F2.encode({
				chain: encodedChain,
				signature: await this.sign("B", this.outerHash, chainHash),
				responderLink: 1,
				...fields,
			}),
		);
		this.#session = new Session(nodeCrypto, secrets, "responder");
		return encodeFrame(FRAME.answer, message2);
	}

	get session(): Session {
		assert.ok(this.#session);
		return this.#session;
	}

	seal(type: ContentType, content: Uint8Array): Uint8Array {
		return this.session.seal(type, content);
	}

	open(frame: Uint8Array): Content {
		return this.session.open(frame);
	}
}

/** Session 1 in the hands of a corrupt agent that starts. */
export class CorruptInitiator {
	readonly device: Device;
	readonly flight1: Uint8Array;
	readonly #awaiting: AwaitingMessage2;
	#session: Session | undefined;

	constructor(
		device: Device,
		offer: Offer,
		i1: Uint8Array,
		crypto: CryptoProvider = nodeCrypto,
	) {
		this.device = device;
		const { message1, awaiting } = startInitiator(
			crypto,
			outerSetup(withKeylog(device).context, offer),
			i1,
		);
		this.#awaiting = awaiting;
		// Its offer may be one that no structure would write.
		this.flight1 = encodeFrame(FRAME.offer, enc(offer.raw, message1));
	}

	sign(role: SignatureRole, ...fields: Uint8Array[]): Promise<Uint8Array> {
		return this.device.signer.sign(signedBytes(role, ...fields));
	}

	readFlight2(frame: Uint8Array): Flight2 & { outerHash: Uint8Array } {
		const { hash, payload, secrets } = this.#awaiting.finish(
			parseFrame(frame).body,
		);
		this.#session = new Session(nodeCrypto, secrets, "initiator");
		return { ...messages.F2.decode(payload), outerHash: hash };
	}

	get session(): Session {
		assert.ok(this.#session);
		return this.#session;
	}
}

/** Runs one machine that has nobody around it: signs for it and collects what it does. */
export async function drive(
	place: Place,
	run: Run,
	effects: Effect[],
): Promise<void> {
	run.apply(place, effects);
	while (run.signing.length > 0) await run.signNext();
}

/** Delivers everything that is on its way to one of `places`, signs, and leaves the rest. */
export function settle(run: Run, places: string): Promise<void> {
	return run.runFor(({ to }) => places.includes(to));
}

/** Takes what `when` holds for off its way. */
export function take(
	run: Run,
	when: (delivery: Delivery) => boolean,
): Uint8Array {
	const i = run.pending.findIndex(when);
	assert.notEqual(i, -1, "it is on its way");
	return (run.pending.splice(i, 1)[0] as Delivery).bytes;
}

export const isLink =
	(type: LinkMessageType) =>
	(d: Delivery): boolean =>
		d.type === type;

/** The name of a link message type, for the names of tests. */
export function linkName(type: LinkMessageType): string {
	return Object.entries(LINK).find(([, value]) => value === type)?.[0] ?? "?";
}
