import { asTetradError, TetradError } from "../../errors.ts";
import type { TamperResistance } from "../../identity/index.ts";
import { byKey, type Transaction } from "../../machine/index.ts";
import { sameBytes, utf8, utf8Within } from "../../wire/index.ts";
import {
	type Head,
	headFields,
	type IssuerTerms,
	MAX_REASON_BYTES,
	message,
	partiesHash,
	WITH_AGENT,
} from "../documents/index.ts";
import type {
	Meeting,
	MoneyContext,
	MoneyEffect,
	MoneyEvent,
} from "../machine.ts";
import { PurseBook } from "./purse-book.ts";
import { WITNESS_WITHIN_MS } from "./purse-limits.ts";
import type { PurseState } from "./purse-load.ts";
import type { PurseReport } from "./purse-report.ts";
import { type Changed, changing, LOG } from "./purse-tables.ts";

/** How much a purse takes undeposited from payers of each level, in minor units; without a limit for it, nothing. */
type UndepositedLimits = Readonly<Partial<Record<TamperResistance, bigint>>>;

/** An issuer whose notes a purse takes. */
export interface TrustedIssuer extends IssuerTerms {
	/** As for all others unless given. */
	readonly limits?: UndepositedLimits;
}

export interface PurseMachineOptions {
	readonly context: MoneyContext;
	/** Whose notes it takes. */
	readonly issuers: readonly TrustedIssuer[];
	/** Of each issuer's money. */
	readonly limits: UndepositedLimits;
	/** The public key of the owner's key; without it no order is taken. */
	readonly owner:
		| {
				readonly algorithm: "P-256" | "Ed25519";
				readonly publicKey: Uint8Array;
		  }
		| undefined;
}

/** A tetrad that is not over. */
export interface OpenMeeting extends Meeting {
	/** `partiesHash` of its four, 32 bytes. */
	readonly parties: Uint8Array;
}

/** What witnesses have said of this purse since it started. */
type Standing =
	/** None has spoken: it may have been put back to an old backup. */
	| { readonly kind: "unwitnessed" }
	| { readonly kind: "agreed" }
	/** It is not the newest there is, or there are two of it. */
	| { readonly kind: "behind"; readonly error: TetradError };

interface Pending<Result> {
	readonly succeeded: (result: Result) => void;
	readonly failed: (error: TetradError) => void;
}

/** What the parts of a purse have in common: what happened, what shall be done, and how far the purse has come. */
export class PurseCore {
	readonly options: PurseMachineOptions;
	readonly book: PurseBook;
	/** Encoded chains of issuers by their hashes in hexadecimal. */
	readonly chains: Map<string, Uint8Array>;
	readonly meetings = new Map<number, OpenMeeting>();
	/** Of the event that is handled; milliseconds since the epoch. */
	now = 0;
	#head: Head;
	/** Tetrads whose agent does not know the head yet, and when it shall. */
	readonly #toWitness = new Set<number>();
	#witnessAt: number | undefined;
	#standing: Standing = { kind: "unwitnessed" };
	#effects: MoneyEffect<PurseReport>[] = [];
	#nextId = 0;
	readonly #transactions = new Map<number, Pending<Changed<unknown>>>();
	readonly #signatures = new Map<number, Pending<Uint8Array>>();

	constructor(options: PurseMachineOptions, state: PurseState) {
		const { crypto, own } = options.context;
		this.options = options;
		this.book = new PurseBook(crypto, own, state.notes);
		this.chains = new Map(state.chains);
		this.#head = state.head;
	}

	get head(): Head {
		return this.#head;
	}

	get standing(): Standing {
		return this.#standing;
	}

	get ownId(): Uint8Array {
		return this.options.context.own.deviceId;
	}

	/** What was decided since the last call, in order. */
	takeEffects(): readonly MoneyEffect<PurseReport>[] {
		const effects = this.#effects;
		this.#effects = [];
		return effects;
	}

	meetingOf(tetrad: number): OpenMeeting {
		const meeting = this.meetings.get(tetrad);
		if (meeting === undefined)
			throw new TetradError("internal", "a tetrad is used that is over");
		return meeting;
	}

	open(meeting: Meeting): OpenMeeting {
		const parties = partiesHash(this.options.context.crypto, meeting.ids);
		const open = { ...meeting, parties };
		this.meetings.set(meeting.tetrad, open);
		return open;
	}

	termsOf(issuer: Uint8Array): TrustedIssuer | undefined {
		return this.options.issuers.find((terms) =>
			sameBytes(terms.issuer, issuer),
		);
	}

	// What shall be done.

	toAgent(tetrad: number, bytes: Uint8Array): void {
		if (this.meetings.has(tetrad))
			this.#effects.push({ kind: "to-agent", tetrad, bytes });
	}

	toModule(tetrad: number, bytes: Uint8Array): void {
		if (this.meetings.has(tetrad))
			this.#effects.push({ kind: "to-module", tetrad, bytes });
	}

	end(tetrad: number, error: TetradError): void {
		this.#effects.push({ kind: "end", tetrad, error });
	}

	report(report: PurseReport): void {
		this.#effects.push({ kind: "report", report });
	}

	/** Tells the own agent that a contract was not paid, or will not be taken. */
	failed(
		tetrad: number,
		contract: Uint8Array,
		{ code, message: reason }: TetradError,
		isInDoubt = false,
	): void {
		this.toAgent(
			tetrad,
			message(WITH_AGENT.failed, {
				contract,
				isInDoubt: Uint8Array.of(isInDoubt ? 1 : 0),
				code: utf8(code),
				reason: utf8Within(reason, MAX_REASON_BYTES),
			}),
		);
	}

	sign(
		content: Uint8Array,
		then: (signature: Uint8Array) => void,
		failed: (error: TetradError) => void,
	): void {
		const id = this.#nextId++;
		this.#signatures.set(id, { succeeded: then, failed });
		this.#effects.push({ kind: "sign", id, content });
	}

	/** Exactly one of the two is called, unless nobody knows whether it was written: the process ends then. */
	transact<Result>(
		transaction: Transaction<Changed<Result>>,
		then: (result: Result) => void,
		failed: (error: TetradError) => void,
	): void {
		const id = this.#nextId++;
		this.#transactions.set(id, {
			succeeded: ({ result }) => then(result as Result),
			failed,
		});
		this.#effects.push({ kind: "transact", id, transaction });
	}

	// What happened.

	finished(
		event: Extract<
			MoneyEvent,
			{ readonly kind: "written" | "not-written" | "signed" | "not-signed" }
		>,
	): void {
		switch (event.kind) {
			case "written": {
				const changed = event.result as Changed<unknown>;
				if (changed.head.number > this.#head.number) this.#head = changed.head;
				return take(this.#transactions, event.id).succeeded(changed);
			}
			case "not-written": {
				const { failed } = take(this.#transactions, event.id);
				if (event.error.code === "store-failed")
					return this.report({ kind: "trouble", error: event.error });
				return failed(event.error);
			}
			case "signed":
				return take(this.#signatures, event.id).succeeded(event.signature);
			case "not-signed":
				return take(this.#signatures, event.id).failed(event.error);
		}
	}

	// How far the purse has come.

	/** Holds a witness's record of this purse against what is durable; `then` is called after the standing follows from it. Only the own agent's word lets it pay. */
	compare(record: Head, by: "agent" | "issuer", then: () => void): void {
		const { crypto } = this.options.context;
		this.transact(
			changing(
				crypto,
				this.now,
				[byKey(LOG, { number: record.number })],
				([[row]]) => ({
					entries: [],
					writes: [],
					result: row?.hash,
				}),
			),
			(hash) => {
				const agrees =
					record.number === 0n ||
					(hash !== undefined && sameBytes(hash, record.hash));
				if (!agrees) this.#fallBehind(hash === undefined);
				else if (by === "agent" && this.#standing.kind === "unwitnessed")
					this.#standing = { kind: "agreed" };
				then();
			},
			(error) => {
				this.report({ kind: "trouble", error });
				then();
			},
		);
	}

	/** Tells the own agent how far the purse has come, unless that could wipe out a record of something newer. */
	witness(tetrad: number): void {
		this.#toWitness.delete(tetrad);
		if (this.#standing.kind === "agreed")
			this.toAgent(tetrad, message(WITH_AGENT.witness, headFields(this.#head)));
	}

	/** As `witness`, but soon: for a change by which nothing was given away. */
	witnessSoon(tetrad: number): void {
		if (!this.meetings.has(tetrad)) return;
		this.#witnessAt ??= this.now + WITNESS_WITHIN_MS;
		this.#toWitness.add(tetrad);
	}

	/** When `time` shall be called. */
	get deadline(): number | undefined {
		return this.#witnessAt;
	}

	time(): void {
		if (this.#witnessAt === undefined || this.now < this.#witnessAt) return;
		this.#witnessAt = undefined;
		for (const tetrad of [...this.#toWitness]) this.witness(tetrad);
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
		this.report({ kind: "behind", error });
	}
}

function take<Value>(all: Map<number, Value>, id: number): Value {
	const value = all.get(id);
	if (value === undefined)
		throw new TetradError("internal", "something was answered twice");
	all.delete(id);
	return value;
}

/** What a parse gives, or what it threw. */
export function attempt<Value>(
	parse: () => Value,
):
	| { readonly kind: "ok"; readonly value: Value }
	| { readonly kind: "failed"; readonly error: TetradError } {
	try {
		return { kind: "ok", value: parse() };
	} catch (thrown) {
		return { kind: "failed", error: asTetradError(thrown) };
	}
}

/** Of several times, the first. */
export function earliest(
	times: Iterable<number | undefined>,
): number | undefined {
	let first: number | undefined;
	for (const time of times)
		if (time !== undefined && (first === undefined || time < first))
			first = time;
	return first;
}
