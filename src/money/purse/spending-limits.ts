/*
 * What the owner of a purse lets it pay. The own agent and the merchant have no say in it: limits
 * come only in an order that the owner's key signed, each with a number above that of the last.
 * Without any, everything passes, but for what the own agent wants its owner to be asked about: it
 * can only be stricter with itself.
 *
 * What is under way counts from when it is let pass until it is committed or given up, and from
 * COMMIT on by the rows that are written along with it. What counts is all that a payment takes
 * from the purse: its amount, and what its mint asks for beside.
 */
import { TetradError } from "../../errors.ts";
import { put } from "../../machine/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	formatAmount,
	type LimitsBody,
	type MoneyLimits,
	readLimits,
	type Signed,
} from "../documents/index.ts";
import type { Approvals } from "./approvals.ts";
import type { CountedCommit } from "./commit-transfer.ts";
import type { AskedPayment } from "./payment-state.ts";
import type { JobOf } from "./pending-jobs.ts";
import type { PurseCore } from "./purse-core.ts";
import { FEE_ALWAYS, FEE_PART } from "./purse-limits.ts";
import type { PurseState } from "./purse-load.ts";
import type { PurseParts } from "./purse-parts.ts";
import type { WhyApproval } from "./purse-report.ts";
import { changing, LIMITS_NAME, META } from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";
import { limiting, SpendingSums, type Spent } from "./spending-sums.ts";
import type { Witnesses } from "./witnesses.ts";

/** What the owner's limits say to a payment. */
export type Judgement =
	| { readonly kind: "allowed" }
	/** The owner has to approve it. */
	| { readonly kind: "waiting"; readonly why: WhyApproval }
	/** The error says which limit it is, and how to ask. */
	| { readonly kind: "refused"; readonly error: TetradError };

/** A payment that may be made and is not committed. */
interface UnderWay {
	readonly asked: AskedPayment;
	/** Whether nothing had been paid to that module when it was let pass. */
	readonly isNewMerchant: boolean;
}

export class SpendingLimits {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	readonly #witnesses: Witnesses;
	readonly #approvals: Approvals;
	readonly #sums: SpendingSums;
	/** In force. */
	#rules: LimitsBody | undefined;
	/** Durable, and in force again when those that came after cannot be kept. */
	#kept: LimitsBody | undefined;
	/** By contract, in hexadecimal. */
	readonly #underWay = new Map<string, UnderWay>();
	/** Sums of them, by issuer, and by issuer and merchant, in hexadecimal. */
	readonly #underWaySums = new Map<string, bigint>();

	constructor(
		{ core, work, witnesses }: PurseParts,
		approvals: Approvals,
		{ limits, spent, spentInAll }: PurseState["spending"],
	) {
		this.#core = core;
		this.#work = work;
		this.#witnesses = witnesses;
		this.#approvals = approvals;
		this.#sums = new SpendingSums(spent, spentInAll);
		this.#kept = limits && readLimits(limits);
		this.#rules = this.#kept;
	}

	// What the owner orders.

	/** In force at once, and durable; not when they are older than those in force. */
	order(limits: Signed<LimitsBody>): void {
		const { crypto } = this.#core.options.context;
		const { now, ownId: peer } = this.#core;
		const { request, number } = limits;
		const before = this.#rules;
		if (before !== undefined && number <= before.number)
			return this.#core.report({
				kind: "limits",
				...{ request, number, isDone: false },
			});
		const issuers = limitedInAll(limits);
		this.#rules = limits;
		this.#sums.dateAnew(now);
		const { reads, writes } = limiting(issuers, now);
		this.#work.transact(
			{ kind: "limiting", limits, at: now },
			changing(crypto, now, reads, (rows) => ({
				entries: [{ what: "limits", subject: request, amount: number, peer }],
				writes: [
					put(META, { name: LIMITS_NAME, value: limits.document }),
					...writes(rows),
				],
				result: undefined,
			})),
		);
	}

	ordered({ limits, at }: JobOf<"limiting">): void {
		const { request, number } = limits;
		this.#kept = limits;
		this.#sums.limited(limitedInAll(limits), at);
		this.#core.report({ kind: "limits", request, number, isDone: true });
		for (const tetrad of this.#core.meetings.keys())
			this.#witnesses.tellSoon(tetrad);
	}

	/** What is not durable is not in force. */
	notOrdered({ limits }: JobOf<"limiting">, error: TetradError): void {
		if (this.#rules === limits) this.#rules = this.#kept;
		this.#core.trouble(error);
	}

	/** The time has come that far, and is not set back again. */
	time(): void {
		if (this.#rules !== undefined) this.#sums.advance(this.#core.now);
	}

	// What may be paid.

	/** Judges a payment beside all others that are under way. */
	judge(asked: AskedPayment, isNewMerchant: boolean): Judgement {
		const said = this.#approvals.of(asked);
		if (said === "denied") return refused("the owner of this purse denied it");
		if (said === "of-another")
			return refused(
				"the owner of this purse was asked about this contract with another payee, amount or money",
			);
		const asks: Judgement =
			asked.askOwner && said !== "approved"
				? { kind: "waiting", why: "asked" }
				: ALLOWED;
		const rules = this.#rules;
		const money = rules && limitsOf(rules, asked);
		const tooDear = this.#whyTooDear(asked, money?.fee);
		if (tooDear !== undefined) return { kind: "refused", error: tooDear };
		if (rules === undefined) return asks;
		const { merchants } = rules;
		if (
			merchants !== undefined &&
			!merchants.some((merchant) => sameBytes(merchant, asked.payee))
		)
			return refused(
				"the owner's limits let this purse pay only modules that the owner named, and the other module is none of them; the owner adds it with: tetrad limits --merchant",
			);
		const error = money && this.#whyTooMuch(asked, money);
		if (error !== undefined) return { kind: "refused", error };
		if (said === "approved") return ALLOWED;
		const above = money?.approvalAbove;
		if (above !== undefined && costOf(asked) > above)
			return { kind: "waiting", why: "amount" };
		return rules.approveNewMerchants && isNewMerchant
			? { kind: "waiting", why: "new-merchant" }
			: asks;
	}

	/** Judges again what is under way: limits may have been lowered since. */
	judgeAgain(asked: AskedPayment): Judgement {
		const { isNewMerchant = true } =
			this.#underWay.get(hex(asked.contract)) ?? {};
		return this.judge(asked, isNewMerchant);
	}

	/** It was allowed, and counts from now on. */
	begin(asked: AskedPayment, isNewMerchant: boolean): void {
		this.giveUp(asked);
		this.#underWay.set(hex(asked.contract), { asked, isNewMerchant });
		this.#sumUnderWay(asked, costOf(asked));
	}

	/** It will not be committed, or is and counts by its rows. */
	giveUp({ contract }: Pick<AskedPayment, "contract">): void {
		const known = this.#underWay.get(hex(contract));
		if (known === undefined) return;
		this.#underWay.delete(hex(contract));
		this.#sumUnderWay(known.asked, -costOf(known.asked));
	}

	/** What is written along with the transfer. */
	committing(asked: AskedPayment): CountedCommit {
		const also = this.#approvals.using(asked);
		if (this.#rules === undefined || limitsOf(this.#rules, asked) === undefined)
			return { at: 0, counting: undefined, also };
		const at = this.#sums.advance(this.#core.now);
		return { at, counting: this.#sums.counting(spentFor(asked), at), also };
	}

	/** It is durable; `counted` is what `committing` said of when. */
	committed(asked: AskedPayment, counted: number): void {
		this.giveUp(asked);
		this.#approvals.used(asked);
		if (counted > 0) this.#sums.counted(spentFor(asked), counted);
	}

	/** Something was counted then, and so much of it is the purse's again. */
	givenBack(back: Spent, counted: number): void {
		if (counted > 0) this.#sums.givenBack(back, counted);
	}

	/** What a mint asks for beside the price is within what the owner lets it be, which is not without end where the owner has said nothing. */
	#whyTooDear(
		asked: AskedPayment,
		limit: bigint | undefined,
	): TetradError | undefined {
		const { amount, fee } = asked;
		const part = amount / FEE_PART;
		const most = limit ?? (part > FEE_ALWAYS ? part : FEE_ALWAYS);
		return fee <= most
			? undefined
			: new TetradError(
					"payment-refused",
					`its mint asks for ${this.#text(asked, fee)} beside the price of ${this.#text(asked, amount)}, and the owner of this purse lets that be at most ${this.#text(asked, most)}${limit === undefined ? ", since nothing else was said" : ""}; the owner raises it with: tetrad limits --fee`,
				);
	}

	#whyTooMuch(
		asked: AskedPayment,
		money: MoneyLimits,
	): TetradError | undefined {
		const { fee, contract } = asked;
		const cost = costOf(asked);
		const { inDay, toMerchant, inAll } = this.#sums.of(asked);
		const known = this.#underWay.get(hex(contract));
		const own = known === undefined ? 0n : costOf(known.asked);
		const [ofIssuer, ofMerchant] = keysOf(asked);
		const beside = (key: string) => (this.#underWaySums.get(key) ?? 0n) - own;
		const checks: readonly [bigint | undefined, bigint, string, string][] = [
			[money.perPayment, 0n, "at once", "--per-payment"],
			[money.perDay, inDay + beside(ofIssuer), "in 24 hours", "--per-day"],
			[
				money.perMerchantDay,
				toMerchant + beside(ofMerchant),
				"to one merchant in 24 hours",
				"--per-merchant-per-day",
			],
			[money.inAll, inAll + beside(ofIssuer), "in all", "--in-all"],
		];
		for (const [limit, spent, when, flag] of checks)
			if (limit !== undefined && spent + cost > limit)
				return new TetradError(
					"payment-refused",
					`the owner's limits let this purse pay at most ${this.#text(asked, limit)} ${when}${spent === 0n ? "" : `, of which ${this.#text(asked, spent)} are paid`}${fee === 0n ? "" : `, and this takes ${this.#text(asked, cost)} with the fee of ${this.#text(asked, fee)} that its mint asks for`}; the owner raises it with: tetrad limits ${flag}`,
				);
		return undefined;
	}

	#text({ issuer }: AskedPayment, amount: bigint): string {
		const currency = this.#core.termsOf(issuer)?.currency;
		return currency === undefined
			? `${amount} minor units`
			: `${formatAmount(amount, currency)} ${currency.code}`;
	}

	#sumUnderWay(asked: AskedPayment, amount: bigint): void {
		for (const key of keysOf(asked)) {
			const sum = (this.#underWaySums.get(key) ?? 0n) + amount;
			if (sum === 0n) this.#underWaySums.delete(key);
			else this.#underWaySums.set(key, sum);
		}
	}
}

const ALLOWED: Judgement = { kind: "allowed" };

function refused(why: string): Judgement {
	return { kind: "refused", error: new TetradError("payment-refused", why) };
}

function limitsOf(
	{ money }: LimitsBody,
	{ issuer }: Pick<AskedPayment, "issuer">,
): MoneyLimits | undefined {
	return money.find((limits) => sameBytes(limits.issuer, issuer));
}

function limitedInAll({ money }: LimitsBody): Uint8Array[] {
	return money.flatMap(({ issuer, inAll }) =>
		inAll === undefined ? [] : [issuer],
	);
}

/** All that it takes from the purse. */
function costOf({ amount, fee }: Pick<AskedPayment, "amount" | "fee">): bigint {
	return amount + fee;
}

function spentFor(asked: AskedPayment): Spent {
	const { issuer, payee } = asked;
	return { issuer, payee, amount: costOf(asked) };
}

function keysOf({ issuer, payee }: AskedPayment): readonly [string, string] {
	const id = hex(issuer);
	return [id, `${id} ${hex(payee)}`];
}
