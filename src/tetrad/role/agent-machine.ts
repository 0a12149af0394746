/*
 * The machine of an agent, whichever of the two it is.
 *
 *   establishing ──confirmed──▶ conversing
 *        └──refusal of the other agent──▶ refused
 */
import { type TetradError, unreachable } from "../../errors.ts";
import {
	type Ended,
	type Machine,
	timedOut,
	unexpected,
} from "../../machine/index.ts";
import {
	FRAME,
	type Frame,
	LINK,
	type LinkMessageType,
	parseFrame,
} from "../../wire/index.ts";
import { demandMessageSize } from "../parameters.ts";
import {
	AgentConversation,
	type ConfirmedAgent,
} from "./agent-conversation.ts";
import { errorFromEnd } from "./link-end.ts";
import {
	type AgentEffect,
	type AgentEvent,
	closedTooEarly,
	type MachineOptions,
	notConfirmed,
	refusalFrame,
	refusedByPeer,
	tetradIsOver,
} from "./role.ts";
import { RoleParts } from "./role-parts.ts";

/** How an agent comes to a confirmed tetrad: as the one that calls, or as the one that answers. */
export interface AgentEstablishment {
	/** Only the agent that calls is started. */
	readonly start?: () => void;
	frame(frame: Frame, bytes: Uint8Array, now: number): void;
	linkMessage(type: LinkMessageType, body: Uint8Array, now: number): void;
	signed(signature: Uint8Array, now: number): void;
	/** What the device is once it is confirmed. */
	readonly confirmed: ConfirmedAgent | undefined;
	/** Ends a sentence that begins with "no answer in time while". */
	readonly waitingFor: string;
}

type Phase =
	| {
			readonly kind: "establishing";
			readonly establishment: AgentEstablishment;
	  }
	| { readonly kind: "conversing"; readonly conversation: AgentConversation }
	| { readonly kind: "refused" };

/** Device 1 or 2: an agent in one tetrad, from the first flight to the close. */
export class AgentMachine implements Machine<AgentEvent, AgentEffect> {
	readonly place: "A" | "B";
	readonly #role: RoleParts<AgentEffect>;
	/** Where A calls. */
	readonly #address: string | undefined;
	#phase: Phase;

	constructor(
		place: "A" | "B",
		options: MachineOptions & { readonly address?: string },
		establish: (role: RoleParts<AgentEffect>) => AgentEstablishment,
	) {
		this.place = place;
		this.#address = options.address;
		this.#role = new RoleParts<AgentEffect>(place, options, (error) =>
			this.#tellOthers(error),
		);
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

	/** Whether `next-list` may have something to send; to be looked at after each event. */
	get listWaits(): boolean {
		return (
			!this.ended &&
			this.#phase.kind === "conversing" &&
			this.#phase.conversation.listWaits
		);
	}

	/** Whether `flush` has something to seal for that device; to be looked at after each event. */
	flushWaits(to: "agent" | "module"): boolean {
		return (
			!this.ended &&
			this.#phase.kind === "conversing" &&
			this.#phase.conversation.waits(to)
		);
	}

	/** The confirmed tetrad. Throws `not-confirmed` before it is, and `tetrad-closed` once it closes or has ended. */
	confirmed(): ConfirmedAgent {
		return this.#open().confirmed;
	}

	/** Hands over what happened at `now`, in milliseconds since the epoch, and returns what shall be done. Throws only for `send`. */
	handle(event: AgentEvent, now: number): readonly (AgentEffect | Ended)[] {
		if (event.kind !== "send") return this.#take(event, now);
		// Of these there are most, so nothing is made for one but what is sent.
		const conversation = this.#open();
		demandMessageSize("agent", event.to, event.message);
		return this.#role.steps.run(conversation.send, event);
	}

	#take(
		event: Exclude<AgentEvent, { kind: "send" }>,
		now: number,
	): readonly (AgentEffect | Ended)[] {
		return this.#role.steps.run(() => {
			const phase = this.#phase;
			if (event.kind === "flush") {
				if (phase.kind === "conversing") phase.conversation.flush(event.to);
			} else if (phase.kind === "establishing") {
				this.#establish(phase.establishment, event, now);
				this.#converseIfConfirmed(phase.establishment, now);
			} else if (phase.kind === "conversing")
				phase.conversation.step(event, now);
		});
	}

	/** For whoever may send. */
	#open(): AgentConversation {
		const phase = this.#phase;
		if (this.ended) throw tetradIsOver();
		if (phase.kind !== "conversing") throw notConfirmed();
		if (phase.conversation.closing) throw tetradIsOver();
		return phase.conversation;
	}

	#converseIfConfirmed({ confirmed }: AgentEstablishment, now: number): void {
		if (confirmed === undefined) return;
		const { outer: session } = confirmed;
		this.#role.keepToken({ ...confirmed, session }, now, this.#address);
		const conversation = new AgentConversation(this.#role, confirmed);
		this.#phase = { kind: "conversing", conversation };
	}

	#establish(
		establishment: AgentEstablishment,
		event: Exclude<AgentEvent, { kind: "send" | "flush" }>,
		now: number,
	): void {
		switch (event.kind) {
			case "start":
				if (establishment.start === undefined) throw unexpected("a start");
				return establishment.start();
			case "frame": {
				const { bytes } = event;
				const frame = parseFrame(bytes);
				if (frame.type === FRAME.refusal) {
					this.#phase = { kind: "refused" };
					throw refusedByPeer(frame.body);
				}
				return establishment.frame(frame, bytes, now);
			}
			case "link-message": {
				const { type, body } = event;
				if (type === LINK.end) throw errorFromEnd(body) ?? closedTooEarly();
				return establishment.linkMessage(type, body, now);
			}
			case "signed":
			case "not-signed":
				return establishment.signed(this.#role.signing.take(event), now);
			case "close":
				throw closedTooEarly();
			case "next-list":
			case "list-dealt":
				return;
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

	#tellOthers(error: TetradError): void {
		if (this.#phase.kind === "conversing")
			this.#phase.conversation.flushBeforeFailure();
		if (this.#phase.kind === "establishing")
			this.#role.steps.emit({
				kind: "send-frame",
				bytes: refusalFrame(error),
			});
		this.#role.tellLink(error);
	}
}
