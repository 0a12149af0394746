/*
 * Device 3 (X), the module of the agent that starts a tetrad.
 *
 *   idle ──begin──▶ prepared ──h_o, I2──▶ signing ──signature──▶ sent ──fin_A──▶ bound ──fin_B, I4──▶ confirmed   direct
 *                                                                 └──fin_A, fin_B, I4──▶ confirmed                crossed
 */

import {
	authenticationFailed,
	TetradError,
	unreachable,
} from "../../errors.ts";
import { unexpected } from "../../machine/index.ts";
import {
	type AwaitingMessage2,
	authenticate,
	type Session,
	type Suite,
	startInitiator,
	suiteById,
} from "../../session/index.ts";
import { CONTENT, copy, LINK, type LinkMessageType } from "../../wire/index.ts";
import {
	AGENT_BOUND,
	BEGIN,
	BIND_INITIATOR,
	CONFIRM_INITIATOR,
	I2,
	I3,
	I4,
	I5,
	INITIATOR_BOUND,
	INITIATOR_CONFIRMED,
	PREPARED,
} from "../messages.ts";
import { acceptLink, acceptOffer, parseOffer } from "../offer.ts";
import { RootKey } from "../root-key.ts";
import { innerSetup, openSession } from "../sessions.ts";
import type { SignedHashes } from "../signed-hashes.ts";
import type { Transcript } from "../transcript.ts";
import { demandTwo } from "./judge.ts";
import type { ConfirmedModule } from "./module-conversation.ts";
import { type ModuleEstablishment, ModuleMachine } from "./module-machine.ts";
import { ResumingModuleInitiator } from "./resuming-module-initiator.ts";
import type { MachineOptions } from "./role.ts";
import type { RoleParts } from "./role-parts.ts";

/** What a module's machine needs beside what all four do. */
export interface ModuleOptions extends MachineOptions {
	readonly signedHashes: SignedHashes;
}

/** What X knows once its agent has named the conversation. */
interface Heard {
	readonly transcript: Transcript;
	readonly inner: Session;
	/** R2, in both routings. */
	readonly r2: Uint8Array;
}

type State =
	| { readonly kind: "idle" }
	| {
			readonly kind: "prepared";
			readonly suite: Suite;
			readonly awaiting: AwaitingMessage2;
			readonly retried: boolean;
	  }
	| {
			readonly kind: "signing";
			readonly heard: Heard;
			/** In direct routing the agent gave R1; in crossed routing it comes in I4. */
			readonly r1: Uint8Array | undefined;
	  }
	| {
			readonly kind: "sent";
			readonly heard: Heard;
			readonly root: RootKey | undefined;
	  }
	| { readonly kind: "bound"; readonly heard: Heard; readonly root: RootKey }
	| { readonly kind: "confirmed"; readonly confirmed: ConfirmedModule };

const WAITING: Readonly<Record<State["kind"], string>> = {
	idle: "the own agent begins",
	prepared: "the other agent answers the offer",
	signing: "the own signer signs",
	sent: "the own agent forms the key",
	bound: "the other side confirms",
	confirmed: "nothing",
};

/** Device 3, X: the module of the agent that calls. It waits for `begin` on its link. */
export function moduleInitiator(options: ModuleOptions): ModuleMachine {
	const { signedHashes } = options;
	return new ModuleMachine(
		"X",
		options,
		(role) =>
			new ResumingModuleInitiator(
				role,
				signedHashes,
				new ModuleInitiator(role, signedHashes),
			),
	);
}

class ModuleInitiator implements ModuleEstablishment {
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
				if (type !== LINK.begin) break;
				this.#role.judge.own(now);
				return this.#prepare(body, false);
			case "prepared":
				// After a retry the agent asks for a fresh ephemeral key for another suite.
				if (type === LINK.begin && !state.retried) {
					state.awaiting.wipe();
					return this.#prepare(body, true);
				}
				if (type !== LINK.bindInitiator) break;
				return this.#bind(state, body, now);
			case "sent":
				if (type === LINK.agentBound && state.root !== undefined)
					return this.#agentBound(state.heard, state.root, body);
				if (type === LINK.confirmInitiator && state.root === undefined)
					return this.#confirmCrossed(state.heard, body);
				break;
			case "bound":
				if (type !== LINK.confirmInitiator) break;
				return this.#confirmDirect(state, body);
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
		const { heard, r1 } = this.#state;
		const { own } = this.#role.device;
		const credential = { chain: own.encodedChain, signature };
		const { innerHash, parties } = heard.transcript;
		const hashes = {
			innerHash,
			ownModule: own.chainHash,
			peerModule: parties.Y.chainHash,
		};
		const chains = [own, parties.Y];
		if (r1 === undefined) {
			const i3 = heard.inner.seal(
				CONTENT.handshake,
				I3.crossed.encode({ ...credential, r2: heard.r2 }),
			);
			this.#role.sendLink(
				LINK.initiatorBound,
				INITIATOR_BOUND.crossed.encode({ i3, ...hashes }),
				...chains,
			);
			this.#state = { kind: "sent", heard, root: undefined };
			return;
		}
		const root = this.#form(heard, r1);
		const finX = root.fin("X");
		const i3 = heard.inner.seal(
			CONTENT.handshake,
			I3.direct.encode({ ...credential, r1, finX }),
		);
		r1.fill(0);
		this.#role.sendLink(
			LINK.initiatorBound,
			INITIATOR_BOUND.direct.encode({ i3, ...hashes, finX }),
			...chains,
		);
		this.#state = { kind: "sent", heard, root };
	}

	get confirmed(): ConfirmedModule | undefined {
		return this.#state.kind === "confirmed" ? this.#state.confirmed : undefined;
	}

	get waitingFor(): string {
		return WAITING[this.#state.kind];
	}

	#prepare(body: Uint8Array, retried: boolean): void {
		const suite = suiteById(BEGIN.decode(body).suite);
		if (
			suite === undefined ||
			!this.#role.device.policy.suites.includes(suite.name)
		)
			throw new TetradError(
				"negotiation-failed",
				"this device's policy does not accept the suite that its agent asks for",
			);
		const { message1, awaiting } = startInitiator(
			this.#role.device.crypto,
			innerSetup(this.#role.device, suite),
			new Uint8Array(),
		);
		this.#role.sendLink(LINK.prepared, PREPARED.encode({ i1: message1 }));
		this.#state = {
			kind: "prepared",
			suite,
			awaiting: this.#role.steps.own(awaiting),
			retried,
		};
	}

	#bind(
		{ suite, awaiting }: Extract<State, { kind: "prepared" }>,
		body: Uint8Array,
		now: number,
	): void {
		const { crypto, policy, own } = this.#role.device;
		const request = BIND_INITIATOR.decode(body);
		const offer = parseOffer(request.offer);
		acceptOffer(policy, offer);
		if (offer.selected.id !== suite.id || offer.link !== this.#role.link.mode)
			throw new TetradError(
				"negotiation-failed",
				"the own agent names an offer that does not fit this link",
			);
		const responderLink = acceptLink(policy, request.responderLink);
		const agent = this.#role.judge.paired(request.ownAgent, "ownAgent", now);
		const peerAgent = this.#role.judge.named(
			request.peerAgent,
			"peerAgent",
			now,
		);
		demandTwo(agent, peerAgent);

		const outerHash = copy(request.outerHash);
		const { hash: innerHash, payload, secrets } = awaiting.finish(request.i2);
		const inner = this.#role.steps.own(
			openSession(this.#role.device, secrets, "initiator", "S2"),
		);
		const direct = offer.routing === "direct";
		const i2 = direct
			? I2.direct.decode(payload)
			: { ...I2.crossed.decode(payload), r2: request.share };
		const peer = this.#role.judge.shown(i2.chain, "peerModule", now);
		authenticate(
			crypto,
			peer,
			i2.signature,
			"Y",
			outerHash,
			innerHash,
			peerAgent.deviceId,
			peer.chainHash,
		);
		demandTwo(own, peer);
		this.#signedHashes.claim(outerHash);
		this.#role.sign(
			"X",
			outerHash,
			innerHash,
			this.#role.link.peerDeviceId,
			own.chainHash,
			peer.chainHash,
		);
		this.#state = {
			kind: "signing",
			heard: {
				transcript: {
					outerHash,
					innerHash,
					parties: { A: agent, B: peerAgent, X: own, Y: peer },
					offer,
					responderLink,
				},
				inner,
				r2: this.#role.steps.ownBytes(copy(i2.r2)),
			},
			r1: direct ? this.#role.steps.ownBytes(copy(request.share)) : undefined,
		};
	}

	#agentBound(heard: Heard, root: RootKey, body: Uint8Array): void {
		root.check("A", AGENT_BOUND.decode(body).finA);
		this.#state = { kind: "bound", heard, root };
		this.#role.steps.emit({ kind: "bound" });
	}

	#confirmDirect(
		{ heard, root }: Extract<State, { kind: "bound" }>,
		body: Uint8Array,
	): void {
		const { finB, i4 } = CONFIRM_INITIATOR.direct.decode(body);
		root.check("B", finB);
		const { finY } = I4.direct.decode(this.#openInner(heard, i4));
		root.check("Y", finY);
		this.#confirm(heard, root);
	}

	#confirmCrossed(heard: Heard, body: Uint8Array): void {
		const { finA, finB, i4 } = CONFIRM_INITIATOR.crossed.decode(body);
		const { r1, finY } = I4.crossed.decode(this.#openInner(heard, i4));
		const root = this.#form(heard, r1);
		root.check("A", finA);
		root.check("B", finB);
		root.check("Y", finY);
		this.#role.steps.emit({ kind: "bound" });
		const finX = root.fin("X");
		const i5 = heard.inner.seal(CONTENT.handshake, I5.encode({ finX }));
		this.#role.sendLink(
			LINK.initiatorConfirmed,
			INITIATOR_CONFIRMED.encode({ finX, i5 }),
		);
		this.#confirm(heard, root);
	}

	#confirm(heard: Heard, root: RootKey): void {
		heard.r2.fill(0);
		this.#state = {
			kind: "confirmed",
			confirmed: {
				transcript: heard.transcript,
				root,
				inner: heard.inner,
				local: this.#role.steps.own(
					root.localSession(
						heard.transcript.offer.selected.protocol.records,
						this.#role.link.secret,
						"XA",
						this.#role.log,
					),
				),
			},
		};
		this.#role.steps.emit({ kind: "confirmed" });
	}

	#form({ transcript, r2 }: Heard, r1: Uint8Array): RootKey {
		const { crypto } = this.#role.device;
		return this.#role.steps.own(
			RootKey.form(crypto, transcript, r1, r2, this.#role.log),
		);
	}

	#openInner({ inner }: Heard, frame: Uint8Array): Uint8Array {
		const content = inner.open(frame);
		if (content.type !== CONTENT.handshake) throw authenticationFailed();
		return content.bytes;
	}
}
