/*
 * Business with an issuer, in one tetrad with its module, when the own agent says so.
 *
 *   greeting ─welcome─▶ comparing heads ─▶ working ─nothing left─▶ closing ─account─▶ (settled)
 *                                          │     ▲
 *                                          └──▶──┘ open requests, deposits, exchanges, claims
 *
 * A request is durable before it is sent, and is sent again at each meeting until its answer is
 * durable:  ordered ──▶ answered | declined.  An answer that comes twice changes nothing.
 */
import { asTetradError, TetradError, unreachable } from "../../errors.ts";
import { insert } from "../../machine/index.ts";
import {
	copy,
	hex,
	parseUtf8,
	sameBytes,
	utf8,
	utf8Within,
} from "../../wire/index.ts";
import {
	amountBytes,
	body,
	FIRST_HEAD,
	headFields,
	type IssuerTerms,
	MAX_REASON_BYTES,
	message,
	openOrder,
	parseUint64,
	REQUEST_ID_BYTES,
	sameMoney,
	WITH_AGENT,
	WITH_ISSUER,
} from "../documents/index.ts";
import { commitTransfer } from "./commit-transfer.ts";
import {
	type Answering,
	bookedOutcome,
	declinedOutcome,
	type Effect,
	gaveBackOutcome,
	issuedOutcome,
} from "./issuer-answers.ts";
import { nextExchange } from "./issuer-exchange.ts";
import {
	claimRequests,
	depositRequests,
	newRequest,
	openRequests,
	orderRequest,
} from "./issuer-requests.ts";
import { notesOf } from "./new-notes.ts";
import {
	attempt,
	earliest,
	type OpenMeeting,
	type PurseCore,
} from "./purse-core.ts";
import {
	ANSWER_WITHIN_MS,
	CLAIM_AGAIN_MS,
	MAX_ASKERS,
	MAX_REQUESTS_IN_FLIGHT,
} from "./purse-limits.ts";
import type { PurseReport } from "./purse-report.ts";
import { REQUESTS, type ReceiptRow, type RequestRow } from "./purse-tables.ts";

/** What other parts of the purse have to hear. */
export interface SettlingPort {
	/** The issuer has answered for what was received. */
	readonly booked: (row: ReceiptRow) => void;
	/** These payments are in doubt no more, because their notes were claimed. */
	readonly lapsed: (contracts: readonly Uint8Array[]) => void;
}

type State =
	| { readonly kind: "greeting" }
	| { readonly kind: "comparing" }
	| ({ readonly kind: "working" } & Work)
	| { readonly kind: "closing"; readonly request: Uint8Array };

interface Work {
	/** Requests to send next; all are durable. */
	readonly toSend: readonly RequestRow[];
	/** Where more of them come from when those are sent. */
	readonly source: Source;
	/** A transaction or a signature is under way that brings more. */
	readonly isLooking: boolean;
}

type Source =
	| { readonly kind: "open" }
	/** Contracts of receipts above this one. */
	| { readonly kind: "deposits"; readonly above: Uint8Array }
	| { readonly kind: "exchanges" }
	| { readonly kind: "claims" }
	| { readonly kind: "none" };

interface Run {
	readonly meeting: OpenMeeting;
	readonly terms: IssuerTerms;
	/** How often the agent asked. */
	askers: number;
	state: State;
	/** When it is over if nothing comes. */
	until: number;
	/** Sent and not answered, or answered and not durable, by request in hexadecimal. */
	readonly inFlight: Map<string, RequestRow>;
	/** Answers that are being made durable. */
	readonly answering: Set<string>;
	/** The owner's order to give everything back, if there is one. */
	giveBack: RequestRow | undefined;
	/** Notes that were claimed already, in hexadecimal. */
	readonly claimed: Set<string>;
	/** The first thing that went wrong. */
	problem: TetradError | undefined;
}

/** Said of what was not even looked at; the request stays open. */
const NOT_NOW: readonly string[] = ["busy", "store-full", "store-failed"];

export class Settling {
	readonly #core: PurseCore;
	readonly #port: SettlingPort;
	readonly #runs = new Map<number, Run>();
	/** Notes whose claim was declined, in hexadecimal, and when it is worth another try. */
	readonly #claimAgain = new Map<string, number>();

	constructor(core: PurseCore, port: SettlingPort) {
		this.#core = core;
		this.#port = port;
	}

	get deadline(): number | undefined {
		return earliest(this.#runs.values().map(({ until }) => until));
	}

	// What the owner orders.

	order(document: Uint8Array): void {
		const { owner, context } = this.#core.options;
		if (owner === undefined)
			return this.#trouble(
				new TetradError(
					"invalid-argument",
					"this purse takes no orders: it does not know its owner's key",
				),
			);
		try {
			const { crypto } = context;
			const { body } = openOrder(crypto, document, this.#core.ownId, owner);
			const { request, issuer, amount } = body;
			this.#orderOnce(
				newRequest({
					request,
					kind: "withdraw",
					issuer,
					amount,
					message: message(WITH_ISSUER.withdraw, {
						request,
						amount: amountBytes(amount),
					}),
				}),
			);
		} catch (thrown) {
			this.#trouble(asTetradError(thrown));
		}
	}

	giveBack(request: Uint8Array, issuer: Uint8Array): void {
		this.#orderOnce(
			newRequest({
				request: copy(request),
				kind: "give-back",
				issuer: copy(issuer),
				amount: 0n,
				message: new Uint8Array(),
			}),
		);
	}

	#orderOnce(row: RequestRow): void {
		if (this.#core.termsOf(row.issuer) === undefined)
			return this.#trouble(
				new TetradError(
					"invalid-argument",
					"this purse does not know that issuer: import its terms",
				),
			);
		this.#core.transact(
			orderRequest(this.#core, row),
			({ isNew }) => {
				const { request, issuer, amount } = row;
				if (isNew)
					this.#core.report({ kind: "ordered", request, issuer, amount });
			},
			(error) => this.#trouble(error),
		);
	}

	// What the own agent says. Throws for what is no such message.

	settle(meeting: OpenMeeting, bytes: Uint8Array): void {
		const { issuer } = body(WITH_AGENT.settle, bytes);
		const terms = this.#core.termsOf(issuer);
		const running = this.#runs.get(meeting.tetrad);
		if (terms === undefined || !sameBytes(meeting.peer.deviceId, terms.issuer))
			return this.#tellSettled(
				meeting.tetrad,
				new TetradError(
					"issuer-refused",
					terms === undefined
						? "this purse does not know that issuer: import its terms"
						: "the other module is not that issuer's",
				),
			);
		if (running !== undefined && running.askers >= MAX_ASKERS)
			return this.#tellSettled(
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
		this.#runs.set(meeting.tetrad, {
			meeting,
			terms,
			askers: 1,
			state: { kind: "greeting" },
			until: this.#core.now + ANSWER_WITHIN_MS,
			inFlight: new Map(),
			answering: new Set(),
			giveBack: undefined,
			claimed: new Set(),
			problem: undefined,
		});
		// It says nothing of this purse yet, so that nothing newer is overwritten there.
		this.#core.toModule(
			meeting.tetrad,
			message(WITH_ISSUER.hello, headFields(FIRST_HEAD)),
		);
	}

	// What the issuer says. Throws for what is no such message.

	hear({ tetrad, peer }: OpenMeeting, bytes: Uint8Array): void {
		if (this.#core.termsOf(peer.deviceId) === undefined)
			throw new TetradError(
				"unexpected-message",
				"the other module answers as an issuer, and is none that this purse knows",
			);
		const run = this.#runs.get(tetrad);
		if (run === undefined) return;
		run.until = this.#core.now + ANSWER_WITHIN_MS;
		switch (bytes[0]) {
			case WITH_ISSUER.welcome.type:
				return this.#welcome(run, bytes);
			case WITH_ISSUER.issued.type: {
				const fields = body(WITH_ISSUER.issued, bytes);
				return this.#answered(run, fields.request, (row) => {
					const { options, chains, now } = this.#core;
					const notes = notesOf(options.context, run.terms, row, fields, now);
					chains.set(hex(notes.chain.hash), notes.chain.chain);
					return issuedOutcome(this.#core, row, notes, bytes);
				});
			}
			case WITH_ISSUER.booked.type: {
				const { request, credited } = body(WITH_ISSUER.booked, bytes);
				return this.#answered(run, request, (row) =>
					bookedOutcome(this.#core, row, parseUint64(credited), bytes),
				);
			}
			case WITH_ISSUER.account.type: {
				const { request, balance } = body(WITH_ISSUER.account, bytes);
				return this.#account(run, request, parseUint64(balance));
			}
			default: {
				const fields = body(WITH_ISSUER.declined, bytes);
				return this.#declined(run, fields, bytes);
			}
		}
	}

	closed(tetrad: number): void {
		this.#runs.delete(tetrad);
	}

	time(): void {
		for (const run of [...this.#runs.values()])
			if (run.until <= this.#core.now)
				this.#finish(
					run,
					new TetradError(
						"timed-out",
						"the issuer has not answered; what is open is asked again at the next meeting",
					),
				);
	}

	// The steps.

	#welcome(run: Run, bytes: Uint8Array): void {
		const { number, hash, currency, kind } = body(WITH_ISSUER.welcome, bytes);
		if (run.state.kind !== "greeting") return;
		const { issuer } = run.terms;
		const [exponent = 0, play = 0] = kind;
		const said = {
			issuer,
			currency: { code: parseUtf8(currency), exponent },
			isPlay: play === 1,
		};
		if (!sameMoney(run.terms, said))
			return this.#finish(
				run,
				new TetradError(
					"issuer-refused",
					"the issuer's terms are not those that this purse was given: import them anew, if you trust them",
				),
			);
		run.state = { kind: "comparing" };
		const record = { number: parseUint64(number), hash: copy(hash) };
		this.#core.compare(record, "issuer", () => {
			if (!this.#isCurrent(run)) return;
			if (this.#core.standing.kind === "behind")
				run.problem = this.#core.standing.error;
			run.state = {
				kind: "working",
				toSend: [],
				source: { kind: "open" },
				isLooking: false,
			};
			this.#advance(run);
		});
	}

	/** Sends what can be sent, and looks for more. */
	#advance(run: Run): void {
		if (!this.#isCurrent(run) || run.state.kind !== "working") return;
		const { toSend, source, isLooking } = run.state;
		const room = MAX_REQUESTS_IN_FLIGHT - run.inFlight.size;
		for (const row of toSend.slice(0, room)) this.#send(run, row);
		const rest = toSend.slice(room);
		run.state = { kind: "working", toSend: rest, source, isLooking };
		if (
			rest.length > 0 ||
			run.inFlight.size >= MAX_REQUESTS_IN_FLIGHT ||
			isLooking
		)
			return;
		// What is still to come may bring notes that have to go back, too.
		if (source.kind === "exchanges" && run.inFlight.size > 0) return;
		if (source.kind !== "none") this.#lookForMore(run, source);
		else if (run.inFlight.size === 0) this.#close(run);
	}

	#send(run: Run, row: RequestRow): void {
		run.inFlight.set(hex(row.request), row);
		run.until = this.#core.now + ANSWER_WITHIN_MS;
		this.#core.toModule(run.meeting.tetrad, row.message);
	}

	#lookForMore(run: Run, source: Source): void {
		run.state = { kind: "working", toSend: [], source, isLooking: true };
		const { issuer } = run.terms;
		const failed = (error: TetradError) => this.#finish(run, error);
		switch (source.kind) {
			case "open":
				return this.#core.transact(
					openRequests(this.#core, issuer),
					(rows) => this.#foundOpen(run, rows),
					failed,
				);
			case "deposits":
				return this.#core.transact(
					depositRequests(this.#core, issuer, source.above),
					({ rows, above }) =>
						this.#found(
							run,
							rows,
							above === undefined
								? { kind: "exchanges" }
								: { kind: "deposits", above },
						),
					failed,
				);
			case "exchanges":
				return this.#exchange(run);
			case "claims":
				return this.#core.transact(
					claimRequests(this.#core, issuer, (note) =>
						this.#isToClaim(run, note),
					),
					(rows) => {
						for (const { subject } of rows) run.claimed.add(hex(subject));
						this.#found(
							run,
							rows,
							rows.length === 0 ? { kind: "none" } : { kind: "claims" },
						);
					},
					failed,
				);
			case "none":
				return;
			default:
				return unreachable(source);
		}
	}

	#foundOpen(run: Run, rows: readonly RequestRow[]): void {
		run.giveBack = rows.find(({ kind }) => kind === "give-back");
		for (const { kind, subject } of rows)
			if (kind === "claim") run.claimed.add(hex(subject));
		// New notes would be of no use to a purse that must not pay.
		const isBehind = this.#core.standing.kind === "behind";
		const toSend = rows.filter(
			({ kind }) => kind !== "give-back" && !(isBehind && kind === "withdraw"),
		);
		this.#found(run, toSend, { kind: "deposits", above: new Uint8Array() });
	}

	#found(run: Run, rows: readonly RequestRow[], source: Source): void {
		if (!this.#isCurrent(run)) return;
		run.state = { kind: "working", toSend: rows, source, isLooking: false };
		this.#advance(run);
	}

	/** Own notes go to the issuer like any payment: their ranges are given away before the transfer leaves. */
	#exchange(run: Run): void {
		const core = this.#core;
		const into = run.giveBack === undefined ? 0 : 1;
		const next = nextExchange(core, run.meeting, into);
		if (next === undefined)
			return run.giveBack === undefined
				? this.#found(run, [], { kind: "claims" })
				: this.#gaveBack(run, run.giveBack);
		const behind = core.whyNotPay();
		if (behind !== undefined) {
			run.problem ??= behind;
			return this.#found(run, [], { kind: "claims" });
		}
		const { selection } = next;
		const failed = (error: TetradError) => {
			core.book.release(selection);
			this.#finish(run, error);
		};
		core.book.reserve(selection);
		core.sign(
			next.toSign,
			(signature) => {
				const { ready, request } = next.signed(signature);
				const behind = core.whyNotPay();
				if (behind !== undefined) return failed(behind);
				core.transact(
					commitTransfer(core, ready, [insert(REQUESTS, request)]),
					(row) => {
						if (row === undefined) return failed(disagreement());
						core.book.commit(selection);
						this.#found(run, [request], { kind: "exchanges" });
					},
					failed,
				);
			},
			failed,
		);
	}

	/** Nothing is left that could be given back. */
	#gaveBack(run: Run, order: RequestRow): void {
		run.giveBack = undefined;
		this.#core.transact(
			gaveBackOutcome(this.#core, order),
			() => this.#found(run, [], { kind: "claims" }),
			(error) => this.#finish(run, error),
		);
	}

	#isToClaim(run: Run, noteId: Uint8Array): boolean {
		const id = hex(noteId);
		return (
			!run.claimed.has(id) && (this.#claimAgain.get(id) ?? 0) <= this.#core.now
		);
	}

	/** Verifies an answer and makes it durable. A request that nobody waits for is left alone: it is asked again when it is open. */
	#answered(
		run: Run,
		request: Uint8Array,
		outcome: (row: RequestRow) => Answering,
	): void {
		const id = hex(request);
		const row = run.inFlight.get(id);
		if (row === undefined || run.answering.has(id)) return;
		const verified = attempt(() => outcome(row));
		// It stays open, and the issuer may have something better to say next time.
		if (verified.kind === "failed") return this.#finish(run, verified.error);
		run.answering.add(id);
		this.#core.transact(
			verified.value,
			(changed) => {
				if (changed !== undefined) this.#apply(changed);
				run.inFlight.delete(id);
				this.#advance(run);
			},
			(error) => this.#finish(run, error),
		);
	}

	#apply({ notes, receipt, lapsed, claimed, report }: Effect): void {
		for (const note of notes) this.#core.book.add(note);
		if (receipt !== undefined) this.#port.booked(receipt);
		if (claimed !== undefined) this.#core.book.drop(claimed);
		this.#port.lapsed(lapsed);
		if (report === undefined) return;
		this.#core.report(report);
		if (report.kind === "deposited" && report.credited < report.amount)
			this.#trouble(doubleSpent(report));
	}

	#declined(
		run: Run,
		fields: { readonly [Name in "request" | "code" | "reason"]: Uint8Array },
		bytes: Uint8Array,
	): void {
		const code = parseUtf8(fields.code);
		const reason = parseUtf8(fields.reason).replaceAll(/[^ -~]/g, "?");
		const error = new TetradError(
			"issuer-refused",
			`the issuer says: ${reason || code}`,
		);
		const row = run.inFlight.get(hex(fields.request));
		if (row === undefined) return;
		if (NOT_NOW.includes(code)) {
			run.problem ??= new TetradError("busy", error.message);
			run.inFlight.delete(hex(row.request));
			return this.#advance(run);
		}
		if (row.kind === "claim")
			this.#claimAgain.set(hex(row.subject), this.#core.now + CLAIM_AGAIN_MS);
		else {
			run.problem ??= error;
			this.#trouble(error);
		}
		this.#answered(run, fields.request, () =>
			declinedOutcome(this.#core, row, bytes),
		);
	}

	/** All is done: the issuer may know now how far this purse has come. */
	#close(run: Run): void {
		const { tetrad } = run.meeting;
		if (this.#core.standing.kind === "agreed")
			this.#core.toModule(
				tetrad,
				message(WITH_ISSUER.hello, headFields(this.#core.head)),
			);
		const request = this.#core.options.context.crypto.random(REQUEST_ID_BYTES);
		run.state = { kind: "closing", request };
		run.until = this.#core.now + ANSWER_WITHIN_MS;
		this.#core.toModule(tetrad, message(WITH_ISSUER.balance, { request }));
	}

	#account(run: Run, request: Uint8Array, balance: bigint): void {
		if (run.state.kind !== "closing") return;
		if (!sameBytes(run.state.request, request)) return;
		const { issuer } = run.terms;
		this.#core.report({ kind: "account", issuer, balance });
		this.#finish(run, undefined);
	}

	#finish(run: Run, error: TetradError | undefined): void {
		if (!this.#isCurrent(run)) return;
		const { tetrad } = run.meeting;
		this.#runs.delete(tetrad);
		if (error !== undefined) this.#trouble(error);
		this.#core.witness(tetrad);
		for (let i = 0; i < run.askers; i++)
			this.#tellSettled(tetrad, run.problem ?? error);
	}

	#tellSettled(tetrad: number, error: TetradError | undefined): void {
		this.#core.toAgent(
			tetrad,
			message(WITH_AGENT.settled, {
				code: utf8(error?.code ?? ""),
				reason: utf8Within(error?.message ?? "", MAX_REASON_BYTES),
			}),
		);
	}

	#trouble(error: TetradError): void {
		this.#core.report({ kind: "trouble", error });
	}

	#isCurrent(run: Run): boolean {
		return this.#runs.get(run.meeting.tetrad) === run;
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

function disagreement(): TetradError {
	return new TetradError("internal", "the purse and its store do not agree");
}
