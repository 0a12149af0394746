/*
 * Business with an issuer, in one tetrad with its module, when the own agent says so.
 *
 *   greeting ─welcome─▶ comparing heads ─▶ working ─nothing left─▶ closing ─account─▶ (settled)
 *                                          │     ▲
 *                                          └──▶──┘ open requests, doubts, deposits, exchanges, claims, what is to resolve
 *
 * A request is durable before it is sent, and is sent again at each meeting until its answer is
 * durable:  ordered ──▶ answered | declined.  An answer that comes twice changes nothing. A
 * withdrawal stays ordered after a decline when an earlier sending of it has no answer.
 */
import { TetradError, unreachable } from "../../errors.ts";
import { copy, hex, sameBytes } from "../../wire/index.ts";
import {
	body,
	FIRST_HEAD,
	isNotNow,
	message,
	type SaidRefusal,
	sameMoney,
	WITH_AGENT,
	WITH_ISSUER,
} from "../documents/index.ts";
import { checked } from "./checked.ts";
import {
	type AnswerTransaction,
	type Consequences,
	recordBooked,
	recordDeclined,
	recordIssued,
	recordOutcome,
} from "./issuer-answers.ts";
import type { IssuerVisits, Visit } from "./issuer-visits.ts";
import { notesOf } from "./new-notes.ts";
import type { OpenPayments } from "./open-payments.ts";
import type { PaymentAcceptance } from "./payment-acceptance.ts";
import {
	type DoubtEnded,
	recordInquired,
	type SaidOutcome,
} from "./payment-outcome.ts";
import { lostError, shortError } from "./payment-refusals.ts";
import type { JobOf, VisitName } from "./pending-jobs.ts";
import type { OpenMeeting, PurseCore } from "./purse-core.ts";
import { ANSWER_WITHIN_MS, MAX_ASKERS } from "./purse-limits.ts";
import type { PurseParts } from "./purse-parts.ts";
import type { PurseReport } from "./purse-report.ts";
import type { RequestRow } from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";
import type { GivenSecret, SalePart } from "./sale-part.ts";
import { withHead } from "./sale-rail.ts";
import { isOfOwnNotes, knowingNotes, recordUnknown } from "./unknown-notes.ts";
import type { VisitWork } from "./visit-work.ts";
import type { Witnesses } from "./witnesses.ts";

const DAY_MS = 86_400_000;

export class Settling {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	readonly #witnesses: Witnesses;
	readonly #visits: IssuerVisits;
	readonly #visitWork: VisitWork;
	readonly #acceptance: PaymentAcceptance;
	readonly #payments: OpenPayments;
	readonly #sale: SalePart | undefined;

	/** An issuer's answers are for `acceptance` to hear of, and end `payments` that were in doubt. */
	constructor(
		{ core, work, witnesses, sale }: PurseParts,
		visits: IssuerVisits,
		visitWork: VisitWork,
		acceptance: PaymentAcceptance,
		payments: OpenPayments,
	) {
		this.#core = core;
		this.#work = work;
		this.#sale = sale;
		this.#witnesses = witnesses;
		this.#visits = visits;
		this.#visitWork = visitWork;
		this.#acceptance = acceptance;
		this.#payments = payments;
	}

	// What the own agent says. Throws for what is no such message.

	settle(meeting: OpenMeeting, bytes: Uint8Array): void {
		const { issuer } = body(WITH_AGENT.settle, bytes);
		const terms = this.#core.termsOf(issuer);
		const running = this.#visits.in(meeting.tetrad);
		if (terms === undefined || !sameBytes(meeting.peer.deviceId, terms.issuer))
			return this.#visits.tellSettled(
				meeting.tetrad,
				new TetradError(
					"issuer-refused",
					terms === undefined
						? "this purse does not know that issuer: import its terms"
						: "the other module is not that issuer's",
				),
			);
		if (running !== undefined && running.askers >= MAX_ASKERS)
			return this.#visits.tellSettled(
				meeting.tetrad,
				new TetradError(
					"busy",
					"this was asked for too often; wait for its outcome",
				),
			);
		if (running !== undefined) {
			running.askers++;
			return;
		}
		this.#visits.begin(meeting, terms);
		// It says nothing of this purse yet, so that nothing newer is overwritten there.
		this.#core.toModule(meeting.tetrad, message(WITH_ISSUER.hello, FIRST_HEAD));
	}

	// What the issuer says. Throws for what is no such message.

	hear({ tetrad, peer }: OpenMeeting, bytes: Uint8Array): void {
		if (this.#core.termsOf(peer.deviceId) === undefined)
			throw new TetradError(
				"unexpected-message",
				"the other module answers as an issuer, and is none that this purse knows",
			);
		const visit = this.#visits.in(tetrad);
		if (visit === undefined) return;
		visit.until = this.#core.now + ANSWER_WITHIN_MS;
		switch (bytes[0]) {
			case WITH_ISSUER.welcome.type:
				return this.#welcome(visit, bytes);
			case WITH_ISSUER.issued.type: {
				const fields = body(WITH_ISSUER.issued, bytes);
				return this.#known(visit, fields.request, (row) => {
					const { options, chains } = this.#core;
					const notes = notesOf(options.context, visit.terms, row, fields);
					chains.set(hex(notes.chain.hash), notes.chain.chain);
					return recordIssued(this.#core, row, notes, bytes);
				});
			}
			case WITH_ISSUER.booked.type: {
				const { request, credited } = body(WITH_ISSUER.booked, bytes);
				return this.#known(visit, request, (row) =>
					recordBooked(this.#core, row, credited, bytes),
				);
			}
			case WITH_ISSUER.outcome.type: {
				const { request, ...said } = body(WITH_ISSUER.outcome, bytes);
				if (visit.inquiries.has(hex(request)))
					return this.#inquired(visit, request, said);
				return this.#known(visit, request, (row) =>
					recordOutcome(this.#core, row, said, bytes),
				);
			}
			case WITH_ISSUER.sellingSecret.type: {
				const { request, ...given } = body(WITH_ISSUER.sellingSecret, bytes);
				return this.#secretGiven(visit, request, given);
			}
			case WITH_ISSUER.account.type: {
				const { request, balance } = body(WITH_ISSUER.account, bytes);
				return this.#account(visit, request, balance);
			}
			default: {
				const fields = body(WITH_ISSUER.declined, bytes);
				return this.#declined(visit, fields, bytes);
			}
		}
	}

	// What happens to tetrads, and time.

	closed(tetrad: number): void {
		this.#visits.drop(tetrad);
	}

	/** When `time` shall be called, of each visit. */
	*deadlines(): Generator<number> {
		for (const { until } of this.#visits.values()) yield until;
	}

	time(): void {
		for (const { name, until } of [...this.#visits.values()])
			if (until <= this.#core.now)
				this.#visits.finish(
					name,
					new TetradError(
						"timed-out",
						"the issuer has not answered; what is open is asked again at the next meeting",
					),
				);
	}

	/** What a visit has waited for could not be done. */
	failed(name: VisitName, error: TetradError): void {
		this.#visits.finish(name, error);
	}

	// The steps.

	#welcome(visit: Visit, bytes: Uint8Array): void {
		const { number, hash, currency, kind, grace } = body(
			WITH_ISSUER.welcome,
			bytes,
		);
		if (visit.state.kind !== "greeting") return;
		const { issuer } = visit.terms;
		const said = {
			issuer,
			currency: { code: currency, exponent: kind.exponent },
			isPlay: kind.isPlay,
		};
		if (!sameMoney(visit.terms, said))
			return this.#visits.finish(
				visit.name,
				new TetradError(
					"issuer-refused",
					"the issuer's terms are not those that this purse was given: import them anew, if you trust them",
				),
			);
		visit.state = { kind: "comparing", graceMs: grace * DAY_MS };
		const record = { number, hash: copy(hash) };
		this.#witnesses.compare(record, { kind: "issuer", ...visit.name });
	}

	/** The standing follows from what the issuer knows of this purse. */
	compared(name: VisitName): void {
		const visit = this.#visits.at(name);
		if (visit === undefined) return;
		const { standing } = this.#witnesses;
		if (standing.kind === "behind") visit.problem = standing.error;
		this.#visitWork.start(visit);
	}

	// Answers.

	/** Verifies an answer that shows that the issuer knows the notes, and makes it durable. */
	#known(
		visit: Visit,
		request: Uint8Array,
		verify: (row: RequestRow) => AnswerTransaction,
	): void {
		this.#answered(visit, request, (row) => {
			const answer = verify(row);
			return isOfOwnNotes(row) ? knowingNotes(row.subject, answer) : answer;
		});
	}

	/** Verifies an answer and makes it durable. A request that nobody waits for is left alone: it is asked again when it is open. */
	#answered(
		visit: Visit,
		request: Uint8Array,
		verify: (row: RequestRow) => AnswerTransaction,
	): void {
		const id = hex(request);
		const row = visit.inFlight.get(id);
		if (row === undefined || visit.answering.has(id)) return;
		const verified = checked(() => verify(row));
		if (verified.kind === "failed")
			return this.#notTaken(visit, id, verified.error);
		visit.answering.add(id);
		this.#work.transact(
			{ kind: "recording-answer", ...visit.name, request: row.request },
			verified.value,
		);
	}

	/** The request stays open, and the issuer may have something better to say next time. All others go on. */
	#notTaken(visit: Visit, request: string, error: TetradError): void {
		visit.problem ??= error;
		this.#core.trouble(error);
		visit.inFlight.delete(request);
		visit.answering.delete(request);
		this.#visitWork.advance(visit);
	}

	/** An answer changes nothing: it does not fit what there is, or it could not be written down. */
	answerNotRecorded(
		{ request, ...name }: JobOf<"recording-answer">,
		error: TetradError,
	): void {
		const visit = this.#visits.at(name);
		if (visit === undefined) return;
		if (error.code !== "issuer-refused") return this.failed(name, error);
		this.#notTaken(visit, hex(request), error);
	}

	/** It follows from an answer also when the visit is over. */
	answerRecorded(
		{ tetrad, visit: number, request }: JobOf<"recording-answer">,
		following: Consequences | undefined,
	): void {
		if (following !== undefined) this.#apply(following);
		const visit = this.#visits.at({ tetrad, visit: number });
		if (visit === undefined) return;
		visit.inFlight.delete(hex(request));
		if (following !== undefined && visit.exchanges.has(hex(request)))
			for (const { id } of following.notes) visit.renewed.add(hex(id));
		if (following?.claimed?.state === "live")
			this.#visitWork.claimAgain(visit, following.claimed.id);
		this.#visitWork.advance(visit);
	}

	#apply({
		notes,
		receipt,
		lapsed,
		ended,
		claimed,
		sale,
		refunded,
		report,
		trouble,
	}: Consequences): void {
		for (const note of notes) this.#core.book.add(note);
		if (receipt !== undefined)
			this.#acceptance.booked(
				receipt,
				report?.kind === "deposited" ? report.credited : 0n,
			);
		if (claimed?.state === "live")
			this.#core.book.takeBack(claimed.id, claimed.spent);
		else if (claimed !== undefined) this.#core.book.drop(claimed.id);
		this.#payments.lapsed(lapsed);
		if (ended !== undefined) this.#endDoubt(ended);
		if (refunded !== undefined) this.#payments.refunded(refunded);
		if (sale !== undefined) this.#payments.saleOver(sale);
		if (trouble !== undefined) this.#core.trouble(trouble);
		if (report === undefined) return;
		this.#core.report(report);
		if (report.kind === "deposited" && report.credited < report.amount)
			this.#core.trouble(doubleSpent(report));
	}

	/** It is durable before the visit is over. */
	#secretGiven(visit: Visit, request: Uint8Array, given: GivenSecret): void {
		if (visit.secret !== hex(request) || this.#sale === undefined) return;
		const part = this.#sale;
		const { meeting, terms, name } = visit;
		const kept = checked(() =>
			part.keepSecret(meeting, terms, {
				secret: copy(given.secret),
				certificate: copy(given.certificate),
				chain: copy(given.chain),
			}),
		);
		if (kept.kind === "failed") return this.#noSecret(visit, kept.error);
		this.#work.transact(
			{ kind: "keeping-secret", ...name },
			withHead(kept.value),
		);
	}

	secretKept(name: VisitName, result: unknown): void {
		this.#sale?.secretKept(result);
		const visit = this.#visits.at(name);
		if (visit === undefined) return;
		visit.secret = undefined;
		this.#visitWork.advance(visit);
	}

	/** What was to be sold cannot be, and everything else goes on. */
	#noSecret(visit: Visit, error: TetradError): void {
		this.#core.trouble(error);
		visit.secret = undefined;
		this.#visitWork.advance(visit);
	}

	/** What became of a payment in doubt. It is asked again at the next meeting as long as that ends no doubt. */
	#inquired(visit: Visit, request: Uint8Array, said: SaidOutcome): void {
		const id = hex(request);
		const payment = visit.inquiries.get(id);
		if (payment === undefined) return;
		const verified = checked(() => recordInquired(this.#core, payment, said));
		if (verified.kind === "failed") {
			visit.problem ??= verified.error;
			visit.inquiries.delete(id);
			return this.#visitWork.advance(visit);
		}
		const { contract } = payment;
		this.#work.transact(
			{ kind: "recording-outcome", ...visit.name, contract, request },
			// Of a transfer that nobody has handed in it says nothing about the notes.
			said.state === 0
				? verified.value
				: knowingNotes(contract, verified.value),
		);
	}

	outcomeRecorded(
		{ tetrad, visit: number, request }: JobOf<"recording-outcome">,
		ended: DoubtEnded | undefined,
	): void {
		if (ended !== undefined) this.#endDoubt(ended);
		const visit = this.#visits.at({ tetrad, visit: number });
		if (visit === undefined) return;
		visit.inquiries.delete(hex(request));
		this.#visitWork.advance(visit);
	}

	#endDoubt({ kind, contract, payee, issuer, amount }: DoubtEnded): void {
		switch (kind) {
			case "paid":
				this.#payments.doubtEnded(contract, undefined);
				return this.#core.report({
					kind: "paid",
					contract,
					peer: payee,
					issuer,
					amount,
					fee: 0n,
				});
			case "short": {
				const error = shortError();
				this.#payments.doubtEnded(contract, error);
				return this.#core.trouble(error);
			}
			case "lapsed":
				return this.#payments.lapsed([contract]);
			case "lost":
				return this.#payments.doubtEnded(contract, lostError());
			default:
				return unreachable(kind);
		}
	}

	#declined(
		visit: Visit,
		fields: SaidRefusal & { readonly request: Uint8Array },
		bytes: Uint8Array,
	): void {
		const { code } = fields;
		const reason = fields.reason.replaceAll(/[^ -~]/g, "?");
		const error = new TetradError(
			code === "note-unknown" ? code : "issuer-refused",
			`the issuer says: ${reason || code}`,
		);
		const id = hex(fields.request);
		if (
			visit.state.kind === "closing" &&
			sameBytes(visit.state.request, fields.request)
		)
			return this.#visits.finish(
				visit.name,
				new TetradError(isNotNow(code) ? "busy" : error.code, error.message),
			);
		const row = visit.inFlight.get(id);
		const wasInquiry = visit.inquiries.delete(id);
		if (visit.secret === id) return this.#noSecret(visit, error);
		if (row === undefined && !wasInquiry) return;
		if (row === undefined || isNotNow(code) || visit.state.kind !== "working") {
			visit.problem ??=
				row === undefined && !isNotNow(code)
					? error
					: new TetradError("busy", error.message);
			visit.inFlight.delete(id);
			return this.#visitWork.advance(visit);
		}
		if (row.kind === "claim") this.#visitWork.claimDeclined(row.subject);
		else {
			visit.problem ??= error;
			this.#core.trouble(error);
		}
		const { graceMs } = visit.state;
		if (code === "note-unknown" && isOfOwnNotes(row))
			return this.#answered(visit, fields.request, () =>
				recordUnknown(this.#core, row, bytes, graceMs),
			);
		this.#known(visit, fields.request, () =>
			recordDeclined(
				this.#core,
				row,
				{ code, message: error.message },
				bytes,
				graceMs,
			),
		);
	}

	#account(visit: Visit, request: Uint8Array, balance: bigint): void {
		if (visit.state.kind !== "closing") return;
		if (!sameBytes(visit.state.request, request)) return;
		const { issuer } = visit.terms;
		this.#core.report({ kind: "account", issuer, balance });
		this.#visits.finish(visit.name, undefined);
	}
}

function doubleSpent({
	amount,
	credited,
}: Pick<
	Extract<PurseReport, { readonly kind: "deposited" }>,
	"amount" | "credited"
>): TetradError {
	return new TetradError(
		"double-spent",
		`${amount - credited} of ${amount} minor units that were received had been booked before: for somebody else, to whom their payer gave them as well and of which the issuer has the evidence, or for this purse, in a state of it that is gone`,
	);
}
