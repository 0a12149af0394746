/*
 * Several of our own commands as processes that belong together, such as the module and the agent
 * of a side: started in order, started again when they die, stopped in order. Of each process:
 *
 *   waiting ──▶ starting ──▶ running ──▶ ended ──▶ starting …
 *                   │ before it was ever ready
 *                   └──▶ failed                     stopped: from everywhere, when it was asked
 */
import { setTimeout as sleep } from "node:timers/promises";
import { asTetradError, type ErrorCode, TetradError } from "../../errors.ts";
import { Child, type ChildFailure, type SaidEvent } from "./child.ts";
import { SUPERVISOR_LIMITS, type SupervisorLimits } from "./limits.ts";

/** A process that is to run. */
export interface ProcessPlan<E extends SaidEvent> {
	/** What it is called, once among all. */
	readonly name: string;
	/** Of our own command, without `--json`. */
	readonly args: readonly string[];
	/** By what it says that it is ready. */
	readonly ready: E["event"];
	/** Names of earlier plans that are ready before it starts, and stop after it. */
	readonly after: readonly string[];
	/** Where it runs; the working folder of this process unless given. */
	readonly folder?: string;
	/** Variables beside those of this process, or without those that are undefined. */
	readonly environment?: Readonly<Record<string, string | undefined>>;
}

export type ProcessState =
	/** For those that have to be ready before it. */
	| { readonly kind: "waiting" }
	| { readonly kind: "starting"; readonly pid: number }
	| { readonly kind: "running"; readonly pid: number }
	/** It ended unasked, and is started again. */
	| {
			readonly kind: "ended";
			readonly code?: ErrorCode;
			readonly reason: string;
			readonly againInMs: number;
	  }
	/** It could not start even once. */
	| {
			readonly kind: "failed";
			readonly code?: ErrorCode;
			readonly reason: string;
	  }
	| { readonly kind: "stopped" };

export interface SupervisorOptions<E extends SaidEvent> {
	/** Hears of each change of a process. */
	readonly changed?: (name: string, state: ProcessState) => void;
	/** Hears everything that a process says. */
	readonly said?: (name: string, event: E) => void;
	/** Stops all. */
	readonly signal?: AbortSignal;
	readonly limits?: Partial<SupervisorLimits>;
}

/** Processes that run until they are stopped together. When this process is killed, they stop by themselves. */
export class Supervisor<E extends SaidEvent> implements AsyncDisposable {
	readonly #processes: ReadonlyMap<string, Supervised<E>>;
	readonly #order: readonly string[];

	private constructor(
		plans: readonly ProcessPlan<E>[],
		options: SupervisorOptions<E>,
	) {
		const processes = new Map<string, Supervised<E>>();
		for (const plan of plans) {
			const after = plan.after.map((name) => {
				const earlier = processes.get(name);
				if (earlier === undefined)
					throw new TetradError(
						"internal",
						`${plan.name} waits for ${name}, which is not planned before it`,
					);
				return earlier;
			});
			processes.set(plan.name, new Supervised(plan, after, options));
		}
		this.#processes = processes;
		this.#order = plans.map(({ name }) => name);
	}

	/**
	 * Resolves when all are ready. When one cannot start, all are stopped, and it rejects with why:
	 * with the code that the process said, or `carrier-failed`; with `aborted` when `signal` aborts.
	 */
	static async start<E extends SaidEvent>(
		plans: readonly ProcessPlan<E>[],
		options: SupervisorOptions<E> = {},
	): Promise<Supervisor<E>> {
		const { signal } = options;
		const supervisor = new Supervisor(plans, options);
		const stop = () => void supervisor.stop();
		if (signal?.aborted === true) stop();
		signal?.addEventListener("abort", stop, { once: true });
		try {
			const all = [...supervisor.#processes.values()];
			for (const one of all) one.begin();
			await Promise.all(all.map(({ ready }) => ready));
			return supervisor;
		} catch (thrown) {
			signal?.removeEventListener("abort", stop);
			await supervisor.stop();
			throw thrown;
		}
	}

	/** In the order of the plans. */
	states(): readonly { readonly name: string; readonly state: ProcessState }[] {
		return this.#order.map((name) => ({
			name,
			state: this.#processes.get(name)?.state ?? { kind: "waiting" },
		}));
	}

	/** Stops each when those that started after it are gone. Resolves when none is left. */
	async stop(): Promise<void> {
		await Promise.all(
			[...this.#processes.values()].map((process) => process.stop()),
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop();
	}
}

/** How one life of a process ended unasked. */
interface Life {
	readonly failure: ChildFailure;
	/** It has said why it cannot start, and never has started. */
	readonly isFinal: boolean;
	readonly wasSteady: boolean;
}

class Supervised<E extends SaidEvent> {
	/** Settles when it is ready for the first time, or never will be. */
	readonly ready: Promise<void>;
	readonly #plan: ProcessPlan<E>;
	readonly #after: readonly Supervised<E>[];
	readonly #before: Supervised<E>[] = [];
	readonly #options: SupervisorOptions<E>;
	readonly #limits: SupervisorLimits;
	readonly #first = Promise.withResolvers<void>();
	readonly #stop = new AbortController();
	#state: ProcessState = { kind: "waiting" };
	#child: Child<E> | undefined;
	#run: Promise<void> | undefined;
	#wasReady = false;

	constructor(
		plan: ProcessPlan<E>,
		after: readonly Supervised<E>[],
		options: SupervisorOptions<E>,
	) {
		this.#plan = plan;
		this.#after = after;
		this.#options = options;
		this.#limits = { ...SUPERVISOR_LIMITS, ...options.limits };
		this.ready = this.#first.promise;
		// Whoever awaits it hears of a failure; nobody has to.
		this.ready.catch(() => {});
		for (const earlier of after) earlier.#before.push(this);
	}

	get state(): ProcessState {
		return this.#state;
	}

	begin(): void {
		this.#run ??= this.#keepRunning();
	}

	async stop(): Promise<void> {
		// At once: nothing is started any more while the others end.
		this.#stop.abort();
		this.#first.reject(stopped());
		await Promise.all(this.#before.map((later) => later.stop()));
		await this.#child?.stop();
		await this.#run;
		if (this.#state.kind !== "failed" && this.#state.kind !== "stopped")
			this.#become({ kind: "stopped" });
	}

	async #keepRunning(): Promise<void> {
		try {
			await Promise.all(this.#after.map(({ ready }) => ready));
		} catch {
			return this.#first.reject(stopped());
		}
		for (let ends = 0; !this.#isStopping; ) {
			const { failure, isFinal, wasSteady } = await this.#runOnce();
			if (this.#isStopping) return;
			const { firstWaitMs, longestWaitMs, triesToStart } = this.#limits;
			ends = wasSteady ? 1 : ends + 1;
			if (isFinal || (!this.#wasReady && ends >= triesToStart))
				return this.#fail(failure);
			const againInMs = Math.min(firstWaitMs * 2 ** (ends - 1), longestWaitMs);
			this.#become({ kind: "ended", ...failure, againInMs });
			await sleep(againInMs, undefined, { signal: this.#stop.signal }).catch(
				() => {},
			);
		}
	}

	/** One life of the process. */
	async #runOnce(): Promise<Life> {
		let readyAt = Number.POSITIVE_INFINITY;
		let child: Child<E>;
		try {
			child = this.#start(() => {
				readyAt = performance.now();
			});
		} catch (thrown) {
			const { code, message } = asTetradError(thrown);
			const failure = { code, reason: message };
			return { failure, isFinal: !this.#wasReady, wasSteady: false };
		}
		const { signal } = await child.ended;
		return {
			failure: await child.failure(),
			isFinal: !this.#wasReady && signal === null,
			wasSteady: performance.now() - readyAt >= this.#limits.steadyMs,
		};
	}

	#start(onReady: () => void): Child<E> {
		const { args, ready, name, folder, environment } = this.#plan;
		const child: Child<E> = new Child<E>(
			args,
			(event) => {
				if (event.event === ready && this.#state.kind === "starting") {
					onReady();
					this.#wasReady = true;
					this.#become({ kind: "running", pid: child.pid });
					this.#first.resolve();
				}
				this.#options.said?.(name, event);
			},
			{
				isApart: true,
				stopMs: this.#limits.stopMs,
				...(folder === undefined ? {} : { folder }),
				...(environment === undefined ? {} : { environment }),
			},
		);
		this.#child = child;
		this.#become({ kind: "starting", pid: child.pid });
		return child;
	}

	get #isStopping(): boolean {
		return this.#stop.signal.aborted;
	}

	#fail(failure: ChildFailure): void {
		const { code = "carrier-failed", reason } = failure;
		this.#become({ kind: "failed", ...failure });
		this.#first.reject(
			new TetradError(code, `${this.#plan.name} cannot start: ${reason}`),
		);
	}

	#become(state: ProcessState): void {
		this.#state = state;
		this.#options.changed?.(this.#plan.name, state);
	}
}

function stopped(): TetradError {
	return new TetradError("aborted", "stopped before all of it had started");
}
