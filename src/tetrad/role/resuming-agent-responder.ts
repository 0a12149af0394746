/*
 * Device 2 (B), asked to resume an earlier tetrad, or for a new one.
 *
 *   listening ──F1 with a token──▶ answering ──module's answer──▶ answered ──F3──▶ confirmed
 *       │ no token of that name: anew     └──the own module has none: anew──▶ full
 *       └──F1 without a token──▶ full
 *
 * Full is the establishment in which all four sign.
 */
import { authenticationFailed, unreachable } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import { unexpected } from "../../machine/index.ts";
import {
	type AnsweringMessage1,
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
	malformed,
} from "../../wire/index.ts";
import {
	F1,
	RESUME_ANSWER,
	RESUME_ANSWERED,
	RESUME_CONFIRM_RESPONDER,
	RESUMED_F1,
	RESUMED_F2,
	RESUMED_F3,
	RESUMED_I1,
} from "../messages.ts";
import {
	isResuming,
	parseResumingOffer,
	type ResumingOffer,
} from "../offer.ts";
import { NEXT_FLIGHT_MS, SHARE_BYTES } from "../parameters.ts";
import type { ResumptionToken } from "../resumption-token.ts";
import { RootKey } from "../root-key.ts";
import { openSession, resumedOuterSetup } from "../sessions.ts";
import type { Transcript } from "../transcript.ts";
import type { ConfirmedAgent } from "./agent-conversation.ts";
import type { AgentEstablishment } from "./agent-machine.ts";
import { takeToken } from "./may-resume.ts";
import { resumedTranscript } from "./resumed-transcript.ts";
import type { AgentEffect } from "./role.ts";
import type { RoleParts } from "./role-parts.ts";

/** What B knows from F1 on. */
interface Answering {
	readonly offer: ResumingOffer;
	readonly token: ResumptionToken;
	readonly handshake: AnsweringMessage1;
	readonly r1: Uint8Array;
	readonly r2: Uint8Array;
}

/** What B knows from F2 on. */
interface Answered {
	readonly token: ResumptionToken;
	readonly transcript: Transcript;
	readonly root: RootKey;
	readonly outer: Session;
}

type State =
	| { readonly kind: "listening" }
	| { readonly kind: "answering"; readonly answering: Answering }
	| { readonly kind: "answered"; readonly answered: Answered }
	| { readonly kind: "confirmed"; readonly confirmed: ConfirmedAgent }
	| { readonly kind: "full" };

const WAITING: Readonly<
	Record<Exclude<State["kind"], "full" | "listening">, string>
> = {
	answering: "the own module answers",
	answered: "the other agent confirms (flight 3)",
	confirmed: "nothing",
};

export class ResumingAgentResponder implements AgentEstablishment {
	readonly #role: RoleParts<AgentEffect>;
	readonly #admit: (peer: CertifiedDevice) => void;
	/** When the whole establishment has to be over. */
	readonly #until: number;
	readonly #full: AgentEstablishment;
	#state: State = { kind: "listening" };

	constructor(
		role: RoleParts<AgentEffect>,
		admit: (peer: CertifiedDevice) => void,
		until: number,
		full: AgentEstablishment,
	) {
		this.#role = role;
		this.#admit = admit;
		this.#until = until;
		this.#full = full;
	}

	frame(frame: Frame, bytes: Uint8Array, now: number): void {
		const state = this.#state;
		switch (state.kind) {
			case "listening": {
				if (frame.type !== FRAME.offer) break;
				const { offer, message1 } = F1.decode(frame.body);
				if (isResuming(offer)) return this.#flight1(offer, message1, now);
				this.#state = { kind: "full" };
				return this.#full.frame(frame, bytes, now);
			}
			case "answered":
				if (frame.type !== FRAME.record) break;
				return this.#flight3(state.answered, bytes);
			case "full":
				return this.#full.frame(frame, bytes, now);
			case "answering":
			case "confirmed":
				break;
			default:
				return unreachable(state);
		}
		throw unexpected("a frame of the other agent");
	}

	linkMessage(type: LinkMessageType, body: Uint8Array, now: number): void {
		const state = this.#state;
		if (state.kind === "full") return this.#full.linkMessage(type, body, now);
		if (state.kind === "answering") {
			if (type === LINK.resumeAnswered)
				return this.#flight2(state.answering, body, now);
			if (type === LINK.tokenUnknown) {
				if (body.length > 0) throw malformed("token unknown has content");
				state.answering.handshake.wipe();
				return this.#askAnew();
			}
		}
		throw unexpected("a message of the own module");
	}

	signed(signature: Uint8Array, now: number): void {
		if (this.#state.kind !== "full") throw unexpected("a signature");
		this.#full.signed(signature, now);
	}

	get confirmed(): ConfirmedAgent | undefined {
		const state = this.#state;
		if (state.kind === "full") return this.#full.confirmed;
		return state.kind === "confirmed" ? state.confirmed : undefined;
	}

	get waitingFor(): string {
		const { kind } = this.#state;
		return kind === "full" || kind === "listening"
			? this.#full.waitingFor
			: WAITING[kind];
	}

	/** Says no more than that the token is of no use, whatever the reason. */
	#askAnew(): void {
		this.#role.judge.forget();
		this.#state = { kind: "full" };
		this.#role.steps.emit({
			kind: "send-frame",
			bytes: encodeFrame(FRAME.anew, new Uint8Array()),
		});
	}

	#flight1(raw: Uint8Array, message1: Uint8Array, now: number): void {
		const { device, judge, steps } = this.#role;
		judge.own(now);
		const offer = parseResumingOffer(raw);
		const token = takeToken(this.#role, "B", offer, now);
		if (token === undefined) return this.#askAnew();
		steps.own(token);
		const { pattern } = token.suite.resumption;
		const i1Bytes = message1Overhead(pattern) + RESUMED_I1.maxBytes;
		// A share, I1, and a length before each.
		const payloadBytes = 4 + SHARE_BYTES + 4 + i1Bytes;
		if (message1.length !== message1Overhead(pattern) + payloadBytes)
			throw authenticationFailed();
		const handshake = steps.own(
			readMessage1(
				device.crypto,
				resumedOuterSetup(device, offer, token),
				message1,
			),
		);
		token.wipe();
		const { r1, i1 } = RESUMED_F1.decode(handshake.payload);
		const r2 = steps.ownBytes(device.crypto.random(SHARE_BYTES));
		this.#role.sendLink(
			LINK.resumeAnswer,
			RESUME_ANSWER.encode({
				offer: offer.raw,
				outerHash: handshake.hash,
				i1,
				r2,
			}),
		);
		this.#state = {
			kind: "answering",
			answering: {
				offer,
				token,
				handshake,
				r1: steps.ownBytes(copy(r1)),
				r2,
			},
		};
	}

	#flight2(
		{ offer, token, handshake, r1, r2 }: Answering,
		body: Uint8Array,
		now: number,
	): void {
		const { device, steps, log } = this.#role;
		const { i2, innerHash, finY } = RESUME_ANSWERED.decode(body);
		// Only whoever has the token can have sent this F1, and it was good once.
		this.#admit(token.parties.A);
		const transcript = resumedTranscript(token, offer, {
			outerHash: handshake.hash,
			innerHash: copy(innerHash),
		});
		const root = steps.own(
			RootKey.form(device.crypto, transcript, r1, r2, log),
		);
		root.check("Y", finY);
		const finB = root.fin("B");
		const { message2, secrets } = handshake.finish(
			RESUMED_F2.encode({ r2, i2, finB, finY }),
		);
		r1.fill(0);
		r2.fill(0);
		const outer = steps.own(openSession(device, secrets, "responder", "S1"));
		steps.emit({
			kind: "send-frame",
			bytes: encodeFrame(FRAME.answer, message2),
		});
		steps.deadline = Math.min(this.#until, now + NEXT_FLIGHT_MS);
		this.#state = {
			kind: "answered",
			answered: { token, transcript, root, outer },
		};
	}

	#flight3(
		{ token, transcript, root, outer }: Answered,
		bytes: Uint8Array,
	): void {
		const { link, steps, log } = this.#role;
		const content = outer.open(bytes);
		if (content.type !== CONTENT.handshake) throw authenticationFailed();
		const { finA, finX, i3 } = RESUMED_F3.decode(content.bytes);
		root.check("A", finA);
		root.check("X", finX);
		steps.emit({ kind: "bound" });
		const finB = root.fin("B");
		this.#role.sendLink(
			LINK.resumeConfirmResponder,
			RESUME_CONFIRM_RESPONDER.encode({ finA, finB, i3 }),
		);
		const { records } = token.suite.protocol;
		this.#state = {
			kind: "confirmed",
			confirmed: {
				transcript,
				root,
				outer,
				local: steps.own(root.localSession(records, link.secret, "BY", log)),
				signedAt: token.signedAt,
			},
		};
		steps.emit({ kind: "confirmed" });
	}
}
