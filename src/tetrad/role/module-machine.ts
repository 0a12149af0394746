import { authenticationFailed, type TetradError } from "../../errors.ts";
import { type ClosedBy, unexpected } from "../../machine/index.ts";
import type { Session } from "../../session/index.ts";
import { CONTENT, LINK, type LinkMessageType } from "../../wire/index.ts";

import { demandSize, MAX_MODULE_MESSAGE_BYTES } from "../parameters.ts";
import {
	type ConfirmedDevice,
	type Effect,
	errorFromEnd,
	type MachineOptions,
	RoleMachine,
} from "./role-machine.ts";

/** A module whose tetrad is confirmed. */
export interface ConfirmedModule extends ConfirmedDevice {
	/** Session 2. */
	readonly inner: Session;
}

/** What the two module roles share: everything after the establishment, and how it fails before. */
export abstract class ModuleMachine extends RoleMachine<ConfirmedModule> {
	readonly place: "X" | "Y";

	constructor(options: MachineOptions, place: "X" | "Y") {
		super(options);
		this.place = place;
	}

	/** One message of this tetrad from the own agent. */
	linkMessage(type: LinkMessageType, body: Uint8Array, now: number): Effect[] {
		return this.step(() => {
			if (type === LINK.end) {
				const error = errorFromEnd(body);
				if (error !== undefined) throw error;
				return this.#closeInOrder("agent");
			}
			if (this.held !== undefined)
				return this.#linkRecord(this.held, type, body);
			this.handshakeLink(type, body, now);
		});
	}

	/** A message to the other module, over session 2. Throws `not-confirmed` before the tetrad is. */
	send(message: Uint8Array): Effect[] {
		const { inner } = this.confirmed();
		demandSize(message, MAX_MODULE_MESSAGE_BYTES);
		const bytes = inner.seal(CONTENT.message, message);
		return this.step(() => this.sendLink(LINK.nested, bytes));
	}

	/** A message to the own agent, over session 3 or 4. Throws `not-confirmed` before the tetrad is. */
	sendToAgent(message: Uint8Array): Effect[] {
		return this.sendLocal(message);
	}

	/** Ends the tetrad in order: tells the other module under session 2 and the own agent, which closes session 1. */
	close(): Effect[] {
		return this.step(() => this.#closeInOrder("self"));
	}

	protected override tellOthers(error: TetradError): void {
		this.tellLink(error);
	}

	#linkRecord(
		confirmed: ConfirmedModule,
		type: LinkMessageType,
		body: Uint8Array,
	): void {
		switch (type) {
			case LINK.nested: {
				const content = confirmed.inner.open(body);
				if (content.type === CONTENT.close) {
					this.tellLink();
					return this.endInOrder("module");
				}
				if (content.type !== CONTENT.message) throw authenticationFailed();
				return this.emit({ kind: "message", session: 2, bytes: content.bytes });
			}
			case LINK.local:
				return this.takeLocal(confirmed, body);
			default:
				throw unexpected("a link message of the establishment");
		}
	}

	/** Session 2 is closed under its own seal, whoever asked for it. */
	#closeInOrder(by: ClosedBy): void {
		const { inner } = this.heldToClose();
		this.sendLink(LINK.nested, inner.seal(CONTENT.close, new Uint8Array()));
		this.tellLink();
		this.endInOrder(by);
	}
}
