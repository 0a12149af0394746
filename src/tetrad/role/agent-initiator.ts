/*
 * Device 1 (A), the agent that starts a tetrad.
 *
 *   preparing ──I1──▶ offered ──F2──▶ binding ──own signature, module's answer──▶ bound ──F4──▶ confirmed   direct
 *       ▲                │                                                          │
 *       └──retry, once───┘                                                          └─F4─▶ confirming ─fin_X─▶ confirmed   crossed
 *
 * While it is offered, a cookie leads to the same offer once more, once in an establishment.
 */
import {
	authenticationFailed,
	TetradError,
	unreachable,
} from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import { unexpected } from "../../machine/index.ts";
import {
	type AwaitingMessage2,
	authenticate,
	type Session,
	type Suite,
	startInitiator,
	suiteById,
	suiteByName,
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
	AGENT_BOUND,
	BEGIN,
	BIND_INITIATOR,
	CONFIRM_INITIATOR,
	F1,
	F2,
	F3,
	F4,
	F5,
	INITIATOR_BOUND,
	INITIATOR_CONFIRMED,
	PREPARED,
	RETRY,
} from "../messages.ts";
import { acceptLink, makeOffer, type Offer } from "../offer.ts";
import {
	demandSize,
	type LinkMode,
	MAX_AGENT_MESSAGE_BYTES,
	type Root,
	type Routing,
	SHARE_BYTES,
} from "../parameters.ts";
import type { ResumptionToken } from "../resumption-token.ts";
import { RootKey } from "../root-key.ts";
import { openSession, outerSetup } from "../sessions.ts";
import type { Transcript } from "../transcript.ts";
import type { ConfirmedAgent } from "./agent-conversation.ts";
import { type AgentEstablishment, AgentMachine } from "./agent-machine.ts";
import { CookieAnswer } from "./cookie-answer.ts";
import { demandTwo } from "./judge.ts";
import { mayResume } from "./may-resume.ts";
import { ResumingAgentInitiator } from "./resuming-agent-initiator.ts";
import type { AgentEffect, MachineOptions } from "./role.ts";
import type { RoleParts } from "./role-parts.ts";

/** What A chooses for a tetrad; B's policy may refuse it. */
export interface AgentInitiatorOptions extends MachineOptions {
	readonly routing: Routing;
	readonly root: Root;
	/** Rides on the last flight that A sends before it waits no more: F3 in direct routing, F5 in crossed. */
	readonly firstMessage?: Uint8Array;
	/** Where the other agent is called: a token of a tetrad with whoever answered there is used, and one of this tetrad kept for it. */
	readonly address?: string;
}

/** What A knows from F2 on. */
interface Heard {
	readonly offer: Offer;
	readonly outer: Session;
	readonly outerHash: Uint8Array;
	readonly peer: CertifiedDevice;
	readonly responderLink: LinkMode;
	readonly r1: Uint8Array;
	readonly r2: Uint8Array;
}

/** What A knows once its module has answered: the key, and what F3 must carry. */
interface Formed {
	readonly transcript: Transcript;
	readonly root: RootKey;
	readonly i3: Uint8Array;
}

type State =
	| { readonly kind: "idle" }
	| {
			readonly kind: "preparing";
			readonly suite: Suite;
			readonly retried: boolean;
	  }
	| {
			readonly kind: "offered";
			readonly offer: Offer;
			readonly message1: Uint8Array;
			readonly awaiting: AwaitingMessage2;
			readonly retried: boolean;
	  }
	| { readonly kind: "binding"; readonly heard: Heard }
	| {
			readonly kind: "signed";
			readonly heard: Heard;
			readonly signature: Uint8Array;
	  }
	| {
			readonly kind: "answered";
			readonly heard: Heard;
			readonly formed: Formed;
	  }
	| {
			readonly kind: "bound";
			readonly heard: Heard;
			readonly formed: Formed;
	  }
	| {
			readonly kind: "confirming";
			readonly heard: Heard;
			readonly formed: Formed;
	  }
	| { readonly kind: "confirmed"; readonly confirmed: ConfirmedAgent };

const WAITING: Readonly<Record<State["kind"], string>> = {
	idle: "the tetrad was not started",
	preparing: "the own module prepares its ephemeral key",
	offered: "the other agent answers the offer (flight 2)",
	binding: "the own module and the own signer answer",
	signed: "the own module answers",
	answered: "the own signer signs",
	bound: "the other side confirms (flight 4)",
	confirming: "the own module confirms",
	confirmed: "nothing",
};

/**
 * Device 1, A: the agent that calls. `start` gives the first flight; docs/protocol.md has all of
 * them. Throws `invalid-argument` for a choice that the own policy does not accept,
 * `message-too-large`, and when this device itself does not stand up to its policy, for instance
 * `list-stale`. With a token of an earlier tetrad it resumes that one (docs/protocol.md,
 * Resumption), and makes a new one when that is of no use.
 */
export function agentInitiator(options: AgentInitiatorOptions): AgentMachine {
	return new AgentMachine("A", options, (role) => {
		const cookies = new CookieAnswer();
		const full = new AgentInitiator(role, options, cookies);
		const token = tokenFor(role, options);
		return token === undefined
			? full
			: new ResumingAgentInitiator(
					role,
					{ token, cookies, firstMessage: options.firstMessage },
					full,
				);
	});
}

/** The token of a tetrad that may be resumed in the place of the one that is asked for. */
function tokenFor(
	role: RoleParts<AgentEffect>,
	{ address, routing, root, now }: AgentInitiatorOptions,
): ResumptionToken | undefined {
	const { tokens } = role.device;
	if (address === undefined || routing !== "direct" || root !== "transcript")
		return undefined;
	const token = tokens?.takeFor(address, now);
	if (token === undefined || mayResume(role, token, now)) return token;
	token.wipe();
	return undefined;
}

/** The full establishment, in which all four sign. */
class AgentInitiator implements AgentEstablishment {
	readonly #role: RoleParts<AgentEffect>;
	readonly #options: AgentInitiatorOptions;
	readonly #offered: Uint8Array;
	readonly #firstMessage: Uint8Array | undefined;
	readonly #cookies: CookieAnswer;
	#state: State = { kind: "idle" };

	constructor(
		role: RoleParts<AgentEffect>,
		options: AgentInitiatorOptions,
		cookies: CookieAnswer,
	) {
		const { routing, root, firstMessage } = options;
		if (firstMessage !== undefined)
			demandSize(firstMessage, MAX_AGENT_MESSAGE_BYTES);
		const { policy } = role.device;
		const { mode } = role.link;
		if (
			!policy.routings.includes(routing) ||
			!policy.roots.includes(root) ||
			!policy.links.includes(mode)
		)
			throw new TetradError(
				"invalid-argument",
				`this device's own policy does not accept routing ${routing}, root ${root} and link ${mode}`,
			);
		role.judge.own(options.now);
		this.#role = role;
		this.#cookies = cookies;
		this.#options = options;
		this.#firstMessage = firstMessage && copy(firstMessage);
		this.#offered = Uint8Array.from(
			policy.suites,
			(name) => suiteByName(name).id,
		);
	}

	start(): void {
		if (this.#state.kind !== "idle") throw unexpected("a second start");
		const suite = suiteById(this.#offered[0] as number) as Suite;
		this.#prepare(suite, false);
	}

	frame(frame: Frame, bytes: Uint8Array, now: number): void {
		const state = this.#state;
		if (state.kind === "offered" && frame.type === FRAME.answer)
			return this.#flight2(state, frame.body, now);
		if (state.kind === "offered" && frame.type === FRAME.retry)
			return this.#retry(state, frame.body);
		if (state.kind === "offered" && frame.type === FRAME.cookie)
			return this.#cookie(state, frame.body);
		if (state.kind === "bound" && frame.type === FRAME.record)
			return this.#flight4(state, bytes);
		throw unexpected("a frame of the other agent");
	}

	linkMessage(type: LinkMessageType, body: Uint8Array, now: number): void {
		const state = this.#state;
		switch (state.kind) {
			case "preparing":
				if (type !== LINK.prepared) break;
				return this.#flight1(state, body);
			case "binding":
			case "signed":
				if (type !== LINK.initiatorBound) break;
				return this.#moduleAnswered(state, body, now);
			case "confirming":
				if (type !== LINK.initiatorConfirmed) break;
				return this.#flight5(state, body);
			case "idle":
			case "offered":
			case "answered":
			case "bound":
			case "confirmed":
				break;
			default:
				return unreachable(state);
		}
		throw unexpected("a message of the own module");
	}

	signed(signature: Uint8Array): void {
		const state = this.#state;
		if (state.kind === "binding")
			this.#state = { kind: "signed", heard: state.heard, signature };
		else if (state.kind === "answered")
			this.#flight3(state.heard, state.formed, signature);
		else throw unexpected("a signature");
	}

	get confirmed(): ConfirmedAgent | undefined {
		return this.#state.kind === "confirmed" ? this.#state.confirmed : undefined;
	}

	get waitingFor(): string {
		return WAITING[this.#state.kind];
	}

	#prepare(suite: Suite, retried: boolean): void {
		this.#role.sendLink(LINK.begin, BEGIN.encode({ suite: suite.id }));
		this.#state = { kind: "preparing", suite, retried };
	}

	#flight1(
		{ suite, retried }: Extract<State, { kind: "preparing" }>,
		body: Uint8Array,
	): void {
		const { i1 } = PREPARED.decode(body);
		const { routing, root } = this.#options;
		const offer = makeOffer({
			suites: this.#offered,
			selected: suite,
			routing,
			root,
			link: this.#role.link.mode,
		});
		const { message1, awaiting } = startInitiator(
			this.#role.device.crypto,
			outerSetup(this.#role.device, offer),
			i1,
		);
		this.#role.steps.emit({
			kind: "send-frame",
			bytes: encodeFrame(
				FRAME.offer,
				F1.encode({ offer: offer.raw, message1 }),
			),
		});
		this.#state = {
			kind: "offered",
			offer,
			message1,
			awaiting: this.#role.steps.own(awaiting),
			retried,
		};
	}

	#cookie(
		{ offer, message1 }: Extract<State, { kind: "offered" }>,
		body: Uint8Array,
	): void {
		this.#role.steps.emit({
			kind: "send-frame",
			bytes: this.#cookies.frameFor(body, offer.raw, message1),
		});
	}

	/** A retry may only name another suite of our own list, and only once: whoever forges it gains what the responder's policy picks anyway. */
	#retry(
		{ offer, awaiting, retried }: Extract<State, { kind: "offered" }>,
		body: Uint8Array,
	): void {
		const id = RETRY.decode(body).suite;
		const suite = suiteById(id);
		if (
			retried ||
			suite === undefined ||
			id === offer.selected.id ||
			!this.#offered.includes(id)
		)
			throw new TetradError(
				"negotiation-failed",
				"the other agent asked for a suite that was not offered, or asked twice",
			);
		awaiting.wipe();
		this.#prepare(suite, true);
	}

	#flight2(
		{ offer, awaiting }: Extract<State, { kind: "offered" }>,
		message2: Uint8Array,
		now: number,
	): void {
		const { crypto, own } = this.#role.device;
		const { hash, payload, secrets } = awaiting.finish(message2);
		const outer = this.#role.steps.own(
			openSession(this.#role.device, secrets, "initiator", "S1"),
		);
		const f2 = F2.decode(payload);
		const peer = this.#role.judge.shown(f2.chain, "peerAgent", now);
		authenticate(crypto, peer, f2.signature, "B", hash, peer.chainHash);
		demandTwo(own, peer);
		const responderLink = acceptLink(
			this.#role.device.policy,
			f2.responderLink,
		);

		const r1 = this.#role.steps.ownBytes(crypto.random(SHARE_BYTES));
		const r2 = this.#role.steps.ownBytes(copy(f2.r2));
		this.#role.sendLink(
			LINK.bindInitiator,
			BIND_INITIATOR.encode({
				offer: offer.raw,
				responderLink: f2.responderLink,
				outerHash: hash,
				ownAgent: own.chainHash,
				peerAgent: peer.chainHash,
				i2: f2.i2,
				share: offer.routing === "direct" ? r1 : r2,
			}),
			own,
			peer,
		);
		this.#role.sign("A", hash, own.chainHash, peer.chainHash);
		this.#state = {
			kind: "binding",
			heard: { offer, outer, outerHash: hash, peer, responderLink, r1, r2 },
		};
	}

	#moduleAnswered(
		state: Extract<State, { kind: "binding" | "signed" }>,
		body: Uint8Array,
		now: number,
	): void {
		const { heard } = state;
		const { crypto, own } = this.#role.device;
		const { routing } = heard.offer;
		const fields =
			routing === "direct"
				? INITIATOR_BOUND.direct.decode(body)
				: { ...INITIATOR_BOUND.crossed.decode(body), finX: undefined };
		const { judge } = this.#role;
		const modules = {
			own: judge.paired(fields.ownModule, "ownModule", now),
			peer: judge.named(fields.peerModule, "peerModule", now),
		};
		demandTwo(modules.own, modules.peer);
		const transcript: Transcript = {
			outerHash: heard.outerHash,
			innerHash: copy(fields.innerHash),
			parties: { A: own, B: heard.peer, X: modules.own, Y: modules.peer },
			offer: heard.offer,
			responderLink: heard.responderLink,
		};
		const rootKey = this.#role.steps.own(
			RootKey.form(crypto, transcript, heard.r1, heard.r2, this.#role.log),
		);
		if (fields.finX !== undefined) rootKey.check("X", fields.finX);
		const formed = { transcript, root: rootKey, i3: copy(fields.i3) };
		if (state.kind === "signed") this.#flight3(heard, formed, state.signature);
		else this.#state = { kind: "answered", heard, formed };
	}

	#flight3(heard: Heard, formed: Formed, signature: Uint8Array): void {
		const { own } = this.#role.device;
		const { root, i3 } = formed;
		const finA = root.fin("A");
		const credential = { chain: own.encodedChain, signature };
		const direct = heard.offer.routing === "direct";
		const flight = direct
			? F3.direct.encode({
					...credential,
					r1: heard.r1,
					finA,
					finX: root.fin("X"),
					i3,
				})
			: F3.crossed.encode({ ...credential, r1: heard.r1, finA, i3 });
		if (direct)
			this.#role.sendLink(LINK.agentBound, AGENT_BOUND.encode({ finA }));
		this.#sendRecord(heard, CONTENT.handshake, flight);
		this.#role.steps.emit({ kind: "bound" });
		this.#state = { kind: "bound", heard, formed };
		if (direct) this.#sendFirstMessage(heard);
	}

	#flight4(
		{ heard, formed }: Extract<State, { kind: "bound" }>,
		bytes: Uint8Array,
	): void {
		const content = heard.outer.open(bytes);
		if (content.type !== CONTENT.handshake) throw authenticationFailed();
		const { finB, finY, i4 } = F4.decode(content.bytes);
		formed.root.check("B", finB);
		formed.root.check("Y", finY);
		if (heard.offer.routing === "direct") {
			this.#role.sendLink(
				LINK.confirmInitiator,
				CONFIRM_INITIATOR.direct.encode({ finB, i4 }),
			);
			return this.#confirm(heard, formed);
		}
		this.#role.sendLink(
			LINK.confirmInitiator,
			CONFIRM_INITIATOR.crossed.encode({
				finA: formed.root.fin("A"),
				finB,
				i4,
			}),
		);
		this.#state = { kind: "confirming", heard, formed };
	}

	#flight5(
		{ heard, formed }: Extract<State, { kind: "confirming" }>,
		body: Uint8Array,
	): void {
		const { finX, i5 } = INITIATOR_CONFIRMED.decode(body);
		formed.root.check("X", finX);
		this.#sendRecord(heard, CONTENT.handshake, F5.encode({ finX, i5 }));
		this.#sendFirstMessage(heard);
		this.#confirm(heard, formed);
	}

	#confirm(heard: Heard, { transcript, root }: Formed): void {
		heard.r1.fill(0);
		heard.r2.fill(0);
		this.#state = {
			kind: "confirmed",
			confirmed: {
				transcript,
				root,
				outer: heard.outer,
				local: this.#role.steps.own(
					root.localSession(
						transcript.offer.selected.protocol.records,
						this.#role.link.secret,
						"AX",
						this.#role.log,
					),
				),
			},
		};
		this.#role.steps.emit({ kind: "confirmed" });
	}

	#sendFirstMessage(heard: Heard): void {
		if (this.#firstMessage !== undefined)
			this.#sendRecord(heard, CONTENT.message, this.#firstMessage);
	}

	#sendRecord(
		{ outer }: Heard,
		type: typeof CONTENT.handshake | typeof CONTENT.message,
		content: Uint8Array,
	): void {
		this.#role.steps.emit({
			kind: "send-frame",
			bytes: outer.seal(type, content),
		});
	}
}
