/*
 * The purse of a module: what it holds, pays, is paid, and settles with its issuers.
 *
 * Nothing that it has is lost or doubled: at each moment
 *
 *   spendable + held + toDeposit + inDoubt + toClaim
 *     = what was withdrawn, received and exchanged for − what a payee gave a receipt for
 *       − what an issuer has answered for
 *
 * and each of the five is a sum over rows of its tables (balance-history.ts).
 */
import { asTetradError, TetradError, unreachable } from "../../errors.ts";
import type { WorkEvent, Write } from "../../machine/index.ts";
import { copy } from "../../wire/index.ts";
import {
	BETWEEN_MODULES,
	body,
	type FourIds,
	partiesHash,
	WITH_AGENT,
	WITH_ISSUER,
} from "../documents/index.ts";
import type { MoneyEffect, MoneyEvent, MoneyMachine } from "../machine.ts";
import { Approvals } from "./approvals.ts";
import type { EcashPart, PurseEcash } from "./ecash-part.ts";
import { Expecting } from "./expecting.ts";
import { IssuerVisits } from "./issuer-visits.ts";
import { OpenPayments } from "./open-payments.ts";
import { Orders } from "./orders.ts";
import { Paying } from "./paying.ts";
import { PaymentAcceptance } from "./payment-acceptance.ts";
import { PaymentCommit } from "./payment-commit.ts";
import { PaymentDelivery } from "./payment-delivery.ts";
import { PaymentJudge } from "./payment-judge.ts";
import { PaymentOffers } from "./payment-offers.ts";
import type {
	JobOf,
	PurseJob,
	Results,
	SignatureJob,
	TransactionJob,
} from "./pending-jobs.ts";
import { Promises } from "./promises.ts";
import { PurseCore, type PurseOptions } from "./purse-core.ts";
import type { PurseState } from "./purse-load.ts";
import type { PurseReport } from "./purse-report.ts";
import { PurseWork, type Written } from "./purse-work.ts";
import type { SalePart, SalePayment, SellsAtMint } from "./sale-part.ts";
import { makeSaleRail } from "./sale-rail.ts";
import { Settling } from "./settling.ts";
import { SpendingLimits } from "./spending-limits.ts";
import { SpendingPermission } from "./spending-permission.ts";
import { VisitWork } from "./visit-work.ts";
import { Witnesses } from "./witnesses.ts";

export interface PurseMachineOptions extends PurseOptions {
	/** Its ecash; none unless given. */
	readonly ecash?: PurseEcash;
}

/** The machine of a module that holds money. `state` is what `loadPurse` has read from its store. */
export class PurseMachine implements MoneyMachine<PurseReport> {
	readonly #core: PurseCore;
	readonly #sale: SalePart | undefined;
	readonly #work: PurseWork;
	readonly #witnesses: Witnesses;
	readonly #paying: Paying;
	readonly #commit: PaymentCommit;
	readonly #delivery: PaymentDelivery;
	readonly #expecting: Expecting;
	readonly #acceptance: PaymentAcceptance;
	readonly #orders: Orders;
	readonly #limits: SpendingLimits;
	readonly #approvals: Approvals;
	readonly #permission: SpendingPermission;
	readonly #ecash: EcashPart | undefined;
	readonly #visitWork: VisitWork;
	readonly #settling: Settling;

	constructor(options: PurseMachineOptions, state: PurseState) {
		const { invoiceKey } = state;
		const core = new PurseCore(options, state);
		const work = new PurseWork(core);
		const witnesses = new Witnesses(core, work, state);
		const sale = options.sale?.(
			makeSaleRail(core, work, {
				pay: (tetrad, payment, also) => this.#paySale(tetrad, payment, also),
				recall: (payment, four, also) => this.#recall(payment, four, also),
				cancel: (contract, isOfOpenTetrad) =>
					this.#paying.cancel(contract, isOfOpenTetrad ? "here" : "ever"),
				atMint: (issuer, agent) => this.#sellsAtMint(issuer, agent),
				feeOf: (issuer, amount) => this.#ecash?.feeOf(issuer, amount),
			}),
		);
		const parts = { core, work, witnesses, sale };
		const approvals = new Approvals(parts, state.spending.approvals);
		const limits = new SpendingLimits(parts, approvals, state.spending);
		const payments = new OpenPayments(parts, limits, state.payments);
		const permission = new SpendingPermission(payments, limits, approvals);
		const delivery = new PaymentDelivery(parts, payments);
		const offers = new PaymentOffers(parts, payments);
		const commit = new PaymentCommit(
			parts,
			payments,
			offers,
			limits,
			permission,
			delivery,
		);
		const promises = new Promises(core, state.undeposited);
		const judge = new PaymentJudge(core);
		const expecting = new Expecting(parts, invoiceKey, promises, judge);
		this.#core = core;
		this.#sale = sale;
		this.#work = work;
		this.#witnesses = witnesses;
		this.#paying = new Paying(
			parts,
			payments,
			offers,
			permission,
			commit,
			delivery,
		);
		this.#commit = commit;
		this.#delivery = delivery;
		this.#expecting = expecting;
		this.#acceptance = new PaymentAcceptance(
			parts,
			invoiceKey,
			promises,
			judge,
			expecting,
		);
		this.#orders = new Orders(parts, limits, approvals);
		this.#limits = limits;
		this.#approvals = approvals;
		this.#permission = permission;
		this.#ecash = options.ecash?.make({
			...{ parts, work, limits, approvals, state: state.ecash },
		});
		const visits = new IssuerVisits(parts);
		this.#visitWork = new VisitWork(parts, visits, payments);
		this.#settling = new Settling(
			parts,
			visits,
			this.#visitWork,
			this.#acceptance,
			payments,
		);
	}

	get pending(): ReadonlyMap<number, PurseJob> {
		return this.#work.pending;
	}

	/** The first of all that its parts wait until. */
	get deadline(): number | undefined {
		let first = this.#witnesses.deadline;
		const parts = [this.#paying, this.#settling, this.#sale, this.#ecash];
		for (const part of parts)
			for (const deadline of part?.deadlines() ?? [])
				if (first === undefined || deadline < first) first = deadline;
		return first;
	}

	handle(event: MoneyEvent, now: number): readonly MoneyEffect<PurseReport>[] {
		this.#core.now = now;
		this.#limits.time();
		this.#handle(event);
		this.#commit.retry();
		return this.#core.takeEffects();
	}

	#handle(event: MoneyEvent): void {
		switch (event.kind) {
			case "opened": {
				const meeting = this.#core.open(event.meeting);
				this.#expecting.opened(meeting);
				this.#acceptance.opened(meeting);
				this.#delivery.opened(meeting);
				this.#ecash?.opened(meeting);
				return this.#sale?.opened(meeting);
			}
			case "closed":
				this.#core.meetings.delete(event.tetrad);
				this.#expecting.closed(event.tetrad);
				this.#acceptance.closed(event.tetrad);
				this.#delivery.closed(event.tetrad);
				this.#settling.closed(event.tetrad);
				this.#paying.closed(event.tetrad);
				this.#ecash?.closed(event.tetrad);
				return this.#sale?.closed(event.tetrad);
			case "from-agent":
			case "from-module":
				return this.#hear(event);
			case "order":
				return this.#orders.order(event.document);
			case "override":
				return this.#orders.override(event.document);
			case "cancel":
				return this.#orders.cancel(event.document);
			case "limits":
				return this.#orders.limits(event.document);
			case "approval":
				return this.#orders.approval(event.document);
			case "give-back":
				return this.#orders.giveBack(event.request, event.issuer);
			case "receive-ecash":
				return this.#receiveEcash(event);
			case "ecash-order":
				return this.#orderEcash(event);
			case "written":
			case "not-written":
			case "signed":
			case "not-signed":
				return this.#finish(event);
			case "answered":
				return this.#ecash?.answered(this.#work.answered(event).job, event);
			case "not-answered": {
				const { job } = this.#work.answered(event);
				return this.#ecash?.notAnswered(job, event.error);
			}
			case "time":
				this.#witnesses.time();
				this.#paying.time();
				this.#settling.time();
				this.#ecash?.time();
				return this.#sale?.time();
			default:
				return unreachable(event);
		}
	}

	// What others say.

	/** Whoever sends what is none of the messages that it may send has its tetrad ended. */
	#hear({
		kind,
		tetrad,
		bytes,
	}: Extract<MoneyEvent, { readonly bytes: Uint8Array }>): void {
		if (!this.#core.meetings.has(tetrad)) return;
		try {
			if (kind === "from-agent") this.#hearAgent(tetrad, bytes);
			else this.#hearModule(tetrad, bytes);
		} catch (thrown) {
			this.#core.end(tetrad, asTetradError(thrown));
		}
	}

	#hearAgent(tetrad: number, bytes: Uint8Array): void {
		const meeting = this.#core.meetingOf(tetrad);
		switch (bytes[0]) {
			case WITH_AGENT.witness.type: {
				const { number, hash } = body(WITH_AGENT.witness, bytes);
				const record = { number, hash: copy(hash) };
				return this.#witnesses.compare(record, { kind: "agent", tetrad });
			}
			case WITH_AGENT.pay.type:
				return this.#paying.pay(meeting, bytes);
			case WITH_AGENT.expect.type:
				return this.#expecting.expect(meeting, bytes);
			case WITH_AGENT.settle.type:
				return this.#settling.settle(meeting, bytes);
			default:
				if (this.#sale?.hears("agent", bytes[0] ?? 0) === true)
					return this.#sale.fromAgent(meeting, bytes);
				throw unexpected("the own agent");
		}
	}

	#hearModule(tetrad: number, bytes: Uint8Array): void {
		const meeting = this.#core.meetingOf(tetrad);
		switch (bytes[0]) {
			case BETWEEN_MODULES.prepare.type:
				return this.#expecting.prepare(meeting, bytes);
			case BETWEEN_MODULES.prepared.type:
				return this.#paying.prepared(meeting, bytes);
			case BETWEEN_MODULES.deliver.type:
				return this.#acceptance.deliver(meeting, bytes);
			case BETWEEN_MODULES.accepted.type:
				return this.#delivery.accepted(meeting, bytes);
			case BETWEEN_MODULES.refused.type: {
				const said = body(BETWEEN_MODULES.refused, bytes);
				if (this.#ecash?.refused(meeting, said) === true) return;
				return this.#paying.refused(meeting, bytes);
			}
			case WITH_ISSUER.welcome.type:
			case WITH_ISSUER.issued.type:
			case WITH_ISSUER.booked.type:
			case WITH_ISSUER.account.type:
			case WITH_ISSUER.declined.type:
			case WITH_ISSUER.outcome.type:
				return this.#settling.hear(meeting, bytes);
			case WITH_ISSUER.sellingSecret.type:
				if (this.#sale === undefined) throw unexpected("the other module");
				return this.#settling.hear(meeting, bytes);
			default:
				if (this.#ecash?.hears(bytes[0] ?? 0) === true)
					return this.#ecash.hear(meeting, bytes);
				if (this.#sale?.hears("module", bytes[0] ?? 0) === true)
					return this.#sale.fromModule(meeting, bytes);
				throw unexpected("the other module");
		}
	}

	// Ecash.

	#receiveEcash({
		request,
		token,
	}: Extract<MoneyEvent, { readonly kind: "receive-ecash" }>): void {
		if (this.#ecash !== undefined) return this.#ecash.receive(request, token);
		const error = noMints();
		this.#core.report({ kind: "ecash-refused", request, error });
	}

	#orderEcash({
		order,
	}: Extract<MoneyEvent, { readonly kind: "ecash-order" }>): void {
		if (this.#ecash !== undefined) return this.#ecash.order(order);
		const { request } = order;
		this.#core.report({ kind: "ecash-ordered", request, error: noMints() });
	}

	#paySale(tetrad: number, payment: SalePayment, also: readonly Write[]): void {
		const { atMint, contract } = payment;
		if (atMint === undefined)
			return this.#paying.paySale(tetrad, payment, also);
		if (this.#ecash !== undefined)
			return this.#ecash.pay(tetrad, { ...payment, atMint }, also);
		this.#sale?.happened({ kind: "not-paid", contract, error: noMints() });
	}

	/** What was paid with notes, and forgotten, nobody finds: its transfer is not there any more. */
	#recall(payment: SalePayment, four: FourIds, also: readonly Write[]): void {
		const { atMint, contract } = payment;
		if (atMint === undefined)
			return this.#paying.cancel(contract, "with-notes");
		if (this.#ecash === undefined)
			return this.#paying.cancel(contract, "at-a-mint");
		const parties = partiesHash(this.#core.options.context.crypto, four);
		this.#ecash.recall({ ...payment, atMint, parties, also });
	}

	#sellsAtMint(issuer: Uint8Array, agent: Uint8Array): SellsAtMint | undefined {
		return this.#ecash?.sellsAt(issuer, agent);
	}

	// What was waited for.

	#finish(event: WorkEvent): void {
		switch (event.kind) {
			case "written": {
				const written = this.#work.written(event);
				this.#witnesses.reached(written.head);
				return this.#written(written);
			}
			case "not-written": {
				const job = this.#work.notWritten(event);
				// Nobody knows whether it was written, and the process ends.
				if (event.error.code === "store-failed")
					return this.#core.trouble(event.error);
				return this.#notWritten(job, event.error);
			}
			case "signed":
				return this.#signed(this.#work.signed(event), event.signature);
			case "not-signed":
				return this.#notSigned(this.#work.signed(event), event.error);
			default:
				return unreachable(event);
		}
	}

	#written(done: Written): void {
		switch (done.kind) {
			case "comparing-head":
				this.#witnesses.compared(done.job, done.result);
				return this.#compared(done.job);
			case "looking-up-payment":
				return this.#paying.lookedUp(done.job, done.result);
			case "asking-owner":
				this.#permission.asked(done.job);
				return this.#ecash?.ownerAsked(done.job.contract);
			case "deciding":
				this.#approvals.decided(done.job, done.result);
				return this.#tellDecided(done.result);
			case "limiting":
				return this.#limits.ordered(done.job);
			case "committing-payment":
				return this.#commit.committed(done.job, done.result);
			case "settling-payment":
				return this.#delivery.settled(done.job);
			case "keeping-receipt":
				return this.#delivery.receiptKept(done.job, done.result);
			case "aborting":
				if (done.result) this.#ecash?.cancelled(done.job.contract);
				return this.#paying.cancelled(done.job, done.result);
			case "sale-work":
				return this.#sale?.written(done.job.job, done.result);
			case "ecash-work":
				return this.#ecash?.written(done.job.job, done.result);
			case "keeping-secret":
				return this.#settling.secretKept(done.job, done.result);
			case "looking-up-expected":
				return this.#expecting.lookedUp(done.job, done.result);
			case "looking-up-offered":
				return this.#expecting.offeredLookedUp(done.job, done.result);
			case "agreeing":
				return this.#expecting.agreed(done.job, done.result);
			case "looking-up-delivery":
				return this.#acceptance.lookedUp(done.job, done.result);
			case "writing-receipt":
				return this.#acceptance.written(done.job, done.result);
			case "ordering":
				return this.#orders.ordered(done.job, done.result);
			case "cancelling":
				return this.#orders.cancelled(done.job, done.result);
			case "overriding":
				return this.#witnesses.overridden(done.job, done.result);
			case "reading-open-requests":
				return this.#visitWork.openRequestsRead(done.job, done.result);
			case "requesting-deposits":
				this.#acceptance.toDepositAgain(done.result.again);
				return this.#visitWork.depositsRequested(done.job, done.result);
			case "requesting-claims":
				return this.#visitWork.claimsRequested(done.job, done.result);
			case "requesting-resolutions":
				return this.#visitWork.resolutionsRequested(done.job, done.result);
			case "requesting-sales":
				return this.#visitWork.salesRequested(done.job, done.result);
			case "committing-exchange":
				return this.#visitWork.exchangeCommitted(done.job, done.result);
			case "closing-give-back":
				return this.#visitWork.giveBackClosed(done.job);
			case "recording-answer":
				return this.#settling.answerRecorded(done.job, done.result);
			case "recording-outcome":
				return this.#settling.outcomeRecorded(done.job, done.result);
			default:
				return unreachable(done);
		}
	}

	#notWritten(job: TransactionJob, error: TetradError): void {
		switch (job.kind) {
			case "comparing-head":
				this.#core.trouble(error);
				return this.#compared(job);
			case "looking-up-payment":
				return this.#paying.notLookedUp(job, error);
			case "asking-owner":
				this.#permission.notAsked(job, error);
				return this.#ecash?.ownerAsked(job.contract, error);
			case "limiting":
				return this.#limits.notOrdered(job, error);
			case "deciding":
				return this.#approvals.notDecided(job, error);
			case "committing-payment":
				return this.#commit.notCommitted(job, error);
			case "settling-payment":
				return this.#delivery.notSettled(job, error);
			case "keeping-receipt":
				return this.#core.trouble(error);
			case "aborting":
				return this.#paying.notCancelled(job, error);
			case "sale-work":
				return this.#sale?.notWritten(job.job, error);
			case "ecash-work":
				return this.#ecash?.notWritten(job.job, error);
			case "looking-up-expected":
				return this.#expecting.notLookedUp(job, error);
			case "looking-up-offered":
			case "agreeing":
				return this.#expecting.notAgreed(job, error);
			case "looking-up-delivery":
			case "writing-receipt":
				return this.#acceptance.notTaken(job.contract, error);
			case "ordering":
			case "cancelling":
			case "overriding":
				return this.#core.trouble(error);
			case "committing-exchange":
				return this.#visitWork.exchangeFailed(job, job.selection, error);
			case "reading-open-requests":
			case "requesting-deposits":
			case "requesting-claims":
			case "requesting-resolutions":
			case "requesting-sales":
			case "keeping-secret":
			case "closing-give-back":
			case "recording-outcome":
				return this.#settling.failed(job, error);
			case "recording-answer":
				return this.#settling.answerNotRecorded(job, error);
			default:
				return unreachable(job);
		}
	}

	#signed(job: SignatureJob, signature: Uint8Array): void {
		switch (job.kind) {
			case "signing-payment":
				return this.#commit.signed(job, signature);
			case "signing-receipt":
				return this.#acceptance.signed(job, signature);
			case "signing-lock-receipt":
				return this.#ecash?.signed(job.receipt, signature);
			case "signing-exchange":
				return this.#visitWork.exchangeSigned(job, signature);
			default:
				return unreachable(job);
		}
	}

	#notSigned(job: SignatureJob, error: TetradError): void {
		switch (job.kind) {
			case "signing-payment":
				return this.#commit.notSigned(job, error);
			case "signing-receipt":
				return this.#acceptance.notTaken(job.receipt.contract, error);
			case "signing-lock-receipt":
				return this.#ecash?.notSigned(job.receipt, error);
			case "signing-exchange":
				return this.#visitWork.exchangeFailed(
					job,
					job.exchange.selection,
					error,
				);
			default:
				return unreachable(job);
		}
	}

	/** A sale that waited for the owner may be asked for again, or not. */
	#tellDecided(row: Results["deciding"]): void {
		if (row === undefined) return;
		const { contract, state } = row;
		const kind = state === "approved" ? "approved" : "denied";
		this.#sale?.happened({ kind, contract });
	}

	/** The witness is told how far this purse has come; with an issuer it is the start of the business. */
	#compared({ witness }: JobOf<"comparing-head">): void {
		switch (witness.kind) {
			case "agent":
				this.#witnesses.tell(witness.tetrad);
				return this.#delivery.witnessed(witness.tetrad);
			case "issuer":
				return this.#settling.compared(witness);
			default:
				return unreachable(witness);
		}
	}
}

function noMints(): TetradError {
	return new TetradError(
		"payment-refused",
		"this purse takes no ecash, since its owner has named no mint",
	);
}

function unexpected(who: string): TetradError {
	return new TetradError(
		"unexpected-message",
		`${who} sent what is no message to a purse`,
	);
}
