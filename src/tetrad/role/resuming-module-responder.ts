/*
 * Device 4 (Y), asked to resume an earlier tetrad, or for a new one.
 *
 *   idle ──h_o, I1 under a token──▶ answered ──fin_A, fin_B, I3──▶ confirmed
 *     │ no such token: says so, full
 *     └──answer──▶ full
 *
 * Full is the establishment in which all four sign.
 */
import { authenticationFailed, unreachable } from "../../errors.ts";
import { unexpected } from "../../machine/index.ts";
import {
	message1Overhead,
	readMessage1,
	type Session,
} from "../../session/index.ts";
import { CONTENT, copy, LINK, type LinkMessageType } from "../../wire/index.ts";
import {
	RESUME_ANSWER,
	RESUME_ANSWERED,
	RESUME_CONFIRM_RESPONDER,
	RESUMED_I1,
	RESUMED_I2,
	RESUMED_I3,
} from "../messages.ts";
import { parseResumingOffer } from "../offer.ts";
import type { ResumptionToken } from "../resumption-token.ts";
import { RootKey } from "../root-key.ts";
import { openSession, resumedInnerSetup } from "../sessions.ts";
import type { SignedHashes } from "../signed-hashes.ts";
import type { Transcript } from "../transcript.ts";
import { takeToken } from "./may-resume.ts";
import type { ConfirmedModule } from "./module-conversation.ts";
import type { ModuleEstablishment } from "./module-machine.ts";
import { resumedTranscript } from "./resumed-transcript.ts";
import type { RoleParts } from "./role-parts.ts";

type State =
	| { readonly kind: "idle" }
	| {
			readonly kind: "answered";
			readonly transcript: Transcript;
			readonly root: RootKey;
			readonly inner: Session;
			readonly token: ResumptionToken;
	  }
	| { readonly kind: "confirmed"; readonly confirmed: ConfirmedModule }
	| { readonly kind: "full" };

const WAITING: Readonly<Record<Exclude<State["kind"], "full">, string>> = {
	idle: "the own agent names a conversation",
	answered: "the other side confirms",
	confirmed: "nothing",
};

export class ResumingModuleResponder implements ModuleEstablishment {
	readonly #role: RoleParts;
	readonly #signedHashes: SignedHashes;
	readonly #full: ModuleEstablishment;
	#state: State = { kind: "idle" };

	constructor(
		role: RoleParts,
		signedHashes: SignedHashes,
		full: ModuleEstablishment,
	) {
		this.#role = role;
		this.#signedHashes = signedHashes;
		this.#full = full;
	}

	linkMessage(type: LinkMessageType, body: Uint8Array, now: number): void {
		const state = this.#state;
		switch (state.kind) {
			case "idle":
				if (type === LINK.resumeAnswer) return this.#answer(body, now);
				this.#state = { kind: "full" };
				return this.#full.linkMessage(type, body, now);
			case "answered":
				if (type !== LINK.resumeConfirmResponder) break;
				return this.#confirm(state, body);
			case "full":
				return this.#full.linkMessage(type, body, now);
			case "confirmed":
				break;
			default:
				return unreachable(state);
		}
		throw unexpected("a message of the own agent");
	}

	signed(signature: Uint8Array): void {
		if (this.#state.kind !== "full") throw unexpected("a signature");
		this.#full.signed(signature);
	}

	get confirmed(): ConfirmedModule | undefined {
		const state = this.#state;
		if (state.kind === "full") return this.#full.confirmed;
		return state.kind === "confirmed" ? state.confirmed : undefined;
	}

	get waitingFor(): string {
		const { kind } = this.#state;
		return kind === "full" ? this.#full.waitingFor : WAITING[kind];
	}

	#answer(body: Uint8Array, now: number): void {
		const { device, judge, steps, log } = this.#role;
		judge.own(now);
		const request = RESUME_ANSWER.decode(body);
		const offer = parseResumingOffer(request.offer);
		const token = takeToken(this.#role, "Y", offer, now);
		if (token === undefined) {
			judge.forget();
			this.#role.sendLink(LINK.tokenUnknown, new Uint8Array());
			this.#state = { kind: "full" };
			return;
		}
		steps.own(token);
		const { pattern } = token.suite.resumption;
		if (request.i1.length !== message1Overhead(pattern) + RESUMED_I1.maxBytes)
			throw authenticationFailed();
		const handshake = steps.own(
			readMessage1(device.crypto, resumedInnerSetup(device, token), request.i1),
		);
		token.wipe();
		const outerHash = copy(request.outerHash);
		this.#signedHashes.claim(outerHash);
		const { r1 } = RESUMED_I1.decode(handshake.payload);
		const innerHash = handshake.hash;
		const transcript = resumedTranscript(token, offer, {
			outerHash,
			innerHash,
		});
		const root = steps.own(
			RootKey.form(device.crypto, transcript, r1, request.r2, log),
		);
		const finY = root.fin("Y");
		const { message2, secrets } = handshake.finish(
			RESUMED_I2.encode({ r2: request.r2, finY }),
		);
		r1.fill(0);
		const inner = steps.own(openSession(device, secrets, "responder", "S2"));
		this.#role.sendLink(
			LINK.resumeAnswered,
			RESUME_ANSWERED.encode({ i2: message2, innerHash, finY }),
		);
		this.#state = { kind: "answered", transcript, root, inner, token };
	}

	#confirm(
		{ transcript, root, inner, token }: Extract<State, { kind: "answered" }>,
		body: Uint8Array,
	): void {
		const { link, steps, log } = this.#role;
		const { finA, finB, i3 } = RESUME_CONFIRM_RESPONDER.decode(body);
		root.check("A", finA);
		root.check("B", finB);
		const content = inner.open(i3);
		if (content.type !== CONTENT.handshake) throw authenticationFailed();
		root.check("X", RESUMED_I3.decode(content.bytes).finX);
		steps.emit({ kind: "bound" });
		const { records } = token.suite.protocol;
		this.#state = {
			kind: "confirmed",
			confirmed: {
				transcript,
				root,
				inner,
				local: steps.own(root.localSession(records, link.secret, "YB", log)),
				signedAt: token.signedAt,
			},
		};
		steps.emit({ kind: "confirmed" });
	}
}
