/*
 * Sales that this module has committed ecash for, until they are over:
 *
 *   LOCKING ─the mint has signed─▶ LOCKED ─given to the payee, which answers with the key─▶ KEYED
 *    │ │ ▲                          │ │ ▲└─the mint shows what it was claimed with────────▶ KEYED
 *    │ │ │                          │ │ └─too early, or claimed before─┐
 *    │ │ │                          │ └─deadline─▶ REFUNDING ──────────┴─the mint has signed─▶ REFUNDED
 *    │ │ └─its inputs are spent─────┼──────────┐
 *    │ └─refused, or not in time─▶ TAKING BACK ┴─the mint has signed─▶ REFUNDED
 *    └─its inputs are spent, and nothing was locked─▶ DECLINED
 *
 * Each of these is durable, and so is each swap before it is sent. The mint alone decides, and is
 * asked until it has answered: what it has not said is in doubt.
 */
import { TetradError, unreachable } from "../../../errors.ts";
import { chainHash } from "../../../identity/index.ts";
import { byKey, put } from "../../../machine/index.ts";
import { copy, hex, sameBytes } from "../../../wire/index.ts";
import {
	type Proof,
	type ProofState,
	stateRequest,
	sumOf,
} from "../../cashu/index.ts";
import { ABOUT_LOCKS, body } from "../../documents/index.ts";
import { checked } from "../checked.ts";
import type { MintAnswer } from "../ecash-part.ts";
import { LOCKED, type LockedRow } from "../ecash-tables.ts";
import type { OpenMeeting } from "../purse-core.ts";
import { ANSWER_WITHIN_MS } from "../purse-limits.ts";
import {
	type Change,
	changing,
	NO_CHAIN,
	RECEIPT_CHAINS,
	unchanged,
} from "../purse-tables.ts";
import type { SaleEvent } from "../sale-part.ts";
import { givingBack } from "../spending-sums.ts";
import { refunding, takingBack } from "./back-swaps.ts";
import type { EcashBook } from "./book.ts";
import { Conversation } from "./conversation.ts";
import { countersOf } from "./counters.ts";
import type { EcashJobOf } from "./jobs.ts";
import { deliverLock, receiptOf } from "./lock-delivery.ts";
import { isClaimed, lockSeen, pointsOfLock } from "./lock-seen.ts";
import {
	backBetween,
	deadlineOf,
	feeTaken,
	goneOf,
	lockedIn,
	NOTHING,
	refundedIn,
	whatBecame,
} from "./locked-row.ts";
import type { Mints } from "./mints.ts";
import { intoOwn } from "./own-outputs.ts";
import type { EcashParts } from "./parts.ts";
import {
	allMade,
	encodeSwap,
	type MadeOutput,
	madeBefore,
	parseSwap,
	type StoredSwap,
} from "./stored-swap.ts";
import {
	isLocked,
	isNeverDone,
	type SwapOutcome,
	SwapRun,
} from "./swap-run.ts";

/** A sale that is committed and not over, and how the conversation with its mint goes on. */
interface Sale {
	row: LockedRow;
	readonly talk: Conversation;
	/** Of the swap that the row's state is about; nothing while it is locked, and until it is read. */
	run: { readonly of: StoredSwap; readonly run: SwapRun } | undefined;
	/** The key that has come, until it is durable. */
	given: Given | undefined;
	/** When whoever waits is told that it is in doubt; nothing once it was told. */
	doubtAt: number | undefined;
	/** What was to take the money back found its inputs spent: it was locked after all, or somebody else has spent them. */
	isLockSought: boolean;
	/** The lock is spent and its key is not shown: it was asked for whether the refund was carried out after all. */
	isRefundSought: boolean;
	/** The mint has said that it is spent, and shown no key: that is said once. */
	isKeyMissing: boolean;
}

/** What is bought; `chain` is the encoded one under which the receipt was signed. */
interface Given {
	readonly key: Uint8Array;
	readonly receipt: Uint8Array;
	readonly chain: Uint8Array;
}

export class LockedSales {
	readonly #parts: EcashParts;
	readonly #mints: Mints;
	readonly #book: EcashBook;
	/** By contract, in hexadecimal. */
	readonly #sales = new Map<string, Sale>();

	constructor(
		parts: EcashParts,
		mints: Mints,
		book: EcashBook,
		open: readonly LockedRow[],
	) {
		this.#parts = parts;
		this.#mints = mints;
		this.#book = book;
		for (const row of open) this.#add(row, undefined, () => madeFor(row));
	}

	get size(): number {
		return this.#sales.size;
	}

	has(contract: Uint8Array): boolean {
		return this.#sales.has(hex(contract));
	}

	/** It has just become durable. */
	begin(row: LockedRow, swap: StoredSwap): void {
		const sale = this.#add(row, swap);
		sale.doubtAt = this.#parts.core.now + ANSWER_WITHIN_MS;
		this.#drive(sale);
	}

	/** It was locked in an earlier life of this purse, which is durable now. Its payee is asked first where it is there. */
	recalled(row: LockedRow): void {
		const sale = this.#add(row, undefined);
		const { core } = this.#parts;
		sale.doubtAt = core.now + ANSWER_WITHIN_MS;
		for (const meeting of core.meetings.values()) {
			if (sameBytes(meeting.parties, row.parties))
				sale.talk.after(ANSWER_WITHIN_MS);
			deliverLock(core, row, meeting);
		}
		this.#drive(sale);
	}

	/** Asked for again: what is locked is given to its payee once more, and the mint is asked at once. Whether there is such a sale. */
	join(contract: Uint8Array, meeting: OpenMeeting | undefined): boolean {
		const sale = this.#sales.get(hex(contract));
		if (sale === undefined) return false;
		if (sale.given !== undefined) {
			const { fee } = sale.row;
			this.#happened({ kind: "keyed", contract, ...sale.given, fee });
			return true;
		}
		const { now } = this.#parts.core;
		sale.talk.before(now);
		sale.doubtAt ??= now + ANSWER_WITHIN_MS;
		if (meeting !== undefined) deliverLock(this.#parts.core, sale.row, meeting);
		this.#drive(sale);
		return true;
	}

	#add(
		row: LockedRow,
		swap: StoredSwap | undefined,
		made?: () => readonly MadeOutput[],
	): Sale {
		const { contract, mint } = row;
		const job = { kind: "asking-about-paid", contract } as const;
		const sale: Sale = {
			row,
			talk: new Conversation(this.#parts, this.#mints, mint, job, made),
			run: swap && this.#runOf(swap),
			given: undefined,
			doubtAt: undefined,
			isLockSought: false,
			isRefundSought: false,
			isKeyMissing: false,
		};
		this.#sales.set(hex(row.contract), sale);
		return sale;
	}

	// What the other module says.

	/** It does not take it, or not now. */
	refused(contract: Uint8Array, { peer }: OpenMeeting, why: string): void {
		const sale = this.#sales.get(hex(contract));
		if (sale !== undefined && sameBytes(sale.row.payee, peer.deviceId))
			this.#saysNo(sale, `the other module says: ${why}`);
	}

	/** The payee has claimed it, and gives the key. Throws for what is no such message; a receipt that is for something else is told as trouble and not kept. */
	claimed({ peer }: OpenMeeting, bytes: Uint8Array): void {
		const fields = body(ABOUT_LOCKS.lockClaimed, bytes);
		const { core } = this.#parts;
		const sale = this.#sales.get(hex(fields.contract));
		if (sale === undefined) return;
		const { row } = sale;
		const isRight =
			sameBytes(core.options.context.crypto.sha256(fields.key), row.key_hash) &&
			sameBytes(row.payee, peer.deviceId);
		if (!isRight) return this.#saysNo(sale, "it has given a wrong key");
		// The money may be on its way back, and would be forgotten: its mint says who has it, and shows the key.
		if (row.state !== "locked" || sale.talk.isWriting) return;
		const receipt = receiptOf(core, row, peer, fields);
		// A receipt that proves nothing is not kept; the key is right, and that is what counts.
		if (receipt === undefined) core.trouble(wrongReceipt());
		const kept = receipt ?? { receipt: NOTHING, chain: NO_CHAIN };
		this.#keyed(sale, { key: copy(fields.key), ...kept });
	}

	// What happens to tetrads, mints and time.

	opened(meeting: OpenMeeting): void {
		for (const sale of this.#sales.values())
			deliverLock(this.#parts.core, sale.row, meeting);
	}

	/** Whatever waited for what is known of a mint goes on. */
	mintAsked(mint: Uint8Array): void {
		for (const sale of [...this.#sales.values()])
			if (sameBytes(sale.row.mint, mint)) this.#drive(sale);
	}

	*deadlines(): Generator<number> {
		for (const sale of this.#sales.values()) {
			yield* sale.talk.deadlines();
			const doubtAt = this.#doubtAt(sale);
			if (doubtAt !== undefined) yield doubtAt;
		}
	}

	time(): void {
		const { now } = this.#parts.core;
		for (const sale of [...this.#sales.values()]) {
			this.#drive(sale);
			if ((this.#doubtAt(sale) ?? Number.POSITIVE_INFINITY) <= now)
				this.#doubt(sale, "the other module or the mint has not answered");
		}
	}

	/** No later than it can be: a clock that was ahead may be set right. */
	#doubtAt(sale: Sale): number | undefined {
		const latest = this.#parts.core.now + ANSWER_WITHIN_MS;
		if (sale.doubtAt !== undefined)
			sale.doubtAt = Math.min(sale.doubtAt, latest);
		return sale.doubtAt;
	}

	// What the mint says.

	mintAnswered(contract: Uint8Array, answer: MintAnswer): void {
		const sale = this.#sales.get(hex(contract));
		if (sale === undefined || !sale.talk.heard()) return;
		const { row, talk } = sale;
		if (row.state === "locked") return this.#lockSeen(sale, answer);
		const { of, run } = this.#running(sale);
		const outcome = talk.follow(run, answer, () => this.#drive(sale));
		if (outcome === undefined) return;
		// What is refused is asked for less and less often.
		if (outcome.kind === "signed") talk.afresh();
		sale.run = undefined;
		this.#swapOver(sale, of, outcome);
	}

	mintNotAnswered(contract: Uint8Array): void {
		const sale = this.#sales.get(hex(contract));
		if (sale === undefined || !sale.talk.heard()) return;
		sale.run?.run.unanswered();
		sale.talk.later();
	}

	// The steps.

	/** Goes on with what is to be done by now, unless that is under way. */
	#drive(sale: Sale): void {
		const { row, talk, given } = sale;
		// Its disk was full.
		if (given !== undefined && talk.isDue) return this.#writeKey(sale, given);
		const what = talk.ready();
		if (what === undefined) return;
		const isAnew = what === "make-anew";
		switch (row.state) {
			case "locking": {
				const isLate = this.#parts.core.now >= Number(row.pay_by);
				// Nobody waits any more for a lock that was not made in time.
				return isLate && !sale.isLockSought
					? this.#takeBack(sale)
					: talk.ask(this.#running(sale).run.next);
			}
			case "taking-back":
				return isAnew
					? this.#takeBack(sale)
					: talk.ask(this.#running(sale).run.next);
			case "refunding":
				return isAnew
					? this.#refund(sale, true)
					: talk.ask(this.#running(sale).run.next);
			case "locked":
				return talk.ask(stateRequest(pointsOfLock(this.#parts, row)));
			default:
				throw new TetradError("internal", "a payment is open that is over");
		}
	}

	#running(sale: Sale) {
		const { crypto: ecash, seed } = this.#parts.options;
		const { state, lock_swap, back_swap } = sale.row;
		sale.run ??= this.#runOf(
			parseSwap(ecash, seed, state === "locking" ? lock_swap : back_swap),
			true,
		);
		return sale.run;
	}

	#runOf(of: StoredSwap, isFromStore = false) {
		const { crypto: ecash } = this.#parts.options;
		return { of, run: new SwapRun(ecash, of, isFromStore) };
	}

	#swapOver(sale: Sale, swap: StoredSwap, outcome: SwapOutcome): void {
		switch (sale.row.state) {
			case "locking":
				return this.#lockingOver(sale, swap, outcome);
			case "taking-back":
				return this.#takingBackOver(sale, swap, outcome);
			case "refunding":
				return this.#refundingOver(sale, swap, outcome);
			default:
				throw new TetradError("internal", "a swap is over that was not made");
		}
	}

	#lockingOver(sale: Sale, of: StoredSwap, outcome: SwapOutcome): void {
		const { row } = sale;
		const { spends, outputs } = of;
		switch (outcome.kind) {
			case "signed": {
				// In another life of this purse the lock may have been claimed since: the mint knows that.
				const lock = outcome.proofs.filter(isLocked);
				const change = outcome.left.filter((proof) => !isLocked(proof));
				return this.#move(sale, lockedIn(row, lock), change);
			}
			case "not-done":
				this.#mints.askAnew(row.mint);
				this.#takeBack(sale);
				if (outcome.why.kind === "already-signed")
					sale.talk.signedBefore(outputs);
				return;
			case "spent": {
				const { states } = outcome;
				const left = spends.filter((_, at) => isUnspent(states[at]));
				return this.#move(sale, { ...row, state: "declined" }, left);
			}
			default:
				return unreachable(outcome);
		}
	}

	/** The inputs go to outputs of one's own, unless what was to lock them is carried out first. */
	#takeBack(sale: Sale): void {
		this.#moveWithSwap(sale, "taking-back", takingBack);
	}

	#takingBackOver(
		sale: Sale,
		{ spends, outputs }: StoredSwap,
		outcome: SwapOutcome,
	): void {
		const { row } = sale;
		switch (outcome.kind) {
			case "signed": {
				// What would have been change has come back, too.
				const cost = sumOf(spends) - sumOf(outcome.proofs);
				const back = row.amount + row.fee - cost;
				return this.#refunded(sale, outcome.left, back);
			}
			case "not-done":
				return sale.talk.notDone(outcome.why, outputs);
			case "spent": {
				// A mint that says now this and now that is asked less and less often.
				const isAfterAWhile = sale.isLockSought;
				sale.isLockSought = true;
				const to = { ...row, state: "locking" };
				return this.#move(sale, to, [], { isAfterAWhile });
			}
			default:
				return unreachable(outcome);
		}
	}

	/** What the mint says of the proofs that are locked. */
	#lockSeen(sale: Sale, answer: MintAnswer): void {
		const { row } = sale;
		const { core } = this.#parts;
		const seen = checked(() => lockSeen(this.#parts, row, answer));
		if (seen.kind === "failed") return sale.talk.later();
		switch (seen.value.kind) {
			case "claimed": {
				const { key } = seen.value;
				return this.#keyed(sale, { key, receipt: NOTHING, chain: NO_CHAIN });
			}
			case "open":
				return core.now >= deadlineOf(row)
					? this.#refund(sale)
					: this.#waitForDeadline(sale);
			case "pending":
				return sale.talk.later();
			case "spent-without-key":
				// What was to take it back may have been carried out after all.
				if (row.back_swap.length > 0 && !sale.isRefundSought) {
					sale.isRefundSought = true;
					return this.#move(sale, { ...row, state: "refunding" }, []);
				}
				// Where a swap of this purse is known, that may be the one, and its outputs are asked for again.
				if (row.back_swap.length === 0 && seen.value.isTakenBack)
					return this.#takenBackBefore(sale);
				if (!sale.isKeyMissing) core.trouble(keyMissing());
				sale.isKeyMissing = true;
				// The mint may have said wrongly what it signed for that, and says it right later.
				sale.isRefundSought = false;
				return sale.talk.later();
			default:
				return unreachable(seen.value);
		}
	}

	/** By a swap that this purse has forgotten: it was put back, and what came back then is looked for behind all that it knew of when it was started. */
	#takenBackBefore(sale: Sale): void {
		const { row } = sale;
		const all = this.#mints.keysets(row.mint)?.all() ?? [];
		sale.talk.lookFor(
			all.map(({ id }) => ({
				keyset: id,
				counter: this.#book.atStart(id),
			})),
		);
		this.#refunded(sale, [], row.amount);
	}

	/** It is asked about once in a while until then, and not later than then. */
	#waitForDeadline(sale: Sale): void {
		sale.talk.later();
		sale.talk.before(deadlineOf(sale.row));
	}

	/** As it was asked for before, unless the mint never does that. */
	#refund(sale: Sale, isAnew = false): void {
		const { row } = sale;
		if (row.back_swap.length > 0 && !isAnew)
			return this.#move(sale, { ...row, state: "refunding" }, []);
		this.#moveWithSwap(sale, "refunding", refunding);
	}

	/** It was refused because the mint's clock is behind, or its keyset has changed; or the payee was faster. The mint is asked what it is, and what it was asked for is kept: it may be carried out yet. */
	#refundingOver(
		sale: Sale,
		{ outputs }: StoredSwap,
		outcome: SwapOutcome,
	): void {
		const { row } = sale;
		const { kind } = outcome;
		const { crypto } = this.#parts.core.options.context;
		if (kind === "signed" && !isClaimed(crypto, outcome.states, row.key_hash))
			return this.#refunded(sale, outcome.left, sumOf(outcome.proofs));
		if (kind === "not-done" && isNeverDone(outcome.why))
			return sale.talk.notDone(outcome.why, outputs);
		this.#move(sale, { ...row, state: "locked" }, [], { isAfterAWhile: true });
	}

	/** So much of price and fee is back. */
	#refunded(sale: Sale, proofs: readonly Proof[], back: bigint): void {
		this.#move(sale, refundedIn(sale.row, back), proofs);
	}

	/** Into a state with a swap to outputs of one's own. Where that cannot be made now, it is tried again. */
	#moveWithSwap(
		sale: Sale,
		state: "taking-back" | "refunding",
		spend: typeof takingBack,
	): void {
		const { row } = sale;
		const made = checked(() => {
			const { options, core } = this.#parts;
			const spent = spend(options, core.options.context.crypto, row);
			return intoOwn(options, this.#mints, this.#book, spent, row.mint);
		});
		if (made.kind === "failed") return sale.talk.later();
		const swap = made.value;
		const to = { ...row, state, back_swap: encodeSwap(swap) };
		this.#move(sale, to, [], { swap });
	}

	/** Writes that it is in another state now, and what is the purse's again. */
	#move(
		sale: Sale,
		to: LockedRow,
		proofs: readonly Proof[],
		next: Partial<EcashJobOf<"moving">["next"]> = {},
	): void {
		const { core } = this.#parts;
		const { contract, mint, payee: peer } = to;
		const { swap, isAfterAWhile = false } = next;
		const isRefunded = to.state === "refunded";
		const amount = backBetween(sale.row, to);
		// That counts no more against the owner's limits, also after a start; the fee goes on to.
		const back = givingBack(
			isRefunded ? { ...to, issuer: mint, amount } : undefined,
		);
		sale.talk.writing();
		this.#parts.transact<"moving">(
			{ kind: "moving", contract, to, proofs, next: { swap, isAfterAWhile } },
			changing(core.options.context.crypto, core.now, back.reads, (sums) => ({
				entries: isRefunded
					? [
							{ what: "void", subject: contract, amount: to.returned, peer },
							...feeTaken(contract, peer, goneOf(to)),
						]
					: [],
				writes: [
					...back.writes(sums),
					put(LOCKED, to),
					...this.#book.writeNew(mint, proofs),
					...countersOf(this.#book, swap?.outputs ?? []),
				],
				result: undefined,
			})),
		);
	}

	moved({ contract, to, proofs, next }: EcashJobOf<"moving">): void {
		this.#book.add(to.mint, proofs);
		const sale = this.#sales.get(hex(contract));
		if (sale === undefined) return;
		const { core } = this.#parts;
		const back = backBetween(sale.row, to);
		sale.row = to;
		sale.talk.written();
		if (next.swap !== undefined) sale.talk.madeAnew();
		sale.run = next.swap && this.#runOf(next.swap);
		if (to.state === "refunded" || to.state === "declined")
			return this.#over(sale, back);
		if (next.isAfterAWhile) return sale.talk.later();
		sale.talk.now();
		if (to.state === "locked" && !sale.isKeyMissing) {
			// Its payee is asked first, and the mint when it has not answered.
			if (proofs.length > 0 || sale.doubtAt !== undefined)
				sale.talk.after(ANSWER_WITHIN_MS);
			for (const meeting of core.meetings.values())
				deliverLock(this.#parts.core, sale.row, meeting);
		}
		this.#drive(sale);
	}

	notMoved({ contract }: EcashJobOf<"moving">, error: TetradError): void {
		this.#parts.core.trouble(error);
		const sale = this.#sales.get(hex(contract));
		if (sale === undefined) return;
		sale.talk.notWritten();
	}

	/** There is no key, and never will be. */
	#over({ row, talk }: Sale, back: bigint): void {
		const { contract, mint: issuer, counted, returned, payee } = row;
		this.#sales.delete(hex(contract));
		talk.over();
		if (row.state === "refunded") {
			const given = { issuer, payee, amount: back };
			this.#parts.limits.givenBack(given, Number(counted));
			this.#parts.core.report({
				kind: "void",
				...{ contract, issuer, amount: returned, fee: goneOf(row) },
			});
		}
		this.#happened(whatBecame(row, NO_CHAIN));
	}

	/** What was bought is told at once: until it is durable here, both the payee and the mint tell it again. */
	#keyed(sale: Sale, given: Given): void {
		const { contract, fee } = sale.row;
		sale.given = given;
		sale.doubtAt = undefined;
		this.#happened({ kind: "keyed", contract, ...given, fee });
		this.#writeKey(sale, given);
	}

	#writeKey(sale: Sale, { key, receipt, chain }: Given): void {
		const { core } = this.#parts;
		const { crypto } = core.options.context;
		const { row } = sale;
		const { contract, amount, payee: peer } = row;
		const hash = chain.length === 0 ? NO_CHAIN : chainHash(crypto, chain);
		const kept = { key, receipt, receipt_chain: hash, back_swap: NOTHING };
		const to = { ...row, ...kept, state: "keyed" };
		sale.talk.writing();
		this.#parts.transact<"keying">(
			{ kind: "keying", contract, to },
			changing(
				crypto,
				core.now,
				[byKey(LOCKED, { contract }), byKey(RECEIPT_CHAINS, { hash })],
				([[now], [known]]): Change<undefined> =>
					now?.state === "keyed"
						? unchanged(undefined)
						: {
								entries: [
									{ what: "paid", subject: contract, amount, peer },
									...feeTaken(contract, peer, to.fee),
								],
								writes: [
									put(LOCKED, to),
									...(known === undefined && chain.length > 0
										? [put(RECEIPT_CHAINS, { hash, chain })]
										: []),
								],
								result: undefined,
							},
			),
		);
	}

	keyed({ contract, to }: EcashJobOf<"keying">): void {
		const sale = this.#sales.get(hex(contract));
		if (sale === undefined) return;
		this.#sales.delete(hex(contract));
		sale.talk.over();
		const { mint: issuer, amount, fee, payee: peer } = to;
		this.#parts.core.report({
			kind: "paid",
			...{ contract, peer, issuer, amount, fee },
		});
	}

	notKeyed({ contract }: EcashJobOf<"keying">, error: TetradError): void {
		this.#parts.core.trouble(error);
		const sale = this.#sales.get(hex(contract));
		if (sale === undefined) return;
		sale.talk.notWritten();
	}

	/** Its payee may say so as often as it likes: whoever waits is told once, and the mint asked. */
	#saysNo(sale: Sale, why: string): void {
		if (sale.doubtAt !== undefined) this.#doubt(sale, why);
	}

	#doubt(sale: Sale, why: string): void {
		const { core } = this.#parts;
		const { contract, payee: peer, mint: issuer, amount, fee } = sale.row;
		sale.doubtAt = undefined;
		const error = new TetradError(
			"payment-in-doubt",
			`the money is committed, and what it is paid for has not come: ${why}; the mint is asked until it shows the key, or gives the money back at the deadline of the contract`,
		);
		this.#happened({ kind: "in-doubt", contract, error });
		core.report({
			kind: "in-doubt",
			...{ contract, peer, issuer, amount, fee, why },
		});
		sale.talk.before(core.now);
		this.#drive(sale);
	}

	#happened(event: SaleEvent): void {
		this.#parts.sale?.happened(event);
	}
}

/** What was made for a sale that is read from the store, and may have been refused since. */
function madeFor({
	state,
	lock_swap,
	back_swap,
}: LockedRow): readonly MadeOutput[] {
	const isRefused = state === "taking-back";
	return [...(isRefused ? allMade(lock_swap) : []), ...madeBefore(back_swap)];
}

function isUnspent(state: ProofState | undefined): boolean {
	return state?.kind === "unspent";
}

function wrongReceipt(): TetradError {
	return new TetradError(
		"payment-refused",
		"the other module has given the key with a receipt that is for something else, or was not signed by it; the receipt is not kept",
	);
}

function keyMissing(): TetradError {
	return new TetradError(
		"payment-in-doubt",
		"the mint says that what was locked is spent, and shows no key: it has forgotten with what it was claimed, or does not tell the truth; the merchant still has the key, and is asked for it at each meeting",
	);
}
