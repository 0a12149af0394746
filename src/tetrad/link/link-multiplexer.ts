/*
 * What one end of a link carries once it is authenticated: the messages of many tetrads, each chain
 * once, and what is said about untrusted lists.
 */
import {
	authenticationFailed,
	TetradError,
	unreachable,
} from "../../errors.ts";
import { type CertifiedDevice, MAX_CHAIN_BYTES } from "../../identity/index.ts";
import { type Steps, unexpected } from "../../machine/index.ts";
import { Outbox, type Session } from "../../session/index.ts";
import {
	CONTENT,
	concat,
	copy,
	encodeFrame,
	FRAME,
	LINK,
	type LinkMessageType,
	malformed,
	parseFrame,
	sameBytes,
} from "../../wire/index.ts";
import type { LinkContext, NamedChain } from "../context.ts";
import { ListExchange, ListMemory } from "../list-exchange.ts";
import {
	LINK_HEADER_BYTES,
	LINK_LIST_LIMITS,
	MAX_LIST_MEMORY_BYTES,
	TETRAD_ID_BYTES,
} from "../parameters.ts";
import { demandEmptyClose } from "../sessions.ts";
import { ChainBook } from "./chain-book.ts";
import type { LinkEffect, LinkEvent, LinkOptions } from "./link-events.ts";
import type { AuthenticatedEnd } from "./link-handshake.ts";

const NO_TETRAD: Uint8Array = new Uint8Array(TETRAD_ID_BYTES);

/** Each type as it stands before a body. */
const TYPE_BYTE: ReadonlyMap<number, Uint8Array> = new Map(
	Object.values(LINK).map((type) => [type, Uint8Array.of(type)]),
);

type Send = Extract<LinkEvent, { readonly kind: "send" }>;

export class LinkMultiplexer {
	readonly #options: LinkOptions;
	readonly #steps: Steps<LinkEffect>;
	readonly #peer: CertifiedDevice;
	/** Absent on an open link. */
	readonly #session: Session | undefined;
	/** Absent on an open link, where nothing is sealed. */
	readonly #outbox: Outbox | undefined;
	readonly #sent: ChainBook = new ChainBook();
	readonly #received: ChainBook = new ChainBook();
	readonly #lists: ListExchange;

	/** Each direction starts with the chain that its sender authenticated with. */
	constructor(
		options: LinkOptions,
		steps: Steps<LinkEffect>,
		{ peer, session }: AuthenticatedEnd,
	) {
		this.#options = options;
		this.#steps = steps;
		this.#peer = peer;
		this.#session = session;
		this.#outbox =
			session &&
			steps.own(new Outbox(session, (record) => this.#sendFrame(record)));
		const { own, verdicts } = options.device;
		this.#sent.add(own.chainHash, own.encodedChain);
		this.#received.add(peer.chainHash, peer.encodedChain);
		this.#lists = steps.own(
			new ListExchange({
				lists: verdicts.lists,
				limits: LINK_LIST_LIMITS,
				// Nobody else's lists can take the room of those that the own other device sends.
				memory: new ListMemory(MAX_LIST_MEMORY_BYTES),
			}),
		);
	}

	/** What a tetrad's machine needs to know of this link. */
	contextFor(tetradId: Uint8Array): LinkContext {
		const { mode, pairing } = this.#options;
		return {
			mode,
			peerDeviceId: pairing.peerDeviceId,
			peerChain: this.#peer.encodedChain,
			secret:
				this.#session?.export("tetrad/1 link", tetradId, 32) ??
				new Uint8Array(),
			chain: (hash) => this.#received.find(hash),
		};
	}

	/** Whether `next-list` may have something to send. */
	get listWaits(): boolean {
		return this.#lists.waits;
	}

	/** Whether something waits to be sealed. */
	get flushWaits(): boolean {
		return this.#outbox?.waits === true;
	}

	/** Seals what was sent before a failure, as far as that can be. */
	flushBeforeFailure(): void {
		this.#outbox?.tryFlush();
	}

	send({ tetradId, type, body, chains, atOnce = false }: Send): void {
		this.#sendChains(chains);
		this.#sendMessage(tetradId, type, body, atOnce);
	}

	/** Takes whatever else happens. */
	step(event: Exclude<LinkEvent, Send>, now: number): void {
		switch (event.kind) {
			case "frame":
				return this.#frame(event.bytes, now);
			case "flush":
				return this.#outbox?.flush();
			case "next-list": {
				const message = this.#lists.next(now);
				if (message !== undefined)
					this.#sendMessage(NO_TETRAD, LINK.lists, message);
				return;
			}
			case "list-dealt":
				if (event.was instanceof TetradError) throw event.was;
				return this.#lists.dealt(event.was);
			case "lists-changed": {
				const { encodedChain, role } = this.#peer;
				this.#options.device.verdicts.judgeForLink(encodedChain, role, now);
				return this.#lists.changed();
			}
			case "close":
				this.#outbox?.flush();
				if (this.#session !== undefined)
					this.#sendFrame(this.#session.seal(CONTENT.close, new Uint8Array()));
				return this.#steps.end("self");
			case "time":
				return;
			case "abort":
				throw event.error;
			case "start":
			case "signed":
			case "not-signed":
				throw unexpected("an event of the handshake");
			default:
				return unreachable(event);
		}
	}

	#frame(bytes: Uint8Array, now: number): void {
		// Not sooner: messages of one record are dealt with after all of it was read, and each may
		// name what a chain that came after it has pushed out.
		this.#received.trim();
		const frame = parseFrame(bytes);
		if (this.#session === undefined) {
			if (frame.type !== FRAME.openMessage)
				throw unexpected("a frame on the link");
			return this.#message(frame.body, now);
		}
		for (const { type, all } of this.#session.openRows(bytes)) {
			if (type === CONTENT.close) {
				demandEmptyClose(all);
				return this.#steps.end("peer");
			}
			if (type !== CONTENT.link) throw authenticationFailed();
			for (const message of all) this.#message(message, now);
		}
	}

	#message(bytes: Uint8Array, now: number): void {
		const type = bytes[TETRAD_ID_BYTES];
		if (type === undefined || !isLinkType(type))
			throw malformed("a link message has no known type");
		const tetradId = bytes.subarray(0, TETRAD_ID_BYTES);
		const body = bytes.subarray(LINK_HEADER_BYTES);
		if (type === LINK.lists) {
			if (!sameBytes(tetradId, NO_TETRAD))
				throw malformed("a message about untrusted lists names a tetrad");
			const bundle = this.#lists.take(body, now);
			if (bundle !== undefined) this.#steps.emit({ kind: "list", bundle });
			return;
		}
		if (type !== LINK.chain) {
			if (sameBytes(tetradId, NO_TETRAD))
				throw malformed("a link message names no tetrad");
			return this.#steps.emit({ kind: "message", tetradId, type, body });
		}
		if (!sameBytes(tetradId, NO_TETRAD) || body.length > MAX_CHAIN_BYTES)
			throw malformed("a chain on the link is of no use");
		const chain = copy(body);
		this.#received.add(this.#options.device.crypto.sha256(chain), chain);
	}

	/** Adding one chain may push out another that the same message names, so it goes on until all are there. */
	#sendChains(chains: readonly NamedChain[]): void {
		const missing = () =>
			chains.find(({ chainHash }) => this.#sent.find(chainHash) === undefined);
		for (let next = missing(); next !== undefined; next = missing()) {
			this.#sent.add(next.chainHash, next.encodedChain);
			this.#sent.trim();
			this.#sendMessage(NO_TETRAD, LINK.chain, next.encodedChain);
		}
	}

	#sendMessage(
		tetradId: Uint8Array,
		type: LinkMessageType,
		body: Uint8Array,
		atOnce = false,
	): void {
		const typeByte = TYPE_BYTE.get(type) as Uint8Array;
		if (this.#outbox !== undefined)
			return atOnce
				? this.#outbox.putAtOnce(CONTENT.link, tetradId, typeByte, body)
				: this.#outbox.put(CONTENT.link, tetradId, typeByte, body);
		const bytes = concat(tetradId, typeByte, body);
		this.#sendFrame(encodeFrame(FRAME.openMessage, bytes));
	}

	#sendFrame(bytes: Uint8Array): void {
		this.#steps.emit({ kind: "send-frame", bytes });
	}
}

function isLinkType(value: number): value is LinkMessageType {
	return TYPE_BYTE.has(value);
}
