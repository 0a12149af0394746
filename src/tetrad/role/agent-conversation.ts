import { TetradError, unreachable } from "../../errors.ts";
import { type ClosedBy, unexpected } from "../../machine/index.ts";
import type { Session } from "../../session/index.ts";
import {
	CONTENT,
	FRAME,
	LINK,
	type LinkMessageType,
	parseFrame,
} from "../../wire/index.ts";
import { ListExchange, ListMemory } from "../list-exchange.ts";
import {
	CLOSE_TIMEOUT_MS,
	demandSize,
	MAX_AGENT_MESSAGE_BYTES,
	MAX_LINK_BODY_BYTES,
	MAX_LIST_MEMORY_BYTES,
	SESSION_LIST_LIMITS,
} from "../parameters.ts";
import { demandEmptyClose } from "../sessions.ts";
import { errorFromEnd } from "./link-end.ts";
import { openLocal, sealLocal } from "./local-records.ts";
import {
	type AgentEffect,
	type AgentEvent,
	type ConfirmedDevice,
	refusedByPeer,
} from "./role.ts";
import type { RoleParts } from "./role-parts.ts";

/** An agent whose tetrad is confirmed. */
export interface ConfirmedAgent extends ConfirmedDevice {
	/** Session 1. */
	readonly outer: Session;
}

/** What follows the establishment at an agent: messages of the application, those of session 2 passed on unopened, lists, and the close. */
export class AgentConversation {
	readonly confirmed: ConfirmedAgent;
	readonly #role: RoleParts<AgentEffect>;
	readonly #lists: ListExchange;
	/** The own application closed; only the own module's last words are waited for. */
	#closing = false;

	constructor(role: RoleParts<AgentEffect>, confirmed: ConfirmedAgent) {
		this.confirmed = confirmed;
		this.#role = role;
		const { verdicts, listMemory } = role.device;
		this.#lists = role.steps.own(
			new ListExchange({
				lists: verdicts.lists,
				limits: SESSION_LIST_LIMITS,
				memory: listMemory ?? new ListMemory(MAX_LIST_MEMORY_BYTES),
			}),
		);
		role.steps.deadline = undefined;
	}

	get closing(): boolean {
		return this.#closing;
	}

	/** Seals a message of the application. Throws `message-too-large`. */
	seal(to: "agent" | "module", message: Uint8Array): AgentEffect {
		const { outer, local } = this.confirmed;
		if (to === "module")
			return {
				kind: "send-link",
				type: LINK.local,
				body: sealLocal(local, message),
				chains: [],
			};
		demandSize(message, MAX_AGENT_MESSAGE_BYTES);
		return {
			kind: "send-frame",
			bytes: outer.seal(CONTENT.message, message),
		};
	}

	/** Takes what happens from now on. */
	step(event: Exclude<AgentEvent, { kind: "send" }>, now: number): void {
		switch (event.kind) {
			case "frame":
				return this.#frame(event.bytes, now);
			case "link-message":
				return this.#linkMessage(event.type, event.body);
			case "close":
				return this.#close(now);
			case "next-list":
				return this.#nextList(now);
			case "list-dealt":
				if (event.was instanceof TetradError) throw event.was;
				return this.#lists.dealt(event.was);
			case "lists-changed":
				this.#lists.changed();
				return this.#role.judge.again(now);
			case "time":
				// A module that does not answer cannot keep its agent from closing.
				if (this.#role.steps.isDue(now)) this.#end("self");
				return;
			case "abort":
				throw event.error;
			case "start":
			case "signed":
			case "not-signed":
				throw unexpected("an event of the establishment");
			default:
				return unreachable(event);
		}
	}

	/** Whether `next-list` may have something to send. */
	get listWaits(): boolean {
		return !this.#closing && this.#lists.waits;
	}

	#frame(bytes: Uint8Array, now: number): void {
		if (parseFrame(bytes).type === FRAME.refusal) throw refusedByPeer();
		const { steps } = this.#role;
		const content = this.confirmed.outer.open(bytes);
		switch (content.type) {
			case CONTENT.message:
				if (!this.#closing)
					steps.emit({ kind: "message", session: 1, bytes: content.bytes });
				return;
			case CONTENT.nested:
				// The other agent chooses this size, and it must not cost more than this tetrad.
				if (content.bytes.length > MAX_LINK_BODY_BYTES)
					throw new TetradError(
						"limit-exceeded",
						"the other agent sent a record of session 2 that no link can carry",
					);
				return this.#role.sendLink(LINK.nested, content.bytes);
			case CONTENT.lists: {
				const bundle = this.#lists.take(content.bytes, now);
				if (bundle !== undefined) steps.emit({ kind: "list", bundle });
				return;
			}
			case CONTENT.close:
				demandEmptyClose(content);
				this.#role.tellLink();
				return steps.end("agent");
			case CONTENT.handshake:
			case CONTENT.link:
				throw unexpected("a record of the establishment");
			default:
				return unreachable(content.type);
		}
	}

	#linkMessage(type: LinkMessageType, body: Uint8Array): void {
		const { outer, local } = this.confirmed;
		const { steps, place } = this.#role;
		switch (type) {
			case LINK.nested:
				return steps.emit({
					kind: "send-frame",
					bytes: outer.seal(CONTENT.nested, body),
				});
			case LINK.end: {
				const error = errorFromEnd(body);
				if (error !== undefined) throw error;
				return this.#end(this.#closing ? "self" : "module");
			}
			case LINK.local: {
				const bytes = openLocal(local, body);
				if (!this.#closing)
					steps.emit({
						kind: "message",
						session: place === "A" ? 3 : 4,
						bytes,
					});
				return;
			}
			default:
				throw unexpected("a link message of the establishment");
		}
	}

	/**
	 * The own module is told first, so that it can close session 2 under its own seal; then session
	 * 1 is closed. Nothing that comes in is delivered any more.
	 */
	#close(now: number): void {
		if (this.#closing) return;
		this.#closing = true;
		this.#role.steps.deadline = now + CLOSE_TIMEOUT_MS;
		this.#role.tellLink();
	}

	#nextList(now: number): void {
		if (this.#closing) return;
		const message = this.#lists.next(now);
		if (message === undefined) return;
		const bytes = this.confirmed.outer.seal(CONTENT.lists, message);
		this.#role.steps.emit({ kind: "send-frame", bytes });
	}

	#end(by: ClosedBy): void {
		const { steps } = this.#role;
		const bytes = this.confirmed.outer.seal(CONTENT.close, new Uint8Array());
		steps.emit({ kind: "send-frame", bytes });
		steps.end(by);
	}
}
