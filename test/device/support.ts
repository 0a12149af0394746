/* Four devices in one process, with a hook on everything that happens between them. */
import assert from "node:assert/strict";
import { type Carrier, memoryCarriers } from "../../src/carrier/index.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { SoftwareAuthority } from "../../src/device/authority/software-authority.ts";
import type { DeviceOptions } from "../../src/device/runtime/identity.ts";
import type { ListEvent } from "../../src/device/runtime/list-keeper.ts";
import {
	MoneyModule,
	type MoneyModuleOptions,
} from "../../src/device/runtime/money-module.ts";
import type { Tetrad, TetradEvent } from "../../src/device/runtime/tetrad.ts";
import {
	type AcceptOptions,
	type ConnectOptions,
	TrustedAgent,
} from "../../src/device/runtime/trusted-agent.ts";
import type { TetradError } from "../../src/errors.ts";
import {
	type CertifiedDevice,
	encodeBundle,
	issueUntrustedList,
	type Signer,
} from "../../src/identity/index.ts";
import {
	type LinkMode,
	makePolicy,
	type Pairing,
	PLACES,
	type Place,
	type Policy,
} from "../../src/tetrad/index.ts";
import { copy, parseUtf8, utf8 } from "../../src/wire/index.ts";

/** What can be watched: a frame that arrives on one of the three wires, or a signature that is asked for. */
export type Step =
	| { readonly kind: "frame"; readonly wire: Wire; readonly bytes: Uint8Array }
	| { readonly kind: "sign"; readonly place: Place };

export type Wire = "network" | "link A–X" | "link B–Y";

export interface Options {
	readonly policy?: Partial<Policy>;
	readonly timeoutMs?: number;
	readonly link?: LinkMode;
	/** Puts another signer in the place of a device's own. */
	readonly signer?: (place: Place, own: Signer) => Signer;
	readonly module?: Partial<MoneyModuleOptions>;
	/** What one device has beside. */
	readonly device?: (
		place: Place,
	) => Partial<DeviceOptions> & Pick<MoneyModuleOptions, "purse">;
}

const NAMES: Readonly<Record<Place, string>> = {
	A: "alice",
	X: "alice-purse",
	B: "bob",
	Y: "bob-till",
};

/**
 * Lengths of the frames in which devices without lists say so: of two roots, in a record of
 * session 1 or in clear on a link, and in a record on a link. They come when there is time for
 * them, so they are no step of an establishment.
 */
const SAYS_WHAT_IS_HELD: ReadonlySet<number> = new Set([111, 128]);

/** One agency and one bank for all tests of a file; making keys is what takes time. */
const authorities = Promise.all([
	SoftwareAuthority.create("agency", "Test Agency"),
	SoftwareAuthority.create("bank", "Test Bank"),
]);

export async function certify(
	place: Place,
	name: string = NAMES[place],
): ReturnType<SoftwareAuthority["certify"]> {
	const [agency, bank] = await authorities;
	return (isAgent(place) ? agency : bank).certify(name);
}

/** The chain of a key that lies elsewhere. */
export async function chainFor(
	place: Place,
	key: Pick<Signer, "algorithm" | "publicKey">,
): Promise<Uint8Array> {
	const [agency, bank] = await authorities;
	return (isAgent(place) ? agency : bank).issue(NAMES[place], key);
}

export interface NewList {
	readonly number: bigint;
	/** Whose certificates are on it. */
	readonly listed?: readonly CertifiedDevice[];
	readonly thisUpdate?: number;
	/** So many certificates beside, of nobody. */
	readonly more?: number;
}

/** A list of the agency or the bank of all these devices, as a bundle. */
export async function listOf(
	kind: "agency" | "bank",
	list: NewList,
): Promise<Uint8Array> {
	const [agency, bank] = await authorities;
	return issueList(kind === "agency" ? agency : bank, list);
}

export async function issueList(
	{ anchor, key }: SoftwareAuthority,
	{ number, listed = [], thisUpdate = Date.now(), more = 0 }: NewList,
): Promise<Uint8Array> {
	const serials = [
		...listed.map((device) => device.path[0].serial),
		...Array.from({ length: more }, () => nodeCrypto.random(16)),
	];
	const list = await issueUntrustedList(nodeCrypto, {
		issuer: { certificate: anchor.certificate.der, signer: key },
		number,
		thisUpdate,
		nextUpdate: thisUpdate + 86_400_000,
		entries: serials.map((serial) => ({
			serial: serial.with(0, (serial[0] ?? 0) & 0x7f || 1),
			instant: thisUpdate,
			reason: "keyCompromise" as const,
		})),
	});
	return encodeBundle(list, new Uint8Array());
}

export async function policyOf(change: Partial<Policy> = {}): Promise<Policy> {
	const [agency, bank] = await authorities;
	return makePolicy({
		agencies: [agency.anchor],
		banks: [bank.anchor],
		...change,
	});
}

/** Four devices, each agent linked with its module over memory, ready to connect. */
export class Devices implements AsyncDisposable {
	readonly A: TrustedAgent;
	readonly B: TrustedAgent;
	readonly X: MoneyModule;
	readonly Y: MoneyModule;
	/** Called for every step; what it throws is the test's failure. */
	watch: (step: Step) => void = () => {};
	/** While it is there, every wire is being written to until it resolves. */
	busy: Promise<void> | undefined;
	/** What became of each tetrad at each device, in order. */
	readonly events: Record<Place, TetradEvent[]> = {
		A: [],
		B: [],
		X: [],
		Y: [],
	};
	/** What became of lists at each device, in order. */
	readonly lists: Record<Place, ListEvent[]> = { A: [], B: [], X: [], Y: [] };
	/** The carriers that were made for each link, the agent's ends. */
	readonly dialed: Record<"A" | "B", Carrier[]> = { A: [], B: [] };
	readonly pairings: Readonly<Record<Place, Pairing>>;
	readonly link: LinkMode;

	static async make(options: Options = {}): Promise<Devices> {
		const { link = "paired", timeoutMs, signer } = options;
		const policy = await policyOf({
			...(link === "unsafe-open" ? { links: ["unsafe-open"] } : {}),
			...options.policy,
		});
		const devices: { all?: Devices } = {};
		const made = await Promise.all(
			PLACES.map(async (place): Promise<[Place, MoneyModuleOptions]> => {
				const own = await certify(place);
				const inner = signer?.(place, own.signer) ?? own.signer;
				const watched: Signer = {
					algorithm: inner.algorithm,
					publicKey: inner.publicKey,
					sign(message) {
						devices.all?.watch({ kind: "sign", place });
						return inner.sign(message);
					},
				};
				return [
					place,
					{
						identity: { signer: watched, chain: own.chain },
						policy,
						...(timeoutMs === undefined ? {} : { timeoutMs }),
						observeLists: (event) => devices.all?.lists[place].push(event),
						...options.device?.(place),
					},
				];
			}),
		);
		const of = Object.fromEntries(made) as Record<Place, MoneyModuleOptions>;
		devices.all = new Devices(of, options.module ?? {}, link);
		return devices.all;
	}

	private constructor(
		of: Record<Place, MoneyModuleOptions>,
		module: Partial<MoneyModuleOptions>,
		link: LinkMode,
	) {
		this.link = link;
		this.A = new TrustedAgent(of.A);
		this.B = new TrustedAgent(of.B);
		const watchModule = (place: Place) => ({
			observe: (event: TetradEvent) => void this.events[place].push(event),
			...module,
		});
		this.X = new MoneyModule({ ...of.X, ...watchModule("X") });
		this.Y = new MoneyModule({ ...of.Y, ...watchModule("Y") });
		this.pairings = {
			...this.#pair("A", "X"),
			...this.#pair("B", "Y"),
		} as Record<Place, Pairing>;
		this.A.useModule({
			pairing: this.pairings.A,
			mode: link,
			dial: () => this.dial("A"),
		});
		this.B.useModule({
			pairing: this.pairings.B,
			mode: link,
			dial: () => this.dial("B"),
		});
	}

	/** A new carrier to the module of this agent, with the module at its other end. */
	dial(agent: "A" | "B"): Carrier {
		const module = agent === "A" ? "X" : "Y";
		const [near, far] = this.carriers(agent === "A" ? "link A–X" : "link B–Y");
		const pairing = this.pairings[module];
		this[module].serve(far, { pairing, mode: this.link }).catch(() => {});
		this.dialed[agent].push(near);
		return near;
	}

	/** Two watched ends of a wire. */
	carriers(wire: Wire): [Carrier, Carrier] {
		const hook = (bytes: Uint8Array) => {
			if (!SAYS_WHAT_IS_HELD.has(bytes.length))
				this.watch({ kind: "frame", wire, bytes });
		};
		const [left, right] = memoryCarriers();
		const busy = () => this.busy;
		return [watched(left, hook, busy), watched(right, hook, busy)];
	}

	/** Lets A connect to B; both promises as they are. */
	meet(
		connect: ConnectOptions = {},
		accept: AcceptOptions = {},
	): { connecting: Promise<Tetrad>; accepting: Promise<Tetrad> } {
		const [left, right] = this.carriers("network");
		const observe = (place: Place) => (event: TetradEvent) =>
			void this.events[place].push(event);
		const accepting = this.B.accept(right, {
			observe: observe("B"),
			...accept,
		});
		const connecting = this.A.connect(left, {
			observe: observe("A"),
			...connect,
		});
		connecting.catch(() => {});
		accepting.catch(() => {});
		return { connecting, accepting };
	}

	/** A tetrad, as each of its four devices holds it. */
	async tetrad(options: ConnectOptions = {}): Promise<Record<Place, Tetrad>> {
		const { connecting, accepting } = this.meet(options);
		const [A, B] = [await connecting, await accepting];
		const [X, Y] = [await this.X.accept(), await this.Y.accept()];
		return { A, B, X, Y };
	}

	/** Cuts both links and forgets what was, so that the next tetrad starts from nothing. */
	async reset(): Promise<void> {
		this.watch = () => {};
		for (const side of ["A", "B"] as const)
			for (const carrier of this.dialed[side].splice(0)) carrier.destroy();
		await settled(() =>
			PLACES.map((place) => this.events[place].length).join(),
		);
		for (const place of PLACES) this.events[place].length = 0;
	}

	/** The errors with which tetrads ended at a device, in order; `undefined` for one that closed in order. */
	ends(place: Place): (TetradError | undefined)[] {
		return this.events[place].flatMap((event) =>
			event.kind === "ended" ? [event.error] : [],
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const place of PLACES) await this[place].close();
	}

	#pair(agent: "A" | "B", module: "X" | "Y"): Partial<Record<Place, Pairing>> {
		const key = nodeCrypto.random(32);
		return {
			[agent]: { peerDeviceId: this[module].device.deviceId, key },
			[module]: { peerDeviceId: this[agent].device.deviceId, key },
		};
	}
}

export function isAgent(place: Place): boolean {
	return place === "A" || place === "B";
}

/** The same carrier, with a hook before each frame that arrives. */
function watched(
	carrier: Carrier,
	hook: (bytes: Uint8Array) => void,
	busy: () => Promise<void> | undefined,
): Carrier {
	return {
		kind: carrier.kind,
		peer: carrier.peer,
		receive: (receiver) =>
			carrier.receive({
				frame(bytes) {
					hook(bytes);
					const lent = copy(bytes);
					receiver.frame(lent);
					// Lent for the call: a device that kept a view would read this.
					lent.fill(0xff);
				},
				closed: (error) => receiver.closed(error),
			}),
		send: (bytes, owned) => carrier.send(bytes, owned),
		drained: () => carrier.drained(),
		written: () => busy() ?? carrier.written(),
		pause: () => carrier.pause(),
		resume: () => carrier.resume(),
		close: () => carrier.close(),
		destroy: (error) => carrier.destroy(error),
	};
}

/** How long something is waited for that has to come, in milliseconds. */
const PATIENCE_MS = 20_000;

/** Lets the event loop turn until `holds`; fails the test when it never does. */
export async function until(holds: () => boolean, what: string): Promise<void> {
	const patience = performance.now() + PATIENCE_MS;
	while (performance.now() < patience) {
		if (holds()) return;
		await new Promise((resolve) => setImmediate(resolve));
	}
	assert.fail(`this did not happen: ${what}`);
}

/** Lets the event loop turn until `value` has stood still for a good while. */
export async function settled(value: () => unknown): Promise<void> {
	let last = value();
	for (let still = 0; still < 300; still++) {
		await new Promise((resolve) => setImmediate(resolve));
		if (value() !== last) still = 0;
		last = value();
	}
}

export async function hear(channel: {
	receive(): Promise<Uint8Array | undefined>;
}): Promise<string | undefined> {
	const message = await channel.receive();
	return message && parseUtf8(message);
}

export const say: typeof utf8 = utf8;
