/*
 * Sales that this purse may have paid for in a life that it has forgotten: it was put back, and its
 * agent still has the contract.
 *
 *   recalled ─▶ asking ─the mint has signed the lock─▶ writing ─durable─▶ LOCKED (locked-sale.ts)
 *                │  ▲ └─it has not, and it is too late for it─▶ (never paid)
 *                │  │ └─nor in the counters that were looked at: (in doubt)
 *                └──┴─it has not, and what was sent may still come
 *
 * Nothing is given away here: what is found was locked before, its mint says what became of it, and
 * the row of its contract is the one that COMMIT would write, so that there is one of them, and it
 * counts against the owner's limits as if it had been committed when it is found. Nobody
 * else finds anything, because a lock follows from the seed of the purse that made it.
 */
import { TetradError } from "../../../errors.ts";
import { byKey, insert, remove } from "../../../machine/index.ts";
import { hex, sameBytes } from "../../../wire/index.ts";
import {
	encodeProofs,
	type LockTerms,
	lockDeadline,
	lockSeed,
	type Proof,
	parseProofs,
	sumOf,
} from "../../cashu/index.ts";
import { checked } from "../checked.ts";
import type { MintAnswer, RecalledPayment } from "../ecash-part.ts";
import { LOCKED, type LockedRow } from "../ecash-tables.ts";
import { type AskedPayment, keptText } from "../payment-state.ts";
import { MAX_RECALLED } from "../purse-limits.ts";
import {
	ABORTED,
	type Change,
	changing,
	NO_CHAIN,
	NO_KEY,
	unchanged,
} from "../purse-tables.ts";
import type { SaleEvent } from "../sale-part.ts";
import type { EcashBook } from "./book.ts";
import { Conversation } from "./conversation.ts";
import { CountedRecallRun } from "./counted-recall-run.ts";
import { countersOf } from "./counters.ts";
import type { FoundLock } from "./found-lock.ts";
import type { EcashJobOf, EcashResults } from "./jobs.ts";
import { lockTerms } from "./lock-terms.ts";
import { NOTHING } from "./locked-row.ts";
import type { LockedSales } from "./locked-sales.ts";
import type { Mints } from "./mints.ts";
import type { EcashParts } from "./parts.ts";
import { RecallRun } from "./recall-run.ts";
import type { MadeOutput } from "./stored-swap.ts";

/** How long after its time to pay a request to lock it may still reach the mint: it was sent before, and may have been on its way since. */
const ON_ITS_WAY_MS = 3_600_000;

/** It is looked for in these keysets. */
interface Looking {
	readonly keysets: readonly Uint8Array[];
	readonly run: RecallRun;
}

interface Recalled {
	readonly payment: RecalledPayment;
	/** What its lock would be made of. */
	readonly terms: LockTerms;
	readonly talk: Conversation;
	run: Looking | undefined;
	/** Behind which counters what was made after it is looked for, once it is found. */
	begins: readonly MadeOutput[];
}

export class Recalling {
	readonly #parts: EcashParts;
	readonly #mints: Mints;
	readonly #book: EcashBook;
	readonly #locked: LockedSales;
	/** Whether a lock may have been made with counters of the purse's. */
	readonly #countedLocks: boolean;
	/** By contract, in hexadecimal. */
	readonly #all = new Map<string, Recalled>();

	constructor(
		parts: EcashParts,
		mints: Mints,
		book: EcashBook,
		locked: LockedSales,
		countedLocks: boolean,
	) {
		this.#parts = parts;
		this.#mints = mints;
		this.#book = book;
		this.#locked = locked;
		this.#countedLocks = countedLocks;
	}

	/** What comes of it is told to the part that knows of sales. */
	recall(payment: RecalledPayment): void {
		const { contract, issuer, keyHash, atMint } = payment;
		const id = hex(contract);
		if (this.#all.has(id) || this.#locked.has(contract)) return;
		const terms = checked(() =>
			lockTerms(this.#parts, contract, keyHash, atMint),
		);
		// Nothing can have been locked to a key that is none.
		if (terms.kind === "failed")
			return this.#happened({ kind: "never-paid", contract });
		if (this.#all.size >= MAX_RECALLED)
			return this.#happened({
				kind: "not-cancelled",
				contract,
				error: tooMany(),
			});
		const job = { kind: "asking-about-recalled", contract } as const;
		const talk = new Conversation(this.#parts, this.#mints, issuer, job);
		const recalled: Recalled = {
			...{ payment, terms: terms.value, talk },
			...{ run: undefined, begins: [] },
		};
		this.#all.set(id, recalled);
		this.#mints.need(issuer);
		this.#drive(recalled);
	}

	// What happens to mints and time.

	mintAsked(mint: Uint8Array): void {
		for (const one of [...this.#all.values()])
			if (sameBytes(one.payment.issuer, mint)) {
				one.talk.now();
				this.#drive(one);
			}
	}

	*deadlines(): Generator<number> {
		for (const { talk } of this.#all.values()) yield* talk.deadlines();
	}

	time(): void {
		for (const one of [...this.#all.values()]) this.#drive(one);
	}

	// What the mint says.

	mintAnswered(contract: Uint8Array, answer: MintAnswer): void {
		const one = this.#all.get(hex(contract));
		const looking = one?.run;
		if (looking === undefined || !one?.talk.heard()) return;
		const found = one.talk.follow(looking.run, answer, () => this.#drive(one));
		if (found !== undefined) this.#over(one, found, looking);
	}

	mintNotAnswered(contract: Uint8Array): void {
		const one = this.#all.get(hex(contract));
		if (one?.talk.heard() === true) one.talk.later();
	}

	// The steps.

	#drive(one: Recalled): void {
		if (one.talk.ready() !== "ask") return;
		one.run ??= this.#lookingFor(one);
		if (one.run === undefined) one.talk.later();
		else one.talk.ask(one.run.run.next);
	}

	/** Nothing where its mint has shown no keyset yet. */
	#lookingFor({ payment, terms }: Recalled): Looking | undefined {
		const { issuer, amount, contract } = payment;
		const { core, options } = this.#parts;
		const { crypto: ecash, seed } = options;
		const { crypto } = core.options.context;
		const ids = this.#keysetsOf(issuer);
		if (ids.length === 0) return undefined;
		const lock = { terms, amount, seed: lockSeed(crypto, seed, contract) };
		const older = () => {
			const keysets = ids.map((keyset) => ({
				...{ keyset, next: this.#book.next(keyset) },
			}));
			return new CountedRecallRun(ecash, seed, keysets, terms, amount);
		};
		const run = this.#countedLocks
			? new RecallRun(ecash, ids, lock, older())
			: new RecallRun(ecash, ids, lock);
		return { keysets: ids, run };
	}

	#keysetsOf(mint: Uint8Array): readonly Uint8Array[] {
		return (this.#mints.keysets(mint)?.all() ?? []).map(({ id }) => id);
	}

	#over(one: Recalled, found: FoundLock, { keysets }: Looking): void {
		const { payment, talk } = one;
		const { now } = this.#parts.core;
		one.run = undefined;
		if (found.kind === "found") {
			one.begins =
				found.begins === undefined
					? this.#atStart(payment.issuer)
					: [found.begins];
			return this.#write(one, found.proofs);
		}
		// One that has new keysets by now may have signed it with those.
		if (!this.#mints.isKnown(payment.issuer)) return talk.later();
		const isAsked = (id: Uint8Array) =>
			keysets.some((one) => sameBytes(one, id));
		if (!this.#keysetsOf(payment.issuer).every(isAsked))
			return this.#drive(one);
		const isOverAt = payment.payBy + ON_ITS_WAY_MS;
		if (now < isOverAt) return talk.notBefore(isOverAt);
		const { contract } = payment;
		const lacks = this.#mints.lacks(payment.issuer);
		this.#all.delete(hex(contract));
		if (found.kind === "none" && lacks === undefined)
			return this.#happened({ kind: "never-paid", contract });
		const error =
			found.kind === "none" ? notAsked(lacks) : notWithin(found.empty);
		this.#happened({ kind: "not-cancelled", contract, error });
	}

	/** What was forgotten was made behind all that the purse knew of when it was started. */
	#atStart(mint: Uint8Array): readonly MadeOutput[] {
		return this.#keysetsOf(mint).map((keyset) => ({
			...{ keyset, counter: this.#book.atStart(keyset) },
		}));
	}

	#write({ payment, talk }: Recalled, lock: readonly Proof[]): void {
		const { core, limits } = this.#parts;
		const { contract, payee: peer, also } = payment;
		const asked = askedOf(payment, lock);
		const counted = limits.committing(asked);
		const row = this.#rowOf(asked, payment, lock, counted.at);
		const amount = asked.amount + asked.fee;
		talk.writing();
		this.#parts.transact<"recalling">(
			{ kind: "recalling", asked, row },
			changing(
				core.options.context.crypto,
				core.now,
				[byKey(LOCKED, { contract }), ...(counted.counting?.reads ?? [])],
				([[known], ...sums]): Change<boolean> =>
					known !== undefined
						? unchanged(false)
						: {
								entries: [
									{ what: "committed", subject: contract, amount, peer },
								],
								writes: [
									insert(LOCKED, row),
									remove(ABORTED, { contract }),
									...also,
									...countersOf(this.#book, lock),
									...counted.also,
									...(counted.counting?.writes(sums) ?? []),
								],
								result: true,
							},
			),
		);
	}

	/** As COMMIT would have written it, after which it was locked. */
	#rowOf(
		{
			contract,
			issuer: mint,
			currency,
			amount,
			fee,
			payee,
			what,
		}: AskedPayment,
		{ terms, keyHash, payBy, parties, atMint }: RecalledPayment,
		proofs: readonly Proof[],
		counted: number,
	): LockedRow {
		return {
			...{ contract, mint, currency, amount, fee, payee, parties, terms, what },
			lock: encodeProofs(proofs),
			key_hash: keyHash,
			pay_by: BigInt(payBy),
			deadline: BigInt(lockDeadline(atMint.bookBy)),
			committed: BigInt(this.#parts.core.now),
			...{ lock_swap: NOTHING, back_swap: NOTHING, spends: amount },
			state: "locked",
			...{ key: NO_KEY, receipt: NOTHING, receipt_chain: NO_CHAIN },
			...{ returned: 0n, counted: BigInt(counted) },
		};
	}

	written(
		{ asked, row }: EcashJobOf<"recalling">,
		isNew: EcashResults["recalling"],
	): void {
		const { contract } = asked;
		const { begins = [] } = this.#all.get(hex(contract)) ?? {};
		this.#all.delete(hex(contract));
		if (isNew) {
			this.#parts.limits.committed(asked, Number(row.counted));
			this.#book.use(parseProofs(row.lock));
		}
		this.#happened({ kind: "committed", contract });
		if (isNew) this.#locked.recalled(row);
		// Its change, and whatever else was made in that life.
		if (begins.length > 0) this.#parts.signedBefore(row.mint, begins, true);
	}

	notWritten({ asked }: EcashJobOf<"recalling">, error: TetradError): void {
		this.#parts.core.trouble(error);
		this.#all.get(hex(asked.contract))?.talk.notWritten();
	}

	#happened(event: SaleEvent): void {
		this.#parts.sale?.happened(event);
	}
}

/** As it was asked for; what locking it took of the fee is not known any more. */
function askedOf(
	{ contract, issuer, currency, amount, payee, what = "" }: RecalledPayment,
	lock: readonly Proof[],
): AskedPayment {
	return {
		...{ contract, issuer, currency, amount, payee },
		...{ fee: sumOf(lock) - amount, what: keptText(what) },
		...{ askOwner: false, sale: undefined },
	};
}

function notWithin(empty: number): TetradError {
	return new TetradError(
		"payment-in-doubt",
		`what was locked for it, if anything was, is not among the counters of this purse's seed up to ${empty} that are empty in a row: this seed may have made locks with later ones, so whether it was paid is not known; it is looked for again when it is asked for again`,
	);
}

/** It may have been signed with a keyset that was not asked about. */
function notAsked(lacks: TetradError | undefined): TetradError {
	return new TetradError(
		"payment-in-doubt",
		`whether it was paid is not known, since not all keysets of its mint were asked about: ${lacks?.message ?? ""}; it is looked for again when it is asked for again`,
	);
}

function tooMany(): TetradError {
	return new TetradError(
		"busy",
		"too many purchases are being looked for at their mints; ask again when some have been found",
	);
}
