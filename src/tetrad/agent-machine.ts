import { authenticationFailed, TetradError, unreachable } from "../errors.ts";
import type { CertifiedDevice } from "../identity/index.ts";
import { CONTENT, type Session } from "../session/index.ts";
import { encodeFrame, FRAME, type Frame, parseFrame } from "../wire/index.ts";
import { type ClosedBy, unexpected } from "./machine.ts";
import { LINK, type LinkMessageType } from "./messages.ts";
import {
	CLOSE_TIMEOUT_MS,
	MAX_AGENT_MESSAGE_BYTES,
	MAX_LINK_BODY_BYTES,
	MAX_MODULE_MESSAGE_BYTES,
} from "./parameters.ts";
import {
	demandSize,
	type Effect,
	errorFromEnd,
	type MachineOptions,
	RoleMachine,
} from "./role-machine.ts";
import type { LocalSession, RootKey } from "./root-key.ts";
import type { Transcript } from "./transcript.ts";

/** An agent whose tetrad is confirmed. */
export interface ConfirmedAgent {
	readonly transcript: Transcript;
	readonly root: RootKey;
	/** Session 1. */
	readonly outer: Session;
	/** Session 3 or 4. */
	readonly local: LocalSession;
}

/** Why an establishment was refused, as far as the other side may know: nothing. */
const REFUSAL_BODY = Uint8Array.of(0);

/** What the two agent roles share: everything after the establishment, and how it fails before. */
export abstract class AgentMachine extends RoleMachine {
	#confirmed: ConfirmedAgent | undefined;
	/** The own application closed; only the own module's last words are waited for. */
	#closing = false;
	#peerRefused = false;
	readonly place: "A" | "B";

	constructor(options: MachineOptions, place: "A" | "B") {
		super(options);
		this.place = place;
	}

	/** One whole frame from the other agent. */
	frame(bytes: Uint8Array, now: number): Effect[] {
		return this.step(() => {
			const frame = parseFrame(bytes);
			if (frame.type === FRAME.refusal) {
				this.#peerRefused = true;
				throw new TetradError(
					"refused-by-peer",
					"the other agent refused or gave up; its owner's log says why",
				);
			}
			if (this.#confirmed !== undefined)
				return this.#recordFrame(this.#confirmed, bytes);
			this.handshakeFrame(frame, bytes, now);
		});
	}

	/** One message of this tetrad from the own module. */
	linkMessage(type: LinkMessageType, body: Uint8Array, now: number): Effect[] {
		return this.step(() => {
			if (type === LINK.end) {
				const error = errorFromEnd(body);
				if (error !== undefined) throw error;
				return this.#closeInOrder(this.#closing ? "self" : "module");
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

	/** A message to the other agent, over session 1. Throws `not-confirmed` before the tetrad is. */
	send(message: Uint8Array): Effect[] {
		const { outer } = this.confirmed();
		demandSize(message, MAX_AGENT_MESSAGE_BYTES);
		const bytes = outer.seal(CONTENT.message, message);
		return this.step(() => this.emit({ kind: "send-frame", bytes }));
	}

	/** A message to the own module, over session 3 or 4. Throws `not-confirmed` before the tetrad is. */
	sendToModule(message: Uint8Array): Effect[] {
		const { local } = this.confirmed();
		demandSize(message, MAX_MODULE_MESSAGE_BYTES);
		const bytes = local.sealer.seal(CONTENT.message, message);
		return this.step(() => this.sendLink(LINK.local, bytes));
	}

	/**
	 * Ends the tetrad in order. The own module is told first, so that it can close session 2
	 * under its own seal; then session 1 is closed. Nothing that comes in is delivered any more.
	 */
	close(now: number): Effect[] {
		return this.step(() => {
			if (this.#closing) return;
			if (this.#confirmed === undefined)
				throw new TetradError(
					"aborted",
					"the tetrad was closed before it was confirmed",
				);
			this.#closing = true;
			this.setDeadline(now + CLOSE_TIMEOUT_MS);
			this.tellLink();
		});
	}

	/** The confirmed tetrad. Throws `not-confirmed` before it is, and `tetrad-closed` after it ended. */
	confirmed(): ConfirmedAgent {
		if (this.ended || this.#closing)
			throw new TetradError("tetrad-closed", "this tetrad is over");
		if (this.#confirmed === undefined)
			throw new TetradError(
				"not-confirmed",
				"this tetrad is not confirmed yet; wait for all four devices",
			);
		return this.#confirmed;
	}

	protected abstract handshakeFrame(
		frame: Frame,
		bytes: Uint8Array,
		now: number,
	): void;
	protected abstract handshakeLink(
		type: LinkMessageType,
		body: Uint8Array,
		now: number,
	): void;
	protected abstract handshakeSigned(signature: Uint8Array): void;
	protected enterConfirmed(confirmed: ConfirmedAgent): void {
		this.#confirmed = confirmed;
		this.confirm();
	}

	/** Checks the two modules as the own module named them: the own one by pairing, the other by policy. */
	protected judgeModules(
		ownHash: Uint8Array,
		peerHash: Uint8Array,
		now: number,
	): { readonly own: CertifiedDevice; readonly peer: CertifiedDevice } {
		const own = this.judgeFromLink(ownHash, "module", now);
		this.demandPaired(own);
		const peer = this.judgeFromLink(peerHash, "module", now);
		return { own, peer };
	}

	/** A module that does not answer cannot keep its agent from closing. */
	protected override expired(): void {
		if (this.#closing) this.#closeInOrder("self");
		else super.expired();
	}

	protected override tellOthers(error: TetradError): void {
		if (!this.#peerRefused && this.#confirmed === undefined)
			this.emit({
				kind: "send-frame",
				bytes: encodeFrame(FRAME.refusal, REFUSAL_BODY),
			});
		this.tellLink(error);
	}

	#recordFrame({ outer }: ConfirmedAgent, bytes: Uint8Array): void {
		const content = outer.open(bytes);
		switch (content.type) {
			case CONTENT.message:
				return this.#deliver(1, content.bytes);
			case CONTENT.nested:
				// The other agent chooses this size, and it must not cost more than this tetrad.
				if (content.bytes.length > MAX_LINK_BODY_BYTES)
					throw new TetradError(
						"limit-exceeded",
						"the other agent sent a record of session 2 that no link can carry",
					);
				return this.sendLink(LINK.nested, content.bytes);
			case CONTENT.close:
				this.tellLink();
				return this.endInOrder("agent");
			case CONTENT.handshake:
			case CONTENT.link:
				throw unexpected("a record of the establishment");
			default:
				return unreachable(content.type);
		}
	}

	#linkRecord(
		{ outer, local }: ConfirmedAgent,
		type: LinkMessageType,
		body: Uint8Array,
	): void {
		switch (type) {
			case LINK.nested:
				return this.emit({
					kind: "send-frame",
					bytes: outer.seal(CONTENT.nested, body),
				});
			case LINK.local: {
				const content = local.opener.open(body);
				if (content.type !== CONTENT.message) throw authenticationFailed();
				return this.#deliver(this.place === "A" ? 3 : 4, content.bytes);
			}
			default:
				throw unexpected("a link message of the establishment");
		}
	}

	#deliver(session: 1 | 3 | 4, bytes: Uint8Array): void {
		if (!this.#closing) this.emit({ kind: "message", session, bytes });
	}

	#closeInOrder(by: ClosedBy): void {
		if (this.#confirmed === undefined)
			throw new TetradError(
				"aborted",
				"the own module closed the tetrad before it was confirmed",
			);
		this.emit({
			kind: "send-frame",
			bytes: this.#confirmed.outer.seal(CONTENT.close, new Uint8Array()),
		});
		this.endInOrder(by);
	}
}
