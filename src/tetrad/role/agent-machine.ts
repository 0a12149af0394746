import { TetradError, unreachable } from "../../errors.ts";
import type { CertifiedDevice, ListNumber } from "../../identity/index.ts";
import { type ClosedBy, unexpected } from "../../machine/index.ts";
import type { Session } from "../../session/index.ts";
import {
	CONTENT,
	encodeFrame,
	FRAME,
	type Frame,
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
import {
	type ConfirmedDevice,
	type Effect,
	errorFromEnd,
	type MachineOptions,
	RoleMachine,
} from "./role-machine.ts";

/** An agent whose tetrad is confirmed. */
export interface ConfirmedAgent extends ConfirmedDevice {
	/** Session 1. */
	readonly outer: Session;
}

/** Why an establishment was refused, as far as the other side may know: nothing. */
const REFUSAL_BODY = Uint8Array.of(0);

/** What the two agent roles share: everything after the establishment, and how it fails before. */
export abstract class AgentMachine extends RoleMachine<ConfirmedAgent> {
	/** The own application closed; only the own module's last words are waited for. */
	#closing = false;
	#peerRefused = false;
	/** From when the tetrad is confirmed. */
	#lists: ListExchange | undefined;
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
			if (this.held !== undefined)
				return this.#recordFrame(this.held, bytes, now);
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
			if (this.held !== undefined)
				return this.#linkRecord(this.held, type, body);
			this.handshakeLink(type, body, now);
		});
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
		return this.sendLocal(message);
	}

	/**
	 * Ends the tetrad in order. The own module is told first, so that it can close session 2
	 * under its own seal; then session 1 is closed. Nothing that comes in is delivered any more.
	 */
	close(now: number): Effect[] {
		return this.step(() => {
			if (this.#closing) return;
			this.heldToClose();
			this.#closing = true;
			this.setDeadline(now + CLOSE_TIMEOUT_MS);
			this.tellLink();
		});
	}

	/** Whether `nextList` may have something to send. */
	get listWaits(): boolean {
		return !this.ended && !this.#closing && this.#lists?.waits === true;
	}

	/**
	 * One message about untrusted lists for the other agent, if there is one to send. To be called
	 * after each step, when the carrier has room, until nothing comes.
	 */
	nextList(now: number): Effect[] {
		return this.step(() => {
			if (this.#closing || this.held === undefined) return;
			const message = this.#lists?.next(now);
			if (message === undefined) return;
			const bytes = this.held.outer.seal(CONTENT.lists, message);
			this.emit({ kind: "send-frame", bytes });
		});
	}

	/** What became of the bundle of a `list` effect: which it was, if that could be read, or why the other agent is at fault. */
	listDealt(was: ListNumber | TetradError | undefined): Effect[] {
		return this.step(() => {
			if (was instanceof TetradError) throw was;
			this.#lists?.dealt(was);
		});
	}

	override listsChanged(now: number): Effect[] {
		this.#lists?.changed();
		return super.listsChanged(now);
	}

	protected override enterConfirmed(confirmed: ConfirmedAgent): void {
		super.enterConfirmed(confirmed);
		const { verdicts, listMemory } = this.device;
		this.#lists = this.own(
			new ListExchange({
				lists: verdicts.lists,
				limits: SESSION_LIST_LIMITS,
				memory: listMemory ?? new ListMemory(MAX_LIST_MEMORY_BYTES),
			}),
		);
	}

	protected abstract handshakeFrame(
		frame: Frame,
		bytes: Uint8Array,
		now: number,
	): void;
	/** Checks the two modules as the own module named them: the own one by pairing, the other by policy. */
	protected judgeModules(
		ownHash: Uint8Array,
		peerHash: Uint8Array,
		now: number,
	): { readonly own: CertifiedDevice; readonly peer: CertifiedDevice } {
		const own = this.judgeFromLink(ownHash, "ownModule", now);
		this.demandPaired(own);
		const peer = this.judgeFromLink(peerHash, "peerModule", now);
		return { own, peer };
	}

	protected override get isClosing(): boolean {
		return this.#closing;
	}

	/** A module that does not answer cannot keep its agent from closing. */
	protected override expired(): void {
		if (this.#closing) this.#closeInOrder("self");
		else super.expired();
	}

	protected override tellOthers(error: TetradError): void {
		if (!this.#peerRefused && this.held === undefined)
			this.emit({
				kind: "send-frame",
				bytes: encodeFrame(FRAME.refusal, REFUSAL_BODY),
			});
		this.tellLink(error);
	}

	#recordFrame(
		{ outer }: ConfirmedAgent,
		bytes: Uint8Array,
		now: number,
	): void {
		const content = outer.open(bytes);
		switch (content.type) {
			case CONTENT.message:
				if (!this.isClosing)
					this.emit({ kind: "message", session: 1, bytes: content.bytes });
				return;
			case CONTENT.nested:
				// The other agent chooses this size, and it must not cost more than this tetrad.
				if (content.bytes.length > MAX_LINK_BODY_BYTES)
					throw new TetradError(
						"limit-exceeded",
						"the other agent sent a record of session 2 that no link can carry",
					);
				return this.sendLink(LINK.nested, content.bytes);
			case CONTENT.lists: {
				const bundle = this.#lists?.take(content.bytes, now);
				if (bundle !== undefined) this.emit({ kind: "list", bundle });
				return;
			}
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
		confirmed: ConfirmedAgent,
		type: LinkMessageType,
		body: Uint8Array,
	): void {
		switch (type) {
			case LINK.nested:
				return this.emit({
					kind: "send-frame",
					bytes: confirmed.outer.seal(CONTENT.nested, body),
				});
			case LINK.local:
				return this.takeLocal(confirmed, body);
			default:
				throw unexpected("a link message of the establishment");
		}
	}

	#closeInOrder(by: ClosedBy): void {
		const { outer } = this.heldToClose();
		this.emit({
			kind: "send-frame",
			bytes: outer.seal(CONTENT.close, new Uint8Array()),
		});
		this.endInOrder(by);
	}
}
