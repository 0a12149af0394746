/*
 * The machine of a module, whichever of the two it is.
 *
 *   establishing ──confirmed──▶ conversing
 */
import { unreachable } from "../../errors.ts";
import { type Ended, type Machine, timedOut } from "../../machine/index.ts";
import { LINK, type LinkMessageType } from "../../wire/index.ts";
import { demandMessageSize } from "../parameters.ts";
import { errorFromEnd } from "./link-end.ts";
import {
	type ConfirmedModule,
	ModuleConversation,
} from "./module-conversation.ts";
import {
	closedTooEarly,
	type MachineOptions,
	type ModuleEffect,
	type ModuleEvent,
	notConfirmed,
	tetradIsOver,
} from "./role.ts";
import { RoleParts } from "./role-parts.ts";

/** How a module comes to a confirmed tetrad: as the one whose agent calls, or whose agent answers. */
export interface ModuleEstablishment {
	linkMessage(type: LinkMessageType, body: Uint8Array, now: number): void;
	signed(signature: Uint8Array): void;
	/** What the device is once it is confirmed. */
	readonly confirmed: ConfirmedModule | undefined;
	/** Ends a sentence that begins with "no answer in time while". */
	readonly waitingFor: string;
}

/** The place that a module has in a tetrad which begins with a message of that type; none begins with any other. */
export function placeThatBegins(type: LinkMessageType): "X" | "Y" | undefined {
	switch (type) {
		case LINK.begin:
		case LINK.resume:
			return "X";
		case LINK.answer:
		case LINK.resumeAnswer:
			return "Y";
		default:
			return undefined;
	}
}

type Phase =
	| {
			readonly kind: "establishing";
			readonly establishment: ModuleEstablishment;
	  }
	| { readonly kind: "conversing"; readonly conversation: ModuleConversation };

/** Device 3 or 4: a module in one tetrad, from the first message of its agent to the close. */
export class ModuleMachine implements Machine<ModuleEvent, ModuleEffect> {
	readonly place: "X" | "Y";
	readonly #role: RoleParts;
	#phase: Phase;

	constructor(
		place: "X" | "Y",
		options: MachineOptions,
		establish: (role: RoleParts) => ModuleEstablishment,
	) {
		this.place = place;
		this.#role = new RoleParts(place, options, (error) => {
			if (this.#phase.kind === "conversing")
				this.#phase.conversation.flushBeforeFailure();
			this.#role.tellLink(error);
		});
		this.#phase = {
			kind: "establishing",
			establishment: establish(this.#role),
		};
	}

	/** As `Machine` has it: milliseconds since the epoch. */
	get deadline(): number | undefined {
		return this.#role.steps.deadline;
	}

	/** Whether this tetrad is over; its last effect said how. */
	get ended(): boolean {
		return this.#role.steps.ended;
	}

	/** As at `AgentMachine`. */
	flushWaits(to: "agent" | "module"): boolean {
		return (
			!this.ended &&
			this.#phase.kind === "conversing" &&
			this.#phase.conversation.waits(to)
		);
	}

	/** The confirmed tetrad. Throws `not-confirmed` before it is, and `tetrad-closed` once it has ended. */
	confirmed(): ConfirmedModule {
		return this.#open().confirmed;
	}

	/** Hands over what happened at `now`, in milliseconds since the epoch, and returns what shall be done. Throws only for `send`. */
	handle(event: ModuleEvent, now: number): readonly (ModuleEffect | Ended)[] {
		if (event.kind !== "send") return this.#take(event, now);
		// Of these there are most, so nothing is made for one but what is sent.
		const conversation = this.#open();
		demandMessageSize("module", event.to, event.message);
		return this.#role.steps.run(conversation.send, event);
	}

	#take(
		event: Exclude<ModuleEvent, { kind: "send" }>,
		now: number,
	): readonly (ModuleEffect | Ended)[] {
		return this.#role.steps.run(() => {
			const phase = this.#phase;
			if (event.kind === "flush") {
				if (phase.kind === "conversing") phase.conversation.flush(event.to);
			} else if (phase.kind === "establishing") {
				this.#establish(phase.establishment, event, now);
				this.#converseIfConfirmed(phase.establishment, now);
			} else phase.conversation.step(event, now);
		});
	}

	/** For whoever may send. */
	#open(): ModuleConversation {
		if (this.ended) throw tetradIsOver();
		if (this.#phase.kind !== "conversing") throw notConfirmed();
		return this.#phase.conversation;
	}

	#converseIfConfirmed({ confirmed }: ModuleEstablishment, now: number): void {
		if (confirmed === undefined) return;
		const { inner: session } = confirmed;
		this.#role.keepToken({ ...confirmed, session }, now);
		const conversation = new ModuleConversation(this.#role, confirmed);
		this.#phase = { kind: "conversing", conversation };
	}

	#establish(
		establishment: ModuleEstablishment,
		event: Exclude<ModuleEvent, { kind: "send" | "flush" }>,
		now: number,
	): void {
		switch (event.kind) {
			case "link-message": {
				const { type, body } = event;
				if (type === LINK.end) throw errorFromEnd(body) ?? closedTooEarly();
				return establishment.linkMessage(type, body, now);
			}
			case "signed":
			case "not-signed":
				return establishment.signed(this.#role.signing.take(event));
			case "close":
				throw closedTooEarly();
			case "lists-changed":
				return this.#role.judge.again(now);
			case "time":
				if (this.#role.steps.isDue(now))
					throw timedOut(establishment.waitingFor);
				return;
			case "abort":
				throw event.error;
			default:
				return unreachable(event);
		}
	}
}
