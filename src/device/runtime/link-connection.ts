import type { Carrier } from "../../carrier/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { Signer } from "../../identity/index.ts";
import {
	type Effect,
	endBody,
	type LinkContext,
	type LinkEffect,
	LinkMachine,
	type LinkMode,
	type Pairing,
} from "../../tetrad/index.ts";
import { hex, LINK, type LinkMessageType } from "../../wire/index.ts";
import { Deadline } from "./deadline.ts";
import { type Device, signFor } from "./identity.ts";
import { ListPump, learnFor } from "./list-pump.ts";

/** Whoever a link's messages of one tetrad are for. */
export interface LinkUser {
	linkMessage(type: LinkMessageType, body: Uint8Array): void;
	linkLost(error: TetradError): void;
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
	readonly #options: LinkConnectionOptions;
	readonly #users = new Map<string, LinkUser>();
	readonly #deadline: Deadline;
	readonly #pump: ListPump;
	readonly #unfollow: () => void;
	readonly #resolveReady: () => void;
	readonly #rejectReady: (error: TetradError) => void;
	#isReady = false;
	#isOver = false;

	/** Throws `invalid-argument` for a mode that the own policy does not accept, and for an open link over TCP: whoever sits on it could relay. */
	constructor(
		role: "agent" | "module",
		carrier: Carrier,
		options: LinkConnectionOptions,
	) {
		if (!options.device.context.policy.links.includes(options.mode))
			throw new TetradError(
				"invalid-argument",
				`this device's own policy does not accept a link that is ${options.mode}`,
			);
		if (options.mode === "unsafe-open" && carrier.kind === "tcp")
			throw new TetradError(
				"invalid-argument",
				"an open link is refused over TCP; pair the two devices, or use a Unix socket inside one sealed box",
			);
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		this.ready = promise;
		// A link that fails before anybody awaits it must not end the process.
		promise.catch(() => {});
		this.#resolveReady = resolve;
		this.#rejectReady = reject;
		this.#carrier = carrier;
		this.#options = options;
		const { device, pairing, mode, timeoutMs } = options;
		const { now } = device.clock;

		this.#machine = new LinkMachine(role, {
			device: device.context,
			pairing,
			mode,
			now: now(),
			timeoutMs,
		});
		this.#unfollow = device.lists.follow(() =>
			this.#apply(this.#machine.listsChanged(now())),
		);
		this.#pump = new ListPump({
			next: () => {
				const effects = this.#machine.nextList(now());
				return { sent: effects.length > 0, room: this.#apply(effects) };
			},
			drained: () => carrier.drained(),
		});
		this.#deadline = new Deadline(now, (deadline) =>
			this.#apply(this.#machine.time(deadline)),
		);
		carrier.receive({
			frame: (bytes) => this.#apply(this.#machine.frame(bytes, now())),
			closed: (error) => this.#apply(this.#machine.abort(error ?? linkLost())),
		});
		this.#apply(this.#machine.start());
	}

	get usable(): boolean {
		return this.#isReady && !this.#isOver;
	}

	get tetrads(): number {
		return this.#users.size;
	}

	contextFor(tetradId: Uint8Array): LinkContext {
		return this.#machine.contextFor(tetradId);
	}

	/** Messages of this tetrad go to `user` from now on. Throws `busy` when the link carries too many. */
	attach(tetradId: Uint8Array, user: LinkUser): void {
		if (this.#isOver) throw linkLost();
		if (this.#users.size >= MAX_TETRADS_PER_LINK)
			throw new TetradError(
				"busy",
				`the link carries ${MAX_TETRADS_PER_LINK} tetrads; try again when some have ended`,
			);
		this.#users.set(hex(tetradId), user);
	}

	detach(tetradId: Uint8Array): void {
		this.#users.delete(hex(tetradId));
	}

	/** False when the caller should await `drained()` before it sends more. */
	send(
		tetradId: Uint8Array,
		{ type, body, chains }: Extract<Effect, { kind: "send-link" }>,
	): boolean {
		return this.#apply(this.#machine.send(tetradId, type, body, chains));
	}

	drained(): Promise<void> {
		return this.#carrier.drained();
	}

	close(): void {
		this.#apply(this.#machine.close());
	}

	#apply(effects: readonly LinkEffect[]): boolean {
		let room = true;
		for (const effect of effects) {
			switch (effect.kind) {
				case "send-frame":
					room = this.#carrier.send(effect.bytes, "owned");
					break;
				case "sign":
					signFor(
						this.#options.signer,
						effect.content,
						(signature) => this.#apply(this.#machine.signed(signature)),
						(error) => this.#apply(this.#machine.abort(error)),
					);
					break;
				case "ready":
					this.#isReady = true;
					this.#resolveReady();
					break;
				case "message":
					this.#dispatch(effect.tetradId, effect.type, effect.body);
					break;
				case "list":
					learnFor(this.#options.device.lists, effect.bundle, (was) =>
						this.#apply(this.#machine.listDealt(was)),
					);
					break;
				case "ended":
					this.#over(effect.error);
					break;
			}
		}
		this.#deadline.follow(this.#machine.deadline);
		if (this.#machine.listWaits) this.#pump.wake();
		return room;
	}

	#dispatch(
		tetradId: Uint8Array,
		type: LinkMessageType,
		body: Uint8Array,
	): void {
		const user = this.#users.get(hex(tetradId));
		try {
			if (user === undefined) this.#options.stranger(tetradId, type, body);
			else user.linkMessage(type, body);
		} catch (thrown) {
			// One tetrad's trouble is not the link's.
			const error = asTetradError(thrown);
			if (user !== undefined) user.linkLost(error);
			else
				this.send(tetradId, {
					kind: "send-link",
					type: LINK.end,
					body: endBody(error),
					chains: [],
				});
		}
	}

	#over(error: TetradError | undefined): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#unfollow();
		this.#pump.stop();
		this.#carrier.close();
		this.#rejectReady(error ?? linkLost());
		for (const user of [...this.#users.values()])
			user.linkLost(error ?? linkLost());
		this.#users.clear();
		this.#options.ended(error);
	}
}

function linkLost(): TetradError {
	return new TetradError(
		"carrier-failed",
		"the link between this agent and its module was lost",
	);
}
