/*
 * Device 4 (Y), the module of the agent that answers.
 *
 *   idle ──h_o, I1──▶ signing ──signature──▶ answered ──I3──▶ bound ──fin_A, fin_B (crossed: I5)──▶ confirmed
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
	LINK,
	type LinkMessageType,
	malformed,
} from "../../wire/index.ts";
import {
	ANSWER,
	ANSWERED,
	BIND_RESPONDER,
	CONFIRM_RESPONDER,
	I2,
	I3,
	I4,
	I5,
	RESPONDER_BOUND,
} from "../messages.ts";
import { acceptOffer, type Offer, parseOffer } from "../offer.ts";
import { LINK_BYTE } from "../parameters.ts";
import { RootKey } from "../root-key.ts";
import { innerSetup, openSession } from "../sessions.ts";
import type { SignedHashes } from "../signed-hashes.ts";
import type { Transcript } from "../transcript.ts";
import { demandTwo } from "./judge.ts";
import type { ConfirmedModule } from "./module-conversation.ts";
import type { ModuleOptions } from "./module-initiator.ts";
import { type ModuleEstablishment, ModuleMachine } from "./module-machine.ts";
import { ResumingModuleResponder } from "./resuming-module-responder.ts";
import type { RoleParts } from "./role-parts.ts";

/** What Y knows once its agent has named the conversation. */
interface Heard {
	readonly offer: Offer;
	readonly outerHash: Uint8Array;
	readonly agent: CertifiedDevice;
	/** R2, which the agent gives in direct routing; in crossed routing it comes in I3. */
	readonly r2: Uint8Array | undefined;
}

type State =
	| { readonly kind: "idle" }
	| {
			readonly kind: "signing";
			readonly heard: Heard;
			readonly handshake: AnsweringMessage1;
	  }
	| {
			readonly kind: "answered";
			readonly heard: Heard;
			readonly innerHash: Uint8Array;
			readonly inner: Session;
	  }
	| {
			readonly kind: "bound";
			readonly transcript: Transcript;
			readonly inner: Session;
			readonly root: RootKey;
	  }
	| { readonly kind: "confirmed"; readonly confirmed: ConfirmedModule };

const WAITING: Readonly<Record<State["kind"], string>> = {
	idle: "the own agent names a conversation",
	signing: "the own signer signs",
	answered: "the other agent authenticates",
	bound: "the other side confirms",
	confirmed: "nothing",
};

/** Device 4, Y: the module of the agent that is called. It waits for `answer` on its link. */
export function moduleResponder(options: ModuleOptions): ModuleMachine {
	const { signedHashes } = options;
	return new ModuleMachine(
		"Y",
		options,
		(role) =>
			new ResumingModuleResponder(
				role,
				signedHashes,
				new ModuleResponder(role, signedHashes),
			),
	);
}

class ModuleResponder implements ModuleEstablishment {
	readonly #role: RoleParts;
	readonly #signedHashes: SignedHashes;
	#state: State = { kind: "idle" };

	constructor(role: RoleParts, signedHashes: SignedHashes) {
		this.#role = role;
		this.#signedHashes = signedHashes;
	}

	linkMessage(type: LinkMessageType, body: Uint8Array, now: number): void {
		const state = this.#state;
		switch (state.kind) {
			case "idle":
				if (type !== LINK.answer) break;
				this.#role.judge.own(now);
				return this.#answer(body, now);
			case "answered":
				if (type !== LINK.bindResponder) break;
				return this.#bind(state, body, now);
			case "bound":
				if (type !== LINK.confirmResponder) break;
				return this.#confirmed(state, body);
			case "signing":
			case "confirmed":
				break;
			default:
				return unreachable(state);
		}
		throw unexpected("a message of the own agent");
	}

	signed(signature: Uint8Array): void {
		if (this.#state.kind !== "signing") throw unexpected("a signature");
		const { heard, handshake } = this.#state;
		const credential = { chain: this.#role.device.own.encodedChain, signature };
		const { message2, secrets } = handshake.finish(
			heard.r2 === undefined
				? I2.crossed.encode(credential)
				: I2.direct.encode({ ...credential, r2: heard.r2 }),
		);
		const inner = this.#role.steps.own(
			openSession(this.#role.device, secrets, "responder", "S2"),
		);
		this.#role.sendLink(LINK.answered, ANSWERED.encode({ i2: message2 }));
		this.#state = {
			kind: "answered",
			heard,
			innerHash: handshake.hash,
			inner,
		};
	}

	get confirmed(): ConfirmedModule | undefined {
		return this.#state.kind === "confirmed" ? this.#state.confirmed : undefined;
	}

	get waitingFor(): string {
		return WAITING[this.#state.kind];
	}

	#answer(body: Uint8Array, now: number): void {
		const { crypto, policy, own } = this.#role.device;
		const request = ANSWER.decode(body);
		const offer = parseOffer(request.offer);
		acceptOffer(policy, offer);
		const direct = offer.routing === "direct";
		if ((request.r2 !== undefined) !== direct)
			throw malformed("answer: r2 has a wrong length");
		if (
			request.responderLink !== LINK_BYTE[this.#role.link.mode] ||
			!policy.links.includes(this.#role.link.mode)
		)
			throw new TetradError(
				"negotiation-failed",
				"the own agent names a link mode that is not that of this link, or that the policy does not accept",
			);
		const agent = this.#role.judge.paired(request.ownAgent, "ownAgent", now);
		const { pattern } = offer.selected.protocol;
		if (request.i1.length !== message1Overhead(pattern))
			throw authenticationFailed();
		const handshake = this.#role.steps.own(
			readMessage1(
				crypto,
				innerSetup(this.#role.device, offer.selected),
				request.i1,
			),
		);
		const outerHash = copy(request.outerHash);
		this.#signedHashes.claim(outerHash);
		this.#role.sign(
			"Y",
			outerHash,
			handshake.hash,
			this.#role.link.peerDeviceId,
			own.chainHash,
		);
		this.#state = {
			kind: "signing",
			heard: {
				offer,
				outerHash,
				agent,
				r2:
					request.r2 === undefined
						? undefined
						: this.#role.steps.ownBytes(copy(request.r2)),
			},
			handshake,
		};
	}

	#bind(
		{ heard, innerHash, inner }: Extract<State, { kind: "answered" }>,
		body: Uint8Array,
		now: number,
	): void {
		const { crypto, own } = this.#role.device;
		const { offer, outerHash, agent } = heard;
		const direct = offer.routing === "direct";
		const request = direct
			? { ...BIND_RESPONDER.direct.decode(body), r1: undefined }
			: BIND_RESPONDER.crossed.decode(body);
		const peerAgent = this.#role.judge.named(
			request.peerAgent,
			"peerAgent",
			now,
		);
		demandTwo(agent, peerAgent);

		const content = openHandshake(inner, request.i3);
		const i3 = direct
			? { ...I3.direct.decode(content), r2: heard.r2 }
			: { ...I3.crossed.decode(content), r1: request.r1, finX: undefined };
		const peer = this.#role.judge.shown(i3.chain, "peerModule", now);
		authenticate(
			crypto,
			peer,
			i3.signature,
			"X",
			outerHash,
			innerHash,
			peerAgent.deviceId,
			peer.chainHash,
			own.chainHash,
		);
		demandTwo(own, peer);

		const transcript: Transcript = {
			outerHash,
			innerHash,
			parties: { A: peerAgent, B: agent, X: peer, Y: own },
			offer,
			responderLink: this.#role.link.mode,
		};
		const { r1, r2 } = i3;
		if (r1 === undefined || r2 === undefined)
			throw new TetradError("internal", "a share is missing");
		const root = this.#role.steps.own(
			RootKey.form(crypto, transcript, r1, r2, this.#role.log),
		);
		if (i3.finX !== undefined) root.check("X", i3.finX);
		const finY = root.fin("Y");
		const i4 = inner.seal(
			CONTENT.handshake,
			direct ? I4.direct.encode({ finY }) : I4.crossed.encode({ r1, finY }),
		);
		heard.r2?.fill(0);
		this.#role.sendLink(
			LINK.responderBound,
			RESPONDER_BOUND.encode({
				innerHash,
				ownModule: own.chainHash,
				peerModule: peer.chainHash,
				finY,
				i4,
			}),
			own,
			peer,
		);
		this.#state = { kind: "bound", transcript, inner, root };
		this.#role.steps.emit({ kind: "bound" });
	}

	#confirmed(
		{ transcript, inner, root }: Extract<State, { kind: "bound" }>,
		body: Uint8Array,
	): void {
		const { offer } = transcript;
		const fins =
			offer.routing === "direct"
				? { ...CONFIRM_RESPONDER.direct.decode(body), i5: undefined }
				: CONFIRM_RESPONDER.crossed.decode(body);
		root.check("A", fins.finA);
		root.check("B", fins.finB);
		if (fins.i5 !== undefined)
			root.check("X", I5.decode(openHandshake(inner, fins.i5)).finX);
		this.#state = {
			kind: "confirmed",
			confirmed: {
				transcript,
				root,
				inner,
				local: this.#role.steps.own(
					root.localSession(
						offer.selected.protocol.records,
						this.#role.link.secret,
						"YB",
						this.#role.log,
					),
				),
			},
		};
		this.#role.steps.emit({ kind: "confirmed" });
	}
}

function openHandshake(inner: Session, frame: Uint8Array): Uint8Array {
	const content = inner.open(frame);
	if (content.type !== CONTENT.handshake) throw authenticationFailed();
	return content.bytes;
}
