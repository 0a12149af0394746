/*
 * A link between an agent and its module, at one of its ends. It carries many tetrads.
 *
 *   paired   agent   idle ──L1──▶ calling ──L2──▶ signing ──L3──▶ ready
 *            module  idle ──L1──▶ signing ──L2──▶ answered ──L3──▶ ready
 *   open     both    idle ──own chain──▶ greeting ──other chain──▶ ready
 *
 * L1 and L2 are the messages of Noise NNpsk0 under the pairing's key; L3 is record 0.
 */
import {
	authenticationFailed,
	TetradError,
	unreachable,
} from "../../errors.ts";
import {
	type CertifiedDevice,
	type ListNumber,
	MAX_CHAIN_BYTES,
	requireDemand,
} from "../../identity/index.ts";
import { type Ended, OldMachine, unexpected } from "../../machine/index.ts";
import {
	type AnsweringMessage1,
	type AwaitingMessage2,
	authenticate,
	CREDENTIAL,
	type Credential,
	LINK_PROTOCOL,
	readMessage1,
	type Session,
	signedBytes,
	startInitiator,
} from "../../session/index.ts";
import {
	CONTENT,
	type ContentType,
	concat,
	copy,
	enc,
	encodeFrame,
	FRAME,
	type Frame,
	LINK,
	type LinkMessageType,
	malformed,
	parseFrame,
	type Structure,
	sameBytes,
	structure,
	utf8,
} from "../../wire/index.ts";
import type { DeviceContext, LinkContext, NamedChain } from "../context.ts";
import { ListExchange, ListMemory } from "../list-exchange.ts";

import {
	demandSize,
	LINK_HEADER_BYTES,
	LINK_LIST_LIMITS,
	type LinkMode,
	MAX_LINK_BODY_BYTES,
	MAX_LIST_MEMORY_BYTES,
	TETRAD_ID_BYTES,
} from "../parameters.ts";
import { openSession } from "../sessions.ts";
import { ChainBook } from "./chain-book.ts";

/** What a pairing leaves at each of the two devices. */
export interface Pairing {
	/** Device id of the other one. */
	readonly peerDeviceId: Uint8Array;
	/** 32 bytes, the same at both. */
	readonly key: Uint8Array;
}

/** What the driver of a link carries out, in order. */
export type LinkEffect =
	/** A whole frame for the other end. */
	| { readonly kind: "send-frame"; readonly bytes: Uint8Array }
	/** Sign with the own long-term key and come back with `signed`. */
	| { readonly kind: "sign"; readonly content: Uint8Array }
	/** The other end is the paired device; messages may be sent. */
	| { readonly kind: "ready"; readonly peer: CertifiedDevice }
	/** A message of one tetrad. */
	| {
			readonly kind: "message";
			readonly tetradId: Uint8Array;
			readonly type: LinkMessageType;
			readonly body: Uint8Array;
	  }
	/** A bundle of an untrusted list came, whole. Come back with `listDealt`; the next one waits for that. */
	| { readonly kind: "list"; readonly bundle: Uint8Array }
	| Ended;

/** What one end of a link is made of. */
export interface LinkOptions {
	readonly device: DeviceContext;
	readonly pairing: Pairing;
	readonly mode: LinkMode;
	/** Milliseconds since the epoch. */
	readonly now: number;
	/** How long the link may take to be ready, in milliseconds. */
	readonly timeoutMs: number;
}

const CREDENTIAL_BODY: Structure<Credential> = structure(
	"link credential",
	CREDENTIAL,
);
const OPEN_HELLO: Structure<Pick<Credential, "chain">> = structure(
	"open hello",
	{ chain: CREDENTIAL.chain },
);
const PROLOGUE = enc(utf8("tetrad/1 link"));
const NO_TETRAD = new Uint8Array(TETRAD_ID_BYTES);

/** Each type as it stands before a body. */
const TYPE_BYTE: ReadonlyMap<number, Uint8Array> = new Map(
	Object.values(LINK).map((type) => [type, Uint8Array.of(type)]),
);

interface Ready {
	readonly kind: "ready";
	readonly peer: CertifiedDevice;
	/** Absent on an open link. */
	readonly session: Session | undefined;
	readonly sent: ChainBook;
	readonly received: ChainBook;
	readonly lists: ListExchange;
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
	| Ready
	| { readonly kind: "over" };

/** One end of a link. The agent calls, the module answers. */
export class LinkMachine extends OldMachine<LinkEffect> {
	readonly #role: "agent" | "module";
	readonly #options: LinkOptions;
	#state: State = { kind: "idle" };

	constructor(role: "agent" | "module", options: LinkOptions) {
		super(options.now + options.timeoutMs);
		this.#role = role;
		this.#options = options;
	}

	/** Begins: the agent calls on a paired link, and both ends greet on an open one. */
	start(): LinkEffect[] {
		return this.step(() => {
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
				this.#state = { kind: "calling", awaiting: this.own(awaiting) };
			}
		});
	}

	/** One whole frame from the other end. */
	frame(bytes: Uint8Array, now: number): LinkEffect[] {
		return this.step(() => {
			const frame = parseFrame(bytes);
			if (frame.type === FRAME.refusal && this.#state.kind !== "ready")
				throw new TetradError(
					"refused-by-peer",
					"the other end of the link refused; are the two devices paired, and with each other?",
				);
			this.#frame(frame, bytes, now);
		});
	}

	/** The signature that a `sign` effect asked for. */
	signed(signature: Uint8Array): LinkEffect[] {
		return this.step(() => this.#signed(signature));
	}

	/** A message of one tetrad, after each chain that it names and the other end has not. */
	send(
		tetradId: Uint8Array,
		type: LinkMessageType,
		body: Uint8Array,
		chains: readonly NamedChain[],
	): LinkEffect[] {
		// A caller's mistake is thrown to the caller; it must not end a link that others share.
		const state = this.#ready();
		demandSize(body, MAX_LINK_BODY_BYTES);
		return this.step(() => {
			this.#sendChains(state, chains);
			this.#sendMessage(state, tetradId, type, body);
		});
	}

	/** What a tetrad's machine needs to know of this link. */
	contextFor(tetradId: Uint8Array): LinkContext {
		const { peer, session, received } = this.#ready();
		const { mode, pairing } = this.#options;
		return {
			mode,
			peerDeviceId: pairing.peerDeviceId,
			peerChain: peer.encodedChain,
			secret:
				session?.export("tetrad/1 link", tetradId, 32) ?? new Uint8Array(),
			chain: (hash) => received.find(hash),
		};
	}

	/** Whether `nextList` may have something to send. */
	get listWaits(): boolean {
		return (
			this.#state.kind === "ready" && !this.ended && this.#state.lists.waits
		);
	}

	/**
	 * One message about untrusted lists for the other end, if there is one to send. To be called
	 * after each step, when the carrier has room, until nothing comes.
	 */
	nextList(now: number): LinkEffect[] {
		return this.step(() => {
			if (this.#state.kind !== "ready") return;
			const message = this.#state.lists.next(now);
			if (message === undefined) return;
			this.#sendMessage(this.#state, NO_TETRAD, LINK.lists, message);
		});
	}

	/** What became of the bundle of a `list` effect: which it was, if that could be read, or why the other end is at fault. */
	listDealt(was: ListNumber | TetradError | undefined): LinkEffect[] {
		return this.step(() => {
			if (this.#state.kind !== "ready") return;
			if (was instanceof TetradError) throw was;
			this.#state.lists.dealt(was);
		});
	}

	/** This device has got a new untrusted list: a device at the other end that would be refused now ends the link. */
	listsChanged(now: number): LinkEffect[] {
		return this.step(() => {
			if (this.#state.kind !== "ready") return;
			const { peer, lists } = this.#state;
			const { verdicts } = this.#options.device;
			verdicts.judgeForLink(peer.encodedChain, peer.role, now);
			lists.changed();
		});
	}

	/** Ends the link in order. */
	close(): LinkEffect[] {
		return this.step(() => {
			if (this.#state.kind === "ready" && this.#state.session !== undefined)
				this.#sendRecord(this.#state.session, CONTENT.close, new Uint8Array());
			this.endInOrder("self");
		});
	}

	protected override waitingFor(): string {
		return "the other end of the link authenticates";
	}

	protected override tellOthers(error: TetradError): void {
		if (error.code !== "refused-by-peer" && this.#state.kind !== "ready")
			this.#sendFrame(FRAME.refusal, Uint8Array.of(0));
	}

	#frame(frame: Frame, bytes: Uint8Array, now: number): void {
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
			case "ready":
				if (state.session === undefined) {
					if (frame.type !== FRAME.openMessage) break;
					return this.#message(state, frame.body, now);
				}
				return this.#record(state, state.session, bytes, now);
			case "agent-signing":
			case "module-signing":
			case "over":
				break;
			default:
				return unreachable(state);
		}
		throw unexpected("a frame on the link");
	}

	#called(message1: Uint8Array): void {
		const { crypto, own } = this.#options.device;
		const handshake = this.own(readMessage1(crypto, this.#setup(), message1));
		if (handshake.payload.length > 0) throw authenticationFailed();
		this.emit({
			kind: "sign",
			content: signedBytes("LM", handshake.hash, own.chainHash),
		});
		this.#state = { kind: "module-signing", handshake };
	}

	#answered(
		awaiting: AwaitingMessage2,
		message2: Uint8Array,
		now: number,
	): void {
		const { device } = this.#options;
		const { hash, payload, secrets } = awaiting.finish(message2);
		const peer = this.#authenticate(payload, "module", hash, now);
		const session = this.own(openSession(device, secrets, "initiator", "LINK"));
		this.emit({
			kind: "sign",
			content: signedBytes("LA", hash, device.own.chainHash),
		});
		this.#state = { kind: "agent-signing", session, peer };
	}

	#signed(signature: Uint8Array): void {
		const state = this.#state;
		const { device } = this.#options;
		const chain = device.own.encodedChain;
		const credential = CREDENTIAL_BODY.encode({ chain, signature });
		if (state.kind === "module-signing") {
			const { message2, secrets } = state.handshake.finish(credential);
			const session = this.own(
				openSession(device, secrets, "responder", "LINK"),
			);
			this.#sendFrame(FRAME.linkAnswer, message2);
			const { hash } = state.handshake;
			this.#state = { kind: "answered", session, hash };
		} else if (state.kind === "agent-signing") {
			this.#sendRecord(state.session, CONTENT.handshake, credential);
			this.#enterReady(state.peer, state.session);
		} else throw unexpected("a signature");
	}

	#agentAuthenticated(
		{ session, hash }: Extract<State, { kind: "answered" }>,
		bytes: Uint8Array,
		now: number,
	): void {
		const content = session.open(bytes);
		if (content.type !== CONTENT.handshake) throw authenticationFailed();
		const peer = this.#authenticate(content.bytes, "agent", hash, now);
		this.#enterReady(peer, session);
	}

	#greeted(body: Uint8Array, now: number): void {
		const { chain } = OPEN_HELLO.decode(body);
		const peer = this.#judgePaired(chain, this.#peerRole(), now);
		this.#enterReady(peer, undefined);
	}

	#authenticate(
		body: Uint8Array,
		role: "agent" | "module",
		hash: Uint8Array,
		now: number,
	): CertifiedDevice {
		const { crypto } = this.#options.device;
		const { chain, signature } = CREDENTIAL_BODY.decode(body);
		const peer = this.#judgePaired(chain, role, now);
		const signatureRole = role === "agent" ? "LA" : "LM";
		authenticate(crypto, peer, signature, signatureRole, hash, peer.chainHash);
		return peer;
	}

	#judgePaired(
		chain: Uint8Array,
		role: "agent" | "module",
		now: number,
	): CertifiedDevice {
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

	/** Each direction starts with the chain that its sender authenticated with. */
	#enterReady(peer: CertifiedDevice, session: Session | undefined): void {
		const { own } = this.#options.device;
		const sent = new ChainBook();
		sent.add(own.chainHash, own.encodedChain);
		const received = new ChainBook();
		received.add(peer.chainHash, peer.encodedChain);
		const lists = this.own(
			new ListExchange({
				lists: this.#options.device.verdicts.lists,
				limits: LINK_LIST_LIMITS,
				// Nobody else's lists can take the room of those that the own other device sends.
				memory: new ListMemory(MAX_LIST_MEMORY_BYTES),
			}),
		);
		this.#state = { kind: "ready", peer, session, sent, received, lists };
		this.setDeadline(undefined);
		this.emit({ kind: "ready", peer });
	}

	#record(
		state: Ready,
		session: Session,
		bytes: Uint8Array,
		now: number,
	): void {
		const content = session.open(bytes);
		if (content.type === CONTENT.close) return this.endInOrder("peer");
		if (content.type !== CONTENT.link) throw authenticationFailed();
		this.#message(state, content.bytes, now);
	}

	#message(state: Ready, bytes: Uint8Array, now: number): void {
		const type = bytes[TETRAD_ID_BYTES];
		if (type === undefined || !isLinkType(type))
			throw malformed("a link message has no known type");
		const tetradId = bytes.subarray(0, TETRAD_ID_BYTES);
		const body = bytes.subarray(LINK_HEADER_BYTES);
		if (type === LINK.lists) {
			if (!sameBytes(tetradId, NO_TETRAD))
				throw malformed("a message about untrusted lists names a tetrad");
			const bundle = state.lists.take(body, now);
			if (bundle !== undefined) this.emit({ kind: "list", bundle });
			return;
		}
		if (type !== LINK.chain)
			return this.emit({ kind: "message", tetradId, type, body });
		if (!sameBytes(tetradId, NO_TETRAD) || body.length > MAX_CHAIN_BYTES)
			throw malformed("a chain on the link is of no use");
		const chain = copy(body);
		state.received.add(this.#options.device.crypto.sha256(chain), chain);
	}

	/** Adding one chain may push out another that the same message names, so it goes on until all are there. */
	#sendChains(state: Ready, chains: readonly NamedChain[]): void {
		const missing = () =>
			chains.find(({ chainHash }) => state.sent.find(chainHash) === undefined);
		for (let next = missing(); next !== undefined; next = missing()) {
			state.sent.add(next.chainHash, next.encodedChain);
			this.#sendMessage(state, NO_TETRAD, LINK.chain, next.encodedChain);
		}
	}

	#sendMessage(
		{ session }: Ready,
		tetradId: Uint8Array,
		type: LinkMessageType,
		body: Uint8Array,
	): void {
		const parts = [tetradId, TYPE_BYTE.get(type) as Uint8Array, body];
		if (session === undefined)
			this.#sendFrame(FRAME.openMessage, concat(...parts));
		else this.#sendRecord(session, CONTENT.link, ...parts);
	}

	#ready(): Ready {
		if (this.#state.kind !== "ready")
			throw new TetradError("carrier-failed", "the link is not ready");
		return this.#state;
	}

	#setup() {
		return {
			protocol: LINK_PROTOCOL,
			prologue: PROLOGUE,
			psk: this.#options.pairing.key,
		};
	}

	#peerRole(): "agent" | "module" {
		return this.#role === "agent" ? "module" : "agent";
	}

	#sendRecord(
		session: Session,
		type: ContentType,
		...parts: readonly Uint8Array[]
	): void {
		this.emit({ kind: "send-frame", bytes: session.seal(type, ...parts) });
	}

	#sendFrame(type: Frame["type"], body: Uint8Array): void {
		this.emit({ kind: "send-frame", bytes: encodeFrame(type, body) });
	}
}

function isLinkType(value: number): value is LinkMessageType {
	return TYPE_BYTE.has(value);
}
