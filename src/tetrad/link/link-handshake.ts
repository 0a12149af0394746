/*
 * How the two ends of a link prove to each other that they are the paired devices.
 *
 *   paired   agent   idle ──L1──▶ calling ──L2──▶ signing ──L3──▶ authenticated
 *            module  idle ──L1──▶ signing ──L2──▶ answered ──L3──▶ authenticated
 *   open     both    idle ──own chain──▶ greeting ──other chain──▶ authenticated
 *
 * L1 and L2 are the messages of Noise NNhfs+psk0 under the pairing's key, and settle what seals the
 * records (link-cipher.ts); L3 is record 0. An open link only shows chains: whoever uses one knows what
 * is at its other end.
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
	type SessionEnd,
	type SessionSecrets,
	startInitiator,
} from "../../session/index.ts";
import {
	bytes,
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
import {
	acceptedCiphers,
	followPick,
	type LinkCipher,
	MAX_OFFERED_CIPHERS,
	pickCipher,
} from "./link-cipher.ts";
import type { LinkEffect, LinkOptions } from "./link-events.ts";

interface Called {
	/** Ids of the ciphers that the agent accepts, its first choice first. */
	readonly ciphers: Uint8Array;
}

interface Answered extends Credential {
	/** Id of the cipher that the module has picked. */
	readonly cipher: Uint8Array;
}

const L1: Structure<Called> = structure<Called>("L1", {
	ciphers: bytes(1, MAX_OFFERED_CIPHERS),
});
const L2: Structure<Answered> = structure<Answered>("L2", {
	...CREDENTIAL,
	cipher: bytes(1),
});
const L3: Structure<Credential> = structure("L3", CREDENTIAL);
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
	| {
			readonly kind: "calling";
			readonly awaiting: AwaitingMessage2;
			readonly named: readonly LinkCipher[];
	  }
	| {
			readonly kind: "agent-signing";
			readonly session: Session;
			readonly peer: CertifiedDevice;
	  }
	| {
			readonly kind: "module-signing";
			readonly handshake: AnsweringMessage1;
			readonly cipher: LinkCipher;
	  }
	| {
			readonly kind: "answered";
			readonly session: Session;
			readonly hash: Uint8Array;
			readonly cipher: LinkCipher;
	  }
	| { readonly kind: "greeting" }
	| { readonly kind: "authenticated"; readonly end: AuthenticatedEnd };

/** What each end signs: h has what the agent named in it, and not what the module picked. */
function signedFields(
	hash: Uint8Array,
	chainHash: Uint8Array,
	{ id }: LinkCipher,
): Uint8Array[] {
	return [hash, chainHash, Uint8Array.of(id)];
}

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
			const named = acceptedCiphers(device.policy);
			const { message1, awaiting } = startInitiator(
				device.crypto,
				this.#setup(),
				L1.encode({ ciphers: Uint8Array.from(named, ({ id }) => id) }),
			);
			this.#sendFrame(FRAME.linkHello, message1);
			this.#state = {
				kind: "calling",
				awaiting: this.#steps.own(awaiting),
				named,
			};
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
				return this.#answered(state, frame.body, now);
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
		const { crypto, own, policy } = this.#options.device;
		const handshake = this.#steps.own(
			readMessage1(crypto, this.#setup(), message1),
		);
		const cipher = pickCipher(policy, L1.decode(handshake.payload).ciphers);
		this.#steps.emit(
			this.#signing.ask(
				"LM",
				...signedFields(handshake.hash, own.chainHash, cipher),
			),
		);
		this.#state = { kind: "module-signing", handshake, cipher };
	}

	#answered(
		{ awaiting, named }: Extract<State, { kind: "calling" }>,
		message2: Uint8Array,
		now: number,
	): void {
		const { own } = this.#options.device;
		const { hash, payload, secrets } = awaiting.finish(message2);
		const answer = L2.decode(payload);
		const cipher = followPick(named, answer.cipher);
		const peer = this.#authenticate(answer, hash, cipher, now);
		const session = this.#openSession(secrets, cipher, "initiator");
		this.#steps.emit(
			this.#signing.ask("LA", ...signedFields(hash, own.chainHash, cipher)),
		);
		this.#state = { kind: "agent-signing", session, peer };
	}

	signed(signature: Uint8Array): void {
		const state = this.#state;
		const chain = this.#options.device.own.encodedChain;
		if (state.kind === "module-signing") {
			const { handshake, cipher } = state;
			const { message2, secrets } = handshake.finish(
				L2.encode({ chain, signature, cipher: Uint8Array.of(cipher.id) }),
			);
			const session = this.#openSession(secrets, cipher, "responder");
			this.#sendFrame(FRAME.linkAnswer, message2);
			this.#state = { kind: "answered", session, hash: handshake.hash, cipher };
		} else if (state.kind === "agent-signing") {
			const bytes = state.session.seal(
				CONTENT.handshake,
				L3.encode({ chain, signature }),
			);
			this.#steps.emit({ kind: "send-frame", bytes });
			const { peer, session } = state;
			this.#state = { kind: "authenticated", end: { peer, session } };
		} else throw unexpected("a signature");
	}

	#agentAuthenticated(
		{ session, hash, cipher }: Extract<State, { kind: "answered" }>,
		bytes: Uint8Array,
		now: number,
	): void {
		const content = session.open(bytes);
		if (content.type !== CONTENT.handshake) throw authenticationFailed();
		const credential = L3.decode(content.bytes);
		const peer = this.#authenticate(credential, hash, cipher, now);
		this.#state = { kind: "authenticated", end: { peer, session } };
	}

	#greeted(body: Uint8Array, now: number): void {
		const { chain } = OPEN_HELLO.decode(body);
		const peer = this.#judgePaired(chain, now);
		this.#state = { kind: "authenticated", end: { peer, session: undefined } };
	}

	#authenticate(
		{ chain, signature }: Credential,
		hash: Uint8Array,
		cipher: LinkCipher,
		now: number,
	): CertifiedDevice {
		const { crypto } = this.#options.device;
		const peer = this.#judgePaired(chain, now);
		const signatureRole = this.#peerRole === "agent" ? "LA" : "LM";
		const fields = signedFields(hash, peer.chainHash, cipher);
		authenticate(crypto, peer, signature, signatureRole, ...fields);
		return peer;
	}

	/** The keys are those of the handshake, and what they are used with is what was agreed on in it. */
	#openSession(
		secrets: SessionSecrets,
		{ records }: LinkCipher,
		end: SessionEnd,
	): Session {
		return this.#steps.own(
			openSession(this.#options.device, { ...secrets, records }, end, "LINK"),
		);
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
