/*
 * Device 1 (A), resuming an earlier tetrad.
 *
 *   idle ──start──▶ preparing ──I1──▶ offered ──F2──▶ binding ──module's answer──▶ confirmed
 *                       │                └──anew, from the other agent──▶ full
 *                       └──the own module has no token──▶ full
 *
 * Full is the establishment in which all four sign. Whoever forges the word that leads to it gains
 * signatures that a resumption would have spared.
 */
import { unreachable } from "../../errors.ts";
import { unexpected } from "../../machine/index.ts";
import {
	type AwaitingMessage2,
	type Session,
	startInitiator,
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
	malformed,
} from "../../wire/index.ts";
import {
	F1,
	RESUME,
	RESUME_BIND,
	RESUME_BOUND,
	RESUME_CONFIRM,
	RESUME_PREPARED,
	RESUMED_F1,
	RESUMED_F2,
	RESUMED_F3,
} from "../messages.ts";
import { makeResumingOffer, type ResumingOffer } from "../offer.ts";
import { SHARE_BYTES } from "../parameters.ts";
import type { ResumptionToken } from "../resumption-token.ts";
import { RootKey } from "../root-key.ts";
import { openSession, resumedOuterSetup } from "../sessions.ts";
import type { ConfirmedAgent } from "./agent-conversation.ts";
import type { AgentEstablishment } from "./agent-machine.ts";
import type { CookieAnswer } from "./cookie-answer.ts";
import { resumedTranscript } from "./resumed-transcript.ts";
import type { AgentEffect } from "./role.ts";
import type { RoleParts } from "./role-parts.ts";

/** What A knows from F2 on. */
interface Heard {
	readonly offer: ResumingOffer;
	readonly outer: Session;
	readonly outerHash: Uint8Array;
	readonly r1: Uint8Array;
	readonly r2: Uint8Array;
	readonly finB: Uint8Array;
	readonly finY: Uint8Array;
}

type State =
	| { readonly kind: "idle" }
	| { readonly kind: "preparing"; readonly r1: Uint8Array }
	| {
			readonly kind: "offered";
			readonly r1: Uint8Array;
			readonly offer: ResumingOffer;
			readonly message1: Uint8Array;
			readonly awaiting: AwaitingMessage2;
	  }
	| { readonly kind: "binding"; readonly heard: Heard }
	| { readonly kind: "confirmed"; readonly confirmed: ConfirmedAgent }
	| { readonly kind: "full" };

const WAITING: Readonly<Record<Exclude<State["kind"], "full">, string>> = {
	idle: "the tetrad was not started",
	preparing: "the own module prepares to resume",
	offered: "the other agent answers the offer to resume (flight 2)",
	binding: "the own module binds",
	confirmed: "nothing",
};

/** What a resumption is begun with. */
interface Resumption {
	/** May be used; it is wiped here. */
	readonly token: ResumptionToken;
	readonly cookies: CookieAnswer;
	readonly firstMessage: Uint8Array | undefined;
}

export class ResumingAgentInitiator implements AgentEstablishment {
	readonly #role: RoleParts<AgentEffect>;
	readonly #token: ResumptionToken;
	readonly #cookies: CookieAnswer;
	readonly #firstMessage: Uint8Array | undefined;
	readonly #full: AgentEstablishment & { start(): void };
	#state: State = { kind: "idle" };

	constructor(
		role: RoleParts<AgentEffect>,
		{ token, cookies, firstMessage }: Resumption,
		full: AgentEstablishment & { start(): void },
	) {
		this.#role = role;
		this.#token = role.steps.own(token);
		this.#cookies = cookies;
		this.#firstMessage = firstMessage && copy(firstMessage);
		this.#full = full;
	}

	start(): void {
		if (this.#state.kind !== "idle") throw unexpected("a second start");
		const { crypto } = this.#role.device;
		const r1 = this.#role.steps.ownBytes(crypto.random(SHARE_BYTES));
		const { suite, id: token } = this.#token;
		const body = RESUME.encode({ suite: suite.id, token, r1 });
		this.#role.sendLink(LINK.resume, body);
		this.#state = { kind: "preparing", r1 };
	}

	frame(frame: Frame, bytes: Uint8Array, now: number): void {
		const state = this.#state;
		if (state.kind === "full") return this.#full.frame(frame, bytes, now);
		if (state.kind === "offered") {
			if (frame.type === FRAME.answer) return this.#flight2(state, frame.body);
			if (frame.type === FRAME.cookie) return this.#cookie(state, frame.body);
			if (frame.type === FRAME.anew) {
				if (frame.body.length > 0) throw malformed("anew has content");
				state.awaiting.wipe();
				return this.#beginAnew();
			}
		}
		throw unexpected("a frame of the other agent");
	}

	linkMessage(type: LinkMessageType, body: Uint8Array, now: number): void {
		const state = this.#state;
		switch (state.kind) {
			case "full":
				return this.#full.linkMessage(type, body, now);
			case "preparing":
				if (type === LINK.resumePrepared) return this.#flight1(state.r1, body);
				if (type !== LINK.tokenUnknown) break;
				if (body.length > 0) throw malformed("token unknown has content");
				return this.#beginAnew();
			case "binding":
				if (type !== LINK.resumeBound) break;
				return this.#moduleBound(state.heard, body);
			case "idle":
			case "offered":
			case "confirmed":
				break;
			default:
				return unreachable(state);
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
		return kind === "full" ? this.#full.waitingFor : WAITING[kind];
	}

	#beginAnew(): void {
		this.#token.wipe();
		this.#role.judge.forget();
		this.#state = { kind: "full" };
		this.#full.start();
	}

	#flight1(r1: Uint8Array, body: Uint8Array): void {
		const { i1 } = RESUME_PREPARED.decode(body);
		const { device, steps, link } = this.#role;
		const offer = makeResumingOffer({
			suites: Uint8Array.from(
				device.policy.suites,
				(name) => suiteByName(name).id,
			),
			selected: this.#token.suite,
			routing: "direct",
			root: "transcript",
			link: link.mode,
			token: this.#token.id,
		});
		const { message1, awaiting } = startInitiator(
			device.crypto,
			resumedOuterSetup(device, offer, this.#token),
			RESUMED_F1.encode({ r1, i1 }),
		);
		steps.own(awaiting);
		this.#token.wipe();
		const flight = F1.encode({ offer: offer.raw, message1 });
		steps.emit({
			kind: "send-frame",
			bytes: encodeFrame(FRAME.offer, flight),
		});
		this.#state = { kind: "offered", r1, offer, message1, awaiting };
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

	#flight2(
		{ offer, r1, awaiting }: Extract<State, { kind: "offered" }>,
		message2: Uint8Array,
	): void {
		const { device, steps } = this.#role;
		const { hash, payload, secrets } = awaiting.finish(message2);
		const outer = steps.own(openSession(device, secrets, "initiator", "S1"));
		const { r2, i2, finB, finY } = RESUMED_F2.decode(payload);
		this.#role.sendLink(
			LINK.resumeBind,
			RESUME_BIND.encode({ offer: offer.raw, outerHash: hash, i2, finB }),
		);
		this.#state = {
			kind: "binding",
			heard: {
				offer,
				outer,
				outerHash: hash,
				r1,
				r2: steps.ownBytes(copy(r2)),
				finB: copy(finB),
				finY: copy(finY),
			},
		};
	}

	/** The other three formed K: B and Y have said so in F2, X now. */
	#moduleBound(heard: Heard, body: Uint8Array): void {
		const { offer, outer, outerHash, r1, r2, finB, finY } = heard;
		const { device, link, steps, log } = this.#role;
		const { i3, innerHash, finX } = RESUME_BOUND.decode(body);
		const transcript = resumedTranscript(this.#token, offer, {
			outerHash,
			innerHash: copy(innerHash),
		});
		const root = steps.own(
			RootKey.form(device.crypto, transcript, r1, r2, log),
		);
		root.check("X", finX);
		root.check("B", finB);
		root.check("Y", finY);
		r1.fill(0);
		r2.fill(0);
		const finA = root.fin("A");
		this.#role.sendLink(LINK.resumeConfirm, RESUME_CONFIRM.encode({ finA }));
		const flight = RESUMED_F3.encode({ finA, finX, i3 });
		this.#sendRecord(outer, CONTENT.handshake, flight);
		steps.emit({ kind: "bound" });
		if (this.#firstMessage !== undefined)
			this.#sendRecord(outer, CONTENT.message, this.#firstMessage);
		const { records } = offer.selected.protocol;
		this.#state = {
			kind: "confirmed",
			confirmed: {
				transcript,
				root,
				outer,
				local: steps.own(root.localSession(records, link.secret, "AX", log)),
				signedAt: this.#token.signedAt,
			},
		};
		steps.emit({ kind: "confirmed" });
	}

	#sendRecord(
		outer: Session,
		type: typeof CONTENT.handshake | typeof CONTENT.message,
		content: Uint8Array,
	): void {
		this.#role.steps.emit({
			kind: "send-frame",
			bytes: outer.seal(type, content),
		});
	}
}
