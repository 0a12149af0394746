import { asTetradError, TetradError } from "../../errors.ts";
import type { Signer } from "../../identity/index.ts";
import {
	type AgentMachine,
	type ClosedBy,
	type Ended,
	type ModuleEffect,
	type ModuleEvent,
	type ModuleMachine,
	readToItsEnd,
} from "../../tetrad/index.ts";
import type { LinkMessageType } from "../../wire/index.ts";
import { aborted, Channel } from "./channel.ts";
import { ConfirmedTetrad } from "./confirmed-tetrad.ts";
import type { Handlers } from "./driver.ts";
import { Flusher } from "./flusher.ts";
import type { Device } from "./identity.ts";
import type { LinkConnection, LinkUser } from "./link-connection.ts";
import { signFor } from "./signing.ts";
import type { Tetrad, TetradEvent } from "./tetrad.ts";
import { whenAborted } from "./until-aborted.ts";

/** What a tetrad runs with. */
export interface RunOptions {
	readonly device: Device;
	readonly tetradId: Uint8Array;
	readonly link: LinkConnection;
	readonly signer: Signer;
	readonly signal?: AbortSignal;
	readonly observe?: (event: TetradEvent) => void;
}

/** The way to one of the two devices that this one speaks with. */
export interface Way {
	/** False when whoever sent last should await `drained()`. */
	hasRoom(): boolean;
	drained(): Promise<void>;
	/** See `Carrier.written`. */
	written(): Promise<void> | undefined;
	/** Stops what comes this way (`true`), or lets it come again. Absent where nothing can be stopped. */
	readonly full?: (isFull: boolean) => void;
}

/** What a send comes to that need not wait. */
const SENT: Promise<void> = Promise.resolve();

type Channels = Readonly<Record<"agent" | "module", Channel>>;

/**
 * What agents and modules both hold of a tetrad that runs: its promises, its channels once it is
 * confirmed, and its place on the link. It hands its machine what happens through `feed`.
 */
export class RunningTetrad implements LinkUser {
	/** Settles when the tetrad is confirmed or the establishment has failed. */
	readonly confirmed: Promise<Tetrad>;
	/** How what all machines of a tetrad ask for is carried out. */
	readonly handlers: Handlers<ModuleEffect>;
	readonly #machine: AgentMachine | ModuleMachine;
	readonly #options: RunOptions;
	readonly #ways: Readonly<Record<"agent" | "module", Way>>;
	readonly #feed: (event: ModuleEvent) => void;
	readonly #confirmed: PromiseWithResolvers<Tetrad>;
	readonly #closed: PromiseWithResolvers<ClosedBy>;
	readonly #stopWaiting: (() => void) | undefined;
	readonly #unfollow: () => void;
	readonly #flushers: Readonly<Record<"agent" | "module", Flusher>>;
	#channels: Channels | undefined;
	/** Whether whoever waits for it has it. */
	#isConfirmed = false;
	#isOver = false;
	/** What the application did not take has ended it: what came after that in the same record is not given to it. */
	#isTroubled = false;
	/** Whether this side has closed it, or its own link was lost, before anybody else had ended it. */
	#isCutHere = false;

	/** Throws `busy` when the link carries too many tetrads, and `carrier-failed` when it is lost. */
	constructor(
		machine: AgentMachine | ModuleMachine,
		options: RunOptions,
		ways: Readonly<Record<"agent" | "module", Way>>,
		feed: (event: ModuleEvent) => void,
	) {
		const { device, link, tetradId, signer, signal } = options;
		link.attach(tetradId, this);
		this.#machine = machine;
		this.#options = options;
		this.#ways = ways;
		this.#feed = feed;
		this.#confirmed = Promise.withResolvers();
		this.#closed = Promise.withResolvers();
		this.confirmed = this.#confirmed.promise;
		const flusher = (to: "agent" | "module") =>
			new Flusher({
				// A driver that has failed takes nothing more, whatever its machine holds.
				waits: () => !this.#isOver && machine.flushWaits(to),
				flush: () => feed({ kind: "flush", to }),
				written: () => ways[to].written(),
			});
		this.#flushers = { agent: flusher("agent"), module: flusher("module") };
		// Whoever does not look at `closed` or gave up on `confirmed` must not end the process.
		this.#closed.promise.catch(() => {});
		this.confirmed.catch(() => {});
		this.#unfollow = device.lists.follow(() => feed({ kind: "lists-changed" }));
		this.#stopWaiting =
			signal &&
			whenAborted(signal, () =>
				feed({ kind: "abort", error: aborted(signal) }),
			);
		this.handlers = {
			"send-link": (effect) => link.send(tetradId, effect),
			sign: (effect) => signFor(signer, effect, feed),
			bound: () => this.#outside(() => options.observe?.({ kind: "bound" })),
			confirmed: () => this.#outside(() => this.#enterConfirmed()),
			messages: ({ session, messages }) => this.#deliver(session, messages),
		};
	}

	/** To be called after each event. */
	wake(): void {
		this.#flushers.agent.wake();
		this.#flushers.module.wake();
	}

	linkMessage(type: LinkMessageType, body: Uint8Array): void {
		// What a module has for its agent, the agent may pass on.
		const atOnce = !this.#isModule && this.#flushers.agent.takesAtOnce();
		this.#feed({ kind: "link-message", type, body, atOnce });
	}

	linkCloses(): void {
		for (const to of ["module", "agent"] as const)
			if (this.#machine.flushWaits(to)) this.#feed({ kind: "flush", to });
	}

	linkLost(error: TetradError): void {
		if (!this.#machine.ended) this.#isCutHere = true;
		this.#feed({ kind: "abort", error });
	}

	linkTroubled(error: TetradError): void {
		this.#feed({ kind: "abort", error });
	}

	/** The machine has ended; what it held here is given back. */
	over(end: Ended): void {
		if (this.#isOver) return;
		this.#isOver = true;
		const { error } = end;
		const { link, tetradId, observe } = this.#options;
		this.#stopWaiting?.();
		this.#unfollow();
		link.detach(tetradId);
		this.#channels?.agent.end(error);
		// At a module this is session 2, which only the other module can end.
		this.#channels?.module.end(this.#isModule ? readToItsEnd(end) : error);
		if (end.error === undefined) this.#closed.resolve(end.by);
		else this.#closed.reject(end.error);
		// A stack for an error that nobody will hear of is a fiftieth of an establishment.
		if (!this.#isConfirmed)
			this.#confirmed.reject(
				error ??
					new TetradError(
						"aborted",
						"the tetrad ended before it was confirmed",
					),
			);
		observe?.(end);
	}

	get #isModule(): boolean {
		const { place } = this.#machine;
		return place === "X" || place === "Y";
	}

	#enterConfirmed(): void {
		const machine = this.#machine;
		// Whoever heard that it is bound may have ended it.
		if (machine.ended) return;
		const { observe } = this.#options;
		this.#stopWaiting?.();
		const channels = {
			agent: this.#channelTo("agent"),
			module: this.#channelTo("module"),
		};
		this.#channels = channels;
		const tetrad: Tetrad = new ConfirmedTetrad({
			machine,
			...channels,
			closed: this.#closed.promise,
			isCutHere: () => this.#isCutHere,
			close: async () => {
				if (machine.ended) return;
				this.#isCutHere = true;
				this.#feed({ kind: "close" });
				// Who wants to know how it ended looks at `closed`.
				await this.#closed.promise.catch(() => {});
			},
		});
		observe?.({ kind: "confirmed", tetrad });
		this.#isConfirmed = true;
		this.#confirmed.resolve(tetrad);
	}

	#channelTo(to: "agent" | "module"): Channel {
		const way = this.#ways[to];
		const { full } = way;
		return new Channel({
			send: (message) => {
				try {
					if (this.#isOver)
						throw new TetradError("tetrad-closed", "this tetrad is over");
					const atOnce = this.#flushers[to].takesAtOnce();
					this.#feed({ kind: "send", to, message, atOnce });
				} catch (thrown) {
					return Promise.reject(thrown);
				}
				// An async function would be a promise more for each message.
				return way.hasRoom() ? SENT : way.drained();
			},
			...(full === undefined ? {} : { full }),
		});
	}

	/** Sessions 1 and 2 are with the other device of the same kind, sessions 3 and 4 with the own one. */
	#deliver(session: 1 | 2 | 3 | 4, messages: Uint8Array[]): void {
		if (this.#isTroubled) return;
		const from = session <= 2 === this.#isModule ? "module" : "agent";
		try {
			this.#channels?.[from].deliver(messages);
		} catch (thrown) {
			this.#trouble(thrown);
		}
	}

	/** What the application throws, or does not read, ends its tetrad. */
	#outside(body: () => void): void {
		try {
			body();
		} catch (thrown) {
			this.#trouble(thrown);
		}
	}

	#trouble(thrown: unknown): void {
		this.#isTroubled = true;
		this.#feed({ kind: "abort", error: asTetradError(thrown) });
	}
}
