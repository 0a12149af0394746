/* Whether a payment may be made, as its owner's limits say; if not, who asked hears why, and the owner of what waits. */
import { TetradError, unreachable } from "../../errors.ts";
import type { Approvals } from "./approvals.ts";
import { checked } from "./checked.ts";
import type { OpenPayments } from "./open-payments.ts";
import type { OpenPayment, Uncommitted } from "./payment-state.ts";
import type { JobOf } from "./pending-jobs.ts";
import type { Judgement, SpendingLimits } from "./spending-limits.ts";

export class SpendingPermission {
	readonly #payments: OpenPayments;
	readonly #limits: SpendingLimits;
	readonly #approvals: Approvals;

	constructor(
		payments: OpenPayments,
		limits: SpendingLimits,
		approvals: Approvals,
	) {
		this.#payments = payments;
		this.#limits = limits;
		this.#approvals = approvals;
	}

	/** Before its payee is asked: whether it may go on. It counts then. */
	begin(
		payment: OpenPayment,
		state: Uncommitted,
		isNewMerchant: boolean,
	): boolean {
		const judged = this.#limits.judge(payment.asked, isNewMerchant);
		if (judged.kind === "allowed")
			this.#limits.begin(payment.asked, isNewMerchant);
		return this.#follow(payment, state, judged);
	}

	/** Right before it is committed: whether it still may be. */
	stillAllowed(payment: OpenPayment, state: Uncommitted): boolean {
		return this.#follow(payment, state, this.#limits.judgeAgain(payment.asked));
	}

	/** It is never paid any more, so that nobody is asked about it. */
	cancelled(contract: Uint8Array): void {
		this.#approvals.cancelled({ contract });
	}

	/** That it waits is durable. */
	asked(job: JobOf<"asking-owner">): void {
		this.#approvals.asked(job);
		const payment = this.#payments.at(job);
		if (payment?.state.kind === "asking-owner")
			this.#payments.giveUp(payment, approvalNeeded());
	}

	notAsked(job: JobOf<"asking-owner">, error: TetradError): void {
		this.#approvals.notAsked(job);
		const payment = this.#payments.at(job);
		if (payment?.state.kind === "asking-owner")
			this.#payments.giveUp(payment, error);
	}

	#follow(
		payment: OpenPayment,
		{ meeting }: Uncommitted,
		judged: Judgement,
	): boolean {
		const { asked, attempt } = payment;
		switch (judged.kind) {
			case "allowed":
				return true;
			case "refused":
				this.#payments.giveUp(payment, judged.error);
				return false;
			case "waiting": {
				const { why } = judged;
				if (this.#approvals.waits(asked)) {
					this.#payments.giveUp(payment, approvalNeeded());
					return false;
				}
				const done = checked(() => this.#approvals.ask(asked, attempt, why));
				if (done.kind === "failed") this.#payments.giveUp(payment, done.error);
				else payment.state = { kind: "asking-owner", meeting };
				return false;
			}
			default:
				return unreachable(judged);
		}
	}
}

export function approvalNeeded(): TetradError {
	return new TetradError(
		"approval-needed",
		"the owner of this purse has to approve this payment, with: tetrad approve; ask for it again then, with the same contract",
	);
}
