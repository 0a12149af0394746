/*
 * A sale that this module has committed ecash for, until it is over:
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
import { copy, sameBytes } from "../../../wire/index.ts";
import {
	type Proof,
	type ProofState,
	stateRequest,
	sumOf,
} from "../../cashu/index.ts";
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
import type { LockTools } from "./making-locks.ts";
import type { Mints } from "./mints.ts";
import { intoOwn } from "./own-outputs.ts";
import type { EcashParts } from "./parts.ts";
import {
	countedOf,
	encodeSwap,
	type MadeOutput,
	parseSwap,
	type StoredSwap,
} from "./stored-swap.ts";
import {
	isLocked,
	isNeverDone,
	type SwapOutcome,
	SwapRun,
} from "./swap-run.ts";

/** What is bought; `chain` is the encoded one under which the receipt was signed. */
interface Given {
	readonly key: Uint8Array;
	readonly receipt: Uint8Array;
	readonly chain: Uint8Array;
}

/** A sale that is committed and not over, and how the conversation with its mint goes on. */
export class LockedSale {
	readonly #parts: EcashParts;
	readonly #mints: Mints;
	readonly #book: EcashBook;
	readonly #talk: Conversation;
	readonly #isOver: () => void;
	#row: LockedRow;
	/** Of the swap that the row's state is about; nothing while it is locked, and until it is read. */
	#run: { readonly of: StoredSwap; readonly run: SwapRun } | undefined;
	/** The key that has come, until it is durable. */
	#given: Given | undefined;
	/** When whoever waits is told that it is in doubt; nothing once it was told. */
	#doubtAt: number | undefined;
	/** What was to take the money back found its inputs spent: it was locked after all, or somebody else has spent them. */
	#isLockSought = false;
	/** The lock is spent and its key is not shown: it was asked for whether the refund was carried out after all. */
	#isRefundSought = false;
	/** The mint has said that it is spent, and shown no key: that is said once. */
	#isKeyMissing = false;

	/** `made` says what was made for it before the purse was started, and `isOver` hears when nothing more comes of it. */
	constructor(
		{ parts, mints, book }: LockTools,
		row: LockedRow,
		isOver: () => void,
		made?: () => readonly MadeOutput[],
	) {
		this.#parts = parts;
		this.#mints = mints;
		this.#book = book;
		this.#row = row;
		this.#isOver = isOver;
		const { contract, mint } = row;
		const job = { kind: "asking-about-paid", contract } as const;
		this.#talk = new Conversation(parts, mints, mint, job, made);
	}

	get row(): LockedRow {
		return this.#row;
	}

	/** It has just become durable. */
	begin(swap: StoredSwap): void {
		this.#run = this.#runOf(swap);
		this.#doubtAt = this.#parts.core.now + ANSWER_WITHIN_MS;
		this.drive();
	}

	/** It was locked in an earlier life of this purse, which is durable now. Its payee is asked first where it is there. */
	recalled(): void {
		const { core } = this.#parts;
		this.#doubtAt = core.now + ANSWER_WITHIN_MS;
		for (const meeting of core.meetings.values()) {
			if (sameBytes(meeting.parties, this.#row.parties))
				this.#talk.after(ANSWER_WITHIN_MS);
			this.deliver(meeting);
		}
		this.drive();
	}

	/** Asked for again: what is locked is given to its payee once more, and the mint is asked at once. */
	join(meeting: OpenMeeting | undefined): void {
		const { contract, fee } = this.#row;
		if (this.#given !== undefined)
			return this.#happened({ kind: "keyed", contract, ...this.#given, fee });
		const { now } = this.#parts.core;
		this.#talk.before(now);
		this.#doubtAt ??= now + ANSWER_WITHIN_MS;
		if (meeting !== undefined) this.deliver(meeting);
		this.drive();
	}

	deliver(meeting: OpenMeeting): void {
		deliverLock(this.#parts.core, this.#row, meeting);
	}

	// What the other module says.

	/** It does not take it, or not now. */
	refused({ peer }: OpenMeeting, why: string): void {
		if (sameBytes(this.#row.payee, peer.deviceId))
			this.#saysNo(`the other module says: ${why}`);
	}

	/** The payee has claimed it, and gives the key. A receipt that is for something else is told as trouble and not kept. */
	claimed({ peer }: OpenMeeting, fields: Given): void {
		const { core } = this.#parts;
		const row = this.#row;
		const isRight =
			sameBytes(core.options.context.crypto.sha256(fields.key), row.key_hash) &&
			sameBytes(row.payee, peer.deviceId);
		if (!isRight) return this.#saysNo("it has given a wrong key");
		// The money may be on its way back, and would be forgotten: its mint says who has it, and shows the key.
		if (row.state !== "locked" || this.#talk.isWriting) return;
		const receipt = receiptOf(core, row, peer, fields);
		// A receipt that proves nothing is not kept; the key is right, and that is what counts.
		if (receipt === undefined) core.trouble(wrongReceipt());
		const kept = receipt ?? { receipt: NOTHING, chain: NO_CHAIN };
		this.#keyed({ key: copy(fields.key), ...kept });
	}

	// What happens to time.

	*deadlines(): Generator<number> {
		yield* this.#talk.deadlines();
		const doubtAt = this.#latestDoubtAt();
		if (doubtAt !== undefined) yield doubtAt;
	}

	time(): void {
		this.drive();
		if (
			(this.#latestDoubtAt() ?? Number.POSITIVE_INFINITY) <=
			this.#parts.core.now
		)
			this.#doubt("the other module or the mint has not answered");
	}

	/** No later than it can be: a clock that was ahead may be set right. */
	#latestDoubtAt(): number | undefined {
		const latest = this.#parts.core.now + ANSWER_WITHIN_MS;
		if (this.#doubtAt !== undefined)
			this.#doubtAt = Math.min(this.#doubtAt, latest);
		return this.#doubtAt;
	}

	// What the mint says.

	mintAnswered(answer: MintAnswer): void {
		const talk = this.#talk;
		if (!talk.heard()) return;
		if (this.#row.state === "locked") return this.#lockSeen(answer);
		const { of, run } = this.#running();
		const outcome = talk.follow(run, answer, () => this.drive());
		if (outcome === undefined) return;
		// What is refused is asked for less and less often.
		if (outcome.kind === "signed") talk.afresh();
		this.#run = undefined;
		this.#swapOver(of, outcome);
	}

	mintNotAnswered(): void {
		if (!this.#talk.heard()) return;
		this.#run?.run.unanswered();
		this.#talk.later();
	}

	// The steps.

	/** Goes on with what is to be done by now, unless that is under way. */
	drive(): void {
		const row = this.#row;
		const talk = this.#talk;
		const given = this.#given;
		// Its disk was full.
		if (given !== undefined && talk.isDue) return this.#writeKey(given);
		const what = talk.ready();
		if (what === undefined) return;
		const isAnew = what === "make-anew";
		switch (row.state) {
			case "locking": {
				const isLate = this.#parts.core.now >= Number(row.pay_by);
				// Nobody waits any more for a lock that was not made in time.
				return isLate && !this.#isLockSought
					? this.#takeBack()
					: talk.ask(this.#running().run.next);
			}
			case "taking-back":
				return isAnew ? this.#takeBack() : talk.ask(this.#running().run.next);
			case "refunding":
				return isAnew ? this.#refund(true) : talk.ask(this.#running().run.next);
			case "locked":
				return talk.ask(stateRequest(pointsOfLock(this.#parts, row)));
			default:
				throw new TetradError("internal", "a payment is open that is over");
		}
	}

	#running() {
		const { crypto: ecash, seed } = this.#parts.options;
		const { state, lock_swap, back_swap } = this.#row;
		this.#run ??= this.#runOf(
			parseSwap(ecash, seed, state === "locking" ? lock_swap : back_swap),
			true,
		);
		return this.#run;
	}

	#runOf(of: StoredSwap, isFromStore = false) {
		const { crypto: ecash } = this.#parts.options;
		return { of, run: new SwapRun(ecash, of, isFromStore) };
	}

	#swapOver(swap: StoredSwap, outcome: SwapOutcome): void {
		switch (this.#row.state) {
			case "locking":
				return this.#lockingOver(swap, outcome);
			case "taking-back":
				return this.#takingBackOver(swap, outcome);
			case "refunding":
				return this.#refundingOver(swap, outcome);
			default:
				throw new TetradError("internal", "a swap is over that was not made");
		}
	}

	#lockingOver(of: StoredSwap, outcome: SwapOutcome): void {
		const row = this.#row;
		const { spends, outputs } = of;
		switch (outcome.kind) {
			case "signed": {
				// In another life of this purse the lock may have been claimed since: the mint knows that.
				const lock = outcome.proofs.filter(isLocked);
				const change = outcome.left.filter((proof) => !isLocked(proof));
				return this.#move(lockedIn(row, lock), change);
			}
			case "not-done":
				this.#mints.askAnew(row.mint);
				this.#takeBack();
				if (outcome.why.kind === "already-signed")
					this.#talk.signedBefore(countedOf(outputs));
				return;
			case "spent": {
				const { states } = outcome;
				const left = spends.filter((_, at) => isUnspent(states[at]));
				return this.#move({ ...row, state: "declined" }, left);
			}
			default:
				return unreachable(outcome);
		}
	}

	/** The inputs go to outputs of one's own, unless what was to lock them is carried out first. */
	#takeBack(): void {
		this.#moveWithSwap("taking-back", takingBack);
	}

	#takingBackOver(swap: StoredSwap, outcome: SwapOutcome): void {
		const row = this.#row;
		switch (outcome.kind) {
			case "signed": {
				// What would have been change has come back, too.
				const cost = sumOf(swap.spends) - sumOf(outcome.proofs);
				const back = row.amount + row.fee - cost;
				return this.#refunded(outcome.left, back);
			}
			case "not-done":
				return this.#talk.notDone(outcome.why, swap);
			case "spent": {
				// A mint that says now this and now that is asked less and less often.
				const isAfterAWhile = this.#isLockSought;
				this.#isLockSought = true;
				const to = { ...row, state: "locking" };
				return this.#move(to, [], { isAfterAWhile });
			}
			default:
				return unreachable(outcome);
		}
	}

	/** What the mint says of the proofs that are locked. */
	#lockSeen(answer: MintAnswer): void {
		const row = this.#row;
		const { core } = this.#parts;
		const seen = checked(() => lockSeen(this.#parts, row, answer));
		if (seen.kind === "failed") return this.#talk.later();
		switch (seen.value.kind) {
			case "claimed": {
				const { key } = seen.value;
				return this.#keyed({ key, receipt: NOTHING, chain: NO_CHAIN });
			}
			case "open":
				return core.now >= deadlineOf(row)
					? this.#refund()
					: this.#waitForDeadline();
			case "pending":
				return this.#talk.later();
			case "spent-without-key":
				// What was to take it back may have been carried out after all.
				if (row.back_swap.length > 0 && !this.#isRefundSought) {
					this.#isRefundSought = true;
					return this.#move({ ...row, state: "refunding" }, []);
				}
				// Where a swap of this purse is known, that may be the one, and its outputs are asked for again.
				if (row.back_swap.length === 0 && seen.value.isTakenBack)
					return this.#takenBackBefore();
				if (!this.#isKeyMissing) core.trouble(keyMissing());
				this.#isKeyMissing = true;
				// The mint may have said wrongly what it signed for that, and says it right later.
				this.#isRefundSought = false;
				return this.#talk.later();
			default:
				return unreachable(seen.value);
		}
	}

	/** By a swap that this purse has forgotten: it was put back, and what came back then is looked for behind all that it knew of when it was started. */
	#takenBackBefore(): void {
		const row = this.#row;
		const all = this.#mints.keysets(row.mint)?.all() ?? [];
		this.#talk.lookFor(
			all.map(({ id }) => ({
				keyset: id,
				counter: this.#book.atStart(id),
			})),
		);
		this.#refunded([], row.amount);
	}

	/** It is asked about once in a while until then, and not later than then. */
	#waitForDeadline(): void {
		this.#talk.later();
		this.#talk.before(deadlineOf(this.#row));
	}

	/** As it was asked for before, unless the mint never does that. */
	#refund(isAnew = false): void {
		const row = this.#row;
		if (row.back_swap.length > 0 && !isAnew)
			return this.#move({ ...row, state: "refunding" }, []);
		this.#moveWithSwap("refunding", refunding);
	}

	/** It was refused because the mint's clock is behind, or its keyset has changed; or the payee was faster. The mint is asked what it is, and what it was asked for is kept: it may be carried out yet. */
	#refundingOver(swap: StoredSwap, outcome: SwapOutcome): void {
		const row = this.#row;
		const { kind } = outcome;
		const { crypto } = this.#parts.core.options.context;
		if (kind === "signed" && !isClaimed(crypto, outcome.states, row.key_hash))
			return this.#refunded(outcome.left, sumOf(outcome.proofs));
		const isOther =
			kind === "not-done" &&
			(isNeverDone(outcome.why) || outcome.why.kind === "not-balanced");
		if (isOther) return this.#talk.notDone(outcome.why, swap);
		this.#move({ ...row, state: "locked" }, [], { isAfterAWhile: true });
	}

	/** So much of price and fee is back. */
	#refunded(proofs: readonly Proof[], back: bigint): void {
		this.#move(refundedIn(this.#row, back), proofs);
	}

	/** Into a state with a swap to outputs of one's own. Where that cannot be made now, it is tried again. */
	#moveWithSwap(
		state: "taking-back" | "refunding",
		spend: typeof takingBack,
	): void {
		const row = this.#row;
		const made = checked(() => {
			const { options, core } = this.#parts;
			const spent = spend(options, core.options.context.crypto, row);
			return intoOwn(options, this.#mints, this.#book, spent, row.mint);
		});
		if (made.kind === "failed") return this.#talk.notMadeAnew(made.error);
		const swap = made.value;
		const to = { ...row, state, back_swap: encodeSwap(swap) };
		this.#move(to, [], { swap });
	}

	/** Writes that it is in another state now, and what is the purse's again. */
	#move(
		to: LockedRow,
		proofs: readonly Proof[],
		next: Partial<EcashJobOf<"moving">["next"]> = {},
	): void {
		const { core } = this.#parts;
		const { contract, mint, payee: peer } = to;
		const { swap, isAfterAWhile = false } = next;
		const isRefunded = to.state === "refunded";
		const amount = backBetween(this.#row, to);
		// That counts no more against the owner's limits, also after a start; the fee goes on to.
		const back = givingBack(
			isRefunded ? { ...to, issuer: mint, amount } : undefined,
		);
		this.#talk.writing();
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

	/** That is durable. */
	moved({ to, proofs, next }: EcashJobOf<"moving">): void {
		const { core } = this.#parts;
		const back = backBetween(this.#row, to);
		this.#row = to;
		this.#talk.written();
		if (next.swap !== undefined) this.#talk.madeAnew();
		this.#run = next.swap && this.#runOf(next.swap);
		if (to.state === "refunded" || to.state === "declined")
			return this.#over(back);
		if (next.isAfterAWhile) return this.#talk.later();
		this.#talk.now();
		if (to.state === "locked" && !this.#isKeyMissing) {
			// Its payee is asked first, and the mint when it has not answered.
			if (proofs.length > 0 || this.#doubtAt !== undefined)
				this.#talk.after(ANSWER_WITHIN_MS);
			for (const meeting of core.meetings.values())
				deliverLock(this.#parts.core, this.#row, meeting);
		}
		this.drive();
	}

	/** What was to be written of it could not be. */
	notWritten(): void {
		this.#talk.notWritten();
	}

	/** There is no key, and never will be. */
	#over(back: bigint): void {
		const row = this.#row;
		const { contract, mint: issuer, counted, returned, payee } = row;
		this.#isOver();
		this.#talk.over();
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
	#keyed(given: Given): void {
		const { contract, fee } = this.#row;
		this.#given = given;
		this.#doubtAt = undefined;
		this.#happened({ kind: "keyed", contract, ...given, fee });
		this.#writeKey(given);
	}

	#writeKey({ key, receipt, chain }: Given): void {
		const { core } = this.#parts;
		const { crypto } = core.options.context;
		const row = this.#row;
		const { contract, amount, payee: peer } = row;
		const hash = chain.length === 0 ? NO_CHAIN : chainHash(crypto, chain);
		const kept = { key, receipt, receipt_chain: hash, back_swap: NOTHING };
		const to = { ...row, ...kept, state: "keyed" };
		this.#talk.writing();
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

	/** The key is durable. */
	keyed({ contract, to }: EcashJobOf<"keying">): void {
		this.#isOver();
		this.#talk.over();
		const { mint: issuer, amount, fee, payee: peer } = to;
		this.#parts.core.report({
			kind: "paid",
			...{ contract, peer, issuer, amount, fee },
		});
	}

	/** Its payee may say so as often as it likes: whoever waits is told once, and the mint asked. */
	#saysNo(why: string): void {
		if (this.#doubtAt !== undefined) this.#doubt(why);
	}

	#doubt(why: string): void {
		const { core } = this.#parts;
		const { contract, payee: peer, mint: issuer, amount, fee } = this.#row;
		this.#doubtAt = undefined;
		const error = new TetradError(
			"payment-in-doubt",
			`the money is committed, and what it is paid for has not come: ${why}; the mint is asked until it shows the key, or gives the money back at the deadline of the contract`,
		);
		this.#happened({ kind: "in-doubt", contract, error });
		core.report({
			kind: "in-doubt",
			...{ contract, peer, issuer, amount, fee, why },
		});
		this.#talk.before(core.now);
		this.drive();
	}

	#happened(event: SaleEvent): void {
		this.#parts.sale?.happened(event);
	}
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
