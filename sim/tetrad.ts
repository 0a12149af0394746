/* A tetrad at one of its four devices, as `RunningTetrad` of `src/device/runtime` runs it. */
import { asTetradError, TetradError } from "../src/errors.ts";
import type { Ended } from "../src/machine/index.ts";
import type {
	AgentEffect,
	AgentEvent,
	AgentMachine,
	ModuleEffect,
	ModuleEvent,
	ModuleMachine,
	Parties,
	Place,
	Transcript,
} from "../src/tetrad/index.ts";
import type { LinkMessageType } from "../src/wire/index.ts";
import type { Device } from "./device.ts";
import { Driver, signLater } from "./driver.ts";
import type { Link, LinkUser } from "./link.ts";
import type { CarrierEnd } from "./network.ts";
import type { Handlers } from "./routing.ts";

/** What an application is told of its tetrad. */
export interface TetradUser {
	message(from: "agent" | "module", bytes: Uint8Array): void;
	/** Called once. */
	over(end: Ended): void;
}

/** A confirmed tetrad. */
export interface Tetrad {
	readonly place: Place;
	readonly parties: Parties;
	/** What its four devices have to agree on. */
	readonly transcript: Transcript;
	readonly ended: boolean;
	/** Loses what cannot be sent. */
	send(to: "agent" | "module", bytes: Uint8Array): void;
	close(): void;
	export(label: string, length: number): Uint8Array;
}

export interface TetradOptions {
	readonly device: Device;
	readonly link: Link;
	readonly tetradId: Uint8Array;
	/** Of an agent: the way to the other. */
	readonly carrier?: CarrierEnd;
	/** Takes it in the turn in which it is confirmed. */
	confirmed(tetrad: Tetrad): TetradUser;
	/** It ended, confirmed or not. */
	ended(end: Ended): void;
}

const NO_CONTEXT: Uint8Array = new Uint8Array();

/** Whom each of the four speaks with, by what the other is. */
const REACHES: Readonly<
	Record<Place, Readonly<Record<"agent" | "module", Place>>>
> = {
	A: { agent: "B", module: "X" },
	B: { agent: "A", module: "Y" },
	X: { agent: "A", module: "Y" },
	Y: { agent: "B", module: "X" },
};

/** What agents and modules have in common. */
export class TetradRun implements LinkUser {
	readonly #options: TetradOptions;
	readonly #machine: AgentMachine | ModuleMachine;
	readonly #feed: (event: ModuleEvent) => void;
	readonly #flushing = new Set<"agent" | "module">();
	#isStopped: () => boolean = () => false;
	#user: TetradUser | undefined;
	/** What its user did not take has ended it: what came after that in the same record is not given to it. */
	#isTroubled = false;

	static agent(machine: AgentMachine, options: TetradOptions): TetradRun {
		const { device, carrier } = options;
		if (carrier === undefined) throw new Error("an agent has a carrier");
		let driver: Driver<AgentEvent, AgentEffect>;
		const feed = (event: AgentEvent): void => {
			driver.feed(event);
			run.#flushLater();
			if (machine.listWaits && !driver.stopped)
				device.later(() => feed({ kind: "next-list" }), 1);
		};
		const run = new TetradRun(machine, options, feed);
		driver = new Driver<AgentEvent, AgentEffect>({
			device,
			machine,
			handlers: {
				...run.handlers,
				"send-frame": ({ bytes }) => carrier.send(bytes),
				list: ({ bundle }) => {
					const was = device.learnList(bundle);
					device.later(() => feed({ kind: "list-dealt", was }));
				},
			},
			ended: (end) => run.#over(end),
			failed: (error) => run.#over({ kind: "ended", error }),
		});
		run.#isStopped = () => driver.stopped;
		carrier.receive({
			frame: device.alive((bytes) => feed({ kind: "frame", bytes })),
			closed: device.alive((error) =>
				feed({
					kind: "abort",
					error: error ?? gone(),
				}),
			),
		});
		if (machine.place === "A") feed({ kind: "start" });
		return run;
	}

	static module(machine: ModuleMachine, options: TetradOptions): TetradRun {
		let driver: Driver<ModuleEvent, ModuleEffect>;
		const run: TetradRun = new TetradRun(machine, options, (event) => {
			driver.feed(event);
			run.#flushLater();
		});
		driver = new Driver<ModuleEvent, ModuleEffect>({
			device: options.device,
			machine,
			handlers: run.handlers,
			ended: (end) => run.#over(end),
			failed: (error) => run.#over({ kind: "ended", error }),
		});
		run.#isStopped = () => driver.stopped;
		return run;
	}

	private constructor(
		machine: AgentMachine | ModuleMachine,
		options: TetradOptions,
		feed: (event: ModuleEvent) => void,
	) {
		this.#options = options;
		this.#machine = machine;
		this.#feed = feed;
		options.link.attach(options.tetradId, this);
	}

	get handlers(): Handlers<ModuleEffect> {
		const { device, link, tetradId } = this.#options;
		return {
			"send-link": (effect) => link.send(tetradId, effect),
			sign: (effect) => signLater(device, effect, (event) => this.#feed(event)),
			bound: () => {},
			confirmed: () => this.#confirmed(),
			messages: ({ session, messages }) => {
				for (const bytes of messages) this.#deliver(session, bytes);
			},
		};
	}

	/** At the end of the turn, as it is for a device: after what else happens at this moment. */
	#flushLater(): void {
		for (const to of ["agent", "module"] as const)
			if (this.#flushWaits(to)) this.#takesAtOnce(to);
	}

	#flushWaits(to: "agent" | "module"): boolean {
		return !this.stopped && this.#machine.flushWaits(to);
	}

	/** Whether what is sent now is the first of this moment; the others are sealed together. */
	#takesAtOnce(to: "agent" | "module"): boolean {
		if (this.#flushing.has(to)) return false;
		this.#flushing.add(to);
		this.#options.device.later(() => {
			this.#flushing.delete(to);
			if (this.#flushWaits(to)) this.#feed({ kind: "flush", to });
		});
		return true;
	}

	linkMessage(type: LinkMessageType, body: Uint8Array): void {
		const atOnce = !this.#isModule && this.#takesAtOnce("agent");
		this.#feed({ kind: "link-message", type, body, atOnce });
	}

	linkLost(error: TetradError): void {
		this.abort(error);
	}

	abort(error: TetradError): void {
		this.#feed({ kind: "abort", error });
	}

	listsChanged(): void {
		this.#feed({ kind: "lists-changed" });
	}

	/** Whether it is over, or its device died. */
	get stopped(): boolean {
		return this.#isStopped();
	}

	get #isModule(): boolean {
		return this.#machine.place === "X" || this.#machine.place === "Y";
	}

	#confirmed(): void {
		const machine = this.#machine;
		if (machine.ended) return;
		const { transcript } = machine.confirmed();
		const other = (place: Place, to: "agent" | "module") => ({
			to,
			name: transcript.parties[REACHES[place][to]].name,
		});
		const { device } = this.#options;
		const tetrad: Tetrad = {
			place: machine.place,
			parties: transcript.parties,
			transcript,
			get ended() {
				return machine.ended;
			},
			send: (to, message) => {
				for (const one of device.says(tetrad, to, message)) {
					if (machine.ended) return;
					device.world.said(device, other(machine.place, to), one, tetrad);
					try {
						const atOnce = this.#takesAtOnce(to);
						this.#feed({ kind: "send", to, message: one, atOnce });
					} catch (thrown) {
						if (!machine.ended) this.abort(asTetradError(thrown));
					}
				}
			},
			close: () => {
				if (!machine.ended) this.#feed({ kind: "close" });
			},
			export: (label, length) =>
				machine.confirmed().root.export(label, NO_CONTEXT, length),
		};
		device.world.confirmed(device, tetrad);
		this.#user = this.#options.confirmed(tetrad);
	}

	/** Sessions 1 and 2 are with the other device of the same kind, sessions 3 and 4 with the own one. */
	#deliver(session: 1 | 2 | 3 | 4, bytes: Uint8Array): void {
		if (this.#isTroubled) return;
		const from = session <= 2 === this.#isModule ? "module" : "agent";
		try {
			this.#user?.message(from, bytes);
		} catch (thrown) {
			this.#isTroubled = true;
			this.abort(asTetradError(thrown));
		}
	}

	#over(end: Ended): void {
		const { link, tetradId, carrier } = this.#options;
		link.detach(tetradId);
		carrier?.close();
		this.#user?.over(end);
		this.#options.ended(end);
	}
}

function gone(): TetradError {
	return new TetradError(
		"truncated",
		"the other agent went away without closing the tetrad",
	);
}
