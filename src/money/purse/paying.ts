/*
 * A payment by this module, of which there is one for a contract.
 *
 *   looking up ─new─▶ choosing ─notes─▶ preparing ─prepared─▶ waiting ─ranges─▶ signing ─▶ signed ─its turn─▶ committing
 *      │                 ▲                                     │  ▲                          │                  │
 *      │                 └──────── others took the notes ──────┘  └──── ranges given up ─────┴──────────────────┤
 *      │                                                                                                        │ durable
 *      ├─committed─▶ ┌──────────────────────────────────────────────────────────────────────────────────────────┘
 *      │             ▼
 *      │         delivered ─accepted─▶ settling ─durable─▶ (settled)
 *      │           │    ▲
 *      │      no answer └─met again, or asked again
 *      │           ▼    │
 *      │          in doubt
 *      └─settled─▶ (the stored receipt)
 *
 * It becomes `choosing`, and later `committing`, only when its owner's limits allow it
 * (spending-permission.ts). What the owner has to approve is given up once that is durable, and is
 * asked for again.
 *
 * Before `committing` everybody may give up, and nothing has changed. From there on it only goes
 * forward: the ranges are the payee's, and the same bytes are delivered until a receipt is there.
 */
import { TetradError, unreachable } from "../../errors.ts";
import type { Write } from "../../machine/index.ts";
import { copy, sameBytes } from "../../wire/index.ts";
import {
	BETWEEN_MODULES,
	body,
	copyPayment,
	WITH_AGENT,
} from "../documents/index.ts";
import { isExchange } from "./commit-transfer.ts";
import type { OpenPayments } from "./open-payments.ts";
import type { PaymentCommit } from "./payment-commit.ts";
import type { PaymentDelivery } from "./payment-delivery.ts";
import type { PaymentOffers } from "./payment-offers.ts";
import {
	noAnswer,
	otherFour,
	otherTerms,
	plain,
	tetradOver,
	whyNoSale,
	whyNotJoin,
	whyNotPaid,
} from "./payment-refusals.ts";
import {
	type AskedPayment,
	askedOf,
	isUncommitted,
	keptText,
	type OpenPayment,
	sameAsked,
} from "./payment-state.ts";
import type { JobOf, LookedUp, Results } from "./pending-jobs.ts";
import type { OpenMeeting, PurseCore } from "./purse-core.ts";
import { MAX_OPEN_PAYMENTS, MAX_PAYMENTS_PER_TETRAD } from "./purse-limits.ts";
import type { PurseParts } from "./purse-parts.ts";
import type { PurseWork } from "./purse-work.ts";
import { abort, type MayBePaid } from "./sale-cancelling.ts";
import type { SalePart, SalePayment } from "./sale-part.ts";
import type { SpendingPermission } from "./spending-permission.ts";
import type { Witnesses } from "./witnesses.ts";

/** What agents ask for, and what payees say to it, until there is something to commit. */
export class Paying {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	readonly #sale: SalePart | undefined;
	readonly #witnesses: Witnesses;
	readonly #payments: OpenPayments;
	readonly #offers: PaymentOffers;
	readonly #permission: SpendingPermission;
	readonly #commit: PaymentCommit;
	readonly #delivery: PaymentDelivery;

	constructor(
		{ core, work, witnesses, sale }: PurseParts,
		payments: OpenPayments,
		offers: PaymentOffers,
		permission: SpendingPermission,
		commit: PaymentCommit,
		delivery: PaymentDelivery,
	) {
		this.#core = core;
		this.#work = work;
		this.#sale = sale;
		this.#witnesses = witnesses;
		this.#payments = payments;
		this.#offers = offers;
		this.#permission = permission;
		this.#commit = commit;
		this.#delivery = delivery;
	}

	// What the own agent says.

	/** Throws for what is no request. */
	pay(meeting: OpenMeeting, bytes: Uint8Array): void {
		const fields = body(WITH_AGENT.pay, bytes);
		const asked: AskedPayment = {
			...copyPayment(fields),
			fee: 0n,
			what: keptText(fields.text),
			askOwner: false,
			payee: meeting.peer.deviceId,
			sale: undefined,
		};
		const known = this.#payments.of(asked.contract);
		const refusal =
			known === undefined
				? this.#whyNotBegin(asked, meeting)
				: whyNotJoin(known, asked);
		if (refusal !== undefined)
			this.#core.failed(meeting.tetrad, asked.contract, refusal);
		else if (known === undefined) this.#payments.begin(asked, meeting);
		else this.#join(known, meeting);
	}

	// What the part asks for that knows of sales.

	/** All that comes of it is told to the part. */
	paySale(
		tetrad: number,
		{
			contract,
			issuer,
			currency,
			amount,
			payee,
			terms,
			keyHash,
			payBy,
			what = "",
			askOwner = false,
		}: SalePayment,
		also: readonly Write[],
	): void {
		const meeting = this.#core.meetings.get(tetrad);
		const asked: AskedPayment = {
			contract: copy(contract),
			issuer: copy(issuer),
			currency,
			amount,
			fee: 0n,
			what: keptText(what),
			askOwner,
			payee: copy(payee),
			sale: { terms: copy(terms), keyHash: copy(keyHash), payBy, also },
		};
		const known = this.#payments.of(contract);
		if (meeting === undefined) return this.#notPaid(asked, tetradOver());
		const refusal =
			whyNoSale(asked, meeting) ??
			(known === undefined
				? this.#whyNotBegin(asked, meeting)
				: whyNotJoin(known, asked));
		if (refusal !== undefined) this.#notPaid(asked, refusal);
		else if (known === undefined) this.#payments.begin(asked, meeting);
		else this.#join(known, meeting);
	}

	/** Nothing comes of what was asked just now; what was asked before goes on. */
	#notPaid({ contract }: AskedPayment, error: TetradError): void {
		this.#sale?.happened({ kind: "not-paid", contract, error });
	}

	/** Once it is durable, no contract that was not committed before is ever committed. */
	cancel(contract: Uint8Array, mayBePaid: MayBePaid): void {
		const known = this.#payments.of(contract);
		if (known !== undefined && isUncommitted(known.state)) {
			this.#commit.putBack(known, known.state);
			this.#payments.delete(contract);
			this.#commit.takeTurns();
		}
		this.#work.transact(
			{ kind: "aborting", contract: copy(contract) },
			abort(this.#core, copy(contract), mayBePaid),
		);
	}

	cancelled({ contract }: JobOf<"aborting">, isAborted: boolean): void {
		const known = this.#payments.of(contract);
		if (isAborted && known !== undefined && isUncommitted(known.state)) {
			this.#commit.putBack(known, known.state);
			this.#payments.delete(contract);
			this.#commit.takeTurns();
		}
		if (isAborted) this.#permission.cancelled(contract);
		const kind = isAborted ? "aborted" : "too-late";
		this.#sale?.happened({ kind, contract });
	}

	notCancelled({ contract }: JobOf<"aborting">, error: TetradError): void {
		this.#sale?.happened({ kind: "not-cancelled", contract, error });
	}

	// What the other module says. Each throws for what is no such message.

	prepared(meeting: OpenMeeting, bytes: Uint8Array): void {
		const { contract, payBy, tag } = body(BETWEEN_MODULES.prepared, bytes);
		const invoice = { payBy, tag: copy(tag) };
		const payment = this.#payments.of(contract);
		if (
			payment?.state.kind !== "preparing" ||
			payment.state.meeting.tetrad !== meeting.tetrad
		)
			return;
		const { offer } = payment.state;
		payment.state = { kind: "waiting", meeting, offer, invoice };
		this.#commit.reserve(payment, payment.state);
	}

	refused(meeting: OpenMeeting, bytes: Uint8Array): void {
		const fields = body(BETWEEN_MODULES.refused, bytes);
		const payment = this.#payments.of(fields.contract);
		if (
			payment === undefined ||
			!sameBytes(payment.asked.payee, meeting.peer.deviceId)
		)
			return;
		const { state } = payment;
		const error = new TetradError(
			"payment-refused",
			`the other module ${state.kind === "delivered" ? "says" : "will not take it"}: ${plain(fields.reason) || plain(fields.code)}`,
		);
		if (state.kind === "preparing" && state.meeting.tetrad === meeting.tetrad)
			this.#payments.giveUp(payment, error);
		else if (state.kind === "delivered")
			this.#delivery.doubt(payment, state, error.message);
	}

	// What happens to tetrads, and time.

	closed(tetrad: number): void {
		for (const payment of [...this.#payments.values()]) {
			payment.askers = payment.askers.filter((asker) => asker !== tetrad);
			const { state } = payment;
			if (!isUncommitted(state) || state.meeting.tetrad !== tetrad) continue;
			this.#commit.putBack(payment, state);
			this.#payments.beginAgain(payment);
		}
		this.#commit.takeTurns();
	}

	/** When `time` shall be called, of each payment that waits for an answer. */
	*deadlines(): Generator<number> {
		for (const { state } of this.#payments.values())
			if (state.kind === "preparing" || state.kind === "delivered")
				yield state.until;
	}

	time(): void {
		for (const payment of [...this.#payments.values()]) {
			const { state } = payment;
			if (state.kind === "preparing" && state.until <= this.#core.now)
				this.#payments.giveUp(payment, noAnswer());
			else if (state.kind === "delivered" && state.until <= this.#core.now)
				this.#delivery.doubt(
					payment,
					state,
					"the other module has not answered",
				);
		}
	}

	// The steps.

	#whyNotBegin(
		{ issuer, currency }: AskedPayment,
		{ tetrad }: OpenMeeting,
	): TetradError | undefined {
		const terms = this.#core.termsOf(issuer);
		if (terms === undefined || terms.currency.code !== currency)
			return new TetradError(
				"payment-refused",
				"this purse has no notes of that issuer and currency, and does not know it: import its terms",
			);
		let inTetrad = 0;
		for (const { state } of this.#payments.values())
			if (isUncommitted(state) && state.meeting.tetrad === tetrad) inTetrad++;
		return this.#payments.size >= MAX_OPEN_PAYMENTS ||
			inTetrad >= MAX_PAYMENTS_PER_TETRAD
			? new TetradError(
					"busy",
					"too many payments are under way or in doubt; ask again when some have been settled",
				)
			: undefined;
	}

	#join(payment: OpenPayment, meeting: OpenMeeting): void {
		const { state } = payment;
		switch (state.kind) {
			case "looking-up":
			case "asking-owner":
			case "choosing":
			case "preparing":
			case "waiting":
			case "signing":
			case "signed":
			case "committing":
				payment.askers = [...payment.askers, meeting.tetrad];
				return;
			case "settling": {
				payment.askers = [...payment.askers, meeting.tetrad];
				const { receipt, chain, key } = state;
				// It is told before it is durable, and those who asked before have heard it.
				return this.#payments.paid(
					{ ...payment, askers: [meeting.tetrad] },
					{ receipt: receipt.value.document, chain, key },
				);
			}
			case "delivered":
			case "in-doubt":
				if (!sameBytes(state.committed.parties, meeting.parties))
					return this.#core.failed(
						meeting.tetrad,
						payment.asked.contract,
						otherFour(),
						true,
					);
				payment.askers = [...payment.askers, meeting.tetrad];
				return this.#delivery.deliver(payment, state.committed, meeting.tetrad);
			default:
				return unreachable(state);
		}
	}

	lookedUp(
		job: JobOf<"looking-up-payment">,
		found: Results["looking-up-payment"],
	): void {
		const payment = this.#payments.at(job);
		if (payment?.state.kind !== "looking-up") return;
		if (found.kind === "aborted") return this.#payments.aborted(payment);
		if (found.kind === "paid") return this.#wasPaid(payment, found);
		const behind = this.#witnesses.whyNotPay(payment.asked.issuer);
		if (behind !== undefined) return this.#payments.giveUp(payment, behind);
		const { state } = payment;
		if (this.#permission.begin(payment, state, found.isNewMerchant))
			this.#offers.offer(payment, state.meeting);
	}

	notLookedUp(job: JobOf<"looking-up-payment">, error: TetradError): void {
		const payment = this.#payments.at(job);
		if (payment !== undefined) this.#payments.giveUp(payment, error);
	}

	/** The contract was paid already, in this process's life or in an earlier one. */
	#wasPaid(
		payment: OpenPayment,
		{ row, chain }: Extract<LookedUp, { readonly kind: "paid" }>,
	): void {
		const { asked } = payment;
		// An issuer knows the contracts of exchanges, and could have an agent ask for one.
		const isIt =
			!isExchange(row) &&
			(asked.sale === undefined
				? sameAsked({ ...askedOf(row), sale: undefined }, asked)
				: sameAsked(askedOf(row), asked));
		const refusal = isIt ? whyNotPaid(row) : otherTerms();
		if (refusal !== undefined && isIt && asked.sale !== undefined)
			return this.#payments.saleOver(
				row.state === "lapsed"
					? {
							kind: "refunded",
							contract: row.contract,
							amount: row.amount,
							by: "issuer",
						}
					: { kind: "declined", contract: row.contract, error: refusal },
			);
		if (refusal !== undefined) return this.#payments.giveUp(payment, refusal);
		this.#payments.delete(row.contract);
		const key = row.key.length === 0 ? undefined : row.key;
		this.#payments.paid(payment, { receipt: row.receipt, chain, key });
	}
}
