import { authenticationFailed, TetradError, unreachable } from "../errors.ts";
import type { CertifiedDevice } from "../identity/index.ts";
import { CONTENT, type Session } from "../session/index.ts";
import { encodeFrame, FRAME, type Frame, parseFrame } from "../wire/index.ts";
import { unexpected } from "./machine.ts";
import { LINK, type LinkMessageType } from "./messages.ts";
import {
	MAX_AGENT_MESSAGE_BYTES,
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
	readonly place: "A" | "B";

	constructor(options: MachineOptions, place: "A" | "B") {
		super(options);
		this.place = place;
	}

	/** One whole frame from the other agent. */
	frame(bytes: Uint8Array, now: number): Effect[] {
		return this.step(() => {
			if (this.#confirmed !== undefined)
				return this.#recordFrame(this.#confirmed, bytes);
			const frame = parseFrame(bytes);
			if (frame.type === FRAME.refusal)
				throw new TetradError(
					"refused-by-peer",
					"the other agent refused; its owner's log says why",
				);
			this.handshakeFrame(frame, bytes, now);
		});
	}

	/** One message of this tetrad from the own module. */
	linkMessage(type: LinkMessageType, body: Uint8Array, now: number): Effect[] {
		return this.step(() => {
			if (type === LINK.end) {
				const error = errorFromEnd(body);
				if (error !== undefined) throw error;
				return this.#closeInOrder({ tellModule: false });
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

	/** Ends the tetrad in order and tells the other agent and the own module. */
	close(): Effect[] {
		return this.step(() => this.#closeInOrder({ tellModule: true }));
	}

	/** The confirmed tetrad. Throws `not-confirmed` before it is, and `tetrad-closed` after it ended. */
	confirmed(): ConfirmedAgent {
		if (this.ended)
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
	/** Overwrites what the establishment holds, when it fails before it is confirmed. */
	protected abstract wipeHandshake(): void;

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

	protected override tellOthers(error: TetradError): void {
		if (error.code !== "refused-by-peer" && this.#confirmed === undefined)
			this.emit({
				kind: "send-frame",
				bytes: encodeFrame(FRAME.refusal, REFUSAL_BODY),
			});
		this.tellLink(error);
	}

	protected override wipe(): void {
		this.wipeHandshake();
		this.#confirmed?.outer.wipe();
		this.#confirmed?.local.wipe();
		this.#confirmed?.root.wipe();
	}

	#recordFrame({ outer }: ConfirmedAgent, bytes: Uint8Array): void {
		const content = outer.open(bytes);
		switch (content.type) {
			case CONTENT.message:
				return this.emit({ kind: "message", session: 1, bytes: content.bytes });
			case CONTENT.nested:
				return this.sendLink(LINK.nested, content.bytes);
			case CONTENT.close:
				this.tellLink();
				return this.endInOrder();
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
				return this.emit({
					kind: "message",
					session: this.place === "A" ? 3 : 4,
					bytes: content.bytes,
				});
			}
			default:
				throw unexpected("a link message of the establishment");
		}
	}

	#closeInOrder({ tellModule }: { readonly tellModule: boolean }): void {
		if (this.#confirmed === undefined)
			throw new TetradError(
				"aborted",
				"the tetrad was closed before it was confirmed",
			);
		this.emit({
			kind: "send-frame",
			bytes: this.#confirmed.outer.seal(CONTENT.close, new Uint8Array()),
		});
		if (tellModule) this.tellLink();
		this.endInOrder();
	}
}
