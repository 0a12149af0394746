import type { Carrier } from "../../carrier/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { Signer } from "../../identity/index.ts";
import {
	type AgentMachine,
	type ClosedBy,
	type Effect,
	type Ended,
	type ModuleMachine,
	type Parties,
	type Place,
	safetyWords,
	type Transcript,
} from "../../tetrad/index.ts";
import type { LinkMessageType } from "../../wire/index.ts";
import { aborted, Channel } from "./channel.ts";
import { Deadline } from "./deadline.ts";
import { type Device, signFor } from "./identity.ts";
import type { LinkConnection, LinkUser } from "./link-connection.ts";
import type { ListKeeper } from "./list-keeper.ts";
import { ListPump, learnFor } from "./list-pump.ts";

/**
 * A confirmed tetrad as one of its four devices holds it. On an agent, `agent` speaks with the
 * other agent (session 1) and `module` with the own module (session 3 or 4). On a module,
 * `module` speaks with the other module (session 2) and `agent` with the own agent.
 */
export interface Tetrad extends AsyncDisposable {
	readonly agent: Channel;
	readonly module: Channel;
	/** Which of the four this device is. */
	readonly place: Place;
	/** The four devices, certified and the same for all four. */
	readonly parties: Parties;
	/** What was negotiated and hashed. */
	readonly transcript: Transcript;
	/** Six words, the same on all four devices, for a person to compare. */
	readonly safetyCode: string;
	/** Whether the tetrad is over. */
	readonly ended: boolean;
	/**
	 * Resolves when the tetrad was closed in order, with who closed it, and rejects with the error
	 * that ended it otherwise. On a module, `agent` means that its own agent said so, which proves
	 * nothing about what the other module still had to say; `module` is that module's own seal.
	 */
	readonly closed: Promise<ClosedBy>;
	/** A key for the application, the same on all four devices; at most 8160 bytes. */
	export(label: string, context: Uint8Array, length: number): Uint8Array;
	/** Ends the tetrad in order; the other three hear of it. Idempotent. */
	close(): Promise<void>;
}

/** What a running tetrad tells its device, for logs and progress. */
export type TetradEvent =
	| { readonly kind: "bound" }
	| { readonly kind: "confirmed"; readonly tetrad: Tetrad }
	| Ended;

interface RunOptions {
	readonly device: Device;
	readonly tetradId: Uint8Array;
	readonly link: LinkConnection;
	readonly signer: Signer;
	readonly signal?: AbortSignal;
	readonly observe?: (event: TetradEvent) => void;
}

/** Runs the machine of one tetrad until it ends: carries out its effects and feeds it what comes. */
abstract class TetradRun implements LinkUser {
	/** Settles when the tetrad is confirmed or the establishment has failed. */
	readonly confirmed: Promise<Tetrad>;
	protected readonly machine: AgentMachine | ModuleMachine;
	protected readonly link: LinkConnection;
	readonly #options: RunOptions;
	readonly #confirmed: PromiseWithResolvers<Tetrad>;
	readonly #closed: PromiseWithResolvers<ClosedBy>;
	readonly #deadline: Deadline;
	readonly #onAbort: () => void;
	readonly #unfollow: () => void;
	protected readonly now: () => number;
	#channels: { readonly far: Channel; readonly near: Channel } | undefined;

	constructor(machine: AgentMachine | ModuleMachine, options: RunOptions) {
		this.machine = machine;
		this.link = options.link;
		this.#options = options;
		this.#confirmed = Promise.withResolvers();
		this.#closed = Promise.withResolvers();
		this.confirmed = this.#confirmed.promise;
		// Whoever does not look at `closed` or gave up on `confirmed` must not end the process.
		this.#closed.promise.catch(() => {});
		this.confirmed.catch(() => {});
		const { clock, lists } = options.device;
		this.now = clock.now;
		this.#unfollow = lists.follow(() =>
			this.apply(machine.listsChanged(this.now())),
		);
		this.#deadline = new Deadline(clock.now, (deadline) =>
			this.apply(machine.time(deadline)),
		);
		this.#deadline.follow(machine.deadline);
		const { signal } = options;
		this.#onAbort = () => {
			if (signal !== undefined) this.apply(machine.abort(aborted(signal)));
		};
		signal?.addEventListener("abort", this.#onAbort, { once: true });
		this.link.attach(options.tetradId, this);
	}

	linkMessage(type: LinkMessageType, body: Uint8Array): void {
		this.apply(this.machine.linkMessage(type, body, this.now()));
	}

	linkLost(error: TetradError): void {
		this.apply(this.machine.abort(error));
	}

	/** False when the way that the last effect took is full. */
	protected apply(effects: readonly Effect[]): boolean {
		let room = true;
		for (const effect of effects) {
			switch (effect.kind) {
				case "send-frame":
					room = this.sendFrame(effect.bytes);
					break;
				case "send-link":
					room = this.link.send(this.#options.tetradId, effect);
					if (!room) this.linkIsFull();
					break;
				case "sign":
					signFor(
						this.#options.signer,
						effect.content,
						(signature) => this.apply(this.machine.signed(signature)),
						(error) => this.apply(this.machine.abort(error)),
					);
					break;
				case "bound":
					this.#options.observe?.({ kind: "bound" });
					break;
				case "confirmed":
					this.#enterConfirmed();
					break;
				case "message":
					this.#deliver(effect.session, effect.bytes);
					break;
				case "list":
					this.takeList(effect.bundle);
					break;
				case "ended":
					this.#over(effect);
					break;
			}
		}
		this.#deadline.follow(this.machine.deadline);
		return room;
	}

	/** Sends to the other device of the same kind, over session 1 or 2. */
	protected abstract sendFar(message: Uint8Array): Effect[];
	/** Sends to the other device of this side, over session 3 or 4. */
	protected abstract sendNear(message: Uint8Array): Effect[];
	protected abstract closeMachine(): Effect[];
	protected abstract farIsFull(isFull: boolean): void;
	protected abstract farDrained(): Promise<void>;
	protected abstract sendFrame(bytes: Uint8Array): boolean;
	/** The link's queue is over its mark. */
	protected abstract linkIsFull(): void;
	protected abstract makeTetrad(
		far: Channel,
		near: Channel,
	): { readonly agent: Channel; readonly module: Channel };
	/** A bundle came from the other device of the same kind. */
	protected abstract takeList(bundle: Uint8Array): void;
	/** The machine has ended; what belongs to this tetrad alone is given back. */
	protected abstract release(): void;

	#enterConfirmed(): void {
		this.#options.signal?.removeEventListener("abort", this.#onAbort);
		const far = new Channel({
			send: (message) =>
				this.#send(
					() => this.sendFar(message),
					() => this.farDrained(),
				),
			full: (isFull) => this.farIsFull(isFull),
		});
		const near = new Channel({
			send: (message) =>
				this.#send(
					() => this.sendNear(message),
					() => this.link.drained(),
				),
			full: () => {},
		});
		this.#channels = { far, near };
		const { transcript, root } = this.machine.confirmed();
		const close = async () => {
			if (this.machine.ended) return;
			this.apply(this.closeMachine());
			// Who wants to know how it ended looks at `closed`.
			await this.#closed.promise.catch(() => {});
		};
		const { machine } = this;
		// The key does not outlive the tetrad, and the code does.
		const code = root.safetyCodeBytes();
		const tetrad: Tetrad = {
			get ended() {
				return machine.ended;
			},
			...this.makeTetrad(far, near),
			place: this.machine.place,
			parties: transcript.parties,
			transcript,
			get safetyCode() {
				return safetyWords(code);
			},
			closed: this.#closed.promise,
			export: (label, context, length) =>
				this.machine.confirmed().root.export(label, context, length),
			close,
			[Symbol.asyncDispose]: close,
		};
		this.#options.observe?.({ kind: "confirmed", tetrad });
		this.#confirmed.resolve(tetrad);
	}

	async #send(
		send: () => Effect[],
		drained: () => Promise<void>,
	): Promise<void> {
		if (!this.apply(send())) await drained();
	}

	#deliver(session: 1 | 2 | 3 | 4, bytes: Uint8Array): void {
		const channel = session <= 2 ? this.#channels?.far : this.#channels?.near;
		try {
			channel?.deliver(bytes);
		} catch (thrown) {
			this.apply(this.machine.abort(asTetradError(thrown)));
		}
	}

	#over(end: Ended): void {
		const { error } = end;
		this.#options.signal?.removeEventListener("abort", this.#onAbort);
		this.#unfollow();
		this.link.detach(this.#options.tetradId);
		this.release();
		this.#channels?.far.end(error);
		this.#channels?.near.end(error);
		if (end.error === undefined) this.#closed.resolve(end.by);
		else this.#closed.reject(end.error);
		if (this.#channels === undefined)
			this.#confirmed.reject(
				error ??
					new TetradError(
						"aborted",
						"the tetrad ended before it was confirmed",
					),
			);
		this.#options.observe?.(end);
	}
}

/** An agent's tetrad: its machine, the carrier to the other agent, and the link. */
export class AgentRun extends TetradRun {
	readonly #carrier: Carrier;
	readonly #agent: AgentMachine;
	readonly #lists: ListKeeper;
	readonly #pump: ListPump;
	#pauses = 0;

	constructor(machine: AgentMachine, carrier: Carrier, options: RunOptions) {
		super(machine, options);
		this.#agent = machine;
		this.#carrier = carrier;
		this.#lists = options.device.lists;
		this.#pump = new ListPump({
			next: () => {
				const effects = machine.nextList(this.now());
				return { sent: effects.length > 0, room: this.apply(effects) };
			},
			drained: () => carrier.drained(),
		});
		carrier.receive({
			frame: (bytes) => this.apply(machine.frame(bytes, this.now())),
			closed: (error) =>
				this.apply(
					machine.abort(
						error ??
							new TetradError(
								"truncated",
								"the other agent went away without closing the tetrad",
							),
					),
				),
		});
	}

	/** Carries out the first effects, once the carrier is there to take them. */
	begin(effects: readonly Effect[]): this {
		this.apply(effects);
		return this;
	}

	protected override sendFar(message: Uint8Array): Effect[] {
		return this.#agent.send(message);
	}

	protected override sendNear(message: Uint8Array): Effect[] {
		return this.#agent.sendToModule(message);
	}

	protected override closeMachine(): Effect[] {
		return this.#agent.close(this.now());
	}

	protected override farIsFull(isFull: boolean): void {
		this.#pause(isFull);
	}

	protected override farDrained(): Promise<void> {
		return this.#carrier.drained();
	}

	protected override sendFrame(bytes: Uint8Array): boolean {
		return this.#carrier.send(bytes, "owned");
	}

	/** What the other side's module sends faster than our module takes it waits on the network. */
	protected override linkIsFull(): void {
		this.#pause(true);
		void this.link.drained().then(() => this.#pause(false));
	}

	protected override makeTetrad(
		far: Channel,
		near: Channel,
	): { readonly agent: Channel; readonly module: Channel } {
		return { agent: far, module: near };
	}

	/** False when the way that the last effect took is full. */
	protected override apply(effects: readonly Effect[]): boolean {
		const room = super.apply(effects);
		if (this.#agent.listWaits) this.#pump.wake();
		return room;
	}

	protected override takeList(bundle: Uint8Array): void {
		learnFor(this.#lists, bundle, (was) =>
			this.apply(this.#agent.listDealt(was)),
		);
	}

	protected override release(): void {
		this.#pump.stop();
		this.#carrier.close();
	}

	#pause(pause: boolean): void {
		this.#pauses += pause ? 1 : -1;
		if (this.#pauses === 0) this.#carrier.resume();
		else if (pause && this.#pauses === 1) this.#carrier.pause();
	}
}

/** A module's tetrad: its machine and the link. */
export class ModuleRun extends TetradRun {
	readonly #module: ModuleMachine;

	constructor(machine: ModuleMachine, options: RunOptions) {
		super(machine, options);
		this.#module = machine;
	}

	protected override sendFar(message: Uint8Array): Effect[] {
		return this.#module.send(message);
	}

	protected override sendNear(message: Uint8Array): Effect[] {
		return this.#module.sendToAgent(message);
	}

	protected override closeMachine(): Effect[] {
		return this.#module.close();
	}

	protected override farIsFull(): void {}

	protected override farDrained(): Promise<void> {
		return this.link.drained();
	}

	protected override sendFrame(): boolean {
		throw new TetradError("internal", "a module has no network");
	}

	protected override linkIsFull(): void {}

	protected override makeTetrad(
		far: Channel,
		near: Channel,
	): { readonly agent: Channel; readonly module: Channel } {
		return { agent: near, module: far };
	}

	/** Modules learn of lists over their links. */
	protected override takeList(): void {
		throw new TetradError("internal", "a module has no lists in session 2");
	}

	protected override release(): void {}
}
