import type { Carrier } from "../../carrier/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { Signer } from "../../identity/index.ts";
import {
	endBody,
	type LinkContext,
	type LinkEffect,
	type LinkEvent,
	LinkMachine,
	type LinkMode,
	type ModuleEffect,
	type Pairing,
} from "../../tetrad/index.ts";
import {
	copy,
	hex,
	LINK,
	type LinkMessageType,
	release,
	sameBytes,
} from "../../wire/index.ts";
import { Driver } from "./driver.ts";
import { Flusher } from "./flusher.ts";
import type { Device } from "./identity.ts";
import { ListPump, learnFor } from "./list-pump.ts";
import { signFor } from "./signing.ts";

/** Whoever a link's messages of one tetrad are for. */
export interface LinkUser {
	linkMessage(type: LinkMessageType, body: Uint8Array): void;
	/** The link is about to be closed from here: what waits to be sent over it is sent now. */
	linkCloses(): void;
	linkLost(error: TetradError): void;
	/** What it was told could not be taken: that is its own trouble, and not the link's. */
	linkTroubled(error: TetradError): void;
}

export interface LinkConnectionOptions {
	readonly device: Device;
	readonly signer: Signer;
	readonly pairing: Pairing;
	readonly mode: LinkMode;
	readonly timeoutMs: number;
	/** The other end speaks of a tetrad that nobody here uses. */
	stranger(tetradId: Uint8Array, type: LinkMessageType, body: Uint8Array): void;
	/** Called once, when the link is over; without an error it was closed in order. */
	ended(error: TetradError | undefined): void;
}

/** Tetrads that one link may carry at a time. */
const MAX_TETRADS_PER_LINK = 4096;

/** One end of a link on a carrier: runs its machine and hands each tetrad its messages. */
export class LinkConnection {
	/** Settles when the other end proved to be the paired device, or did not. */
	readonly ready: Promise<void>;
	readonly #carrier: Carrier;
	readonly #machine: LinkMachine;
	readonly #driver: Driver<LinkEvent, LinkEffect>;
	readonly #options: LinkConnectionOptions;
	readonly #users = new Map<string, LinkUser>();
	readonly #pump: ListPump;
	readonly #flusher: Flusher;
	readonly #unfollow: () => void;
	readonly #rejectReady: (error: TetradError) => void;
	/** Who has heard last, as long as nobody is detached. */
	#lastHeard:
		| { readonly tetradId: Uint8Array; readonly user: LinkUser }
		| undefined;
	#hasRoom = true;

	/** Throws `invalid-argument` for a mode that the own policy does not accept, and for an open link over TCP: whoever sits on it could relay. */
	constructor(
		role: "agent" | "module",
		carrier: Carrier,
		options: LinkConnectionOptions,
	) {
		const { device, signer, pairing, mode, timeoutMs } = options;
		if (!device.context.policy.links.includes(mode))
			throw new TetradError(
				"invalid-argument",
				`this device's own policy does not accept a link that is ${mode}`,
			);
		if (mode === "unsafe-open" && carrier.kind === "tcp")
			throw new TetradError(
				"invalid-argument",
				"an open link is refused over TCP; pair the two devices, or use a Unix socket inside one sealed box",
			);
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		this.ready = promise;
		// A link that fails before anybody awaits it must not end the process.
		promise.catch(() => {});
		this.#rejectReady = reject;
		this.#carrier = carrier;
		this.#options = options;
		const { now } = device.clock;
		const feed = (event: LinkEvent) => this.#feed(event);
		this.#machine = new LinkMachine(role, {
			device: device.context,
			pairing,
			mode,
			now: now(),
			timeoutMs,
		});
		this.#driver = new Driver<LinkEvent, LinkEffect>({
			machine: this.#machine,
			now,
			handlers: {
				"send-frame": ({ bytes }) => {
					this.#hasRoom = carrier.send(bytes, "owned");
				},
				sign: (effect) => signFor(signer, effect, feed),
				ready: () => resolve(),
				message: ({ tetradId, type, body }) =>
					this.#dispatch(tetradId, type, body),
				list: ({ bundle }) =>
					learnFor(device.lists, bundle, (was) =>
						feed({ kind: "list-dealt", was }),
					),
			},
			ended: ({ error }) => this.#over(error),
			failed: (error) => this.#over(error),
		});
		this.#unfollow = device.lists.follow(() => feed({ kind: "lists-changed" }));
		this.#pump = new ListPump({
			waits: () => this.#machine.listWaits,
			next: () => {
				feed({ kind: "next-list" });
				return this.#hasRoom;
			},
			drained: () => carrier.drained(),
		});
		this.#flusher = new Flusher({
			// A driver that has failed takes nothing more, whatever its machine holds.
			waits: () => !this.#driver.stopped && this.#machine.flushWaits,
			flush: () => feed({ kind: "flush" }),
			written: () => carrier.written(),
		});
		carrier.receive({
			frame: (bytes) => feed({ kind: "frame", bytes }),
			closed: (error) => feed({ kind: "abort", error: error ?? linkLost() }),
		});
		feed({ kind: "start" });
	}

	contextFor(tetradId: Uint8Array): LinkContext {
		return this.#machine.contextFor(tetradId);
	}

	/** Messages of this tetrad go to `user` from now on. Throws `busy` when the link carries too many. */
	attach(tetradId: Uint8Array, user: LinkUser): void {
		if (this.#driver.stopped) throw linkLost();
		if (this.#users.size >= MAX_TETRADS_PER_LINK)
			throw new TetradError(
				"busy",
				`the link carries ${MAX_TETRADS_PER_LINK} tetrads; try again when some have ended`,
			);
		this.#users.set(hex(tetradId), user);
		this.#lastHeard = undefined;
	}

	/** Tetrads that it carries now. */
	get tetrads(): number {
		return this.#users.size;
	}

	detach(tetradId: Uint8Array): void {
		this.#users.delete(hex(tetradId));
		this.#lastHeard = undefined;
	}

	/** False when the caller should await `drained()` before it sends more. */
	send(
		tetradId: Uint8Array,
		{ type, body, chains }: Extract<ModuleEffect, { kind: "send-link" }>,
	): boolean {
		const atOnce = this.#flusher.takesAtOnce();
		this.#feed({ kind: "send", tetradId, type, body, chains, atOnce });
		// A record that was sealed for this has been sealed again, or copied.
		if (type === LINK.nested || type === LINK.local) release(body);
		return this.#hasRoom;
	}

	/** False when whoever sent last should await `drained()`. */
	hasRoom(): boolean {
		return this.#hasRoom;
	}

	drained(): Promise<void> {
		return this.#carrier.drained();
	}

	/** See `Carrier.written`. */
	written(): Promise<void> | undefined {
		return this.#carrier.written();
	}

	close(): void {
		for (const user of [...this.#users.values()]) user.linkCloses();
		this.#feed({ kind: "close" });
	}

	#feed(event: LinkEvent): void {
		this.#driver.feed(event);
		this.#pump.wake();
		this.#flusher.wake();
	}

	#dispatch(
		tetradId: Uint8Array,
		type: LinkMessageType,
		body: Uint8Array,
	): void {
		const user = this.#userOf(tetradId);
		try {
			if (user === undefined) this.#options.stranger(tetradId, type, body);
			else user.linkMessage(type, body);
		} catch (thrown) {
			// One tetrad's trouble is not the link's.
			const error = asTetradError(thrown);
			if (user !== undefined) user.linkTroubled(error);
			else
				this.send(tetradId, {
					kind: "send-link",
					type: LINK.end,
					body: endBody(error),
					chains: [],
				});
		}
	}

	/** Most messages are of the tetrad that the last one was of. */
	#userOf(tetradId: Uint8Array): LinkUser | undefined {
		const last = this.#lastHeard;
		if (last !== undefined && sameBytes(last.tetradId, tetradId))
			return last.user;
		const user = this.#users.get(hex(tetradId));
		if (user !== undefined)
			this.#lastHeard = { tetradId: copy(tetradId), user };
		return user;
	}

	#over(error: TetradError | undefined): void {
		this.#unfollow();
		this.#pump.stop();
		this.#carrier.close();
		this.#rejectReady(error ?? linkLost());
		for (const user of [...this.#users.values()])
			user.linkLost(error ?? linkLost());
		this.#users.clear();
		this.#lastHeard = undefined;
		this.#options.ended(error);
	}
}

function linkLost(): TetradError {
	return new TetradError(
		"carrier-failed",
		"the link between this agent and its module was lost",
	);
}
