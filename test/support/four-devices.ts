import { type Asked, Turns } from "../../sim/turns.ts";
import {
	type CryptoProvider,
	nodeCrypto,
	type SignatureAlgorithm,
} from "../../src/crypto/index.ts";
import type { TetradError } from "../../src/errors.ts";
import { ChainVerdicts, type Signer } from "../../src/identity/index.ts";
import type { SuiteName } from "../../src/session/index.ts";
import type { DeviceContext } from "../../src/tetrad/context.ts";
import {
	type AgentResponderOptions,
	DEFAULT_TIMEOUT_MS,
	type LinkMode,
	makePolicy,
	PLACES,
	type Place,
	type Policy,
	ResumptionTokens,
	type Root,
	type Routing,
	SignedHashes,
} from "../../src/tetrad/index.ts";
import type { LinkMessageType } from "../../src/wire/index.ts";
import { makeWorld } from "./authority.ts";
import {
	AgentByHand,
	type Effect,
	type LinkByHand,
	ModuleByHand,
} from "./machines.ts";
import { linkBetween } from "./wire.ts";

/** Something on its way from one device to another. A link message is shown as its two ends see it, inside the link's session. */
export interface Delivery {
	readonly wire: "network" | "link";
	readonly from: Place;
	readonly to: Place;
	/** The frame on the network, or the body of the link message. */
	readonly bytes: Uint8Array;
	/** The type of a link message. */
	readonly type?: LinkMessageType;
}

/** A device with its keys, before any tetrad. */
export interface Device {
	readonly context: DeviceContext;
	readonly signer: Signer;
	/** Every secret that the device named, by label. */
	readonly keylog: Map<string, Uint8Array>;
}

export interface FourDevicesOptions {
	readonly routing?: Routing;
	readonly root?: Root;
	readonly link?: LinkMode;
	readonly suites?: readonly SuiteName[];
	readonly responderSuites?: readonly SuiteName[];
	readonly algorithm?: SignatureAlgorithm;
	readonly crypto?: (place: Place) => CryptoProvider;
	readonly firstMessage?: Uint8Array;
	readonly policy?: Partial<Policy>;
	readonly withIntermediate?: boolean;
	/** Each device keeps tokens, and A calls B there. */
	readonly address?: string;
	/** What a module has spoken for before; nothing unless given. */
	readonly signedHashes?: { readonly [At in "X" | "Y"]?: SignedHashes };
	/** What B asks of A when it knows who that is. */
	readonly admit?: NonNullable<AgentResponderOptions["admit"]>;
}

const NAMES: Readonly<Record<Place, string>> = {
	A: "alice",
	X: "alice-purse",
	B: "bob",
	Y: "bob-till",
};

const LINK_PEER: Readonly<Record<Place, Place>> = {
	A: "X",
	X: "A",
	B: "Y",
	Y: "B",
};

/** Four certified devices, two of each kind, under one agency and one bank. */
export async function makeDevices(
	options: FourDevicesOptions = {},
): Promise<{ now: number; devices: Record<Place, Device> }> {
	const world = await makeWorld({
		...(options.algorithm ? { algorithm: options.algorithm } : {}),
		...(options.withIntermediate ? { withIntermediate: true } : {}),
	});
	const make = async (place: Place): Promise<Device> => {
		const crypto = options.crypto?.(place) ?? nodeCrypto;
		const isAgent = place === "A" || place === "B";
		const { signer, chain } = isAgent
			? await world.agent(NAMES[place])
			: await world.module(NAMES[place]);
		const suites =
			(place === "B" || place === "Y") && options.responderSuites
				? options.responderSuites
				: (options.suites ?? ["hybrid-aesgcm"]);
		const policy = makePolicy({
			...world.policy,
			suites,
			roots: ["transcript", "unsafe-xor"],
			links: ["paired", "unsafe-open"],
			...options.policy,
		});
		const verdicts = new ChainVerdicts(crypto, policy);
		const own = verdicts.judge(chain, isAgent ? "agent" : "module", world.now);
		const keylog = new Map<string, Uint8Array>();
		const unsafeKeylog = (label: string, secret: Uint8Array) =>
			void keylog.set(label, secret.slice());
		return {
			context: {
				...{ crypto, policy, verdicts, own, unsafeKeylog },
				...(options.address === undefined
					? {}
					: { tokens: new ResumptionTokens() }),
			},
			signer,
			keylog,
		};
	};
	const [A, B, X, Y] = await Promise.all(PLACES.map(make));
	return {
		now: world.now,
		devices: { A, B, X, Y } as Record<Place, Device>,
	};
}

/** The two ends of a link, connected and ready, with the frames that crossed it. */
export async function makeLink(
	agent: Device,
	module: Device,
	mode: LinkMode,
	now: number,
): Promise<{ agentEnd: LinkByHand; moduleEnd: LinkByHand }> {
	const wire = linkBetween(agent, module, now, {
		mode,
		timeoutMs: DEFAULT_TIMEOUT_MS,
	});
	await wire.start();
	const end = wire.find("agent", "ended") ?? wire.find("module", "ended");
	if (end !== undefined) throw end.error;
	return { agentEnd: wire.agent, moduleEnd: wire.module };
}

/** What a tetrad's machine needs of the end of a link. */
export type LinkEnd = Pick<LinkByHand, "contextFor" | "send" | "frame">;

/** Four machines of one tetrad, driven one delivery at a time. */
export class FourDevices extends Turns<Place, Delivery> {
	readonly devices: Record<Place, Device>;
	readonly tetradId: Uint8Array = nodeCrypto.random(16);
	readonly A: AgentByHand;
	readonly B: AgentByHand;
	readonly X: ModuleByHand;
	readonly Y: ModuleByHand;
	now: number;
	/** What each device told its driver, besides sending: signatures asked, bound, confirmed, messages, the end. */
	readonly events: Record<Place, Effect[]> = { A: [], B: [], X: [], Y: [] };
	readonly #links: Record<Place, LinkEnd>;
	readonly #options: FourDevicesOptions;

	static async make(options: FourDevicesOptions = {}): Promise<FourDevices> {
		const { devices, now } = await makeDevices(options);
		return FourDevices.from(devices, now, options);
	}

	static async from(
		devices: Record<Place, Device>,
		now: number,
		options: FourDevicesOptions = {},
	): Promise<FourDevices> {
		const mode = options.link ?? "paired";
		const ax = await makeLink(devices.A, devices.X, mode, now);
		const by = await makeLink(devices.B, devices.Y, mode, now);
		const links = {
			A: ax.agentEnd,
			X: ax.moduleEnd,
			B: by.agentEnd,
			Y: by.moduleEnd,
		};
		return new FourDevices(devices, links, now, options);
	}

	constructor(
		devices: Record<Place, Device>,
		links: Record<Place, LinkEnd>,
		now: number,
		options: FourDevicesOptions,
	) {
		super();
		this.devices = devices;
		this.now = now;
		this.#links = links;
		this.#options = options;
		const machine = (place: Place) => ({
			device: devices[place].context,
			link: links[place].contextFor(this.tetradId),
			now,
			timeoutMs: DEFAULT_TIMEOUT_MS,
		});
		const { signedHashes } = options;
		this.A = AgentByHand.initiator({
			...machine("A"),
			routing: options.routing ?? "direct",
			root: options.root ?? "transcript",
			...(options.firstMessage ? { firstMessage: options.firstMessage } : {}),
			...(options.address === undefined ? {} : { address: options.address }),
		});
		this.B = AgentByHand.responder({
			...machine("B"),
			...(options.admit ? { admit: options.admit } : {}),
		});
		this.X = ModuleByHand.initiator({
			...machine("X"),
			signedHashes: signedHashes?.X ?? new SignedHashes(),
		});
		this.Y = ModuleByHand.responder({
			...machine("Y"),
			signedHashes: signedHashes?.Y ?? new SignedHashes(),
		});
	}

	/** The same devices over the same links, before another tetrad. */
	again(
		options: FourDevicesOptions = {},
		links: Partial<Record<Place, LinkEnd>> = {},
	): FourDevices {
		return new FourDevices(
			this.devices,
			{ ...this.#links, ...links },
			this.now,
			{ ...this.#options, ...options },
		);
	}

	start(): void {
		this.apply("A", this.A.start());
	}

	/** Takes over what a machine asked for. */
	apply(place: Place, effects: readonly Effect[]): void {
		for (const effect of effects) {
			switch (effect.kind) {
				case "send-frame":
					this.put({
						wire: "network",
						from: place,
						to: place === "A" ? "B" : "A",
						bytes: effect.bytes,
					});
					break;
				case "send-link":
					this.#carry(place, effect);
					break;
				case "sign":
					this.events[place].push(effect);
					this.signing.push({ place, content: effect.content });
					break;
				default:
					this.events[place].push(effect);
			}
		}
	}

	protected override arrive(delivery: Delivery): void {
		const { to, wire, type } = delivery;
		const lent = new Uint8Array(delivery.bytes);
		if (wire === "network")
			this.apply(to, this[to as "A" | "B"].frame(lent, this.now));
		else
			this.apply(
				to,
				this[to].linkMessage(type as LinkMessageType, lent, this.now),
			);
		// A carrier lends its bytes for the call: a machine that kept a view would read this.
		lent.fill(0xff);
	}

	protected override async sign({
		place,
		content,
	}: Asked<Place>): Promise<void> {
		const signature = await this.devices[place].signer.sign(content);
		this.apply(place, this[place].signed(signature));
	}

	/** Starts and runs to the end. */
	async establish(): Promise<this> {
		this.start();
		await this.run();
		return this;
	}

	has(place: Place, kind: Effect["kind"]): boolean {
		return this.events[place].some((event) => event.kind === kind);
	}

	/** The error that ended a device's machine. */
	error(place: Place): TetradError | undefined {
		const end = this.events[place].find((event) => event.kind === "ended");
		return end?.kind === "ended" ? end.error : undefined;
	}

	messages(place: Place): { session: number; bytes: Uint8Array }[] {
		return this.events[place].flatMap((event) =>
			event.kind === "messages"
				? event.messages.map((bytes) => ({ session: event.session, bytes }))
				: [],
		);
	}

	/** Sends through the real link of this side, and shows the message at its other end. */
	#carry(place: Place, effect: Extract<Effect, { kind: "send-link" }>): void {
		const to = LINK_PEER[place];
		const { type, body, chains } = effect;
		for (const sent of this.#links[place].send(
			this.tetradId,
			type,
			body,
			chains,
		)) {
			if (sent.kind !== "send-frame") throw new Error(`link: ${sent.kind}`);
			for (const got of this.#links[to].frame(sent.bytes, this.now)) {
				if (got.kind !== "message") throw new Error(`link: ${got.kind}`);
				this.put({
					wire: "link",
					from: place,
					to,
					type: got.type,
					bytes: got.body,
				});
			}
		}
	}
}
