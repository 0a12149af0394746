/*
 * Device 2 (B), the agent that answers.
 *
 *   listening ──F1──▶ answering ──own signature, I2──▶ answered ──F3──▶ binding ──module's answer──▶ confirmed   direct
 *       │ (another suite: retry, stateless)                                │
 *       ▼                                                                  └──▶ bound ──F5──▶ confirmed   crossed
 *   listening
 *
 * In direct routing one message may follow F3; it is held until B is bound.
 */
import {
	authenticationFailed,
	TetradError,
	unreachable,
} from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import { unexpected } from "../../machine/index.ts";
import {
	type AnsweringMessage1,
	authenticate,
	message1Overhead,
	readMessage1,
	type Session,
} from "../../session/index.ts";
import {
	CONTENT,
	copy,
	encodeFrame,
	FRAME,
	type Frame,
	LINK,
	type LinkMessageType,
} from "../../wire/index.ts";
import {
	ANSWER,
	ANSWERED,
	BIND_RESPONDER,
	CONFIRM_RESPONDER,
	F1,
	F2,
	F3,
	F4,
	F5,
	RESPONDER_BOUND,
	RETRY,
} from "../messages.ts";
import {
	acceptOffer,
	type Offer,
	parseOffer,
	parseSuites,
	pickSuite,
} from "../offer.ts";
import { LINK_BYTE, NEXT_FLIGHT_MS, SHARE_BYTES } from "../parameters.ts";
import { RootKey } from "../root-key.ts";
import { openSession, outerSetup } from "../sessions.ts";
import type { Transcript } from "../transcript.ts";
import type { ConfirmedAgent } from "./agent-conversation.ts";
import { type AgentEstablishment, AgentMachine } from "./agent-machine.ts";
import { demandTwo } from "./judge.ts";
import { ResumingAgentResponder } from "./resuming-agent-responder.ts";
import type { AgentEffect, MachineOptions } from "./role.ts";
import type { RoleParts } from "./role-parts.ts";

/** What B knows from F1 on. */
interface Answering {
	readonly offer: Offer;
	readonly handshake: AnsweringMessage1;
	readonly r2: Uint8Array;
}

/** What B knows from F2 on. */
interface Answered {
	readonly offer: Offer;
	readonly outer: Session;
	readonly outerHash: Uint8Array;
	readonly r2: Uint8Array;
}

/** What F3 brought. */
interface Heard {
	readonly peer: CertifiedDevice;
	readonly r1: Uint8Array;
	readonly finA: Uint8Array;
	/** In direct routing only; crossed routing has it in F5. */
	readonly finX: Uint8Array | undefined;
}

interface Formed {
	readonly transcript: Transcript;
	readonly root: RootKey;
}

type State =
	| { readonly kind: "listening"; readonly retried: boolean }
	| { readonly kind: "answering"; readonly answering: Answering }
	| {
			readonly kind: "signed";
			readonly answering: Answering;
			readonly signature: Uint8Array;
	  }
	| {
			readonly kind: "prepared";
			readonly answering: Answering;
			readonly i2: Uint8Array;
	  }
	| { readonly kind: "answered"; readonly answered: Answered }
	| {
			readonly kind: "binding";
			readonly answered: Answered;
			readonly heard: Heard;
			/** The first message, held back until B is bound. */
			readonly held: Uint8Array | undefined;
	  }
	| {
			readonly kind: "bound";
			readonly answered: Answered;
			readonly heard: Heard;
			readonly formed: Formed;
	  }
	| { readonly kind: "confirmed"; readonly confirmed: ConfirmedAgent };

const WAITING: Readonly<Record<State["kind"], string>> = {
	listening: "the other agent sends an offer (flight 1)",
	answering: "the own module and the own signer answer",
	signed: "the own module answers",
	prepared: "the own signer signs",
	answered: "the other agent authenticates (flight 3)",
	binding: "the own module binds",
	bound: "the other side confirms (flight 5)",
	confirmed: "nothing",
};

/** How an agent answers, beside what every machine is given. */
export interface AgentResponderOptions extends MachineOptions {
	/** Asked of an agent that has proved who it is, before anything more is done for it. Throws `busy` when that is too much. */
	readonly admit?: (peer: CertifiedDevice) => void;
}

/** Device 2, B: the agent that is called. It waits for the first flight of A. */
export function agentResponder(options: AgentResponderOptions): AgentMachine {
	const { now, timeoutMs, admit = () => {} } = options;
	const until = now + timeoutMs;
	return new AgentMachine(
		"B",
		options,
		(role) =>
			new ResumingAgentResponder(
				role,
				admit,
				until,
				new AgentResponder(role, admit, until),
			),
	);
}

class AgentResponder implements AgentEstablishment {
	readonly #role: RoleParts<AgentEffect>;
	readonly #admit: (peer: CertifiedDevice) => void;
	/** When the whole establishment has to be over. */
	readonly #until: number;
	#state: State = { kind: "listening", retried: false };

	constructor(
		role: RoleParts<AgentEffect>,
		admit: (peer: CertifiedDevice) => void,
		until: number,
	) {
		this.#role = role;
		this.#admit = admit;
		this.#until = until;
	}

	frame(frame: Frame, bytes: Uint8Array, now: number): void {
		const state = this.#state;
		if (state.kind === "listening" && frame.type === FRAME.offer)
			return this.#flight1(state, frame.body, now);
		if (frame.type === FRAME.record) {
			if (state.kind === "answered") return this.#flight3(state, bytes, now);
			if (state.kind === "binding") return this.#holdFirstMessage(state, bytes);
			if (state.kind === "bound") return this.#flight5(state, bytes);
		}
		throw unexpected("a frame of the other agent");
	}

	linkMessage(type: LinkMessageType, body: Uint8Array, now: number): void {
		const state = this.#state;
		switch (state.kind) {
			case "answering":
			case "signed": {
				if (type !== LINK.answered) break;
				const i2 = copy(ANSWERED.decode(body).i2);
				if (state.kind === "signed")
					return this.#flight2(state.answering, state.signature, i2, now);
				this.#state = { kind: "prepared", answering: state.answering, i2 };
				return;
			}
			case "binding":
				if (type !== LINK.responderBound) break;
				return this.#moduleBound(state, body, now);
			case "listening":
			case "prepared":
			case "answered":
			case "bound":
			case "confirmed":
				break;
			default:
				return unreachable(state);
		}
		throw unexpected("a message of the own module");
	}

	signed(signature: Uint8Array, now: number): void {
		const state = this.#state;
		if (state.kind === "answering")
			this.#state = { kind: "signed", answering: state.answering, signature };
		else if (state.kind === "prepared")
			this.#flight2(state.answering, signature, state.i2, now);
		else throw unexpected("a signature");
	}

	get confirmed(): ConfirmedAgent | undefined {
		return this.#state.kind === "confirmed" ? this.#state.confirmed : undefined;
	}

	get waitingFor(): string {
		return WAITING[this.#state.kind];
	}

	#flight1(
		{ retried }: Extract<State, { kind: "listening" }>,
		body: Uint8Array,
		now: number,
	): void {
		this.#role.judge.own(now);
		const { crypto, policy, own } = this.#role.device;
		const { offer: raw, message1 } = F1.decode(body);
		const { suites, selected } = parseSuites(raw);
		const picked = pickSuite(policy, suites);
		if (picked === undefined)
			throw new TetradError(
				"negotiation-failed",
				"the other agent offers no suite that this device's policy accepts",
			);
		if (picked.id !== selected) {
			if (retried)
				throw new TetradError(
					"negotiation-failed",
					"the other agent did not follow the retry",
				);
			this.#role.steps.emit({
				kind: "send-frame",
				bytes: encodeFrame(FRAME.retry, RETRY.encode({ suite: picked.id })),
			});
			this.#state = { kind: "listening", retried: true };
			return;
		}
		const offer = parseOffer(raw);
		acceptOffer(policy, offer);
		if (!policy.links.includes(this.#role.link.mode))
			throw new TetradError(
				"negotiation-failed",
				`this device's policy does not accept its own link, which is ${this.#role.link.mode}`,
			);
		const { pattern } = offer.selected.protocol;
		if (message1.length !== 2 * message1Overhead(pattern))
			throw authenticationFailed();
		const handshake = this.#role.steps.own(
			readMessage1(crypto, outerSetup(this.#role.device, offer), message1),
		);
		const r2 = this.#role.steps.ownBytes(crypto.random(SHARE_BYTES));
		this.#role.sendLink(
			LINK.answer,
			ANSWER.encode({
				offer: offer.raw,
				responderLink: LINK_BYTE[this.#role.link.mode],
				outerHash: handshake.hash,
				ownAgent: own.chainHash,
				i1: handshake.payload,
				r2: offer.routing === "direct" ? r2 : undefined,
			}),
			own,
		);
		this.#role.sign("B", handshake.hash, own.chainHash);
		this.#state = {
			kind: "answering",
			answering: { offer, handshake, r2 },
		};
	}

	#flight2(
		{ offer, handshake, r2 }: Answering,
		signature: Uint8Array,
		i2: Uint8Array,
		now: number,
	): void {
		const { message2, secrets } = handshake.finish(
			F2.encode({
				chain: this.#role.device.own.encodedChain,
				signature,
				r2,
				i2,
				responderLink: LINK_BYTE[this.#role.link.mode],
			}),
		);
		const outer = this.#role.steps.own(
			openSession(this.#role.device, secrets, "responder", "S1"),
		);
		this.#role.steps.emit({
			kind: "send-frame",
			bytes: encodeFrame(FRAME.answer, message2),
		});
		this.#state = {
			kind: "answered",
			answered: { offer, outer, outerHash: handshake.hash, r2 },
		};
		this.#awaitFlight(now);
	}

	/** Whoever got F2 may have sent an offer that somebody else made, and means to send nothing more. */
	#awaitFlight(now: number): void {
		this.#role.steps.deadline = Math.min(this.#until, now + NEXT_FLIGHT_MS);
	}

	#flight3(
		{ answered }: Extract<State, { kind: "answered" }>,
		bytes: Uint8Array,
		now: number,
	): void {
		const { crypto, own } = this.#role.device;
		const { offer, outer, outerHash } = answered;
		const content = outer.open(bytes);
		if (content.type !== CONTENT.handshake) throw authenticationFailed();
		const direct = offer.routing === "direct";
		const f3 = direct
			? F3.direct.decode(content.bytes)
			: { ...F3.crossed.decode(content.bytes), finX: undefined };
		const peer = this.#role.judge.shown(f3.chain, "peerAgent", now);
		authenticate(
			crypto,
			peer,
			f3.signature,
			"A",
			outerHash,
			peer.chainHash,
			own.chainHash,
		);
		demandTwo(own, peer);
		this.#admit(peer);
		this.#role.steps.deadline = this.#until;
		const request = { peerAgent: peer.chainHash, i3: f3.i3 };
		this.#role.sendLink(
			LINK.bindResponder,
			direct
				? BIND_RESPONDER.direct.encode(request)
				: BIND_RESPONDER.crossed.encode({ ...request, r1: f3.r1 }),
			peer,
		);
		this.#state = {
			kind: "binding",
			answered,
			heard: {
				peer,
				r1: this.#role.steps.ownBytes(copy(f3.r1)),
				finA: copy(f3.finA),
				finX: f3.finX && copy(f3.finX),
			},
			held: undefined,
		};
	}

	/** A sends at most one message before B's flight 4, so a second one here is out of turn. */
	#holdFirstMessage(
		state: Extract<State, { kind: "binding" }>,
		bytes: Uint8Array,
	): void {
		const { outer, offer } = state.answered;
		if (state.held !== undefined || offer.routing !== "direct")
			throw unexpected("a record of the other agent");
		const content = outer.open(bytes);
		if (content.type !== CONTENT.message)
			throw unexpected("a record of the other agent");
		this.#state = { ...state, held: content.bytes };
	}

	#moduleBound(
		{ answered, heard, held }: Extract<State, { kind: "binding" }>,
		body: Uint8Array,
		now: number,
	): void {
		const { crypto, own } = this.#role.device;
		const { offer, outerHash, outer, r2 } = answered;
		const fields = RESPONDER_BOUND.decode(body);
		const { judge } = this.#role;
		const modules = {
			own: judge.paired(fields.ownModule, "ownModule", now),
			peer: judge.named(fields.peerModule, "peerModule", now),
		};
		demandTwo(modules.own, modules.peer);
		const transcript: Transcript = {
			outerHash,
			innerHash: copy(fields.innerHash),
			parties: { A: heard.peer, B: own, X: modules.peer, Y: modules.own },
			offer,
			responderLink: this.#role.link.mode,
		};
		const root = this.#role.steps.own(
			RootKey.form(crypto, transcript, heard.r1, r2, this.#role.log),
		);
		root.check("Y", fields.finY);
		root.check("A", heard.finA);
		if (heard.finX !== undefined) root.check("X", heard.finX);
		this.#role.steps.emit({ kind: "bound" });

		const finB = root.fin("B");
		const flight4 = F4.encode({ finB, finY: fields.finY, i4: fields.i4 });
		this.#role.steps.emit({
			kind: "send-frame",
			bytes: outer.seal(CONTENT.handshake, flight4),
		});
		const formed = { transcript, root };
		if (offer.routing === "crossed") {
			this.#state = { kind: "bound", answered, heard, formed };
			this.#awaitFlight(now);
			return;
		}
		this.#role.sendLink(
			LINK.confirmResponder,
			CONFIRM_RESPONDER.direct.encode({ finA: heard.finA, finB }),
		);
		this.#confirm(answered, heard, formed);
		if (held !== undefined)
			this.#role.steps.emit({ kind: "messages", session: 1, messages: [held] });
	}

	#flight5(
		{ answered, heard, formed }: Extract<State, { kind: "bound" }>,
		bytes: Uint8Array,
	): void {
		const content = answered.outer.open(bytes);
		if (content.type !== CONTENT.handshake) throw authenticationFailed();
		const { finX, i5 } = F5.decode(content.bytes);
		formed.root.check("X", finX);
		this.#role.sendLink(
			LINK.confirmResponder,
			CONFIRM_RESPONDER.crossed.encode({
				finA: heard.finA,
				finB: formed.root.fin("B"),
				i5,
			}),
		);
		this.#confirm(answered, heard, formed);
	}

	#confirm(
		{ outer, r2 }: Answered,
		{ r1 }: Heard,
		{ transcript, root }: Formed,
	): void {
		r1.fill(0);
		r2.fill(0);
		this.#state = {
			kind: "confirmed",
			confirmed: {
				transcript,
				root,
				outer,
				local: this.#role.steps.own(
					root.localSession(
						transcript.offer.selected.protocol.records,
						this.#role.link.secret,
						"BY",
						this.#role.log,
					),
				),
			},
		};
		this.#role.steps.emit({ kind: "confirmed" });
	}
}
