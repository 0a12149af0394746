/*
 * An owner pairs an agent and a module, as `tetrad pair` does: neither runs meanwhile, both show a
 * code, and the owner says yes at both when they are the same.
 */
import { TetradError } from "../src/errors.ts";
import {
	type Pairing,
	type PairingEvent,
	PairingMachine,
	type PairingTries,
} from "../src/tetrad/index.ts";
import { sameBytes } from "../src/wire/index.ts";
import type { Device } from "./device.ts";
import type { CarrierEnd } from "./network.ts";

/** How long a pairing may take, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** How long the owner looks at two codes, in milliseconds. */
const COMPARING_MS = 500;

export interface PairingOptions {
	readonly agent: Device;
	readonly module: Device;
	/** Of the module. */
	readonly tries: PairingTries;
	/** From the agent to the module. */
	readonly wire: readonly [CarrierEnd, CarrierEnd];
	/** A device has made it, which the other has perhaps not. */
	readonly paired: (role: "agent" | "module", pairing: Pairing) => void;
	/** Both ends are over. Of what ended without a pairing it is said why. */
	readonly over: (failed: readonly TetradError[]) => void;
}

export function pairDevices(options: PairingOptions): void {
	const { agent, module, tries, wire, paired } = options;
	const codes = new Map<string, string>();
	const ends: End[] = [];
	const errors: TetradError[] = [];
	let open = 2;
	const compare = (role: string, code: string): void => {
		codes.set(role, code);
		const [one, other] = [...codes.values()];
		if (other === undefined) return;
		agent.world.schedule.after(COMPARING_MS, () => {
			for (const end of ends)
				end.feed(one === other ? { kind: "accept" } : refused());
		});
	};
	const made: Pairing[] = [];
	const over = (error: TetradError | undefined): void => {
		if (error !== undefined) errors.push(error);
		if (--open > 0) return;
		const [one, other] = made;
		if (
			one !== undefined &&
			other !== undefined &&
			!sameBytes(one.key, other.key)
		)
			agent.world.fail("the four agree", "one pairing has two keys");
		options.over(errors);
	};
	for (const [role, device, carrier] of [
		["module", module, wire[1]],
		["agent", agent, wire[0]],
	] as const)
		ends.push(
			new End({
				...{ device, carrier, over },
				machine: new PairingMachine(
					role === "agent" ? { role } : { role, tries },
					{
						device: device.standby(),
						now: device.now(),
						timeoutMs: TIMEOUT_MS,
					},
				),
				compare: (code) => compare(role, code),
				paired: (pairing) => {
					made.push(pairing);
					paired(role, pairing);
				},
			}),
		);
	for (const end of ends) end.feed({ kind: "start" });
}

interface EndOptions {
	readonly device: Device;
	readonly machine: PairingMachine;
	readonly carrier: CarrierEnd;
	readonly compare: (code: string) => void;
	readonly paired: (pairing: Pairing) => void;
	readonly over: (error: TetradError | undefined) => void;
}

class End {
	readonly #options: EndOptions;

	constructor(options: EndOptions) {
		this.#options = options;
		const { carrier, device } = options;
		carrier.receive({
			frame: (bytes) => this.feed({ kind: "frame", bytes }),
			closed: (error) =>
				this.feed({ kind: "abort", error: error ?? goneAway() }),
		});
		device.world.schedule.after(TIMEOUT_MS + 1, () =>
			this.feed({ kind: "time" }),
		);
	}

	feed(event: PairingEvent): void {
		const { device, machine, carrier, compare, paired, over } = this.#options;
		if (machine.ended) return;
		const { schedule } = device.world;
		for (const effect of machine.handle(event, device.now()))
			switch (effect.kind) {
				case "send-frame":
					carrier.send(effect.bytes);
					break;
				case "sign": {
					const { id, content } = effect;
					const signature = device.sign(content);
					schedule.after(0, () => this.feed({ kind: "signed", id, signature }));
					break;
				}
				case "try":
					schedule.after(1, () => this.feed({ kind: "told" }));
					break;
				case "compare":
					compare(effect.code);
					break;
				case "paired":
					paired(effect.pairing);
					break;
				case "ended":
					carrier.close();
					over(effect.error);
					break;
			}
	}
}

function refused(): PairingEvent {
	const error = new TetradError("pairing-failed", "the codes are not the same");
	return { kind: "abort", error };
}

function goneAway(): TetradError {
	return new TetradError("truncated", "the other device went away");
}
