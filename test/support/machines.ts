import type { TetradError } from "../../src/errors.ts";
import type { ListNumber } from "../../src/identity/index.ts";
import type { Ended, Kind, SignedEvent } from "../../src/machine/index.ts";
import {
	type AgentEffect,
	type AgentEvent,
	type AgentInitiatorOptions,
	type AgentMachine,
	type AgentResponderOptions,
	agentInitiator,
	agentResponder,
	type ConfirmedAgent,
	type ConfirmedModule,
	type LinkEffect as LinkAsks,
	type LinkContext,
	type LinkEvent,
	LinkMachine,
	type LinkOptions,
	type ModuleEvent,
	type ModuleMachine,
	type ModuleOptions,
	moduleInitiator,
	moduleResponder,
	type PairingEffect as PairingAsks,
	type PairingEvent,
	PairingMachine,
	PairingTries,
} from "../../src/tetrad/index.ts";
import type { LinkMessageType } from "../../src/wire/index.ts";

// The machines of a tetrad as tests speak to them: a method for each event, where the time does
// not matter without one, and a signature goes to whatever asked first.

/** What any machine of a tetrad may ask for, and its end. */
export type Effect = AgentEffect | Ended;
export type LinkEffect = LinkAsks | Ended;
export type PairingEffect = PairingAsks | Ended;

type Was = ListNumber | TetradError | undefined;

/** Where the time does not matter. */
const ANY_TIME = 0;

/** A signature that nobody asked for. */
const NOT_ASKED = -1;

/** What a machine does of itself after each event: what waits to be sealed is, as at the end of a turn. */
type Flush<Event> = readonly {
	readonly waits: () => boolean;
	readonly event: Event;
}[];

class ByHand<Event extends Kind, Did extends Kind> {
	/** What is sent waits until it is flushed by hand. */
	holds = false;
	readonly #handle: (
		event: Event | SignedEvent,
		now: number,
	) => readonly (Did | Ended)[];
	readonly #flushes: Flush<Event>;
	/** Signatures that were asked for and not given yet. */
	readonly #asked: number[] = [];

	constructor(
		handle: (
			event: Event | SignedEvent,
			now: number,
		) => readonly (Did | Ended)[],
		flushes: Flush<Event> = [],
	) {
		this.#handle = handle;
		this.#flushes = flushes;
	}

	/** Seals what waits. */
	flush(now: number = ANY_TIME): (Did | Ended)[] {
		return this.#flushes.flatMap(({ waits, event }) =>
			waits() ? [...this.#handle(event, now)] : [],
		);
	}

	give(event: Event | SignedEvent, now: number = ANY_TIME): (Did | Ended)[] {
		const effects = [...this.#handle(event, now)];
		if (!this.holds) effects.push(...this.flush(now));
		for (const effect of effects) {
			const { kind, id }: { kind: string; id?: number } = effect;
			if (kind === "sign" && id !== undefined) this.#asked.push(id);
		}
		return effects;
	}

	signed(signature: Uint8Array): (Did | Ended)[] {
		const id = this.#asked.shift() ?? NOT_ASKED;
		return this.give({ kind: "signed", id, signature });
	}

	notSigned(error: TetradError): (Did | Ended)[] {
		const id = this.#asked.shift() ?? NOT_ASKED;
		return this.give({ kind: "not-signed", id, error });
	}
}

function flushesOf(
	machine: AgentMachine | ModuleMachine,
): Flush<Extract<ModuleEvent, { kind: "flush" }>> {
	return (["module", "agent"] as const).map((to) => ({
		waits: () => machine.flushWaits(to),
		event: { kind: "flush", to },
	}));
}

/** A or B. */
export class AgentByHand extends ByHand<AgentEvent, AgentEffect> {
	readonly machine: AgentMachine;

	static initiator(options: AgentInitiatorOptions): AgentByHand {
		return new AgentByHand(agentInitiator(options));
	}

	static responder(options: AgentResponderOptions): AgentByHand {
		return new AgentByHand(agentResponder(options));
	}

	constructor(machine: AgentMachine) {
		super((event, now) => machine.handle(event, now), flushesOf(machine));
		this.machine = machine;
	}

	get deadline(): number | undefined {
		return this.machine.deadline;
	}

	get ended(): boolean {
		return this.machine.ended;
	}

	get listWaits(): boolean {
		return this.machine.listWaits;
	}

	confirmed(): ConfirmedAgent {
		return this.machine.confirmed();
	}

	start(): Effect[] {
		return this.give({ kind: "start" });
	}

	frame(bytes: Uint8Array, now: number): Effect[] {
		return this.give({ kind: "frame", bytes }, now);
	}

	linkMessage(type: LinkMessageType, body: Uint8Array, now: number): Effect[] {
		return this.give({ kind: "link-message", type, body }, now);
	}

	send(message: Uint8Array): Effect[] {
		return this.give({ kind: "send", to: "agent", message });
	}

	sendToModule(message: Uint8Array): Effect[] {
		return this.give({ kind: "send", to: "module", message });
	}

	close(now: number): Effect[] {
		return this.give({ kind: "close" }, now);
	}

	nextList(now: number): Effect[] {
		return this.give({ kind: "next-list" }, now);
	}

	listDealt(was: Was): Effect[] {
		return this.give({ kind: "list-dealt", was });
	}

	listsChanged(now: number): Effect[] {
		return this.give({ kind: "lists-changed" }, now);
	}

	time(now: number): Effect[] {
		return this.give({ kind: "time" }, now);
	}

	abort(error: TetradError): Effect[] {
		return this.give({ kind: "abort", error });
	}
}

/** X or Y. */
export class ModuleByHand extends ByHand<
	ModuleEvent,
	Exclude<Effect, Ended | { kind: "send-frame" | "list" }>
> {
	readonly machine: ModuleMachine;

	static initiator(options: ModuleOptions): ModuleByHand {
		return new ModuleByHand(moduleInitiator(options));
	}

	static responder(options: ModuleOptions): ModuleByHand {
		return new ModuleByHand(moduleResponder(options));
	}

	constructor(machine: ModuleMachine) {
		super((event, now) => machine.handle(event, now), flushesOf(machine));
		this.machine = machine;
	}

	get deadline(): number | undefined {
		return this.machine.deadline;
	}

	get ended(): boolean {
		return this.machine.ended;
	}

	confirmed(): ConfirmedModule {
		return this.machine.confirmed();
	}

	linkMessage(type: LinkMessageType, body: Uint8Array, now: number): Effect[] {
		return this.give({ kind: "link-message", type, body }, now);
	}

	send(message: Uint8Array): Effect[] {
		return this.give({ kind: "send", to: "module", message });
	}

	sendToAgent(message: Uint8Array): Effect[] {
		return this.give({ kind: "send", to: "agent", message });
	}

	close(): Effect[] {
		return this.give({ kind: "close" });
	}

	listsChanged(now: number): Effect[] {
		return this.give({ kind: "lists-changed" }, now);
	}

	time(now: number): Effect[] {
		return this.give({ kind: "time" }, now);
	}

	abort(error: TetradError): Effect[] {
		return this.give({ kind: "abort", error });
	}
}

/** One end of a link. */
export class LinkByHand extends ByHand<LinkEvent, LinkAsks> {
	readonly machine: LinkMachine;

	constructor(role: "agent" | "module", options: LinkOptions) {
		const machine = new LinkMachine(role, options);
		super(
			(event, now) => machine.handle(event, now),
			[{ waits: () => machine.flushWaits, event: { kind: "flush" } }],
		);
		this.machine = machine;
	}

	get deadline(): number | undefined {
		return this.machine.deadline;
	}

	get ended(): boolean {
		return this.machine.ended;
	}

	get listWaits(): boolean {
		return this.machine.listWaits;
	}

	contextFor(tetradId: Uint8Array): LinkContext {
		return this.machine.contextFor(tetradId);
	}

	start(): LinkEffect[] {
		return this.give({ kind: "start" });
	}

	frame(bytes: Uint8Array, now: number): LinkEffect[] {
		return this.give({ kind: "frame", bytes }, now);
	}

	send(
		tetradId: Uint8Array,
		type: LinkMessageType,
		body: Uint8Array,
		chains: Extract<LinkEvent, { kind: "send" }>["chains"],
	): LinkEffect[] {
		return this.give({ kind: "send", tetradId, type, body, chains });
	}

	nextList(now: number): LinkEffect[] {
		return this.give({ kind: "next-list" }, now);
	}

	listDealt(was: Was): LinkEffect[] {
		return this.give({ kind: "list-dealt", was });
	}

	listsChanged(now: number): LinkEffect[] {
		return this.give({ kind: "lists-changed" }, now);
	}

	close(): LinkEffect[] {
		return this.give({ kind: "close" });
	}

	time(now: number): LinkEffect[] {
		return this.give({ kind: "time" }, now);
	}

	abort(error: TetradError): LinkEffect[] {
		return this.give({ kind: "abort", error });
	}
}

/** One end of a pairing. */
export class PairingByHand extends ByHand<PairingEvent, PairingAsks> {
	readonly machine: PairingMachine;

	constructor(
		role: "agent" | "module",
		options: ConstructorParameters<typeof PairingMachine>[1],
		tries: PairingTries = new PairingTries(),
	) {
		const end = role === "agent" ? { role } : { role, tries };
		const machine = new PairingMachine(end, options);
		super((event, now) => machine.handle(event, now));
		this.machine = machine;
	}

	get deadline(): number | undefined {
		return this.machine.deadline;
	}

	get ended(): boolean {
		return this.machine.ended;
	}

	start(): PairingEffect[] {
		return this.give({ kind: "start" });
	}

	/** Whom the machine tells of a try is told at once. */
	frame(bytes: Uint8Array, now: number): PairingEffect[] {
		const effects = this.give({ kind: "frame", bytes }, now);
		return effects.some(({ kind }) => kind === "try")
			? [...effects, ...this.give({ kind: "told" })]
			: effects;
	}

	accept(): PairingEffect[] {
		return this.give({ kind: "accept" });
	}

	time(now: number): PairingEffect[] {
		return this.give({ kind: "time" }, now);
	}

	abort(error: TetradError): PairingEffect[] {
		return this.give({ kind: "abort", error });
	}
}
