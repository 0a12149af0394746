import {
	type AgentMachine,
	type ClosedBy,
	type ModuleMachine,
	type Parties,
	type Place,
	safetyWords,
	type Transcript,
} from "../../tetrad/index.ts";
import type { Channel } from "./channel.ts";
import type { Tetrad } from "./tetrad.ts";

/** What a confirmed tetrad has of whatever runs it. */
interface Running {
	readonly machine: AgentMachine | ModuleMachine;
	readonly agent: Channel;
	readonly module: Channel;
	readonly closed: Promise<ClosedBy>;
	readonly isCutHere: () => boolean;
	readonly close: () => Promise<void>;
}

/** A tetrad as the application has it. */
export class ConfirmedTetrad implements Tetrad {
	readonly agent: Channel;
	readonly module: Channel;
	readonly place: Place;
	readonly parties: Parties;
	readonly transcript: Transcript;
	readonly closed: Promise<ClosedBy>;
	readonly #running: Running;
	/** The key does not outlive the tetrad, and the code does. */
	readonly #code: Uint8Array;

	/** Of a machine that has just confirmed it. */
	constructor(running: Running) {
		const { machine, agent, module, closed } = running;
		const { transcript, root } = machine.confirmed();
		this.agent = agent;
		this.module = module;
		this.place = machine.place;
		this.parties = transcript.parties;
		this.transcript = transcript;
		this.closed = closed;
		this.#running = running;
		this.#code = root.safetyCodeBytes();
	}

	get ended(): boolean {
		return this.#running.machine.ended;
	}

	get isCutHere(): boolean {
		return this.#running.isCutHere();
	}

	get safetyCode(): string {
		return safetyWords(this.#code);
	}

	export(label: string, context: Uint8Array, length: number): Uint8Array {
		const { root } = this.#running.machine.confirmed();
		return root.export(label, context, length);
	}

	close(): Promise<void> {
		return this.#running.close();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}
}
