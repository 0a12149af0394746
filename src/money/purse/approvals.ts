/*
 * Payments that are made only when the owner says so.
 *
 *   (none) ─asked for─▶ waiting ─approved─▶ approved ─committed─▶ (none)
 *                        │   │                │  ▲
 *   (none) ◀─gave way────┘   └─denied─▶ denied◀──┘ a later word of the owner
 *                                          └─gave way─▶ (none)
 *   waiting, approved ─the contract is cancelled─▶ (none)
 *
 * Each is durable before the agent hears that it waits. There are only so many, and of one
 * merchant fewer: what is new gets a place only from what was denied, or has waited for a day, and
 * from nothing that the owner has just said something about that is not durable.
 */
import { TetradError } from "../../errors.ts";
import { byKey, put, remove, type Write } from "../../machine/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import type { ApprovalBody } from "../documents/index.ts";
import type { AskedPayment } from "./payment-state.ts";
import type { AttemptName, JobOf, Results } from "./pending-jobs.ts";
import type { PurseCore } from "./purse-core.ts";
import {
	APPROVAL_KEPT_MS,
	MAX_APPROVALS,
	MAX_APPROVALS_OF_MERCHANT,
} from "./purse-limits.ts";
import type { PurseParts } from "./purse-parts.ts";
import type { WhyApproval } from "./purse-report.ts";
import { type Change, changing, unchanged } from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";
import { APPROVALS, type ApprovalRow } from "./spending-tables.ts";
import type { Witnesses } from "./witnesses.ts";

/** What the owner has said to a payment. */
export type Said =
	/** Nothing about so much; it may wait already. */
	| "nothing"
	| "approved"
	| "denied"
	/** Something about the same contract with another payee, amount or money. */
	| "of-another";

export class Approvals {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	readonly #witnesses: Witnesses;
	/** By contract, in hexadecimal. */
	readonly #all: Map<string, ApprovalRow>;
	/** How many words of the owner are being written, by contract, in hexadecimal. */
	readonly #deciding = new Map<string, number>();

	constructor(
		{ core, work, witnesses }: PurseParts,
		rows: readonly ApprovalRow[],
	) {
		this.#core = core;
		this.#work = work;
		this.#witnesses = witnesses;
		this.#all = new Map(rows.map((row) => [hex(row.contract), row]));
	}

	of(asked: AskedPayment): Said {
		const row = this.#all.get(hex(asked.contract));
		if (row === undefined) return "nothing";
		if (!isOf(row, asked)) return "of-another";
		if (row.state === "denied") return "denied";
		// The mint asks for more beside it than the owner has said yes to.
		const isWithin = asked.fee <= row.fee;
		return row.state === "approved" && isWithin ? "approved" : "nothing";
	}

	/** Whether it waits already, and the owner was told of all that it takes. */
	waits({ contract, fee }: Pick<AskedPayment, "contract" | "fee">): boolean {
		const row = this.#all.get(hex(contract));
		return row?.state === "waiting" && fee <= row.fee;
	}

	/** Writes down that it waits for the owner, in the place of what it has waited for with a smaller fee. Throws `busy` when too much does. */
	ask(
		asked: AskedPayment,
		attempt: AttemptName["attempt"],
		why: WhyApproval,
	): void {
		const { contract, payee, issuer, currency, amount, fee, what } = asked;
		const { now } = this.#core;
		const before = this.#all.get(hex(contract));
		const gaveWay = before === undefined ? this.#givesWay(payee) : undefined;
		if (gaveWay !== undefined) this.#all.delete(hex(gaveWay.contract));
		const row: ApprovalRow = {
			...{ contract, payee, issuer, currency, amount, fee, what, why },
			asked: BigInt(now),
			// What was said of the smaller fee is not said again.
			decided: before?.decided ?? 0n,
			state: "waiting",
		};
		this.#all.set(hex(contract), row);
		this.#work.transact(
			{ kind: "asking-owner", contract, attempt, row, before, gaveWay },
			changing(this.#core.options.context.crypto, now, [], () => ({
				entries: [],
				writes: [
					put(APPROVALS, row),
					...(gaveWay === undefined ? [] : [forgetting(gaveWay)]),
				],
				result: undefined,
			})),
		);
	}

	asked({ row }: JobOf<"asking-owner">): void {
		const { contract, payee: peer, issuer, amount, fee, why, what } = row;
		this.#core.report({
			kind: "approval-needed",
			...{ contract, peer, issuer, amount, fee, what },
			why: why as WhyApproval,
		});
	}

	notAsked({ contract, before, gaveWay }: JobOf<"asking-owner">): void {
		if (before === undefined) this.#all.delete(hex(contract));
		else this.#all.set(hex(contract), before);
		if (gaveWay !== undefined) this.#all.set(hex(gaveWay.contract), gaveWay);
	}

	/** What the owner said, and signed. It counts for what waits, or was decided on earlier, and for nothing else. */
	decide({ contract, payee, issuer, amount, ...said }: ApprovalBody): void {
		const { request, isApproved } = said;
		const decided = BigInt(said.ordered);
		const { context } = this.#core.options;
		const before = this.#all.get(hex(contract));
		// A no counts at once: what comes to its commit before that is durable is not committed any more.
		if (
			before !== undefined &&
			!isApproved &&
			isFor(before, { payee, issuer, amount, isApproved }) &&
			decided > before.decided
		)
			this.#all.set(hex(contract), { ...before, state: "denied", decided });
		const id = hex(contract);
		this.#deciding.set(id, (this.#deciding.get(id) ?? 0) + 1);
		this.#work.transact(
			{ kind: "deciding", request, contract, isApproved, decided, before },
			changing(
				context.crypto,
				this.#core.now,
				[byKey(APPROVALS, { contract })],
				([[row]]): Change<Results["deciding"]> => {
					const isIt =
						row !== undefined &&
						isFor(row, { payee, issuer, amount, isApproved });
					if (!isIt || decided <= row.decided) return unchanged(undefined);
					const state = isApproved ? "approved" : "denied";
					const next = { ...row, state, decided };
					return {
						entries: [{ what: state, subject: contract, amount, peer: payee }],
						writes: [put(APPROVALS, next)],
						result: next,
					};
				},
			),
		);
	}

	decided(job: JobOf<"deciding">, row: Results["deciding"]): void {
		const { request, contract, isApproved } = job;
		this.#isWritten(contract);
		const isDone = row !== undefined;
		if (!isDone) this.#undecided(job);
		// It may have been committed since, and has no row any more then.
		if (isDone && this.#all.has(hex(contract)))
			this.#all.set(hex(contract), row);
		this.#core.report({
			kind: "decided",
			...{ request, contract, isApproved, isDone },
		});
		if (!isDone) return;
		for (const tetrad of this.#core.meetings.keys())
			this.#witnesses.tellSoon(tetrad);
	}

	notDecided(job: JobOf<"deciding">, error: TetradError): void {
		this.#isWritten(job.contract);
		this.#undecided(job);
		this.#core.trouble(error);
	}

	#isWritten(contract: Uint8Array): void {
		const id = hex(contract);
		const left = (this.#deciding.get(id) ?? 0) - 1;
		if (left > 0) this.#deciding.set(id, left);
		else this.#deciding.delete(id);
	}

	/** Nothing came of that word, which may have counted already. */
	#undecided({ contract, decided, before }: JobOf<"deciding">): void {
		const row = this.#all.get(hex(contract));
		if (before !== undefined && row?.decided === decided)
			this.#all.set(hex(contract), before);
	}

	/** For the transaction that commits a payment: the owner's word on it is used. */
	using({ contract }: Pick<AskedPayment, "contract">): readonly Write[] {
		const row = this.#all.get(hex(contract));
		return row === undefined ? [] : [forgetting(row)];
	}

	/** It is committed. */
	used({ contract }: Pick<AskedPayment, "contract">): void {
		this.#all.delete(hex(contract));
	}

	/** Its contract is never paid any more, and the store has forgotten that it waited. */
	cancelled({ contract }: Pick<AskedPayment, "contract">): void {
		const row = this.#all.get(hex(contract));
		if (row !== undefined && isOverWithContract(row))
			this.#all.delete(hex(contract));
	}

	/** What a new one takes the place of, if it needs one. Throws `busy`. */
	#givesWay(payee: Uint8Array): ApprovalRow | undefined {
		const all = [...this.#all.values()];
		const ofMerchant = all.filter((row) => sameBytes(row.payee, payee));
		const isFull = all.length >= MAX_APPROVALS;
		if (!isFull && ofMerchant.length < MAX_APPROVALS_OF_MERCHANT)
			return undefined;
		const old = BigInt(this.#core.now - APPROVAL_KEPT_MS);
		const candidates = (
			ofMerchant.length < MAX_APPROVALS_OF_MERCHANT ? all : ofMerchant
		).filter(
			({ contract, state, asked }) =>
				!this.#deciding.has(hex(contract)) &&
				(state === "denied" || (state === "waiting" && asked <= old)),
		);
		const [oldest] = candidates.toSorted(
			(a, b) =>
				Number(b.state === "denied") - Number(a.state === "denied") ||
				Number(a.asked - b.asked),
		);
		if (oldest === undefined)
			throw new TetradError(
				"busy",
				"too many payments wait for the owner of this purse; ask again when some have been approved or denied",
			);
		return oldest;
	}
}

/** Whether a payment is asked about no more once its contract is cancelled: what was denied stays, and gives way. */
export function isOverWithContract({
	state,
}: Pick<ApprovalRow, "state">): boolean {
	return state !== "denied";
}

/** Whether it is about that payment, whatever its mint asks for beside. */
function isOf(
	row: ApprovalRow,
	{ payee, issuer, amount }: Pick<AskedPayment, "payee" | "issuer" | "amount">,
): boolean {
	return (
		row.amount === amount &&
		sameBytes(row.payee, payee) &&
		sameBytes(row.issuer, issuer)
	);
}

/** Whether the owner has decided on that: what is signed is all that it takes. A no to less is one to more. */
function isFor(
	row: ApprovalRow,
	{
		payee,
		issuer,
		amount,
		isApproved,
	}: Pick<ApprovalBody, "payee" | "issuer" | "amount" | "isApproved">,
): boolean {
	const fee = amount - row.amount;
	const isIt = isApproved ? fee === row.fee : fee >= 0n && fee <= row.fee;
	return isIt && isOf(row, { payee, issuer, amount: row.amount });
}

function forgetting({ contract }: ApprovalRow): Write {
	return remove(APPROVALS, { contract });
}
