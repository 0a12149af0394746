import { type Asked, Turns } from "../../sim/turns.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	type LinkMode,
	type Pairing,
	PairingTries,
} from "../../src/tetrad/index.ts";
import type { Device } from "./four-devices.ts";
import {
	LinkByHand,
	type LinkEffect,
	PairingByHand,
	type PairingEffect,
} from "./machines.ts";

export type End = "agent" | "module";

export interface LinkFrame {
	readonly from: End;
	readonly to: End;
	readonly bytes: Uint8Array;
}

/** A link or a pairing in the hands of whoever is between its two ends. */
export class Wire<
	E extends LinkEffect | PairingEffect,
	M extends LinkByHand | PairingByHand,
> extends Turns<End, LinkFrame> {
	readonly agent: M;
	readonly module: M;
	readonly #signers: Readonly<Record<End, Device>>;
	readonly #now: number;
	readonly events: Readonly<Record<End, E[]>> = { agent: [], module: [] };

	constructor(
		agent: M,
		module: M,
		signers: Readonly<Record<End, Device>>,
		now: number,
	) {
		super();
		this.agent = agent;
		this.module = module;
		this.#signers = signers;
		this.#now = now;
	}

	apply(end: End, effects: readonly (LinkEffect | PairingEffect)[]): void {
		for (const effect of effects) {
			this.events[end].push(effect as E);
			const to = end === "agent" ? "module" : "agent";
			if (effect.kind === "send-frame")
				this.put({ from: end, to, bytes: effect.bytes });
			if (effect.kind === "sign")
				this.signing.push({ place: end, content: effect.content });
		}
	}

	protected override arrive({ to, bytes }: LinkFrame): void {
		this.apply(to, this[to].frame(bytes, this.#now));
	}

	protected override async sign({ place, content }: Asked<End>): Promise<void> {
		const signature = await this.#signers[place].signer.sign(content);
		this.apply(place, this[place].signed(signature));
	}

	async start(): Promise<this> {
		this.apply("module", this.module.start());
		this.apply("agent", this.agent.start());
		await this.run();
		return this;
	}

	has(end: End, kind: E["kind"]): boolean {
		return this.events[end].some((event) => event.kind === kind);
	}

	find<Kind extends E["kind"]>(
		end: End,
		kind: Kind,
	): Extract<E, { kind: Kind }> | undefined {
		return this.events[end].find((event) => event.kind === kind) as
			| Extract<E, { kind: Kind }>
			| undefined;
	}

	outcome(end: End): string {
		const last = this.events[end].at(-1);
		if (last?.kind !== "ended") return "waits";
		return last.error?.code ?? "in order";
	}
}

export type LinkWire = Wire<LinkEffect, LinkByHand>;
export type PairingWire = Wire<PairingEffect, PairingByHand>;

/** The two ends of a link that is not begun; each end's pairing may be another one. */
export function linkBetween(
	agent: Device,
	module: Device,
	now: number,
	options: {
		mode?: LinkMode;
		timeoutMs?: number;
		key?: Uint8Array;
		moduleKey?: Uint8Array;
		agentPairedWith?: Device;
		modulePairedWith?: Device;
	} = {},
): LinkWire {
	const key = options.key ?? nodeCrypto.random(32);
	const end = (role: End, own: Device, peer: Device, key: Uint8Array) => {
		const { deviceId } = peer.context.own;
		const pairing: Pairing = { peerDeviceId: deviceId, key };
		return new LinkByHand(role, {
			...{ device: own.context, pairing, now },
			timeoutMs: options.timeoutMs ?? 1000,
			mode: options.mode ?? "paired",
		});
	};
	return new Wire<LinkEffect, LinkByHand>(
		end("agent", agent, options.agentPairedWith ?? module, key),
		end(
			"module",
			module,
			options.modulePairedWith ?? agent,
			options.moduleKey ?? key,
		),
		{ agent, module },
		now,
	);
}

/** The two ends of a pairing that is not begun. */
export function pairingBetween(
	agent: Device,
	module: Device,
	now: number,
	tries: PairingTries = new PairingTries(),
): PairingWire {
	const end = (role: End, { context }: Device) =>
		new PairingByHand(role, { device: context, now, timeoutMs: 1000 }, tries);
	return new Wire<PairingEffect, PairingByHand>(
		end("agent", agent),
		end("module", module),
		{ agent, module },
		now,
	);
}
