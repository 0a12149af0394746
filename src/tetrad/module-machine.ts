import { authenticationFailed, TetradError } from "../errors.ts";
import { CONTENT, type Session } from "../session/index.ts";
import { type ClosedBy, unexpected } from "./machine.ts";
import { LINK, type LinkMessageType } from "./messages.ts";
import { MAX_MODULE_MESSAGE_BYTES } from "./parameters.ts";
import {
	demandSize,
	type Effect,
	errorFromEnd,
	type MachineOptions,
	RoleMachine,
} from "./role-machine.ts";
import type { LocalSession, RootKey } from "./root-key.ts";
import type { Transcript } from "./transcript.ts";

/** A module whose tetrad is confirmed. */
export interface ConfirmedModule {
	readonly transcript: Transcript;
	readonly root: RootKey;
	/** Session 2. */
	readonly inner: Session;
	/** Session 3 or 4. */
	readonly local: LocalSession;
}

/** What the two module roles share: everything after the establishment, and how it fails before. */
export abstract class ModuleMachine extends RoleMachine {
	#confirmed: ConfirmedModule | undefined;
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
				if (this.#confirmed === undefined)
					throw new TetradError(
						"aborted",
						"the agent closed the tetrad before it was confirmed",
					);
				return this.#closeInOrder(this.#confirmed, "agent");
			}
			if (this.#confirmed !== undefined)
				return this.#linkRecord(this.#confirmed, type, body);
			this.handshakeLink(type, body, now);
		});
	}

	/** The signature that a `sign` effect asked for. */
	signed(signature: Uint8Array): Effect[] {
		return this.step(() => this.handshakeSigned(signature));
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
		const { local } = this.confirmed();
		demandSize(message, MAX_MODULE_MESSAGE_BYTES);
		const bytes = local.sealer.seal(CONTENT.message, message);
		return this.step(() => this.sendLink(LINK.local, bytes));
	}

	/** Ends the tetrad in order: tells the other module under session 2 and the own agent, which closes session 1. */
	close(): Effect[] {
		return this.step(() => {
			if (this.#confirmed === undefined)
				throw new TetradError(
					"aborted",
					"the tetrad was closed before it was confirmed",
				);
			this.#closeInOrder(this.#confirmed, "self");
		});
	}

	/** The confirmed tetrad. Throws `not-confirmed` before it is, and `tetrad-closed` after it ended. */
	confirmed(): ConfirmedModule {
		if (this.ended)
			throw new TetradError("tetrad-closed", "this tetrad is over");
		if (this.#confirmed === undefined)
			throw new TetradError(
				"not-confirmed",
				"this tetrad is not confirmed yet; wait for all four devices",
			);
		return this.#confirmed;
	}

	protected abstract handshakeLink(
		type: LinkMessageType,
		body: Uint8Array,
		now: number,
	): void;
	protected abstract handshakeSigned(signature: Uint8Array): void;
	protected enterConfirmed(confirmed: ConfirmedModule): void {
		this.#confirmed = confirmed;
		this.confirm();
	}

	protected override tellOthers(error: TetradError): void {
		this.tellLink(error);
	}

	#linkRecord(
		{ inner, local }: ConfirmedModule,
		type: LinkMessageType,
		body: Uint8Array,
	): void {
		switch (type) {
			case LINK.nested: {
				const content = inner.open(body);
				if (content.type === CONTENT.close) {
					this.tellLink();
					return this.endInOrder("module");
				}
				if (content.type !== CONTENT.message) throw authenticationFailed();
				return this.emit({ kind: "message", session: 2, bytes: content.bytes });
			}
			case LINK.local: {
				const content = local.opener.open(body);
				if (content.type !== CONTENT.message) throw authenticationFailed();
				return this.emit({
					kind: "message",
					session: this.place === "X" ? 3 : 4,
					bytes: content.bytes,
				});
			}
			default:
				throw unexpected("a link message of the establishment");
		}
	}

	/** Session 2 is closed under its own seal, whoever asked for it. */
	#closeInOrder({ inner }: ConfirmedModule, by: ClosedBy): void {
		this.sendLink(LINK.nested, inner.seal(CONTENT.close, new Uint8Array()));
		this.tellLink();
		this.endInOrder(by);
	}
}
