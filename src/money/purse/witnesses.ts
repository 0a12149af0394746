/*
 * How far this purse has come, and what its witnesses say of that: its own agent and its issuers
 * keep its newest head, so that a purse that was put back to an old backup, or copied, is found out
 * before it gives away what it gave away before.
 */
import { TetradError } from "../../errors.ts";
import { byKey } from "../../machine/index.ts";
import { sameBytes } from "../../wire/index.ts";
import { type Head, message, WITH_AGENT } from "../documents/index.ts";
import type { JobOf, WitnessName } from "./pending-jobs.ts";
import type { PurseCore } from "./purse-core.ts";
import { WITNESS_WITHIN_MS } from "./purse-limits.ts";
import { changing, LOG, unchanged } from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";

/** What witnesses have said of this purse since it started. */
type Standing =
	/** None has spoken: it may have been put back to an old backup. */
	| { readonly kind: "unwitnessed" }
	| { readonly kind: "agreed" }
	/** It is not the newest there is, or there are two of it. */
	| { readonly kind: "behind"; readonly error: TetradError };

export class Witnesses {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	#head: Head;
	#standing: Standing = { kind: "unwitnessed" };
	/** Tetrads whose agent does not know the head yet, and when it shall. */
	readonly #toTell = new Set<number>();
	#tellAt: number | undefined;

	constructor(core: PurseCore, work: PurseWork, head: Head) {
		this.#core = core;
		this.#work = work;
		this.#head = head;
	}

	/** The newest head that is durable. */
	get head(): Head {
		return this.#head;
	}

	get standing(): Standing {
		return this.#standing;
	}

	/** When `time` shall be called. */
	get deadline(): number | undefined {
		return this.#tellAt;
	}

	/** That head is durable. */
	reached(head: Head): void {
		if (head.number > this.#head.number) this.#head = head;
	}

	/** Holds a witness's record of this purse against what is durable. */
	compare(record: Head, witness: WitnessName): void {
		this.#work.transact(
			{ kind: "comparing-head", record, witness },
			changing(
				this.#core.options.context.crypto,
				this.#core.now,
				[byKey(LOG, { number: record.number })],
				([[row]]) => unchanged(row?.hash),
			),
		);
	}

	/** Only the own agent's word lets the purse pay. */
	compared(
		{ record, witness }: JobOf<"comparing-head">,
		hash: Uint8Array | undefined,
	): void {
		const agrees =
			record.number === 0n ||
			(hash !== undefined && sameBytes(hash, record.hash));
		if (!agrees) this.#fallBehind(hash === undefined);
		else if (witness.kind === "agent" && this.#standing.kind === "unwitnessed")
			this.#standing = { kind: "agreed" };
	}

	/** Tells the own agent how far the purse has come, unless that could wipe out a record of something newer. */
	tell(tetrad: number): void {
		this.#toTell.delete(tetrad);
		if (this.#standing.kind === "agreed")
			this.#core.toAgent(tetrad, message(WITH_AGENT.witness, this.#head));
	}

	/** As `tell`, but soon: for a change by which nothing was given away. */
	tellSoon(tetrad: number): void {
		if (!this.#core.meetings.has(tetrad)) return;
		this.#tellAt ??= this.#core.now + WITNESS_WITHIN_MS;
		this.#toTell.add(tetrad);
	}

	time(): void {
		if (this.#tellAt === undefined || this.#core.now < this.#tellAt) return;
		this.#tellAt = undefined;
		for (const tetrad of [...this.#toTell]) this.tell(tetrad);
	}

	/** Why nothing may be committed now, or `undefined`. */
	whyNotPay(): TetradError | undefined {
		switch (this.#standing.kind) {
			case "agreed":
				return undefined;
			case "behind":
				return this.#standing.error;
			case "unwitnessed":
				return new TetradError(
					"purse-behind",
					"the own agent has not yet said how far it knows this purse to have come; it says so at the start of each tetrad",
				);
		}
	}

	#fallBehind(isNewer: boolean): void {
		if (this.#standing.kind === "behind") return;
		const error = new TetradError(
			"purse-behind",
			`${isNewer ? "a witness knows a newer state of this purse" : "a witness knows another state of this purse: there are two copies of it"}; put the newest copy of its home back and start again; what cannot be found is claimed from the issuer after the notes have expired`,
		);
		this.#standing = { kind: "behind", error };
		this.#core.report({ kind: "behind", error });
	}
}
