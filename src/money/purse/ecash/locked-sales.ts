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
	encodeLock,
	encodeProofs,
	isProven,
	lockState,
	type MintError,
	type MintRequest,
	type Proof,
	type ProofState,
	parseProofs,
	parseStates,
	plainInputs,
	pointsOf,
	refundInputs,
	refundPrivateKey,
	stateRequest,
	sumOf,
} from "../../cashu/index.ts";
import {
	ABOUT_LOCKS,
	body,
	message,
	openReceipt,
	openReceiptUnderChain,
} from "../../documents/index.ts";
import { checked } from "../checked.ts";
import type { MintAnswer } from "../ecash-part.ts";
import { LOCKED, type LockedRow } from "../ecash-tables.ts";
import type { AskedPayment } from "../payment-state.ts";
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
import type { EcashBook } from "./book.ts";
import { countersOf } from "./counters.ts";
import type { EcashJobOf } from "./jobs.ts";
import type { Mints } from "./mints.ts";
import { intoOwn } from "./own-outputs.ts";
import type { EcashParts } from "./parts.ts";
import { encodeSwap, parseSwap, type StoredSwap } from "./stored-swap.ts";
import {
	isLocked,
	isNeverDone,
	type RestoredProof,
	type SwapOutcome,
	SwapRun,
} from "./swap-run.ts";
import { FIRST_WAIT_MS, LONGEST_WAIT_MS } from "./waits.ts";

const NOTHING: Uint8Array = new Uint8Array();

/** A sale that is committed and not over, and how the conversation with its mint goes on. */
interface Sale {
	row: LockedRow;
	/** Of the swap that the row's state is about; nothing while it is locked, and until it is read. */
	run: { readonly of: StoredSwap; readonly run: SwapRun } | undefined;
	/** What it waits for. An answer of the mint to what was asked before something is written is late, and says nothing more. */
	doing: "nothing" | "asking" | "writing";
	/** When it is asked next, and how long to wait when that brings nothing. */
	askAt: number;
	wait: number;
	/** The key that has come, until it is durable. */
	given: Given | undefined;
	/** When whoever waits is told that it is in doubt; nothing once it was told. */
	doubtAt: number | undefined;
	/** What was to take the money back found its inputs spent: it was locked after all, or somebody else has spent them. */
	isLockSought: boolean;
	/** The lock is spent and its key is not shown: it was asked for whether the refund was carried out after all. */
	isRefundSought: boolean;
	/** The mint can never carry out what was to take the money back, so that it is made again. */
	isToMakeAnew: boolean;
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
		for (const row of open) this.#add(row, undefined);
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

	/** Asked for again: what is locked is given to its payee once more, and the mint is asked at once. Whether there is such a sale. */
	join(contract: Uint8Array, meeting: OpenMeeting | undefined): boolean {
		const sale = this.#sales.get(hex(contract));
		if (sale === undefined) return false;
		if (sale.given !== undefined) {
			this.#happened({ kind: "keyed", contract, ...sale.given });
			return true;
		}
		const { now } = this.#parts.core;
		sale.askAt = Math.min(sale.askAt, now);
		sale.doubtAt ??= now + ANSWER_WITHIN_MS;
		if (meeting !== undefined) this.#deliver(sale, meeting);
		this.#drive(sale);
		return true;
	}

	#add(row: LockedRow, swap: StoredSwap | undefined): Sale {
		const sale: Sale = {
			row,
			run: swap && this.#runOf(swap),
			doing: "nothing",
			askAt: this.#parts.core.now,
			wait: FIRST_WAIT_MS,
			given: undefined,
			doubtAt: undefined,
			isLockSought: false,
			isRefundSought: false,
			isToMakeAnew: false,
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
		const { crypto, judgeSigned } = core.options.context;
		const isOfPeer = fields.chain.length === 0;
		const opened = checked(() =>
			isOfPeer
				? openReceipt(crypto, fields.receipt, peer)
				: openReceiptUnderChain(
						crypto,
						fields.receipt,
						fields.chain,
						judgeSigned,
					),
		);
		const sale = this.#sales.get(hex(fields.contract));
		if (sale === undefined) return;
		const { row } = sale;
		const isRight =
			sameBytes(crypto.sha256(fields.key), row.key_hash) &&
			sameBytes(row.payee, peer.deviceId);
		if (!isRight) return this.#saysNo(sale, "it has given a wrong key");
		// The money may be on its way back, and would be forgotten: its mint says who has it, and shows the key.
		if (row.state !== "locked" || sale.doing === "writing") return;
		const key = copy(fields.key);
		const isReceipt =
			opened.kind === "ok" &&
			sameBytes(opened.value.value.contract, row.contract) &&
			sameBytes(opened.value.value.payee, row.payee) &&
			sameBytes(opened.value.value.transfer, this.#lockId(row)) &&
			opened.value.value.amount === row.amount;
		// A receipt that proves nothing is not kept; the key is right, and that is what counts.
		if (!isReceipt) core.trouble(wrongReceipt());
		const receipt = isReceipt ? copy(fields.receipt) : NOTHING;
		const chain = isReceipt
			? isOfPeer
				? peer.encodedChain
				: copy(fields.chain)
			: NO_CHAIN;
		this.#keyed(sale, { key, receipt, chain });
	}

	// What happens to tetrads, mints and time.

	opened(meeting: OpenMeeting): void {
		for (const sale of this.#sales.values()) this.#deliver(sale, meeting);
	}

	/** Whatever waited for what is known of a mint goes on. */
	mintAsked(mint: Uint8Array): void {
		for (const sale of [...this.#sales.values()])
			if (sameBytes(sale.row.mint, mint)) this.#drive(sale);
	}

	*deadlines(): Generator<number> {
		for (const { doing, askAt, doubtAt } of this.#sales.values()) {
			if (doing === "nothing") yield askAt;
			if (doubtAt !== undefined) yield doubtAt;
		}
	}

	time(): void {
		const { now } = this.#parts.core;
		for (const sale of [...this.#sales.values()]) {
			this.#drive(sale);
			if (sale.doubtAt !== undefined && sale.doubtAt <= now)
				this.#doubt(sale, "the other module or the mint has not answered");
		}
	}

	// What the mint says.

	mintAnswered(contract: Uint8Array, answer: MintAnswer): void {
		const sale = this.#sales.get(hex(contract));
		if (sale?.doing !== "asking") return;
		const { row } = sale;
		sale.doing = "nothing";
		if (row.state === "locked") return this.#lockSeen(sale, answer);
		const keysets = this.#mints.keysets(row.mint);
		if (keysets === undefined) return this.#later(sale);
		const { of, run } = this.#running(sale);
		const step = run.answered(keysets, answer);
		switch (step.kind) {
			case "on":
				return this.#drive(sale);
			case "later":
				return this.#later(sale);
			case "over":
				// What is refused is asked for less and less often.
				if (step.outcome.kind === "signed") sale.wait = FIRST_WAIT_MS;
				sale.run = undefined;
				return this.#swapOver(sale, of, step.outcome);
			default:
				return unreachable(step);
		}
	}

	mintNotAnswered(contract: Uint8Array): void {
		const sale = this.#sales.get(hex(contract));
		if (sale?.doing !== "asking") return;
		sale.doing = "nothing";
		sale.run?.run.unanswered();
		this.#later(sale);
	}

	// The steps.

	/** Goes on with what is to be done by now, unless that is under way. */
	#drive(sale: Sale): void {
		const { row, doing, askAt, isLockSought, isToMakeAnew } = sale;
		const { now } = this.#parts.core;
		if (doing !== "nothing" || askAt > now) return;
		// Its disk was full.
		if (sale.given !== undefined) return this.#writeKey(sale, sale.given);
		// What is not known of a mint is asked by itself, and this goes on then.
		if (this.#mints.keysets(row.mint) === undefined) return this.#later(sale);
		if (isToMakeAnew && !this.#mints.isKnown(row.mint))
			return this.#later(sale);
		switch (row.state) {
			case "locking":
				// Nobody waits any more for a lock that was not made in time.
				return now >= Number(row.pay_by) && !isLockSought
					? this.#takeBack(sale)
					: this.#ask(sale, this.#running(sale).run.next);
			case "taking-back":
				return isToMakeAnew
					? this.#takeBack(sale)
					: this.#ask(sale, this.#running(sale).run.next);
			case "refunding":
				return isToMakeAnew
					? this.#refund(sale)
					: this.#ask(sale, this.#running(sale).run.next);
			case "locked":
				return this.#ask(sale, stateRequest(this.#pointsOf(row)));
			default:
				throw new TetradError("internal", "a payment is open that is over");
		}
	}

	#ask(sale: Sale, request: MintRequest): void {
		const { contract, mint } = sale.row;
		const url = this.#mints.of(mint)?.url;
		// The owner names that mint no more: it stays in doubt until it is named again.
		if (url === undefined) return this.#later(sale);
		sale.doing = "asking";
		this.#parts.ask({ kind: "asking-about-paid", contract }, url, request);
	}

	#running(sale: Sale) {
		const { crypto: ecash, seed } = this.#parts.options;
		const { state, lock_swap, back_swap } = sale.row;
		sale.run ??= this.#runOf(
			parseSwap(ecash, seed, state === "locking" ? lock_swap : back_swap),
		);
		return sale.run;
	}

	#runOf(of: StoredSwap) {
		return { of, run: new SwapRun(this.#parts.options.crypto, of) };
	}

	#later(sale: Sale): void {
		sale.askAt = this.#parts.core.now + sale.wait;
		sale.wait = Math.min(2 * sale.wait, LONGEST_WAIT_MS);
	}

	#swapOver(sale: Sale, swap: StoredSwap, outcome: SwapOutcome): void {
		switch (sale.row.state) {
			case "locking":
				return this.#lockingOver(sale, swap, outcome);
			case "taking-back":
				return this.#takingBackOver(sale, swap, outcome);
			case "refunding":
				return this.#refundingOver(sale, outcome);
			default:
				throw new TetradError("internal", "a swap is over that was not made");
		}
	}

	#lockingOver(sale: Sale, { spends }: StoredSwap, outcome: SwapOutcome): void {
		const { row } = sale;
		switch (outcome.kind) {
			case "signed": {
				const lock = outcome.proofs.filter(isLocked);
				const change = outcome.proofs.filter((proof) => !isLocked(proof));
				return this.#move(sale, lockedIn(row, lock), change);
			}
			case "not-done":
				this.#mints.askAnew(row.mint);
				return this.#takeBack(sale);
			case "spent": {
				const { states, restored } = outcome;
				// In another life of this purse, which knows what became of it since: the mint does, too.
				if (restored.length > 0) return this.#lockedBefore(sale, restored);
				const left = spends.filter((_, at) => isUnspent(states[at]));
				return this.#move(sale, { ...row, state: "declined" }, left);
			}
			default:
				return unreachable(outcome);
		}
	}

	#lockedBefore(sale: Sale, restored: readonly RestoredProof[]): void {
		const lock = restored.flatMap(({ proof }) =>
			isLocked(proof) ? [proof] : [],
		);
		const change = restored.flatMap(({ proof, state }) =>
			!isLocked(proof) && isUnspent(state) ? [proof] : [],
		);
		this.#move(sale, lockedIn(sale.row, lock), change);
	}

	/** The inputs go to outputs of one's own, unless what was to lock them is carried out first. */
	#takeBack(sale: Sale): void {
		const { row } = sale;
		const { crypto: ecash, seed } = this.#parts.options;
		this.#moveWithSwap(sale, "taking-back", () => {
			const { spends } = parseSwap(ecash, seed, row.lock_swap);
			const before = this.#backSwapOf(row);
			return { inputs: plainInputs(spends), proofs: spends, before };
		});
	}

	#backSwapOf({ back_swap }: LockedRow): StoredSwap | undefined {
		const { crypto: ecash, seed } = this.#parts.options;
		return back_swap.length === 0
			? undefined
			: parseSwap(ecash, seed, back_swap);
	}

	#takingBackOver(
		sale: Sale,
		{ spends }: StoredSwap,
		outcome: SwapOutcome,
	): void {
		const { row } = sale;
		switch (outcome.kind) {
			case "signed": {
				// What would have been change has come back, too.
				const fee = sumOf(spends) - sumOf(outcome.proofs);
				return this.#refunded(sale, outcome.proofs, row.amount - fee);
			}
			case "not-done":
				return this.#notDone(sale, outcome.why);
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

	/** What takes the money back is asked for again after a while, as it is or with other outputs. */
	#notDone(sale: Sale, why: MintError): void {
		sale.isToMakeAnew = isNeverDone(why);
		if (sale.isToMakeAnew) this.#mints.askAnew(sale.row.mint);
		this.#later(sale);
	}

	/** What the mint says of the proofs that are locked. */
	#lockSeen(sale: Sale, { status, body: answer }: MintAnswer): void {
		const { row } = sale;
		const { core } = this.#parts;
		const { crypto } = core.options.context;
		const seen = checked(() => {
			if (status !== 200)
				throw new TetradError("issuer-refused", "the mint does not answer");
			return lockState(
				crypto,
				parseStates(answer, this.#pointsOf(row)),
				row.key_hash,
			);
		});
		if (seen.kind === "failed") return this.#later(sale);
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
				return this.#later(sale);
			case "spent-without-key":
				// What was to take it back may have been carried out after all.
				if (row.back_swap.length > 0 && !sale.isRefundSought) {
					sale.isRefundSought = true;
					return this.#move(sale, { ...row, state: "refunding" }, []);
				}
				if (!sale.isKeyMissing) core.trouble(keyMissing());
				sale.isKeyMissing = true;
				return this.#later(sale);
			default:
				return unreachable(seen.value);
		}
	}

	/** It is asked about once in a while until then, and not later than then. */
	#waitForDeadline(sale: Sale): void {
		this.#later(sale);
		sale.askAt = Math.min(sale.askAt, deadlineOf(sale.row));
	}

	/** As it was asked for before, unless the mint never does that. */
	#refund(sale: Sale): void {
		const { row, isToMakeAnew } = sale;
		if (row.back_swap.length > 0 && !isToMakeAnew)
			return this.#move(sale, { ...row, state: "refunding" }, []);
		const { crypto: ecash, seed } = this.#parts.options;
		const { crypto } = this.#parts.core.options.context;
		this.#moveWithSwap(sale, "refunding", () => {
			const proofs = parseProofs(row.lock);
			const key = refundPrivateKey(crypto, seed, row.contract);
			const inputs = refundInputs(ecash, proofs, key);
			key.fill(0);
			return { inputs, proofs, before: this.#backSwapOf(row) };
		});
	}

	/** It was refused because the mint's clock is behind, or its keyset has changed; or the payee was faster. The mint is asked what it is, and what it was asked for is kept: it may be carried out yet. */
	#refundingOver(sale: Sale, outcome: SwapOutcome): void {
		const { row } = sale;
		const { kind } = outcome;
		if (kind === "signed")
			return this.#refunded(sale, outcome.proofs, sumOf(outcome.proofs));
		if (kind === "not-done" && isNeverDone(outcome.why))
			return this.#notDone(sale, outcome.why);
		this.#move(sale, { ...row, state: "locked" }, [], { isAfterAWhile: true });
	}

	/** So much of the price, which is nothing where the mint asks for more than that. */
	#refunded(sale: Sale, proofs: readonly Proof[], amount: bigint): void {
		const returned = amount > 0n ? amount : 0n;
		this.#move(sale, { ...sale.row, state: "refunded", returned }, proofs);
	}

	/** Into a state with a swap to outputs of one's own. Where that cannot be made now, it is tried again. */
	#moveWithSwap(
		sale: Sale,
		state: "taking-back" | "refunding",
		spend: () => Parameters<typeof intoOwn>[3],
	): void {
		const { row } = sale;
		const made = checked(() =>
			intoOwn(this.#parts.options, this.#mints, this.#book, spend(), row.mint),
		);
		if (made.kind === "failed") return this.#later(sale);
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
		// It counts no more against the owner's limits, also after a start.
		const back = givingBack(isRefunded ? { ...to, issuer: mint } : undefined);
		sale.doing = "writing";
		this.#parts.transact<"moving">(
			{ kind: "moving", contract, to, proofs, next: { swap, isAfterAWhile } },
			changing(core.options.context.crypto, core.now, back.reads, (sums) => ({
				entries: isRefunded
					? [{ what: "void", subject: contract, amount: to.returned, peer }]
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
		sale.row = to;
		sale.doing = "nothing";
		if (next.swap !== undefined) sale.isToMakeAnew = false;
		sale.run = next.swap && this.#runOf(next.swap);
		if (to.state === "refunded" || to.state === "declined")
			return this.#over(sale);
		if (next.isAfterAWhile) return this.#later(sale);
		sale.askAt = core.now;
		if (to.state === "locked" && !sale.isKeyMissing) {
			// Its payee is asked first, and the mint when it has not answered.
			if (proofs.length > 0 || sale.doubtAt !== undefined)
				sale.askAt = core.now + ANSWER_WITHIN_MS;
			for (const meeting of core.meetings.values())
				this.#deliver(sale, meeting);
		}
		this.#drive(sale);
	}

	notMoved({ contract }: EcashJobOf<"moving">, error: TetradError): void {
		this.#parts.core.trouble(error);
		const sale = this.#sales.get(hex(contract));
		if (sale === undefined) return;
		sale.doing = "nothing";
		this.#later(sale);
	}

	/** There is no key, and never will be. */
	#over({ row }: Sale): void {
		const { contract, mint: issuer, counted, returned: amount } = row;
		this.#sales.delete(hex(contract));
		if (row.state === "refunded") {
			this.#parts.limits.givenBack(askedOf(row), Number(counted));
			this.#parts.core.report({ kind: "void", contract, issuer, amount });
		}
		this.tellOver(row, NO_CHAIN);
	}

	/** What became of one that is over; `chain` is the encoded one under which its receipt was signed. */
	tellOver(row: LockedRow, chain: Uint8Array): void {
		const { contract, state, key, receipt, returned: amount } = row;
		switch (state) {
			case "keyed":
				return this.#happened({
					...{ kind: "keyed", contract, key, receipt, chain },
				});
			case "refunded":
				return this.#happened({
					...{ kind: "refunded", contract, amount, by: "mint" },
				});
			default:
				return this.#happened({
					...{ kind: "declined", contract, error: spentBefore() },
				});
		}
	}

	#deliver({ row }: Sale, { tetrad, peer, parties }: OpenMeeting): void {
		const isFor =
			row.state === "locked" &&
			sameBytes(row.payee, peer.deviceId) &&
			sameBytes(row.parties, parties);
		const lock = isFor ? shownLock(row) : undefined;
		if (lock === undefined) return;
		const { contract, mint: issuer, currency, amount, terms } = row;
		this.#parts.core.toModule(
			tetrad,
			message(ABOUT_LOCKS.lock, {
				...{ contract, issuer, currency, amount, terms, lock },
			}),
		);
	}

	/** What was bought is told at once: until it is durable here, both the payee and the mint tell it again. */
	#keyed(sale: Sale, given: Given): void {
		const { contract } = sale.row;
		sale.given = given;
		sale.doubtAt = undefined;
		this.#happened({ kind: "keyed", contract, ...given });
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
		sale.doing = "writing";
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
								entries: [{ what: "paid", subject: contract, amount, peer }],
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
		if (!this.#sales.delete(hex(contract))) return;
		const { mint: issuer, amount, payee: peer } = to;
		this.#parts.core.report({ kind: "paid", contract, peer, issuer, amount });
	}

	notKeyed({ contract }: EcashJobOf<"keying">, error: TetradError): void {
		this.#parts.core.trouble(error);
		const sale = this.#sales.get(hex(contract));
		if (sale === undefined) return;
		sale.doing = "nothing";
		this.#later(sale);
	}

	/** Its payee may say so as often as it likes: whoever waits is told once, and the mint asked. */
	#saysNo(sale: Sale, why: string): void {
		if (sale.doubtAt !== undefined) this.#doubt(sale, why);
	}

	#doubt(sale: Sale, why: string): void {
		const { core } = this.#parts;
		const { contract, payee: peer, mint: issuer, amount } = sale.row;
		sale.doubtAt = undefined;
		const error = new TetradError(
			"payment-in-doubt",
			`the money is committed, and what it is paid for has not come: ${why}; the mint is asked until it shows the key, or gives the money back at the deadline of the contract`,
		);
		this.#happened({ kind: "in-doubt", contract, error });
		core.report({ kind: "in-doubt", contract, peer, issuer, amount, why });
		sale.askAt = Math.min(sale.askAt, core.now);
		this.#drive(sale);
	}

	#pointsOf({ lock }: LockedRow): Uint8Array[] {
		return pointsOf(this.#parts.options.crypto, parseProofs(lock));
	}

	/** What stands for the transfer in a receipt; nothing before it is locked. */
	#lockId(row: LockedRow): Uint8Array {
		const { crypto } = this.#parts.core.options.context;
		const lock = shownLock(row);
		return lock === undefined ? NOTHING : crypto.sha256(lock);
	}

	#happened(event: SaleEvent): void {
		this.#parts.sale?.happened(event);
	}
}

/** The lock as it is given to its payee; nothing where a proof does not show that the mint has signed it, so that nobody would take it, and it comes back after the deadline. */
function shownLock({ lock }: LockedRow): Uint8Array | undefined {
	const proofs = lock.length === 0 ? [] : parseProofs(lock);
	return proofs.length > 0 && proofs.every(isProven)
		? encodeLock(proofs)
		: undefined;
}

function lockedIn(row: LockedRow, lock: readonly Proof[]): LockedRow {
	return {
		...row,
		state: "locked",
		lock: encodeProofs(lock),
		back_swap: NOTHING,
	};
}

function deadlineOf({ deadline }: LockedRow): number {
	return Number(deadline) * 1000;
}

function isUnspent(state: ProofState | undefined): boolean {
	return state?.kind === "unspent";
}

/** As far as limits have to know of it. */
function askedOf(row: LockedRow): AskedPayment {
	const { contract, mint: issuer, currency, amount, payee, what } = row;
	const asked = { contract, issuer, currency, amount, payee, what };
	return { ...asked, askOwner: false, sale: undefined };
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

function spentBefore(): TetradError {
	return new TetradError(
		"double-spent",
		"what it was paid with had been spent before, by another copy of this purse",
	);
}
