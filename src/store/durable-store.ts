import { setImmediate } from "node:timers/promises";
import { TetradError } from "../errors.ts";
import {
	done,
	type Scan,
	type Store,
	type Transaction,
	type TransactOptions,
} from "../machine/index.ts";
import type { Declared } from "./declared.ts";
import { MAX_BATCH, MAX_QUEUED, MAX_WAITING } from "./limits.ts";
import { type Snapshot, Snapshots } from "./snapshot.ts";

/** What became of one transaction of a batch that is durable. */
export type TransactionOutcome =
	| { readonly kind: "done"; readonly result: unknown }
	| { readonly kind: "rejected"; readonly why: unknown };

/** A database that carries out batches. */
export interface Engine {
	readonly declared: Declared;
	/**
	 * Carries out transactions in their order and resolves when all of them are durable. Throws
	 * a `TetradError` for all: `store-full` or `busy` when it is certain that nothing was
	 * written, and anything else when it is not. Then it is not asked again.
	 */
	carryOut(
		batch: readonly Transaction<unknown>[],
	): Promise<TransactionOutcome[]>;
	snapshot(): Promise<Snapshot>;
	/** Frees everything. Never throws. */
	close(): Promise<void>;
}

interface Waiting {
	readonly transaction: Transaction<unknown>;
	/** Until when it can wait, by `performance.now`; zero for one that cannot. */
	readonly until: number;
	readonly looks: boolean;
	readonly resolve: (result: unknown) => void;
	readonly reject: (why: unknown) => void;
}

/** The queue in front of a database: what waits together becomes durable together. */
export class DurableStore implements Store {
	readonly failed: Promise<Error>;
	readonly #engine: Engine;
	readonly #snapshots: Snapshots;
	readonly #tellFailure: (why: Error) => void;
	#queue: Waiting[] = [];
	#work: Promise<void> | undefined;
	/** Runs while all that is queued can wait. */
	#waited: NodeJS.Timeout | undefined;
	#failure: TetradError | undefined;
	#closed: Promise<void> | undefined;

	constructor(engine: Engine) {
		this.#engine = engine;
		this.#snapshots = new Snapshots(engine.declared, () => engine.snapshot());
		const { promise, resolve } = Promise.withResolvers<Error>();
		this.failed = promise;
		this.#tellFailure = resolve;
	}

	transact<Result>(
		transaction: Transaction<Result>,
		{ waitMs = 0, looks = false }: TransactOptions = {},
	): Promise<Result> {
		const refusal = this.#refusal();
		if (refusal !== undefined) return Promise.reject(refusal);
		if (this.#queue.length >= MAX_QUEUED)
			return Promise.reject(
				new TetradError(
					"busy",
					`${MAX_QUEUED} transactions wait for the store; try again when it has caught up`,
				),
			);
		const { promise, resolve, reject } = Promise.withResolvers<unknown>();
		const until = waitMs > 0 ? performance.now() + waitMs : 0;
		this.#queue.push({ transaction, until, looks, resolve, reject });
		if (until > 0 && this.#queue.length < MAX_WAITING) this.#wait();
		else this.#begin();
		return promise as Promise<Result>;
	}

	async snapshot<Result>(
		look: (scan: Scan) => Promise<Result>,
	): Promise<Result> {
		const refusal = this.#refusal();
		if (refusal !== undefined) throw refusal;
		// What could wait is shown as well: whoever asked for it may have told of it.
		if (this.#queue.some(({ until }) => until > 0))
			await this.transact(done([], undefined)).catch(() => {});
		return this.#snapshots.show(look);
	}

	/** Refuses everything from now on. Only the first reason counts. */
	fail(why: TetradError): void {
		if (this.#failure !== undefined) return;
		this.#failure = why;
		clearTimeout(this.#waited);
		for (const { reject } of this.#queue.splice(0)) reject(why);
		this.#tellFailure(why);
	}

	/** Carries out what waits, and frees the store. */
	[Symbol.asyncDispose](): Promise<void> {
		this.#closed ??= this.#close();
		return this.#closed;
	}

	async #close(): Promise<void> {
		this.#begin();
		await this.#snapshots.close();
		await this.#work;
		await this.#engine.close();
	}

	/** One that has failed is closed to be opened again, and whoever asks meanwhile has made no mistake. */
	#refusal(): TetradError | undefined {
		if (this.#failure !== undefined || this.#closed === undefined)
			return this.#failure;
		return new TetradError("invalid-argument", "the store is closed");
	}

	/** With what can wait, in the order in which all was asked for. */
	#begin(): void {
		clearTimeout(this.#waited);
		this.#waited = undefined;
		if (this.#queue.length > 0) this.#work ??= this.#carryOutAll();
	}

	/** Until the first that waits cannot any more. */
	#wait(): void {
		if (this.#work !== undefined) return;
		clearTimeout(this.#waited);
		const first = Math.min(...this.#queue.map(({ until }) => until));
		const left = Math.max(1, Math.ceil(first - performance.now()));
		this.#waited = setTimeout(() => this.#begin(), left);
	}

	async #carryOutAll(): Promise<void> {
		do {
			// Whoever heard of the last batch in this turn may join the next one.
			await setImmediate();
			const batch = this.#next();
			if (batch.length > 0) await this.#carryOut(batch);
		} while (this.#isAwaited());
		this.#work = undefined;
		if (this.#queue.length > 0) this.#wait();
	}

	/** All in their order, or those alone that look while nobody waits for another one. */
	#next(): Waiting[] {
		const looking = this.#queue.filter(({ looks }) => looks);
		if (looking.length === 0 || this.#isFull() || this.#queue.some(isDue))
			return this.#queue.splice(0, MAX_BATCH);
		this.#queue = this.#queue.filter(({ looks }) => !looks);
		this.#queue.unshift(...looking.splice(MAX_BATCH));
		return looking;
	}

	#isAwaited(): boolean {
		if (this.#isFull()) return true;
		return this.#queue.some((one) => one.looks || isDue(one));
	}

	/** Whether nothing in the queue can wait. */
	#isFull(): boolean {
		const isClosing = this.#closed !== undefined && this.#queue.length > 0;
		return isClosing || this.#queue.length >= MAX_WAITING;
	}

	async #carryOut(batch: readonly Waiting[]): Promise<void> {
		try {
			const outcomes = await this.#engine.carryOut(
				batch.map(({ transaction }) => transaction),
			);
			for (const [at, { resolve, reject }] of batch.entries()) {
				const outcome = outcomes[at] as TransactionOutcome;
				if (outcome.kind === "done") resolve(outcome.result);
				else reject(outcome.why);
			}
		} catch (thrown) {
			const why = asStoreError(thrown);
			for (const { reject } of batch) reject(why);
			if (why.code === "store-failed") this.fail(why);
		}
	}
}

/** Whether somebody waits for it, or it has waited for as long as it can. */
function isDue({ until, looks }: Waiting): boolean {
	return !looks && until <= performance.now();
}

function asStoreError(thrown: unknown): TetradError {
	if (
		thrown instanceof TetradError &&
		["store-full", "busy", "store-failed"].includes(thrown.code)
	)
		return thrown;
	return new TetradError(
		"store-failed",
		"the store failed in a way that nobody expected; close it and open it again",
		{ cause: thrown },
	);
}
