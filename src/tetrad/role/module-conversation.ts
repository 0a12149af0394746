import {
	authenticationFailed,
	TetradError,
	unreachable,
} from "../../errors.ts";
import { type ClosedBy, type Ended, unexpected } from "../../machine/index.ts";
import { Outbox, type Session } from "../../session/index.ts";
import { CONTENT, LINK, type LinkMessageType } from "../../wire/index.ts";
import { demandEmptyClose } from "../sessions.ts";
import { errorFromEnd } from "./link-end.ts";
import { localOutbox, openLocal } from "./local-records.ts";
import type { ConfirmedDevice, ModuleEvent } from "./role.ts";
import type { RoleParts } from "./role-parts.ts";

/** A module whose tetrad is confirmed. */
export interface ConfirmedModule extends ConfirmedDevice {
	/** Session 2. */
	readonly inner: Session;
}

/** What follows the establishment at a module: messages of the application, and the close. */
export class ModuleConversation {
	readonly confirmed: ConfirmedModule;
	readonly #role: RoleParts;
	readonly #outboxes: Readonly<Record<"agent" | "module", Outbox>>;

	constructor(role: RoleParts, confirmed: ConfirmedModule) {
		this.confirmed = confirmed;
		this.#role = role;
		const { inner, local } = confirmed;
		this.#outboxes = {
			agent: localOutbox(role, local),
			module: role.steps.own(
				new Outbox(inner, (record) => role.sendLink(LINK.nested, record)),
			),
		};
		role.steps.deadline = undefined;
	}

	/** Takes a message of the application that may have that size. */
	readonly send = ({
		to,
		message,
		atOnce,
	}: Extract<ModuleEvent, { kind: "send" }>): void => {
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
		this.#outboxes.module.tryFlush();
		this.#outboxes.agent.tryFlush();
	}

	/** Takes what happens from now on. */
	step(
		event: Exclude<ModuleEvent, { kind: "send" | "flush" }>,
		now: number,
	): void {
		switch (event.kind) {
			case "link-message":
				return this.#linkMessage(event.type, event.body);
			case "close":
				return this.#end("self");
			case "lists-changed":
				return this.#role.judge.again(now);
			case "time":
				return;
			case "abort":
				throw event.error;
			case "signed":
			case "not-signed":
				throw unexpected("an event of the establishment");
			default:
				return unreachable(event);
		}
	}

	#linkMessage(type: LinkMessageType, body: Uint8Array): void {
		const { inner, local } = this.confirmed;
		const { steps, place } = this.#role;
		switch (type) {
			case LINK.nested: {
				for (const { type, all } of inner.openRows(body)) {
					if (type === CONTENT.close) {
						demandEmptyClose(all);
						this.#outboxes.agent.flush();
						this.#role.tellLink();
						return steps.end("module");
					}
					if (type !== CONTENT.message) throw authenticationFailed();
					steps.emit({ kind: "messages", session: 2, messages: all });
				}
				return;
			}
			case LINK.local: {
				const session = place === "X" ? 3 : 4;
				for (const messages of openLocal(local, body))
					steps.emit({ kind: "messages", session, messages });
				return;
			}
			case LINK.end: {
				const error = errorFromEnd(body);
				if (error !== undefined) throw error;
				return this.#end("agent");
			}
			default:
				throw unexpected("a link message of the establishment");
		}
	}

	/** Session 2 is closed under its own seal, whoever asked for it. */
	#end(by: ClosedBy): void {
		const { inner } = this.confirmed;
		this.#outboxes.module.flush();
		const closing = inner.seal(CONTENT.close, new Uint8Array());
		this.#role.sendLink(LINK.nested, closing);
		this.#outboxes.agent.flush();
		this.#role.tellLink();
		this.#role.steps.end(by);
	}
}

/**
 * What whoever reads session 2 at a module hears at its end: nothing when the other module closed
 * it, and otherwise why not all that the other module sent need have come. Agents in between can
 * leave out its last records and still end in order.
 */
export function readToItsEnd(end: Ended): TetradError | undefined {
	if (end.error !== undefined) return end.error;
	if (end.by === "module") return undefined;
	return new TetradError(
		"unsealed-end",
		"the tetrad was closed, and not by the other module: whether it had more to say is not known",
	);
}
