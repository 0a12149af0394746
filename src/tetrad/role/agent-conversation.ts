import { TetradError, unreachable } from "../../errors.ts";
import { type ClosedBy, unexpected } from "../../machine/index.ts";
import { type ContentRow, Outbox, type Session } from "../../session/index.ts";
import { CONTENT, FRAME, LINK, parseFrame } from "../../wire/index.ts";
import { ListExchange, ListMemory } from "../list-exchange.ts";
import {
	CLOSE_TIMEOUT_MS,
	MAX_LINK_BODY_BYTES,
	MAX_LIST_MEMORY_BYTES,
	SESSION_LIST_LIMITS,
} from "../parameters.ts";
import { demandEmptyClose } from "../sessions.ts";
import { errorFromEnd } from "./link-end.ts";
import { localOutbox, openLocal } from "./local-records.ts";
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
	readonly #outboxes: Readonly<Record<"agent" | "module", Outbox>>;
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
		const { outer, local } = confirmed;
		this.#outboxes = {
			agent: role.steps.own(
				new Outbox(outer, (bytes) =>
					role.steps.emit({ kind: "send-frame", bytes }),
				),
			),
			module: localOutbox(role, local),
		};
		role.steps.deadline = undefined;
	}

	get closing(): boolean {
		return this.#closing;
	}

	/** Takes a message of the application that may have that size. */
	readonly send = ({
		to,
		message,
		atOnce,
	}: Extract<AgentEvent, { kind: "send" }>): void => {
		const outbox = this.#outboxes[to];
		if (atOnce) outbox.putAtOnce(CONTENT.message, message);
		else outbox.put(CONTENT.message, message);
	};

	/** Whether something waits to be sealed for that device. */
	waits(to: "agent" | "module"): boolean {
		return this.#outboxes[to].waits;
	}

	/** Seals what waits for that device. */
	flush(to: "agent" | "module"): void {
		this.#outboxes[to].flush();
	}

	/** Seals what was sent before a failure, as far as that can be. */
	flushBeforeFailure(): void {
		this.#outboxes.agent.tryFlush();
		this.#outboxes.module.tryFlush();
	}

	/** Takes what happens from now on. */
	step(
		event: Exclude<AgentEvent, { kind: "send" | "flush" }>,
		now: number,
	): void {
		switch (event.kind) {
			case "frame":
				return this.#frame(event.bytes, now);
			case "link-message":
				return this.#linkMessage(event);
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
		for (const row of this.confirmed.outer.openRows(bytes)) this.#row(row, now);
	}

	#row({ type, all }: ContentRow, now: number): void {
		const { steps } = this.#role;
		switch (type) {
			case CONTENT.message:
				if (!this.#closing)
					steps.emit({ kind: "messages", session: 1, messages: all });
				return;
			case CONTENT.nested:
				// The other agent chooses this size, and it must not cost more than this tetrad.
				for (const record of all) {
					if (record.length > MAX_LINK_BODY_BYTES)
						throw new TetradError(
							"limit-exceeded",
							"the other agent sent a record of session 2 that no link can carry",
						);
					this.#role.sendLink(LINK.nested, record);
				}
				return;
			case CONTENT.lists:
				for (const part of all) {
					const bundle = this.#lists.take(part, now);
					if (bundle !== undefined) steps.emit({ kind: "list", bundle });
				}
				return;
			case CONTENT.close:
				demandEmptyClose(all);
				this.#outboxes.module.flush();
				this.#role.tellLink();
				return steps.end("agent");
			case CONTENT.handshake:
			case CONTENT.link:
				throw unexpected("a record of the establishment");
			default:
				return unreachable(type);
		}
	}

	#linkMessage({
		type,
		body,
		atOnce = false,
	}: Extract<AgentEvent, { kind: "link-message" }>): void {
		const { local } = this.confirmed;
		const { steps, place } = this.#role;
		switch (type) {
			case LINK.nested:
				return atOnce
					? this.#outboxes.agent.putAtOnce(CONTENT.nested, body)
					: this.#outboxes.agent.put(CONTENT.nested, body);
			case LINK.end: {
				const error = errorFromEnd(body);
				if (error !== undefined) throw error;
				return this.#end(this.#closing ? "self" : "module");
			}
			case LINK.local: {
				const session = place === "A" ? 3 : 4;
				for (const messages of openLocal(local, body))
					if (!this.#closing)
						steps.emit({ kind: "messages", session, messages });
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
		this.#outboxes.agent.flush();
		this.#outboxes.module.flush();
		this.#role.tellLink();
	}

	#nextList(now: number): void {
		if (this.#closing) return;
		const message = this.#lists.next(now);
		if (message !== undefined) this.#outboxes.agent.put(CONTENT.lists, message);
	}

	#end(by: ClosedBy): void {
		const { steps } = this.#role;
		this.#outboxes.agent.flush();
		const bytes = this.confirmed.outer.seal(CONTENT.close, new Uint8Array());
		steps.emit({ kind: "send-frame", bytes });
		steps.end(by);
	}
}
