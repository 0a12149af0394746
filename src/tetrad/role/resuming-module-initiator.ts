/*
 * Device 3 (X), asked to resume an earlier tetrad, or for a new one.
 *
 *   idle ──resume──▶ prepared ──h_o, I2, fin_B──▶ bound ──fin_A──▶ confirmed
 *     │ no such token: says so, full   └──begin──▶ full
 *     └──begin──▶ full
 *
 * Full is the establishment in which all four sign.
 */
import { TetradError, unreachable } from "../../errors.ts";
import { unexpected } from "../../machine/index.ts";
import {
	type AwaitingMessage2,
	type Session,
	startInitiator,
} from "../../session/index.ts";
import {
	CONTENT,
	copy,
	LINK,
	type LinkMessageType,
	sameBytes,
} from "../../wire/index.ts";
import {
	RESUME,
	RESUME_BIND,
	RESUME_BOUND,
	RESUME_CONFIRM,
	RESUME_PREPARED,
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
import { acceptsResumption, takeNamed } from "./may-resume.ts";
import type { ConfirmedModule } from "./module-conversation.ts";
import type { ModuleEstablishment } from "./module-machine.ts";
import { resumedTranscript } from "./resumed-transcript.ts";
import type { RoleParts } from "./role-parts.ts";

/** What X knows once its agent has named the conversation. */
interface Bound {
	readonly transcript: Transcript;
	readonly root: RootKey;
	readonly inner: Session;
}

type State =
	| { readonly kind: "idle" }
	| {
			readonly kind: "prepared";
			readonly awaiting: AwaitingMessage2;
			readonly token: ResumptionToken;
			readonly r1: Uint8Array;
	  }
	| {
			readonly kind: "bound";
			readonly bound: Bound;
			readonly token: ResumptionToken;
	  }
	| { readonly kind: "confirmed"; readonly confirmed: ConfirmedModule }
	| { readonly kind: "full" };

const WAITING: Readonly<Record<Exclude<State["kind"], "full">, string>> = {
	idle: "the own agent begins",
	prepared: "the other agent answers the offer to resume",
	bound: "the own agent forms the key",
	confirmed: "nothing",
};

export class ResumingModuleInitiator implements ModuleEstablishment {
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
				if (type === LINK.resume) return this.#prepare(body, now);
				return this.#beginAnew(type, body, now);
			case "prepared":
				if (type === LINK.resumeBind) return this.#bind(state, body);
				// The other side has no token, and the agent asks for a new tetrad.
				if (type !== LINK.begin) break;
				state.awaiting.wipe();
				return this.#beginAnew(type, body, now);
			case "bound":
				if (type !== LINK.resumeConfirm) break;
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

	#beginAnew(type: LinkMessageType, body: Uint8Array, now: number): void {
		this.#role.judge.forget();
		this.#state = { kind: "full" };
		this.#full.linkMessage(type, body, now);
	}

	#prepare(body: Uint8Array, now: number): void {
		const { device, judge, steps } = this.#role;
		judge.own(now);
		const request = RESUME.decode(body);
		const token = takeNamed(this.#role, "X", request.token, now);
		if (token === undefined || token.suite.id !== request.suite) {
			token?.wipe();
			judge.forget();
			this.#role.sendLink(LINK.tokenUnknown, new Uint8Array());
			this.#state = { kind: "full" };
			return;
		}
		steps.own(token);
		const r1 = steps.ownBytes(copy(request.r1));
		const { message1, awaiting } = startInitiator(
			device.crypto,
			resumedInnerSetup(device, token),
			RESUMED_I1.encode({ r1 }),
		);
		token.wipe();
		this.#role.sendLink(
			LINK.resumePrepared,
			RESUME_PREPARED.encode({ i1: message1 }),
		);
		this.#state = {
			kind: "prepared",
			awaiting: steps.own(awaiting),
			token,
			r1,
		};
	}

	/** Y has proved K inside session 2, and what T holds with it: the conversation that the agent names is that of Y. */
	#bind(
		{ awaiting, token, r1 }: Extract<State, { kind: "prepared" }>,
		body: Uint8Array,
	): void {
		const { device, steps, log } = this.#role;
		const request = RESUME_BIND.decode(body);
		const offer = parseResumingOffer(request.offer);
		if (
			!acceptsResumption(device.policy, offer, token) ||
			!sameBytes(offer.token, token.id)
		)
			throw new TetradError(
				"negotiation-failed",
				"the own agent names an offer that does not fit the token",
			);
		const { hash, payload, secrets } = awaiting.finish(request.i2);
		const inner = steps.own(openSession(device, secrets, "initiator", "S2"));
		const { r2, finY } = RESUMED_I2.decode(payload);
		const outerHash = copy(request.outerHash);
		this.#signedHashes.claim(outerHash);
		const transcript = resumedTranscript(token, offer, {
			outerHash,
			innerHash: hash,
		});
		const root = steps.own(
			RootKey.form(device.crypto, transcript, r1, r2, log),
		);
		root.check("Y", finY);
		root.check("B", request.finB);
		r1.fill(0);
		const finX = root.fin("X");
		const i3 = inner.seal(CONTENT.handshake, RESUMED_I3.encode({ finX }));
		this.#role.sendLink(
			LINK.resumeBound,
			RESUME_BOUND.encode({ i3, innerHash: hash, finX }),
		);
		this.#state = { kind: "bound", bound: { transcript, root, inner }, token };
		steps.emit({ kind: "bound" });
	}

	#confirm(
		{ bound, token }: Extract<State, { kind: "bound" }>,
		body: Uint8Array,
	): void {
		const { link, steps, log } = this.#role;
		const { root } = bound;
		root.check("A", RESUME_CONFIRM.decode(body).finA);
		const { records } = token.suite.protocol;
		this.#state = {
			kind: "confirmed",
			confirmed: {
				...bound,
				local: steps.own(root.localSession(records, link.secret, "XA", log)),
				signedAt: token.signedAt,
			},
		};
		steps.emit({ kind: "confirmed" });
	}
}
