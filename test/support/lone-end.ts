import { type Asked, Turns } from "../../sim/turns.ts";
import type { TetradError } from "../../src/errors.ts";
import type { Device } from "./four-devices.ts";
import type {
	LinkByHand,
	LinkEffect,
	PairingByHand,
	PairingEffect,
} from "./machines.ts";

/** One end of a link or of a pairing with its keys, and what became of it; a test carries its frames. */
export class LoneEnd<
	Effect extends LinkEffect | PairingEffect,
	Machine extends LinkByHand | PairingByHand,
> extends Turns<"here", Uint8Array> {
	readonly machine: Machine;
	readonly effects: Effect[] = [];
	readonly #own: Device;
	readonly #now: number;

	constructor(own: Device, machine: Machine, now: number) {
		super();
		this.#own = own;
		this.machine = machine;
		this.#now = now;
	}

	start(): this {
		return this.take(this.machine.start());
	}

	hear(...frames: readonly Uint8Array[]): this {
		for (const frame of frames) this.deliver(frame);
		return this;
	}

	/** Signs what waits for it. */
	async signAll(): Promise<this> {
		for (let left = this.signing.length; left > 0; left--)
			await this.signNext();
		return this;
	}

	take(effects: readonly (LinkEffect | PairingEffect)[]): this {
		for (const effect of effects) {
			this.effects.push(effect as Effect);
			if (effect.kind === "send-frame") this.put(effect.bytes);
			if (effect.kind === "sign")
				this.signing.push({ place: "here", content: effect.content });
		}
		return this;
	}

	/** Takes away what it sent and nobody has taken. */
	post(): Uint8Array[] {
		return this.pending.splice(0);
	}

	get error(): TetradError | undefined {
		const end = this.effects.find(({ kind }) => kind === "ended");
		return end?.kind === "ended" ? end.error : undefined;
	}

	protected override arrive(frame: Uint8Array): void {
		this.take(this.machine.frame(frame, this.#now));
	}

	protected override async sign({ content }: Asked<"here">): Promise<void> {
		this.take(this.machine.signed(await this.#own.signer.sign(content)));
	}
}

type AnyEnd = LoneEnd<LinkEffect | PairingEffect, LinkByHand | PairingByHand>;

/** Lets everything cross until nothing is on its way; the frames in order. */
export async function letCross({
	agent,
	module,
}: {
	readonly agent: AnyEnd;
	readonly module: AnyEnd;
}): Promise<Uint8Array[]> {
	const wire: Uint8Array[] = [];
	for (;;) {
		await agent.signAll();
		await module.signAll();
		const [there, back] = [agent.post(), module.post()];
		if (there.length + back.length === 0) return wire;
		wire.push(...there, ...back);
		module.hear(...there);
		agent.hear(...back);
	}
}
