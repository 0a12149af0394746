/*
 * Pairing an agent and a module: a session with a commitment, so that neither end, nor anybody
 * between them, can search for a short code.
 *
 *   agent    idle ──P1: SHA-256 of N_i──▶ calling ──P2──▶ signing ──P3: N_i──▶ comparing ──both accepted──▶ paired
 *   module   idle ──P1──▶ telling ──▶ signing ──P2: N_r──▶ answered ──P3──▶ comparing ──both accepted──▶ paired
 *
 * Whoever has P2 can compute the module's code, and break off without a word. So the module tells
 * its owner before it sends one, and sends three at most (docs/protocol.md, Pairing).
 */
import {
	authenticationFailed,
	TetradError,
	unreachable,
} from "../../errors.ts";
import { type CertifiedDevice, requireDemand } from "../../identity/index.ts";
import {
	type AbortEvent,
	type Ended,
	type Machine,
	type SignEffect,
	type SignedEvent,
	Steps,
	type TimeEvent,
	timedOut,
	unexpected,
} from "../../machine/index.ts";
import {
	type AnsweringMessage1,
	type AwaitingMessage2,
	authenticate,
	CREDENTIAL,
	type Credential,
	type NoiseSetup,
	readMessage1,
	type Session,
	startInitiator,
	suiteByName,
} from "../../session/index.ts";
import {
	bytes,
	CONTENT,
	copy,
	enc,
	encodeFrame,
	FRAME,
	type Frame,
	parseFrame,
	type Structure,
	structure,
	utf8,
} from "../../wire/index.ts";
import type { DeviceContext } from "../context.ts";
import { PAIRING_CODE_WORDS, wordsFrom } from "../safety-code.ts";
import { openSession } from "../sessions.ts";
import { Signing } from "../signing.ts";
import type { PairingTries } from "./pairing-tries.ts";

/** What a pairing leaves at each of the two devices. */
export interface Pairing {
	/** Device id of the other one. */
	readonly peerDeviceId: Uint8Array;
	/** 32 bytes, the same at both. */
	readonly key: Uint8Array;
}

/** What the driver of a pairing hands over. */
export type PairingEvent =
	/** The agent calls; the module waits for it. */
	| { readonly kind: "start" }
	/** One whole frame from the other device. */
	| { readonly kind: "frame"; readonly bytes: Uint8Array }
	/** The module's owner was told of this try. */
	| { readonly kind: "told" }
	/** The owner saw the same code at both devices. */
	| { readonly kind: "accept" }
	| SignedEvent
	| TimeEvent
	| AbortEvent;

/** What the driver of a pairing carries out, in order. */
export type PairingEffect =
	| { readonly kind: "send-frame"; readonly bytes: Uint8Array }
	| SignEffect
	/** At the module: tell the owner of this try, count it durably, then come back with `told`. It is the `number`th, from 1. */
	| { readonly kind: "try"; readonly number: number }
	/** Show this code and the peer's name, ask the owner, then come back with `accept` or `abort`. */
	| {
			readonly kind: "compare";
			readonly code: string;
			readonly peer: CertifiedDevice;
	  }
	/** Both owners accepted. Keep this, durably. */
	| {
			readonly kind: "paired";
			readonly pairing: Pairing;
			readonly peer: CertifiedDevice;
	  };

const NONCE_BYTES = 32;

interface Commitment {
	/** `commit` of N_i. */
	readonly commitment: Uint8Array;
}

interface Opened extends Credential {
	/** N_r in P2 and N_i in P3. */
	readonly nonce: Uint8Array;
}

const P1: Structure<Commitment> = structure<Commitment>("P1", {
	commitment: bytes(32),
});
const P2: Structure<Opened> = structure<Opened>("P2", {
	...CREDENTIAL,
	nonce: bytes(NONCE_BYTES),
});
const P3: Structure<Opened> = structure<Opened>("P3", {
	...CREDENTIAL,
	nonce: bytes(NONCE_BYTES),
});

/** Always the hybrid exchange: the pairing key lends its strength to every link made with it. */
const SETUP: NoiseSetup = {
	protocol: suiteByName("hybrid-aesgcm").protocol,
	prologue: enc(utf8("tetrad/1 pairing")),
};

interface Comparing {
	readonly kind: "comparing";
	readonly session: Session;
	readonly peer: CertifiedDevice;
	readonly accepted: "neither" | "here" | "there";
}

type State =
	| { readonly kind: "idle" }
	| {
			readonly kind: "calling";
			readonly awaiting: AwaitingMessage2;
			readonly nonce: Uint8Array;
	  }
	| {
			readonly kind: "agent-signing";
			readonly session: Session;
			readonly hash: Uint8Array;
			readonly peer: CertifiedDevice;
			readonly nonce: Uint8Array;
			readonly peerNonce: Uint8Array;
	  }
	| {
			readonly kind: "telling";
			readonly handshake: AnsweringMessage1;
			readonly commitment: Uint8Array;
	  }
	| {
			readonly kind: "module-signing";
			readonly handshake: AnsweringMessage1;
			readonly commitment: Uint8Array;
	  }
	| {
			readonly kind: "answered";
			readonly session: Session;
			readonly hash: Uint8Array;
			readonly commitment: Uint8Array;
			readonly nonce: Uint8Array;
	  }
	| Comparing;

/** SHA-256(enc("tetrad/1 pair", N_i)). */
function commit(crypto: DeviceContext["crypto"], nonce: Uint8Array) {
	return crypto.sha256(enc(utf8("tetrad/1 pair"), nonce));
}

/** Which end of a pairing a machine is. A module counts its tries over all of its pairings. */
export type PairingEnd =
	| { readonly role: "agent" }
	| { readonly role: "module"; readonly tries: PairingTries };

/** One end of a pairing. The agent calls, the module answers. */
export class PairingMachine implements Machine<PairingEvent, PairingEffect> {
	readonly #end: PairingEnd;
	readonly #device: DeviceContext;
	readonly #steps: Steps<PairingEffect>;
	readonly #signing: Signing = new Signing();
	#state: State = { kind: "idle" };

	/** `timeoutMs` includes the time that the two owners take to compare. */
	constructor(
		end: PairingEnd,
		options: {
			readonly device: DeviceContext;
			readonly now: number;
			readonly timeoutMs: number;
		},
	) {
		this.#end = end;
		this.#device = options.device;
		this.#steps = new Steps<PairingEffect>(
			options.now + options.timeoutMs,
			(error) => this.#tellOther(error),
		);
	}

	/** As `Machine` has it: milliseconds since the epoch. */
	get deadline(): number | undefined {
		return this.#steps.deadline;
	}

	/** Whether this pairing is over; its last effect said how. */
	get ended(): boolean {
		return this.#steps.ended;
	}

	/** Hands over what happened at `now`, in milliseconds since the epoch, and returns what shall be done. */
	handle(event: PairingEvent, now: number): readonly (PairingEffect | Ended)[] {
		return this.#steps.run(() => this.#step(event, now));
	}

	#step(event: PairingEvent, now: number): void {
		switch (event.kind) {
			case "start":
				return this.#start();
			case "frame": {
				const frame = parseFrame(event.bytes);
				if (frame.type === FRAME.refusal)
					throw new TetradError(
						"pairing-failed",
						"the other device refused the pairing, or its owner did",
					);
				return this.#frame(frame, event.bytes, now);
			}
			case "told":
				return this.#told();
			case "accept":
				return this.#accept();
			case "signed":
			case "not-signed":
				return this.#signed(this.#signing.take(event));
			case "time":
				if (this.#steps.isDue(now))
					throw timedOut(
						this.#state.kind === "comparing"
							? "the two owners compare the code"
							: "the other device pairs",
					);
				return;
			case "abort":
				throw event.error;
			default:
				return unreachable(event);
		}
	}

	#start(): void {
		if (this.#state.kind !== "idle") throw unexpected("a second start");
		if (this.#end.role === "module") return;
		const { crypto } = this.#device;
		const nonce = crypto.random(NONCE_BYTES);
		const { message1, awaiting } = startInitiator(
			crypto,
			SETUP,
			P1.encode({ commitment: commit(crypto, nonce) }),
		);
		this.#sendFrame(FRAME.pairHello, message1);
		this.#state = {
			kind: "calling",
			awaiting: this.#steps.own(awaiting),
			nonce,
		};
	}

	#accept(): void {
		const state = this.#state;
		if (state.kind !== "comparing") throw unexpected("an acceptance");
		// Saying yes twice is no reason to lose a pairing.
		if (state.accepted === "here") return;
		this.#steps.emit({
			kind: "send-frame",
			bytes: state.session.seal(CONTENT.handshake, new Uint8Array()),
		});
		this.#accepted(state, "here");
	}

	#tellOther(error: TetradError): void {
		if (error.code !== "pairing-failed" || this.#state.kind === "comparing")
			this.#sendFrame(FRAME.refusal, Uint8Array.of(0));
	}

	#frame(frame: Frame, bytes: Uint8Array, now: number): void {
		const state = this.#state;
		switch (state.kind) {
			case "idle":
				if (this.#end.role === "agent" || frame.type !== FRAME.pairHello) break;
				return this.#called(this.#end.tries, frame.body);
			case "calling":
				if (frame.type !== FRAME.pairAnswer) break;
				return this.#answered(state, frame.body, now);
			case "answered":
				if (frame.type !== FRAME.record) break;
				return this.#opened(state, bytes, now);
			case "comparing": {
				if (frame.type !== FRAME.record || state.accepted === "there") break;
				const content = state.session.open(bytes);
				if (content.type !== CONTENT.handshake || content.bytes.length > 0)
					throw authenticationFailed();
				return this.#accepted(state, "there");
			}
			case "agent-signing":
			case "telling":
			case "module-signing":
				break;
			default:
				return unreachable(state);
		}
		throw unexpected("a frame of the pairing");
	}

	#called(tries: PairingTries, message1: Uint8Array): void {
		const { crypto } = this.#device;
		const handshake = this.#steps.own(readMessage1(crypto, SETUP, message1));
		const { commitment } = P1.decode(handshake.payload);
		this.#steps.emit({ kind: "try", number: tries.take() });
		this.#state = { kind: "telling", handshake, commitment: copy(commitment) };
	}

	#told(): void {
		const state = this.#state;
		if (state.kind !== "telling") throw unexpected("word of a try");
		const { handshake, commitment } = state;
		const { chainHash } = this.#device.own;
		this.#steps.emit(this.#signing.ask("PM", handshake.hash, chainHash));
		this.#state = { kind: "module-signing", handshake, commitment };
	}

	#answered(
		{ awaiting, nonce }: Extract<State, { kind: "calling" }>,
		message2: Uint8Array,
		now: number,
	): void {
		const { crypto, own, policy, verdicts } = this.#device;
		const { hash, payload, secrets } = awaiting.finish(message2);
		const p2 = P2.decode(payload);
		const peer = verdicts.judgeForLink(p2.chain, "module", now);
		requireDemand(peer, "ownModule", policy.demands);
		authenticate(crypto, peer, p2.signature, "PM", hash, peer.chainHash);
		const session = this.#steps.own(
			openSession(this.#device, secrets, "initiator", "PAIR"),
		);
		this.#steps.emit(this.#signing.ask("PA", hash, own.chainHash));
		this.#state = {
			kind: "agent-signing",
			session,
			hash,
			peer,
			nonce,
			peerNonce: copy(p2.nonce),
		};
	}

	#signed(signature: Uint8Array): void {
		const state = this.#state;
		const { crypto, own } = this.#device;
		const credential = { chain: own.encodedChain, signature };
		if (state.kind === "module-signing") {
			const nonce = crypto.random(NONCE_BYTES);
			const { message2, secrets } = state.handshake.finish(
				P2.encode({ ...credential, nonce }),
			);
			const session = this.#steps.own(
				openSession(this.#device, secrets, "responder", "PAIR"),
			);
			this.#sendFrame(FRAME.pairAnswer, message2);
			const { handshake, commitment } = state;
			this.#state = {
				kind: "answered",
				session,
				hash: handshake.hash,
				commitment,
				nonce,
			};
		} else if (state.kind === "agent-signing") {
			const { session, hash, peer, nonce, peerNonce } = state;
			this.#steps.emit({
				kind: "send-frame",
				bytes: session.seal(
					CONTENT.handshake,
					P3.encode({ ...credential, nonce }),
				),
			});
			this.#compare(session, peer, hash, own, peer, nonce, peerNonce);
		} else throw unexpected("a signature");
	}

	#opened(
		state: Extract<State, { kind: "answered" }>,
		bytes: Uint8Array,
		now: number,
	): void {
		const { crypto, own, policy, verdicts } = this.#device;
		const { session, hash, commitment, nonce } = state;
		const content = session.open(bytes);
		if (content.type !== CONTENT.handshake) throw authenticationFailed();
		const p3 = P3.decode(content.bytes);
		if (!crypto.equal(commit(crypto, p3.nonce), commitment))
			throw authenticationFailed();
		const peer = verdicts.judgeForLink(p3.chain, "agent", now);
		requireDemand(peer, "ownAgent", policy.demands);
		authenticate(crypto, peer, p3.signature, "PA", hash, peer.chainHash);
		this.#compare(session, peer, hash, peer, own, p3.nonce, nonce);
	}

	#compare(
		session: Session,
		peer: CertifiedDevice,
		hash: Uint8Array,
		agent: CertifiedDevice,
		module: CertifiedDevice,
		agentNonce: Uint8Array,
		moduleNonce: Uint8Array,
	): void {
		const digest = this.#device.crypto.sha256(
			enc(
				utf8("tetrad/1 pair code"),
				hash,
				agent.certificateId,
				module.certificateId,
				agentNonce,
				moduleNonce,
			),
		);
		this.#state = { kind: "comparing", session, peer, accepted: "neither" };
		const code = wordsFrom(digest, PAIRING_CODE_WORDS);
		this.#steps.emit({ kind: "compare", code, peer });
	}

	#accepted(state: Comparing, by: "here" | "there"): void {
		if (state.accepted === "neither") {
			this.#state = { ...state, accepted: by };
			return;
		}
		const key = state.session.export(
			"tetrad/1 pairing key",
			new Uint8Array(),
			32,
		);
		if (this.#end.role === "module") this.#end.tries.allow();
		const { peer } = state;
		const pairing = { peerDeviceId: peer.deviceId, key };
		this.#steps.emit({ kind: "paired", pairing, peer });
		this.#steps.end("peer");
	}

	#sendFrame(type: Frame["type"], body: Uint8Array): void {
		this.#steps.emit({ kind: "send-frame", bytes: encodeFrame(type, body) });
	}
}
