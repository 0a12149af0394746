/*
 * Where a payer commits: ranges of notes are reserved and the transfer is signed, and then both
 * become durable in one write, after which nobody can take it back (commit-transfer.ts).
 */
import { TetradError } from "../../errors.ts";
import { draftTransfer } from "../documents/index.ts";
import { type CommitResult, commitTransfer } from "./commit-transfer.ts";
import { committedOf, type OpenPayments } from "./open-payments.ts";
import type { PaymentDelivery } from "./payment-delivery.ts";
import type { PaymentOffers } from "./payment-offers.ts";
import { whyExpired, whyTooLate } from "./payment-refusals.ts";
import type {
	Agreed,
	OpenPayment,
	PaymentState,
	Reserved,
	Uncommitted,
} from "./payment-state.ts";
import type { JobOf } from "./pending-jobs.ts";
import type { PurseCore } from "./purse-core.ts";
import type { PurseParts } from "./purse-parts.ts";
import type { PurseWork } from "./purse-work.ts";
import type { SalePart } from "./sale-part.ts";
import type { SpendingLimits } from "./spending-limits.ts";
import type { SpendingPermission } from "./spending-permission.ts";
import type { Witnesses } from "./witnesses.ts";

export class PaymentCommit {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	readonly #witnesses: Witnesses;
	readonly #payments: OpenPayments;
	readonly #offers: PaymentOffers;
	readonly #limits: SpendingLimits;
	readonly #permission: SpendingPermission;
	readonly #delivery: PaymentDelivery;
	readonly #sale: SalePart | undefined;
	/** Payments that are signing or signed, in the order in which their ranges were reserved. */
	readonly #turns: OpenPayment[] = [];

	constructor(
		{ core, work, witnesses, sale }: PurseParts,
		payments: OpenPayments,
		offers: PaymentOffers,
		limits: SpendingLimits,
		permission: SpendingPermission,
		delivery: PaymentDelivery,
	) {
		this.#core = core;
		this.#work = work;
		this.#sale = sale;
		this.#witnesses = witnesses;
		this.#payments = payments;
		this.#offers = offers;
		this.#limits = limits;
		this.#permission = permission;
		this.#delivery = delivery;
	}

	/** Pays those who could not be paid before; asked for after every event. */
	retry(): void {
		for (const payment of this.#payments.values()) {
			const { state } = payment;
			if (state.kind === "waiting") this.reserve(payment, state);
			else if (state.kind === "choosing")
				this.#offers.offer(payment, state.meeting);
		}
	}

	/** Chooses ranges of the notes that the payee has judged and has the transfer signed, if ranges can be had now. When others have taken them, the payee is asked about other notes. */
	reserve(payment: OpenPayment, { meeting, offer, invoice }: Agreed): void {
		const { asked, attempt } = payment;
		const { contract, payee, issuer, currency, amount, sale } = asked;
		const { book, ownId: payer } = this.#core;
		const selected = this.#offers.among(asked, offer);
		if (selected.kind === "wait") return;
		if (selected.kind !== "selected")
			return this.#offers.offer(payment, meeting);
		const { selection } = selected;
		const transfer = {
			payer,
			payee,
			issuer,
			currency,
			amount,
			contract,
			binding: meeting.binding,
			parties: meeting.parties,
			pieces: selection.pieces,
			purpose: sale === undefined ? "payment" : "sale",
		} as const;
		const { toSign } = draftTransfer(transfer);
		book.reserve(selection);
		payment.state = { kind: "signing", meeting, offer, invoice, selection };
		this.#turns.push(payment);
		this.#work.sign(
			{ kind: "signing-payment", contract, attempt, transfer },
			toSign,
		);
	}

	signed(job: JobOf<"signing-payment">, signature: Uint8Array): void {
		const payment = this.#payments.at(job);
		// Somebody may have given it up in the meantime.
		if (payment?.state.kind !== "signing") return;
		const { crypto } = this.#core.options.context;
		const transfer = draftTransfer(job.transfer).sign(crypto, signature);
		payment.state = { ...payment.state, kind: "signed", transfer };
		this.takeTurns();
	}

	notSigned(job: JobOf<"signing-payment">, error: TetradError): void {
		const payment = this.#payments.at(job);
		if (payment?.state.kind !== "signing") return;
		this.putBack(payment, payment.state);
		this.#payments.giveUp(payment, error);
		this.takeTurns();
	}

	/** What was reserved first is committed first. */
	takeTurns(): void {
		for (;;) {
			const [payment] = this.#turns;
			if (payment?.state.kind !== "signed") return;
			this.#turns.shift();
			this.#commit(payment, payment.state);
		}
	}

	/** Ranges that a payment has reserved are free again. */
	putBack(payment: OpenPayment, state: Uncommitted): void {
		if (state.kind !== "signing" && state.kind !== "signed") return;
		this.#core.book.release(state.selection);
		const at = this.#turns.indexOf(payment);
		if (at >= 0) this.#turns.splice(at, 1);
		payment.state = waiting(state);
	}

	#commit(
		payment: OpenPayment,
		state: Extract<PaymentState, { readonly kind: "signed" }>,
	): void {
		const { meeting, offer, invoice, selection, transfer } = state;
		const { book } = this.#core;
		if (!book.canCommit(selection)) {
			book.release(selection);
			payment.state = waiting(state);
			return;
		}
		const refusal =
			this.#witnesses.whyNotPay(transfer.issuer) ??
			whyTooLate(invoice, this.#core.now) ??
			whyExpired(payment.asked.sale, this.#core.now);
		if (refusal !== undefined) {
			book.release(selection);
			return this.#payments.giveUp(payment, refusal);
		}
		if (!this.#permission.stillAllowed(payment, state)) {
			book.release(selection);
			return;
		}
		const { contract, what, sale } = payment.asked;
		payment.state = { kind: "committing", meeting, offer, invoice, selection };
		this.#work.transact(
			{ kind: "committing-payment", contract, selection },
			commitTransfer(
				this.#core,
				{ transfer, selection, invoice, what, sale },
				sale?.also,
				this.#limits.committing(payment.asked),
			),
		);
	}

	committed(
		{ contract }: JobOf<"committing-payment">,
		row: CommitResult,
	): void {
		const { payment, state } = this.#committing(contract);
		if (row === undefined) return this.#wasOvertaken(payment, state);
		if (row === "aborted") {
			this.#core.book.release(state.selection);
			return this.#payments.aborted(payment);
		}
		const { tetrad } = state.meeting;
		this.#core.book.commit(state.selection);
		const committed = committedOf(row, this.#core);
		this.#limits.committed(payment.asked, committed.counted);
		this.#witnesses.tell(tetrad);
		if (committed.sale !== undefined)
			this.#sale?.happened({ kind: "committed", contract });
		this.#delivery.deliver(payment, committed, tetrad);
	}

	notCommitted(
		{ contract }: JobOf<"committing-payment">,
		error: TetradError,
	): void {
		const { payment, state } = this.#committing(contract);
		this.#core.book.release(state.selection);
		this.#payments.giveUp(payment, error);
	}

	/** Ranges before its own were given up after its transaction was asked for. */
	#wasOvertaken(payment: OpenPayment, state: Reserved): void {
		const { book } = this.#core;
		const { meeting, selection } = state;
		const isBehindOthers = !book.canCommit(selection);
		book.release(selection);
		payment.state = waiting(state);
		if (!isBehindOthers)
			return this.#payments.giveUp(
				payment,
				new TetradError("internal", "the purse and its store do not agree"),
			);
		if (!this.#core.meetings.has(meeting.tetrad))
			this.#payments.beginAgain(payment);
	}

	/** Nobody gives a payment up while it is committing. */
	#committing(contract: Uint8Array): {
		readonly payment: OpenPayment;
		readonly state: Extract<PaymentState, { readonly kind: "committing" }>;
	} {
		const payment = this.#payments.of(contract);
		if (payment?.state.kind !== "committing")
			throw new TetradError(
				"internal",
				"a payment was committed that nobody wants",
			);
		return { payment, state: payment.state };
	}
}

function waiting({ meeting, offer, invoice }: Agreed): PaymentState {
	return { kind: "waiting", meeting, offer, invoice };
}
