/*
 * How the two ends of a link prove to each other that they are the paired devices.
 *
 *   paired   agent   idle ──L1──▶ calling ──L2──▶ signing ──L3──▶ authenticated
 *            module  idle ──L1──▶ signing ──L2──▶ answered ──L3──▶ authenticated
 *   open     both    idle ──own chain──▶ greeting ──other chain──▶ authenticated
 *
 * L1 and L2 are the messages of Noise NNhfs+psk0 under the pairing's key; L3 is record 0. An open link
 * only shows chains: whoever uses one knows what is at its other end.
 */
import {
	authenticationFailed,
	TetradError,
	unreachable,
} from "../../errors.ts";
import { type CertifiedDevice, requireDemand } from "../../identity/index.ts";
import { type Steps, unexpected } from "../../machine/index.ts";
import {
	type AnsweringMessage1,
	type AwaitingMessage2,
	authenticate,
	CREDENTIAL,
	type Credential,
	LINK_PROTOCOL,
	type NoiseSetup,
	readMessage1,
	type Session,
	startInitiator,
} from "../../session/index.ts";
import {
	CONTENT,
	enc,
	encodeFrame,
	FRAME,
	type Frame,
	type Structure,
	sameBytes,
	structure,
	utf8,
} from "../../wire/index.ts";
import { openSession } from "../sessions.ts";
import type { Signing } from "../signing.ts";
import type { LinkEffect, LinkOptions } from "./link-events.ts";

const CREDENTIAL_BODY: Structure<Credential> = structure(
	"link credential",
	CREDENTIAL,
);
const OPEN_HELLO: Structure<Pick<Credential, "chain">> = structure(
	"open hello",
	{ chain: CREDENTIAL.chain },
);
const PROLOGUE: Uint8Array = enc(utf8("tetrad/1 link"));

/** The device at the other end, and the session with it, which is absent on an open link. */
export interface AuthenticatedEnd {
	readonly peer: CertifiedDevice;
	readonly session: Session | undefined;
}

type State =
	| { readonly kind: "idle" }
	| { readonly kind: "calling"; readonly awaiting: AwaitingMessage2 }
	| {
			readonly kind: "agent-signing";
			readonly session: Session;
			readonly peer: CertifiedDevice;
	  }
	| { readonly kind: "module-signing"; readonly handshake: AnsweringMessage1 }
	| {
			readonly kind: "answered";
			readonly session: Session;
			readonly hash: Uint8Array;
	  }
	| { readonly kind: "greeting" }
	| { readonly kind: "authenticated"; readonly end: AuthenticatedEnd };

/** One end of the handshake. The agent calls, the module answers. */
export class LinkHandshake {
	readonly #role: "agent" | "module";
	readonly #options: LinkOptions;
	readonly #steps: Steps<LinkEffect>;
	readonly #signing: Signing;
	#state: State = { kind: "idle" };

	constructor(
		role: "agent" | "module",
		options: LinkOptions,
		steps: Steps<LinkEffect>,
		signing: Signing,
	) {
		this.#role = role;
		this.#options = options;
		this.#steps = steps;
		this.#signing = signing;
	}

	/** The other end, once it is known. */
	get authenticated(): AuthenticatedEnd | undefined {
		return this.#state.kind === "authenticated" ? this.#state.end : undefined;
	}

	/** Begins: the agent calls on a paired link, and both ends greet on an open one. */
	start(): void {
		if (this.#state.kind !== "idle") throw unexpected("a second start");
		const { device, mode } = this.#options;
		if (mode === "unsafe-open") {
			const chain = device.own.encodedChain;
			this.#sendFrame(FRAME.openHello, OPEN_HELLO.encode({ chain }));
			this.#state = { kind: "greeting" };
		} else if (this.#role === "agent") {
			const { message1, awaiting } = startInitiator(
				device.crypto,
				this.#setup(),
				new Uint8Array(),
			);
			this.#sendFrame(FRAME.linkHello, message1);
			this.#state = { kind: "calling", awaiting: this.#steps.own(awaiting) };
		}
	}

	/** One frame of the other end, which has not refused. */
	frame(frame: Frame, bytes: Uint8Array, now: number): void {
		const state = this.#state;
		switch (state.kind) {
			case "idle":
				if (
					this.#role !== "module" ||
					this.#options.mode !== "paired" ||
					frame.type !== FRAME.linkHello
				)
					break;
				return this.#called(frame.body);
			case "calling":
				if (frame.type !== FRAME.linkAnswer) break;
				return this.#answered(state.awaiting, frame.body, now);
			case "answered":
				if (frame.type !== FRAME.record) break;
				return this.#agentAuthenticated(state, bytes, now);
			case "greeting":
				if (frame.type !== FRAME.openHello) break;
				return this.#greeted(frame.body, now);
			case "agent-signing":
			case "module-signing":
			case "authenticated":
				break;
			default:
				return unreachable(state);
		}
		throw unexpected("a frame on the link");
	}

	#called(message1: Uint8Array): void {
		const { crypto, own } = this.#options.device;
		const handshake = this.#steps.own(
			readMessage1(crypto, this.#setup(), message1),
		);
		if (handshake.payload.length > 0) throw authenticationFailed();
		this.#steps.emit(this.#signing.ask("LM", handshake.hash, own.chainHash));
		this.#state = { kind: "module-signing", handshake };
	}

	#answered(
		awaiting: AwaitingMessage2,
		message2: Uint8Array,
		now: number,
	): void {
		const { device } = this.#options;
		const { hash, payload, secrets } = awaiting.finish(message2);
		const peer = this.#authenticate(payload, hash, now);
		const session = this.#steps.own(
			openSession(device, secrets, "initiator", "LINK"),
		);
		this.#steps.emit(this.#signing.ask("LA", hash, device.own.chainHash));
		this.#state = { kind: "agent-signing", session, peer };
	}

	signed(signature: Uint8Array): void {
		const state = this.#state;
		const { device } = this.#options;
		const chain = device.own.encodedChain;
		const credential = CREDENTIAL_BODY.encode({ chain, signature });
		if (state.kind === "module-signing") {
			const { message2, secrets } = state.handshake.finish(credential);
			const session = this.#steps.own(
				openSession(device, secrets, "responder", "LINK"),
			);
			this.#sendFrame(FRAME.linkAnswer, message2);
			const { hash } = state.handshake;
			this.#state = { kind: "answered", session, hash };
		} else if (state.kind === "agent-signing") {
			const bytes = state.session.seal(CONTENT.handshake, credential);
			this.#steps.emit({ kind: "send-frame", bytes });
			const { peer, session } = state;
			this.#state = { kind: "authenticated", end: { peer, session } };
		} else throw unexpected("a signature");
	}

	#agentAuthenticated(
		{ session, hash }: Extract<State, { kind: "answered" }>,
		bytes: Uint8Array,
		now: number,
	): void {
		const content = session.open(bytes);
		if (content.type !== CONTENT.handshake) throw authenticationFailed();
		const peer = this.#authenticate(content.bytes, hash, now);
		this.#state = { kind: "authenticated", end: { peer, session } };
	}

	#greeted(body: Uint8Array, now: number): void {
		const { chain } = OPEN_HELLO.decode(body);
		const peer = this.#judgePaired(chain, now);
		this.#state = { kind: "authenticated", end: { peer, session: undefined } };
	}

	#authenticate(
		body: Uint8Array,
		hash: Uint8Array,
		now: number,
	): CertifiedDevice {
		const { crypto } = this.#options.device;
		const { chain, signature } = CREDENTIAL_BODY.decode(body);
		const peer = this.#judgePaired(chain, now);
		const signatureRole = this.#peerRole === "agent" ? "LA" : "LM";
		authenticate(crypto, peer, signature, signatureRole, hash, peer.chainHash);
		return peer;
	}

	get #peerRole(): "agent" | "module" {
		return this.#role === "agent" ? "module" : "agent";
	}

	#judgePaired(chain: Uint8Array, now: number): CertifiedDevice {
		const role = this.#peerRole;
		const { device, pairing } = this.#options;
		// Over a link lists are learned, so it is made also while they are missing or too old.
		const peer = device.verdicts.judgeForLink(chain, role, now);
		requireDemand(
			peer,
			role === "agent" ? "ownAgent" : "ownModule",
			device.policy.demands,
		);
		if (!sameBytes(peer.deviceId, pairing.peerDeviceId))
			throw new TetradError(
				"chain-refused",
				`${peer.name} is at the other end of the link, and it is not the ${role} that this device is paired with`,
			);
		return peer;
	}

	#setup(): NoiseSetup {
		return {
			protocol: LINK_PROTOCOL,
			prologue: PROLOGUE,
			psk: this.#options.pairing.key,
		};
	}

	#sendFrame(type: Frame["type"], body: Uint8Array): void {
		this.#steps.emit({ kind: "send-frame", bytes: encodeFrame(type, body) });
	}
}
