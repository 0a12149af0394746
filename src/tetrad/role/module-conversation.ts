import {
	authenticationFailed,
	TetradError,
	unreachable,
} from "../../errors.ts";
import { type ClosedBy, type Ended, unexpected } from "../../machine/index.ts";
import type { Session } from "../../session/index.ts";
import { CONTENT, LINK, type LinkMessageType } from "../../wire/index.ts";
import { demandSize, MAX_MODULE_MESSAGE_BYTES } from "../parameters.ts";
import { demandEmptyClose } from "../sessions.ts";
import { errorFromEnd } from "./link-end.ts";
import { openLocal, sealLocal } from "./local-records.ts";
import type { ConfirmedDevice, ModuleEffect, ModuleEvent } from "./role.ts";
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

	constructor(role: RoleParts, confirmed: ConfirmedModule) {
		this.confirmed = confirmed;
		this.#role = role;
		role.steps.deadline = undefined;
	}

	/** Seals a message of the application. Throws `message-too-large`. */
	seal(to: "agent" | "module", message: Uint8Array): ModuleEffect {
		const { inner, local } = this.confirmed;
		if (to === "agent") return sendLink(LINK.local, sealLocal(local, message));
		demandSize(message, MAX_MODULE_MESSAGE_BYTES);
		return sendLink(LINK.nested, inner.seal(CONTENT.message, message));
	}

	/** Takes what happens from now on. */
	step(event: Exclude<ModuleEvent, { kind: "send" }>, now: number): void {
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
				const content = inner.open(body);
				if (content.type === CONTENT.close) {
					demandEmptyClose(content);
					this.#role.tellLink();
					return steps.end("module");
				}
				if (content.type !== CONTENT.message) throw authenticationFailed();
				return steps.emit({
					kind: "message",
					session: 2,
					bytes: content.bytes,
				});
			}
			case LINK.local: {
				const bytes = openLocal(local, body);
				const session = place === "X" ? 3 : 4;
				return steps.emit({ kind: "message", session, bytes });
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
		const closing = inner.seal(CONTENT.close, new Uint8Array());
		this.#role.sendLink(LINK.nested, closing);
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

function sendLink(type: LinkMessageType, body: Uint8Array): ModuleEffect {
	return { kind: "send-link", type, body, chains: [] };
}
