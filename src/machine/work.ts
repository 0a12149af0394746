import { TetradError } from "../errors.ts";
import type { Transaction } from "./store.ts";

/*
 * Work that a machine asks for and goes on without: a signature, a transaction. Each is named by a
 * number, and the event that answers it gives the number back.
 */

/** Sign with the device's own long-term key; answered by `signed` or `not-signed`. */
export interface SignEffect {
	readonly kind: "sign";
	readonly id: number;
	readonly content: Uint8Array;
	/** The raw public key of one that the device had before, to sign with in the place of its own. */
	readonly under?: Uint8Array;
}

export type WorkEffect =
	| SignEffect
	/** Answered by `written` or `not-written`. Transactions are carried out in the order in which they are asked for. */
	| {
			readonly kind: "transact";
			readonly id: number;
			readonly transaction: Transaction<unknown>;
			/** Nobody waits for it: it may become durable with the next one that somebody waits for, so many milliseconds later at most. */
			readonly waitMs?: number;
			/** It only reads, and need not see what can wait. */
			readonly looks?: boolean;
	  };

/** The signature that the `sign` effect of that id asked for, or why the device's key did not sign. */
export type SignedEvent =
	| {
			readonly kind: "signed";
			readonly id: number;
			readonly signature: Uint8Array;
	  }
	| {
			readonly kind: "not-signed";
			readonly id: number;
			readonly error: TetradError;
	  };

export type WorkEvent =
	| SignedEvent
	/** The transaction of that id is durable, and this is its result. */
	| {
			readonly kind: "written";
			readonly id: number;
			readonly result: unknown;
	  }
	/**
	 * What that transaction threw, or why the store did not write it. With `store-failed` it is not
	 * known whether it was written; the process then ends, and starts again from what is there.
	 */
	| {
			readonly kind: "not-written";
			readonly id: number;
			readonly error: TetradError;
	  };

/** What a machine waits for, each under a number of its own: plain data that says what to do once the answer is there. */
export class Pending<Job> {
	readonly #jobs = new Map<number, Job>();
	#next = 0;

	/** Keeps a job and names it. */
	add(job: Job): number {
		const id = this.#next++;
		this.#jobs.set(id, job);
		return id;
	}

	/**
	 * Gives a job up to whoever has its answer. Throws `internal`, and keeps it, for a number that
	 * names none (it was answered before, or never asked for) and for a job that is not `wanted`: it
	 * waits for an answer of another kind.
	 */
	take(id: number): Job;
	take<Wanted extends Job>(
		id: number,
		wanted: (job: Job) => job is Wanted,
	): Wanted;
	take(id: number, wanted: (job: Job) => boolean = () => true): Job {
		const job = this.#jobs.get(id);
		if (job === undefined || !wanted(job))
			throw new TetradError(
				"internal",
				"work was answered that nobody waits for",
			);
		this.#jobs.delete(id);
		return job;
	}

	/** All that is waited for, by number; for whoever looks, a simulator for instance. */
	get all(): ReadonlyMap<number, Job> {
		return this.#jobs;
	}
}
