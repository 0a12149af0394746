/*
 * All that follows from the purse's seed at a mint, for an owner who has nothing but that, or a purse
 * that was put back: RESTORING ─▶ (PENDING ─▶) RESTORED. From before it is written down until it is over no
 * counter of the mint is used, so that nothing can be spent that was not under way when it began.
 * What the purse has, and what is or was under way then, is not added once more: of that the mint may
 * say that it is unspent, and have spent it by the time that the last keyset has been asked for.
 * What the mint is working on is kept, and asked about until it is spent or unspent, also what the
 * purse had: that cannot be spent, and nobody is told that it can. The counters are used again meanwhile.
 */
import { TetradError } from "../../../errors.ts";
import { hex } from "../../../wire/index.ts";
import {
	encodeProofs,
	MAX_INPUTS,
	type Proof,
	type ProofState,
	parseProofs,
	parseStates,
	pointsOf,
	stateRequest,
	sumOf,
} from "../../cashu/index.ts";
import type { EcashOrder } from "../../documents/index.ts";
import type { EcashOrderRow } from "../ecash-tables.ts";
import type { MintRun } from "./mint-run.ts";
import type { Move, Next, Waiting } from "./moves.ts";
import { followed, type OrderTools, orderRow, type Trade } from "./ordered.ts";
import { Question } from "./question.ts";
import {
	EMPTY_AT_END,
	EMPTY_WITH_LOCKS,
	type FirstCounters,
	type Restored,
	RestoreRun,
} from "./restore-run.ts";

type RestoreOrder = Extract<EcashOrder, { readonly kind: "restore" }>;

export class Restoring implements Trade<RestoreOrder, undefined> {
	readonly #tools: OrderTools;
	/** Secrets of what was under way when the purse was started. */
	readonly #atStart: ReadonlySet<string>;
	/** By request, in hexadecimal: the same of when it began, and the keysets that are closed for it. */
	readonly #underWay = new Map<string, ReadonlySet<string>>();
	readonly #closed = new Map<string, readonly Uint8Array[]>();
	/** By request, too: where it begins, unless that is at the first counter. */
	readonly #first = new Map<string, FirstCounters>();

	/** How many counters in a row have to be empty for the end of a keyset. */
	readonly #empty: number;

	/** Of a seed with `countedLocks` some counters may have been those of locks. */
	constructor(
		tools: OrderTools,
		atStart: ReadonlySet<string>,
		countedLocks: boolean,
	) {
		this.#tools = tools;
		this.#empty = countedLocks ? EMPTY_WITH_LOCKS : EMPTY_AT_END;
		this.#atStart = atStart;
	}

	quote(): undefined {
		return undefined;
	}

	begin(order: RestoreOrder): Move {
		return this.beginFrom(order, new Map());
	}

	/** Of what was made from these counters on. A purse that is started in between looks from the first. */
	beginFrom(order: RestoreOrder, first: FirstCounters): Move {
		const to = orderRow(this.#tools, order, { state: "restoring" });
		this.#close(to);
		this.#first.set(hex(order.request), first);
		return { kind: "move", to };
	}

	/** That is durable. */
	begun({ request }: EcashOrderRow, underWay: ReadonlySet<string>): void {
		this.#underWay.set(hex(request), underWay);
	}

	run(row: EcashOrderRow): MintRun<Next> {
		if (row.state === "pending") return this.#pendingRun(row);
		const { parts, book } = this.#tools;
		const { crypto: ecash, seed } = parts.options;
		const keysets = this.#close(row);
		const name = hex(row.request);
		const own = {
			held: book.of(row.mint),
			underWay: this.#underWay.get(name) ?? this.#atStart,
			first: this.#first.get(name),
			used: new Map(keysets.map((id) => [hex(id), book.next(id)])),
			empty: this.#empty,
		};
		const run = new RestoreRun(ecash, seed, keysets, own);
		return followed(run, (found) =>
			found instanceof TetradError
				? {
						kind: "move",
						to: {
							...{ ...row, state: "failed" },
							...{ code: found.code, reason: found.message },
						},
					}
				: this.#found(row, found),
		);
	}

	/** What becomes of what the mint was working on. */
	#pendingRun(row: EcashOrderRow): MintRun<Next> {
		const { crypto: ecash } = this.#tools.parts.options;
		const proofs = parseProofs(row.token);
		const points = pointsOf(ecash, proofs);
		const question = new Question(stateRequest(points), (body) =>
			parseStates(body, points),
		);
		return followed(question, (states): Next => {
			if (states instanceof TetradError) return { kind: "later" };
			const all = waitingIn(row, proofs);
			const of = (kind: ProofState["kind"]): Waiting => {
				const is = new Set(proofs.filter((_, at) => states[at]?.kind === kind));
				return {
					had: all.had.filter((proof) => is.has(proof)),
					found: all.found.filter((proof) => is.has(proof)),
				};
			};
			const [left, got] = [of("pending"), of("unspent")];
			const isLeft = left.had.length + left.found.length;
			if (isLeft === proofs.length) return { kind: "later" };
			// What the purse had is there again, and was not restored.
			const amount = sumOf(got.found);
			return {
				kind: "move",
				to: { ...waitingRow(row, left), amount: row.amount + amount },
				got: [...got.had, ...got.found],
				isAfterAWhile: isLeft > 0,
				...(amount > 0n ? { entry: { what: "restored", amount } } : {}),
			};
		});
	}

	/** It is, or it was never begun; or it needs no closed counters any more. */
	over({ request, mint }: EcashOrderRow): void {
		const name = hex(request);
		this.#tools.book.open(mint, this.#closed.get(name) ?? []);
		this.#closed.delete(name);
		this.#underWay.delete(name);
		this.#first.delete(name);
	}

	/** Its keysets, which are closed from now on. */
	#close({ request, mint }: EcashOrderRow): readonly Uint8Array[] {
		const name = hex(request);
		const closed = this.#closed.get(name);
		if (closed !== undefined) return closed;
		const keysets = this.#keysetsOf(mint);
		this.#tools.book.close(mint, keysets);
		this.#closed.set(name, keysets);
		return keysets;
	}

	/** Nothing of it is a request that a mint may never carry out. */
	anew(): Move {
		throw new TetradError("internal", "a restore is made anew");
	}

	#found(row: EcashOrderRow, found: Restored): Move {
		const { proofs, gone, counters } = found;
		const had = found.held.slice(0, MAX_INPUTS);
		const pending = found.pending.slice(0, MAX_INPUTS - had.length);
		const leftOut = found.held.length + found.pending.length;
		const { book, mints } = this.#tools;
		const trouble =
			troubleWith(found, leftOut - had.length - pending.length) ??
			notRestored(mints.lacks(row.mint)) ??
			heldElsewhere(book.elsewhere(row.mint, [...proofs, ...found.pending]));
		for (const { keyset, next } of counters) book.skip(keyset, next);
		return {
			kind: "move",
			to: { ...row, state: "restored" },
			got: proofs,
			gone,
			waits: { had, found: pending },
			isFound: true,
			outputs: counters,
			isAfterAWhile: had.length + pending.length > 0,
			...(trouble === undefined ? {} : { trouble }),
			entry: { what: "restored", amount: 0n },
		};
	}

	#keysetsOf(mint: Uint8Array): readonly Uint8Array[] {
		const all = this.#tools.mints.keysets(mint)?.all() ?? [];
		if (all.length === 0)
			throw new TetradError("busy", "the mint has shown no keyset yet");
		return all.map(({ id }) => id);
	}
}

/** The row of a restore that waits for nothing but these. */
export function waitingRow(
	row: EcashOrderRow,
	{ had, found }: Waiting,
): EcashOrderRow {
	const all = [...had, ...found];
	if (all.length === 0) {
		const none = { token: new Uint8Array(), spends: 0n, had: 0n };
		return { ...row, state: "restored", ...none };
	}
	return {
		...{ ...row, state: "pending", token: encodeProofs(all) },
		...{ spends: sumOf(all), had: sumOf(had) },
	};
}

/** Those that the purse had stand first. */
function waitingIn(row: EcashOrderRow, [...found]: readonly Proof[]): Waiting {
	const had: Proof[] = [];
	while (found.length > 0 && sumOf(had) < row.had)
		had.push(...found.splice(0, 1));
	return { had, found };
}

/** What its owner is told of it, if anything; so many that are pending are not kept. */
function troubleWith(
	{ unproven, isPartial }: Restored,
	leftOut: number,
): TetradError | undefined {
	if (isPartial) return tooMany();
	if (unproven > 0) return unprovenFound(unproven);
	return leftOut > 0 ? tooManyPending(leftOut) : undefined;
}

/** In a keyset that its mint shows and does not have here. */
function notRestored(lacks: TetradError | undefined): TetradError | undefined {
	if (lacks === undefined) return undefined;
	return new TetradError(
		"payment-in-doubt",
		`what that mint has signed with a keyset that it does not have here was not restored: ${lacks.message}`,
	);
}

/** A mint may have moved, or say of another one's ecash that it is its own: which of them nobody here can tell. */
function heldElsewhere(proofs: readonly Proof[]): TetradError | undefined {
	if (proofs.length === 0) return undefined;
	return new TetradError(
		"payment-in-doubt",
		`of what that mint says it has signed, the purse has ${sumOf(proofs)} of a mint at another address, where it stays: if that mint has moved, and does not answer there any more, restore from the words of this purse into a new home`,
	);
}

function tooMany(): TetradError {
	return new TetradError(
		"limit-exceeded",
		"there is more ecash at the mint, or more of it is spent, than one restore looks after: what the purse says it has is not all that is true yet, so restore again",
	);
}

function tooManyPending(count: number): TetradError {
	return new TetradError(
		"limit-exceeded",
		`the mint is working on more than a restore keeps, and ${count} proofs were left out, of which the purse may say that they can be spent: restore again when it has done what it works on`,
	);
}

function unprovenFound(count: number): TetradError {
	return new TetradError(
		"payment-in-doubt",
		`the mint has signed ${count} outputs of this purse with other keys than it shows, and what is in those was not restored: ask whoever runs that mint, and restore again when it shows them`,
	);
}
