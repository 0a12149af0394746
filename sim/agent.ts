/*
 * An agent: its end of the link, which is made when it is needed, and its tetrads, each with what it
 * does in it, as `TrustedAgent` of `src/device/runtime` has them.
 */
import { asTetradError, TetradError } from "../src/errors.ts";
import {
	type AgentMachine,
	agentInitiator,
	agentResponder,
	DEFAULT_TIMEOUT_MS,
	type MachineOptions,
	type Pairing,
	TETRAD_ID_BYTES,
} from "../src/tetrad/index.ts";
import { hex } from "../src/wire/index.ts";
import type { Identity } from "./certificates.ts";
import { Device } from "./device.ts";
import { Link } from "./link.ts";
import type { CarrierEnd } from "./network.ts";
import { type Tetrad, TetradRun, type TetradUser } from "./tetrad.ts";
import type { World } from "./world.ts";

export interface AgentOptions {
	readonly world: World;
	readonly name: string;
	readonly identity: Identity;
	readonly pairing: () => Pairing;
	/** A way to its module. */
	readonly dialModule: () => CarrierEnd | undefined;
	/** What it does in a tetrad that somebody else began. */
	readonly serve: (tetrad: Tetrad) => TetradUser;
	/** It was started: what was begun before goes on. */
	readonly begun: () => void;
	readonly gone: () => void;
}

export class Agent extends Device {
	readonly #options: AgentOptions;
	readonly #runs = new Map<string, TetradRun>();
	#link: Link | undefined;
	/** Whoever waits for the link. */
	readonly #waiting: ((error: TetradError | undefined) => void)[] = [];

	constructor(options: AgentOptions) {
		super(options.world, options.name, "agent", options.identity);
		this.#options = options;
	}

	get tetrads(): number {
		return this.#runs.size;
	}

	/** Makes a tetrad with whoever is at the other end of the carrier. `failed` is called when none is confirmed. */
	connect(
		carrier: CarrierEnd,
		address: string,
		confirmed: (tetrad: Tetrad) => TetradUser,
		failed: (error: TetradError) => void,
	): void {
		const { routing } = this.world;
		this.#run(
			carrier,
			(options) =>
				agentInitiator({
					...options,
					address,
					routing: routing(),
					root: "transcript",
				}),
			confirmed,
			failed,
		);
	}

	/** Another agent has called. */
	called(carrier: CarrierEnd): void {
		this.#run(carrier, agentResponder, this.#options.serve, () => {});
	}

	protected override started(): void {
		this.disk.syncAll();
		this.#options.begun();
	}

	protected override died(): void {
		this.#link = undefined;
		this.#waiting.length = 0;
		this.#runs.clear();
		this.world.hangUp(this);
		this.#options.gone();
	}

	protected override listsChanged(): void {
		for (const run of [...this.#runs.values()]) run.listsChanged();
		this.#link?.listsChanged();
	}

	#run(
		carrier: CarrierEnd,
		make: (options: MachineOptions) => AgentMachine,
		confirmed: (tetrad: Tetrad) => TetradUser,
		failed: (error: TetradError) => void,
	): void {
		this.#reach((error) => {
			try {
				if (error !== undefined) throw error;
				const link = this.#link;
				if (link === undefined) throw unlinked();
				const tetradId = this.crypto.random(TETRAD_ID_BYTES);
				const machine = make({
					device: this.context,
					link: link.contextFor(tetradId),
					now: this.believeClock(),
					timeoutMs: DEFAULT_TIMEOUT_MS,
				});
				const id = hex(tetradId);
				let isConfirmed = false;
				const run = TetradRun.agent(machine, {
					device: this,
					link,
					tetradId,
					carrier,
					confirmed: (tetrad) => {
						isConfirmed = true;
						return confirmed(tetrad);
					},
					ended: ({ error: why }) => {
						this.#runs.delete(id);
						if (!isConfirmed) failed(why ?? unlinked());
					},
				});
				if (!run.stopped) this.#runs.set(id, run);
			} catch (thrown) {
				carrier.close();
				failed(asTetradError(thrown));
			}
		});
	}

	#reach(then: (error: TetradError | undefined) => void): void {
		if (this.#link?.isReady === true) return then(undefined);
		this.#waiting.push(then);
		if (this.#link !== undefined) return;
		const carrier = this.#options.dialModule();
		if (carrier === undefined) return this.#reached(unlinked());
		try {
			const link = new Link("agent", {
				device: this,
				pairing: this.#options.pairing(),
				carrier,
				ready: () => this.#reached(undefined),
				stranger: () => {},
				ended: (error) => {
					this.#link = undefined;
					this.#reached(error ?? unlinked());
				},
			});
			// It may have died while it said its first word.
			if (!link.stopped) this.#link = link;
		} catch (thrown) {
			carrier.close();
			this.#reached(asTetradError(thrown));
		}
	}

	#reached(error: TetradError | undefined): void {
		for (const then of this.#waiting.splice(0)) then(error);
	}
}

function unlinked(): TetradError {
	return new TetradError(
		"carrier-failed",
		"the module of this agent is not to be reached",
	);
}
