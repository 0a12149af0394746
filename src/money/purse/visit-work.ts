/*
 * What is done in a visit to an issuer once heads are compared: requests that are open are sent
 * again, and then new ones, for deposits, exchanges and claims and to resolve what was committed,
 * until nothing is left.
 */
import { TetradError, unreachable } from "../../errors.ts";
import { insert } from "../../machine/index.ts";
import { hex } from "../../wire/index.ts";
import {
	draftTransfer,
	message,
	REQUEST_ID_BYTES,
	WITH_ISSUER,
} from "../documents/index.ts";
import { type CommitResult, commitTransfer } from "./commit-transfer.ts";
import { recordGivenBack } from "./issuer-answers.ts";
import { nextExchange, signedExchange } from "./issuer-exchange.ts";
import {
	claimRequests,
	depositRequests,
	FIRST_SALES,
	type NewDeposits,
	type NewSaleResolutions,
	openRequests,
	resolveRequests,
	saleRequests,
} from "./issuer-requests.ts";
import type { IssuerVisits, Source, Visit } from "./issuer-visits.ts";
import type { OpenPayments } from "./open-payments.ts";
import type { CommittedPayment } from "./payment-state.ts";
import type { JobOf, VisitName } from "./pending-jobs.ts";
import type { Selection } from "./purse-book.ts";
import type { PurseCore } from "./purse-core.ts";
import {
	ANSWER_WITHIN_MS,
	CLAIM_AGAIN_MS,
	MAX_REQUESTS_IN_FLIGHT,
} from "./purse-limits.ts";
import type { PurseParts } from "./purse-parts.ts";
import { REQUESTS, type RequestRow } from "./purse-tables.ts";
import type { PurseWork } from "./purse-work.ts";
import type { SalePart } from "./sale-part.ts";
import type { Witnesses } from "./witnesses.ts";

export class VisitWork {
	readonly #core: PurseCore;
	readonly #work: PurseWork;
	readonly #witnesses: Witnesses;
	readonly #visits: IssuerVisits;
	readonly #payments: OpenPayments;
	readonly #sale: SalePart | undefined;
	/** Notes whose claim was declined, in hexadecimal, and when. */
	readonly #claimDeclined = new Map<string, number>();

	/** What of `payments` is in doubt is asked of its issuer. */
	constructor(
		{ core, work, witnesses, sale }: PurseParts,
		visits: IssuerVisits,
		payments: OpenPayments,
	) {
		this.#core = core;
		this.#work = work;
		this.#sale = sale;
		this.#witnesses = witnesses;
		this.#visits = visits;
		this.#payments = payments;
	}

	/** The issuer will not have that note claimed now. */
	claimDeclined(note: Uint8Array): void {
		this.#claimDeclined.set(hex(note), this.#core.now);
	}

	/** There is more to claim of that note. */
	claimAgain(visit: Visit, note: Uint8Array): void {
		visit.claimed.delete(hex(note));
		if (visit.state.kind !== "working") return;
		visit.state = { ...visit.state, source: { kind: "claims" } };
	}

	start(visit: Visit): void {
		if (visit.state.kind !== "comparing") return;
		const { graceMs } = visit.state;
		visit.state = {
			kind: "working",
			graceMs,
			toSend: [],
			source: { kind: "open" },
			isLooking: false,
		};
		this.#askForSecret(visit);
		this.advance(visit);
	}

	/** Whoever sells may want another selling secret. */
	#askForSecret(visit: Visit): void {
		const { meeting, terms } = visit;
		const generation = this.#sale?.wantedSecret(meeting, terms);
		if (generation === undefined) return;
		const request = this.#core.options.context.crypto.random(REQUEST_ID_BYTES);
		visit.secret = hex(request);
		visit.until = this.#core.now + ANSWER_WITHIN_MS;
		this.#core.toModule(
			meeting.tetrad,
			message(WITH_ISSUER.secret, { request, generation }),
		);
	}

	/** Sends what can be sent, and looks for more. */
	advance(visit: Visit): void {
		if (visit.state.kind !== "working") return;
		const { toSend, source, isLooking } = visit.state;
		const room = MAX_REQUESTS_IN_FLIGHT - underWay(visit);
		const sent = toSend.slice(0, room);
		// As with a payment, the agent knows of a transfer before it leaves: the tetrad in which it was committed may have ended before that, too.
		if (sent.some(hasTransfer)) this.#witnesses.tell(visit.meeting.tetrad);
		for (const row of sent) this.#send(visit, row);
		const rest = toSend.slice(room);
		visit.state = { ...visit.state, toSend: rest };
		if (
			rest.length > 0 ||
			underWay(visit) >= MAX_REQUESTS_IN_FLIGHT ||
			isLooking
		)
			return;
		// What is still to come may bring notes that have to go back, too.
		if (source.kind === "exchanges" && underWay(visit) > 0) return;
		if (source.kind !== "none") this.#lookForMore(visit, source);
		else if (underWay(visit) === 0) this.#close(visit);
	}

	#send(visit: Visit, row: RequestRow): void {
		visit.inFlight.set(hex(row.request), row);
		visit.until = this.#core.now + ANSWER_WITHIN_MS;
		this.#core.toModule(visit.meeting.tetrad, row.message);
	}

	#lookForMore(visit: Visit, source: Source): void {
		if (visit.state.kind !== "working") return;
		visit.state = { ...visit.state, toSend: [], source, isLooking: true };
		const { graceMs } = visit.state;
		const { name, terms } = visit;
		const { issuer } = terms;
		switch (source.kind) {
			case "open":
				return this.#work.transact(
					{ kind: "reading-open-requests", ...name },
					openRequests(this.#core, issuer, {
						// New notes would be of no use to a purse that must not pay.
						withdraws: this.#witnesses.standing.kind !== "behind",
					}),
				);
			case "sales":
				return this.#work.transact(
					{ kind: "requesting-sales", ...name },
					saleRequests(this.#core, issuer, source.cursor, visit.resolved),
				);
			case "doubts":
				return this.#inquire(visit, source.left);
			case "deposits":
				return this.#work.transact(
					{ kind: "requesting-deposits", ...name },
					depositRequests(this.#core, issuer, graceMs, source.above),
				);
			case "exchanges":
				return this.#exchange(visit);
			case "claims":
				return this.#work.transact(
					{ kind: "requesting-claims", ...name },
					claimRequests(this.#core, issuer, graceMs, this.#notToClaim(visit)),
				);
			case "resolutions":
				return this.#work.transact(
					{ kind: "requesting-resolutions", ...name },
					resolveRequests(this.#core, issuer, graceMs, visit.resolved),
				);
			case "none":
				return;
			default:
				return unreachable(source);
		}
	}

	openRequestsRead(name: VisitName, rows: readonly RequestRow[]): void {
		const visit = this.#visits.at(name);
		if (visit === undefined) return;
		visit.giveBack = rows.find(({ kind }) => kind === "give-back");
		for (const { kind, subject } of rows)
			if (kind === "claim") visit.claimed.add(hex(subject));
		const isBehind = this.#witnesses.standing.kind === "behind";
		const toSend = rows.filter(
			({ kind }) => kind !== "give-back" && !(isBehind && kind === "withdraw"),
		);
		this.#found(visit, toSend, { kind: "sales", cursor: FIRST_SALES });
	}

	salesRequested(name: VisitName, { rows, next }: NewSaleResolutions): void {
		const visit = this.#visits.at(name);
		if (visit === undefined) return;
		for (const { subject } of rows) visit.resolved.add(hex(subject));
		const left = this.#payments.inDoubtAt(visit.terms.issuer);
		this.#found(
			visit,
			rows,
			next === undefined
				? { kind: "doubts", left }
				: { kind: "sales", cursor: next },
		);
	}

	/** Asks what became of payments in doubt, as many as there is room for: before anything is claimed of their notes. */
	#inquire(visit: Visit, left: readonly CommittedPayment[]): void {
		const room = MAX_REQUESTS_IN_FLIGHT - underWay(visit);
		const { crypto } = this.#core.options.context;
		for (const payment of left.slice(0, room)) {
			const request = crypto.random(REQUEST_ID_BYTES);
			visit.inquiries.set(hex(request), payment);
			visit.until = this.#core.now + ANSWER_WITHIN_MS;
			this.#core.toModule(
				visit.meeting.tetrad,
				message(WITH_ISSUER.inquire, { request, transfer: payment.transferId }),
			);
		}
		const rest = left.slice(room);
		this.#found(
			visit,
			[],
			rest.length > 0
				? { kind: "doubts", left: rest }
				: { kind: "deposits", above: new Uint8Array() },
		);
	}

	depositsRequested(name: VisitName, { rows, above }: NewDeposits): void {
		this.#found(
			this.#visits.at(name),
			rows,
			above === undefined ? { kind: "exchanges" } : { kind: "deposits", above },
		);
	}

	claimsRequested(name: VisitName, rows: readonly RequestRow[]): void {
		const visit = this.#visits.at(name);
		for (const { subject } of rows) visit?.claimed.add(hex(subject));
		this.#found(
			visit,
			rows,
			rows.length === 0 ? { kind: "resolutions" } : { kind: "claims" },
		);
	}

	resolutionsRequested(name: VisitName, rows: readonly RequestRow[]): void {
		const visit = this.#visits.at(name);
		for (const { subject } of rows) visit?.resolved.add(hex(subject));
		this.#found(
			visit,
			rows,
			rows.length === 0 ? { kind: "none" } : { kind: "resolutions" },
		);
	}

	#found(
		visit: Visit | undefined,
		rows: readonly RequestRow[],
		source: Source,
	): void {
		if (visit?.state.kind !== "working") return;
		visit.state = { ...visit.state, toSend: rows, source, isLooking: false };
		this.advance(visit);
	}

	/** Notes that are claimed, or whose claim was declined not long ago, in hexadecimal. */
	#notToClaim({ claimed }: Visit): ReadonlySet<string> {
		const { now } = this.#core;
		// The clock may have been set back since then.
		const declined = [...this.#claimDeclined]
			.filter(([, at]) => at <= now && now < at + CLAIM_AGAIN_MS)
			.map(([id]) => id);
		return new Set([...claimed, ...declined]);
	}

	// Exchanges: own notes go to the issuer like any payment, and their ranges are given away before the transfer leaves.

	#exchange(visit: Visit): void {
		const { name, meeting, giveBack } = visit;
		const exchange = nextExchange(
			this.#core,
			meeting,
			giveBack === undefined ? 0 : 1,
			visit.renewed,
		);
		if (exchange === undefined)
			return giveBack === undefined
				? this.#found(visit, [], { kind: "claims" })
				: this.#closeGiveBack(visit, giveBack);
		const behind = this.#witnesses.whyNotPay(visit.terms.issuer);
		if (behind !== undefined) {
			visit.problem ??= behind;
			return this.#found(visit, [], { kind: "claims" });
		}
		this.#core.book.reserve(exchange.selection);
		const { toSign } = draftTransfer(exchange.transfer);
		this.#work.sign(
			{ kind: "signing-exchange", ...name, exchange },
			toSign,
			exchange.under,
		);
	}

	exchangeSigned(
		{ tetrad, visit, exchange }: JobOf<"signing-exchange">,
		signature: Uint8Array,
	): void {
		const { selection } = exchange;
		const signed = signedExchange(this.#core, exchange, signature);
		const behind = this.#witnesses.whyNotPay(signed.request.issuer);
		if (behind !== undefined)
			return this.exchangeFailed({ tetrad, visit }, selection, behind);
		const { ready, request } = signed;
		this.#work.transact(
			{ kind: "committing-exchange", tetrad, visit, selection, request },
			commitTransfer(this.#core, ready, [insert(REQUESTS, request)]),
		);
	}

	exchangeCommitted(
		{ tetrad, visit, selection, request }: JobOf<"committing-exchange">,
		row: CommitResult,
	): void {
		const name = { tetrad, visit };
		if (row === undefined || row === "aborted")
			return this.exchangeFailed(name, selection, disagreement());
		this.#core.book.commit(selection);
		const found = this.#visits.at(name);
		found?.exchanges.add(hex(request.request));
		this.#found(found, [request], { kind: "exchanges" });
	}

	/** These ranges certainly were not given away. */
	exchangeFailed(
		name: VisitName,
		selection: Selection,
		error: TetradError,
	): void {
		this.#core.book.release(selection);
		this.#visits.finish(name, error);
	}

	/** Nothing is left that could be given back. */
	#closeGiveBack(visit: Visit, order: RequestRow): void {
		visit.giveBack = undefined;
		this.#work.transact(
			{ kind: "closing-give-back", ...visit.name },
			recordGivenBack(this.#core, order),
		);
	}

	giveBackClosed(name: VisitName): void {
		this.#found(this.#visits.at(name), [], { kind: "claims" });
	}

	/** All is done: the issuer may know now how far this purse has come. */
	#close(visit: Visit): void {
		const { tetrad } = visit.meeting;
		if (this.#witnesses.standing.kind === "agreed")
			this.#core.toModule(
				tetrad,
				message(WITH_ISSUER.hello, this.#witnesses.head),
			);
		const request = this.#core.options.context.crypto.random(REQUEST_ID_BYTES);
		visit.state = { kind: "closing", request };
		visit.until = this.#core.now + ANSWER_WITHIN_MS;
		this.#core.toModule(tetrad, message(WITH_ISSUER.balance, { request }));
	}
}

/** Whether it gives away ranges of own notes that no payment has given away. */
function hasTransfer({ kind }: RequestRow): boolean {
	return kind === "exchange" || kind === "return";
}

/** What was asked and is not answered. */
function underWay({ inFlight, inquiries, secret }: Visit): number {
	return inFlight.size + inquiries.size + (secret === undefined ? 0 : 1);
}

function disagreement(): TetradError {
	return new TetradError("internal", "the purse and its store do not agree");
}
