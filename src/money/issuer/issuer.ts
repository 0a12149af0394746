/*
 * The issuer's module. Modules come to it through a tetrad and ask; each request goes this way:
 *
 *   read ──> looked up ──> signing ──> issuing ──> answered     withdraw, exchange into notes
 *     ├────────────────> settling ─────────────────────┤        all others that may move money
 *     └─> certifying ──────────────────────────────────┘        secret
 *
 * The answer is sent when it is durable. `looked up` costs no signature for what was answered
 * before or cannot be done; `issuing` asks the same again, so two of one request issue one note.
 */
import { asTetradError, TetradError, unreachable } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import {
	Pending,
	type Transaction,
	type WorkEvent,
} from "../../machine/index.ts";
import {
	copy,
	enc,
	formOf,
	sameBytes,
	u8,
	u64,
	utf8,
} from "../../wire/index.ts";
import {
	body,
	draftNote,
	FRUITLESS_AGAIN_MS,
	type IssuerTerms,
	isNotNow,
	MAX_FRUITLESS,
	MAX_QUESTIONS,
	MAX_REQUESTS,
	MAX_TETRAD_REQUESTS,
	message,
	NO_TERMS,
	parseNote,
	parseTransfer,
	QUESTION_AGAIN_MS,
	requireCurrency,
	type Transfer,
	WITH_ISSUER,
} from "../documents/index.ts";
import type {
	Meeting,
	MoneyContext,
	MoneyEffect,
	MoneyEvent,
	MoneyMachine,
} from "../machine.ts";
import { AskingLimits } from "./asking-limits.ts";
import type {
	Issue,
	IssuerJob,
	IssuerJobOf,
	IssuerResults,
	IssuerSignatureJob,
	IssuerTransactionJob,
	IssuerWritten,
	Origin,
} from "./issuer-jobs.ts";
import {
	DAY_MS,
	type IssuerParameters,
	lifeOfNotes,
} from "./issuer-parameters.ts";
import type { IssuerReport } from "./issuer-report.ts";
import { Issuing } from "./issuing.ts";
import { Ledger, type SeenHead } from "./ledger.ts";
import {
	type Asked,
	declinedMessage,
	type RequestOutcome,
	type SettledRequest,
} from "./ledger-answers.ts";
import {
	isQuestion,
	kindOf,
	parseHeadOf,
	requestIn,
} from "./module-requests.ts";
import type { SaleJudge } from "./sale-judge.ts";
import {
	requirePayee,
	requirePayer,
	TransferChecks,
} from "./transfer-checks.ts";

/** A tetrad with a module. */
interface Client {
	readonly meeting: Meeting;
	/** Requests of it that are not answered yet. */
	requests: number;
}

type Effects = readonly MoneyEffect<IssuerReport>[];

export class IssuerMachine implements MoneyMachine<IssuerReport> {
	/** Nothing in it waits for time. */
	readonly deadline: undefined = undefined;
	readonly terms: IssuerTerms;
	readonly ledger: Ledger;
	readonly #context: MoneyContext;
	readonly #checks: TransferChecks;
	readonly #issuing: Issuing;
	readonly #sales: SaleJudge | undefined;
	readonly #requests = new AskingLimits(MAX_FRUITLESS, FRUITLESS_AGAIN_MS);
	readonly #questions = new AskingLimits(MAX_QUESTIONS, QUESTION_AGAIN_MS);
	readonly #graceMs: number;
	readonly #clients = new Map<number, Client>();
	readonly #pending = new Pending<IssuerJob>();

	/** Without `sales`, an issuer has nothing to do with them. Throws `invalid-argument` for parameters that no issuer has. */
	constructor(
		context: MoneyContext,
		parameters: IssuerParameters,
		sales?: SaleJudge,
	) {
		requireCurrency(parameters.currency);
		const { noteMs, graceMs } = lifeOfNotes(parameters);
		this.#context = context;
		this.#checks = new TransferChecks(context, sales);
		this.#sales = sales;
		this.#graceMs = graceMs;
		this.terms = {
			issuer: context.own.deviceId,
			name: context.own.name,
			currency: parameters.currency,
			isPlay: parameters.isPlay,
		};
		this.ledger = new Ledger(context.crypto, this.terms, graceMs);
		this.#issuing = new Issuing(context, this.terms, this.ledger, noteMs);
	}

	get pending(): ReadonlyMap<number, IssuerJob> {
		return this.#pending.all;
	}

	handle(event: MoneyEvent, now: number): Effects {
		switch (event.kind) {
			case "opened":
				this.#clients.set(event.meeting.tetrad, {
					meeting: event.meeting,
					requests: 0,
				});
				return [];
			case "closed":
				this.#clients.delete(event.tetrad);
				return [];
			case "from-module": {
				const client = this.#clients.get(event.tetrad);
				return client === undefined ? [] : this.#read(client, event.bytes, now);
			}
			case "written":
				return this.#written(this.#done(event), now);
			case "signed":
				return this.#signed(
					this.#pending.take(event.id, isSignature),
					event.signature,
				);
			case "not-written":
				return this.#failed(
					this.#pending.take(event.id, isTransaction),
					event.error,
				);
			case "not-signed":
				return this.#failed(
					this.#pending.take(event.id, isSignature),
					new TetradError(
						"busy",
						"the issuer cannot reach its key now; ask again later",
						{ cause: event.error },
					),
				);
			// An issuer's agent only lets modules in, and an issuer has no owner's orders.
			case "from-agent":
			case "order":
			case "override":
			case "cancel":
			case "limits":
			case "approval":
			case "give-back":
			case "receive-ecash":
			case "ecash-order":
			case "answered":
			case "not-answered":
			case "time":
				return [];
			default:
				return unreachable(event);
		}
	}

	/** A request as it comes. What cannot even be told apart from others ends the tetrad. */
	#read(client: Client, bytes: Uint8Array, now: number): Effects {
		const { tetrad } = client.meeting;
		const kind = kindOf(bytes);
		if (kind === undefined)
			return [
				end(
					tetrad,
					new TetradError(
						"unexpected-message",
						"an issuer does not take messages of this kind",
					),
				),
			];
		const origin: Origin = {
			tetrad,
			device: client.meeting.peer.deviceId,
			kind,
			request: kind === "hello" ? new Uint8Array() : requestIn(bytes),
		};
		try {
			if (
				client.requests >= MAX_TETRAD_REQUESTS ||
				this.#pending.all.size >= MAX_REQUESTS
			)
				throw new TetradError(
					"busy",
					"the issuer is at its limit of requests; ask again later",
				);
			if (!this.#limitsOf(origin).take(origin.device, now))
				throw new TetradError(
					"busy",
					"this module has asked too often for what could not be done or was answered before; ask again later",
				);
			const effect = this.#ask(client.meeting, origin, bytes, now);
			client.requests++;
			return [effect];
		} catch (thrown) {
			return this.#tellFailure(origin, asTetradError(thrown));
		}
	}

	#ask(
		{ peer, agents }: Meeting,
		origin: Origin,
		bytes: Uint8Array,
		now: number,
	): MoneyEffect<IssuerReport> {
		const { ledger } = this;
		const asked = (...what: readonly Uint8Array[]): Asked => ({
			device: peer.deviceId,
			request: origin.request,
			hash: this.#context.crypto.sha256(enc(utf8(origin.kind), ...what)),
			at: now,
		});
		const settle = (
			transaction: Transaction<RequestOutcome>,
			other?: Uint8Array,
		) => this.#transact({ kind: "settling", origin, other }, transaction);
		switch (origin.kind) {
			case "hello": {
				const head = parseHeadOf(bytes);
				return this.#transact(
					{ kind: "greeting", origin },
					ledger.meet(peer.deviceId, head, now),
				);
			}
			case "balance":
				body(WITH_ISSUER.balance, bytes);
				return this.#transact(
					{ kind: "telling-balance", origin },
					ledger.balance(peer.deviceId),
				);
			case "inquire": {
				const { transfer } = body(WITH_ISSUER.inquire, bytes);
				return this.#transact(
					{ kind: "telling-outcome", origin },
					ledger.outcome(peer.deviceId, copy(transfer)),
				);
			}
			case "withdraw": {
				const { amount } = body(WITH_ISSUER.withdraw, bytes);
				return this.#lookUp(origin, asked(formOf(u64, amount)), peer, {
					kind: "withdraw",
					amount,
				});
			}
			case "deposit": {
				const fields = body(WITH_ISSUER.deposit, bytes);
				const transfer = parseTransfer(this.#context.crypto, fields.transfer);
				const request = { ...asked(transfer.id), ...saleIn(transfer) };
				const judged = this.#checks.judge(transfer, fields, () =>
					requirePayee(transfer, peer.deviceId),
				);
				if (judged.kind === "refused")
					return settle(ledger.refuse(request, judged.refusal));
				const { verified, sale } = judged;
				return settle(
					sale === undefined
						? ledger.deposit(request, verified)
						: ledger.sales.deposit(request, verified, sale),
					sale && transfer.payer,
				);
			}
			case "exchange": {
				const fields = body(WITH_ISSUER.exchange, bytes);
				const transfer = parseTransfer(this.#context.crypto, fields.transfer);
				const { into } = fields;
				const request = asked(formOf(u8, into), transfer.id);
				const judged = this.#checks.judge(
					transfer,
					{ ...fields, terms: NO_TERMS },
					() =>
						this.#checks.requireExchange(transfer, peer, origin.request, into),
				);
				if (judged.kind === "refused")
					return settle(ledger.refuse(request, judged.refusal));
				const { verified } = judged;
				return into === 1
					? settle(ledger.exchangeIntoAccount(request, verified))
					: this.#lookUp(origin, request, peer, { kind: "exchange", verified });
			}
			case "claim": {
				const fields = body(WITH_ISSUER.claim, bytes);
				const note = parseNote(this.#context.crypto, fields.note);
				const { offset } = fields;
				const request = asked(note.id, formOf(u64, offset));
				return settle(ledger.claim(request, note, offset));
			}
			case "resolve": {
				const fields = body(WITH_ISSUER.resolve, bytes);
				const transfer = parseTransfer(this.#context.crypto, fields.transfer);
				const request = { ...asked(transfer.id), ...saleIn(transfer) };
				const judged = this.#checks.judge(transfer, fields, () =>
					requirePayer(transfer, peer.deviceId),
				);
				if (judged.kind === "refused")
					return settle(ledger.refuse(request, judged.refusal));
				const { verified, sale } = judged;
				return settle(
					sale === undefined
						? ledger.resolve(request, verified)
						: ledger.sales.resolve(request, verified, sale),
					sale && transfer.payee,
				);
			}
			case "secret": {
				const { generation } = body(WITH_ISSUER.secret, bytes);
				const seller = this.#selling().seller(
					// Never from a message: behind another agent it is another secret.
					{ module: peer.deviceId, agent: agents.other.deviceId },
					generation,
					now,
				);
				return this.#sign(
					{ kind: "certifying", origin, seller },
					this.#selling().toSign(seller),
				);
			}
			default:
				return unreachable(origin.kind);
		}
	}

	/** Throws `issuer-refused` at an issuer that knows of no sales. */
	#selling(): SaleJudge {
		if (this.#sales !== undefined) return this.#sales;
		throw new TetradError(
			"issuer-refused",
			"this issuer gives nobody a selling secret",
		);
	}

	#lookUp(
		origin: Origin,
		asked: Asked,
		peer: CertifiedDevice,
		issue: Issue,
	): MoneyEffect<IssuerReport> {
		const refusal = this.#issuing.whyNot(asked, peer);
		if (refusal !== undefined)
			return this.#transact(
				{ kind: "settling", origin },
				this.ledger.refuse(asked, refusal),
			);
		return this.#transact(
			{ kind: "looking-up", origin, asked, issue, peer },
			this.#issuing.transaction(asked, issue, undefined),
		);
	}

	#written(done: IssuerWritten, now: number): Effects {
		switch (done.kind) {
			case "greeting":
				return this.#welcome(done.job.origin, done.result);
			case "telling-balance":
				return this.#answer(
					done.job.origin,
					message(WITH_ISSUER.account, {
						request: done.job.origin.request,
						balance: done.result,
					}),
				);
			case "telling-outcome":
				return this.#answer(
					done.job.origin,
					message(WITH_ISSUER.outcome, {
						request: done.job.origin.request,
						...done.result,
					}),
				);
			case "looking-up":
				return done.result.kind === "needs-note"
					? [this.#signNote(done.job)]
					: this.#settled(done.job.origin, done.result, now);
			case "settling":
				return this.#settled(done.job.origin, done.result, now, done.job.other);
			default:
				return unreachable(done);
		}
	}

	#signNote({
		origin,
		asked,
		issue,
		peer,
	}: IssuerJobOf<"looking-up">): MoneyEffect<IssuerReport> {
		const note = this.#issuing.noteFor(asked, issue, peer);
		return this.#sign(
			{ kind: "signing", origin, asked, issue, note, peer },
			draftNote(note).toSign,
		);
	}

	#sign(
		job: IssuerSignatureJob,
		content: Uint8Array,
	): MoneyEffect<IssuerReport> {
		return { kind: "sign", id: this.#pending.add(job), content };
	}

	#signed(job: IssuerSignatureJob, signature: Uint8Array): Effects {
		const { origin } = job;
		if (job.kind === "certifying") {
			const { request } = origin;
			const chain = this.#context.own.encodedChain;
			const said = this.#selling().secret(job.seller, signature);
			return this.#answer(
				origin,
				message(WITH_ISSUER.sellingSecret, { request, ...said, chain }),
			);
		}
		const { asked, issue } = job;
		const note = this.#issuing.signed(job, signature);
		return [
			this.#transact(
				{ kind: "settling", origin },
				this.#issuing.transaction(asked, issue, note),
			),
		];
	}

	#settled(
		origin: Origin,
		outcome: RequestOutcome,
		now: number,
		other?: Uint8Array,
	): Effects {
		if (outcome.kind === "needs-note")
			throw new TetradError("internal", "a request was settled without a note");
		const name = this.#clients.get(origin.tetrad)?.meeting.peer.name;
		// The same request is under way in another tetrad, too, and may still be carried out there.
		if (
			outcome.kind === "answered" &&
			outcome.settled.kind === "declined" &&
			[...this.#pending.all.values()].some((job) =>
				sameBytes(job.origin.request, origin.request),
			)
		)
			return this.#answer(
				origin,
				declinedMessage(origin.request, {
					code: "busy",
					reason: "this request is being worked on; ask again later",
				}),
			);
		this.#count(origin, outcome, now, other);
		const effects = this.#answer(origin, outcome.answer);
		if (outcome.kind === "repeated") return effects;
		return [
			...effects,
			report({
				kind: "settled",
				tetrad: origin.tetrad,
				name: name ?? "",
				asked: origin.kind,
				settled: outcome.settled,
				sale: outcome.sale,
			}),
			...outcome.conflicts.map((conflict) =>
				report({ kind: "double-spending", conflict }),
			),
		];
	}

	/** Gives back what was not asked in vain. Both parties of a sale hand it in: whoever comes second asks what became of it, and has that question besides. */
	#count(
		{ device }: Origin,
		outcome: Exclude<RequestOutcome, { readonly kind: "needs-note" }>,
		now: number,
		other: Uint8Array | undefined,
	): void {
		switch (outcome.kind) {
			case "answered":
				if (!hasMoved(outcome.settled)) return;
				this.#requests.giveBack(device);
				if (other !== undefined) this.#questions.giveBack(other);
				return;
			case "repeated":
				// Only once the transaction has told whose it was is it known to be a question.
				if (outcome.forOther && this.#questions.take(device, now))
					this.#requests.giveBack(device);
				return;
			default:
				return unreachable(outcome);
		}
	}

	#welcome(origin: Origin, { newest, isForked }: SeenHead): Effects {
		const { currency, isPlay } = this.terms;
		const client = this.#clients.get(origin.tetrad);
		const effects = this.#answer(
			origin,
			message(WITH_ISSUER.welcome, {
				...newest,
				currency: currency.code,
				kind: { exponent: currency.exponent, isPlay },
				grace: this.#graceMs / DAY_MS,
			}),
		);
		if (!isForked || client === undefined) return effects;
		const { name } = client.meeting.peer;
		const { tetrad } = origin;
		const forked = report({
			kind: "forked",
			tetrad,
			name,
			number: newest.number,
		});
		return [...effects, forked];
	}

	#failed({ origin }: IssuerJob, error: TetradError): Effects {
		this.#limitsOf(origin).giveBack(origin.device);
		this.#leave(origin);
		return [
			...this.#tellFailure(origin, error),
			report({
				kind: "trouble",
				tetrad: origin.tetrad,
				code: error.code,
				reason: error.message,
			}),
		];
	}

	/** Declines what may be asked again and what is badly formed; everything else, and what has no request id, ends the tetrad. */
	#tellFailure({ tetrad, request }: Origin, error: TetradError): Effects {
		if (!this.#clients.has(tetrad)) return [];
		const canSay = isNotNow(error.code) || error.family === "peer";
		if (request.length === 0 || !canSay) return [end(tetrad, error)];
		const { code, message: reason } = error;
		return [toModule(tetrad, declinedMessage(request, { code, reason }))];
	}

	/** Nobody is there any more who could hear it when the tetrad is over; the answer is kept all the same. */
	#answer(origin: Origin, bytes: Uint8Array): Effects {
		return this.#leave(origin) ? [toModule(origin.tetrad, bytes)] : [];
	}

	#limitsOf({ kind }: Origin): AskingLimits {
		return isQuestion(kind) ? this.#questions : this.#requests;
	}

	#leave({ tetrad }: Origin): boolean {
		const client = this.#clients.get(tetrad);
		if (client === undefined) return false;
		client.requests--;
		return true;
	}

	#transact<Kind extends keyof IssuerResults>(
		job: IssuerJobOf<Kind> & { readonly kind: Kind },
		transaction: Transaction<IssuerResults[Kind]>,
	): MoneyEffect<IssuerReport> {
		return { kind: "transact", id: this.#pending.add(job), transaction };
	}

	#done({
		id,
		result,
	}: Extract<WorkEvent, { readonly kind: "written" }>): IssuerWritten {
		const job = this.#pending.take(id, isTransaction);
		// A store answers with what the transaction decided, and `#transact` has held that to the job.
		return { kind: job.kind, job, result } as IssuerWritten;
	}
}

function saleIn({ purpose, contract }: Transfer): Pick<Asked, "sale"> {
	return purpose === "sale" ? { sale: contract } : {};
}

/** Whether a request moved money. */
function hasMoved(settled: SettledRequest): boolean {
	return settled.kind !== "declined" && settled.amount > 0n;
}

function isSignature(job: IssuerJob): job is IssuerSignatureJob {
	return job.kind === "signing" || job.kind === "certifying";
}

function isTransaction(job: IssuerJob): job is IssuerTransactionJob {
	return !isSignature(job);
}

function end(tetrad: number, error: TetradError): MoneyEffect<IssuerReport> {
	return { kind: "end", tetrad, error };
}

function report(what: IssuerReport): MoneyEffect<IssuerReport> {
	return { kind: "report", report: what };
}

function toModule(
	tetrad: number,
	bytes: Uint8Array,
): MoneyEffect<IssuerReport> {
	return { kind: "to-module", tetrad, bytes };
}
