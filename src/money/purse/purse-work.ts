import {
	type AskEffect,
	type AskedEvent,
	Pending,
	type Transaction,
	type TransactOptions,
	type WorkEvent,
} from "../../machine/index.ts";
import type { Head, HolderKey } from "../documents/index.ts";
import type {
	AskJob,
	JobOf,
	PurseJob,
	Results,
	SignatureJob,
	TransactionJob,
} from "./pending-jobs.ts";
import type { PurseCore } from "./purse-core.ts";
import type { Changed } from "./purse-tables.ts";

/** A job whose transaction is durable, the purse's head as of then, and what it has decided. */
export type Written = {
	readonly [Kind in keyof Results]: {
		readonly kind: Kind;
		readonly job: JobOf<Kind>;
		readonly head: Head;
		readonly result: Results[Kind];
	};
}[keyof Results];

type Answer<Kind extends WorkEvent["kind"]> = Extract<
	WorkEvent,
	{ readonly kind: Kind }
>;

/** The work that a purse asks for, and the jobs that wait for it. */
export class PurseWork {
	readonly #core: PurseCore;
	readonly #pending = new Pending<PurseJob>();

	constructor(core: PurseCore) {
		this.#core = core;
	}

	get pending(): ReadonlyMap<number, PurseJob> {
		return this.#pending.all;
	}

	/** With the module's own key, or `under` one that it had before. */
	sign(job: SignatureJob, content: Uint8Array, under?: HolderKey): void {
		const id = this.#pending.add(job);
		this.#core.emit({
			kind: "sign",
			id,
			content,
			...(under === undefined ? {} : { under: under.publicKey }),
		});
	}

	transact<Kind extends keyof Results>(
		job: JobOf<Kind> & { readonly kind: Kind },
		transaction: Transaction<Changed<Results[Kind]>>,
		options: TransactOptions = {},
	): void {
		const id = this.#pending.add(job);
		this.#core.emit({ kind: "transact", id, transaction, ...options });
	}

	/** Asks a server, at its address. */
	ask(
		job: AskJob,
		server: string,
		request: Omit<AskEffect, "kind" | "id" | "server">,
	): void {
		const id = this.#pending.add(job);
		this.#core.emit({ kind: "ask", id, server, ...request });
	}

	// Each gives the job up that an answer is for, or throws `internal` for an answer to nothing.

	written({ id, result }: Answer<"written">): Written {
		const job = this.#pending.take(id, isTransaction);
		// A store answers with what the transaction decided, and `transact` has held that to the job.
		return { kind: job.kind, job, ...(result as Changed<unknown>) } as Written;
	}

	notWritten({ id }: Answer<"not-written">): TransactionJob {
		return this.#pending.take(id, isTransaction);
	}

	signed({ id }: Answer<"signed" | "not-signed">): SignatureJob {
		return this.#pending.take(id, isSignature);
	}

	answered({ id }: AskedEvent): AskJob {
		return this.#pending.take(id, (job) => job.kind === "asking");
	}
}

function isSignature(job: PurseJob): job is SignatureJob {
	return !isTransaction(job) && job.kind !== "asking";
}

function isTransaction(job: PurseJob): job is TransactionJob {
	switch (job.kind) {
		case "signing-payment":
		case "signing-receipt":
		case "signing-lock-receipt":
		case "signing-exchange":
		case "asking":
			return false;
		default:
			return true;
	}
}
