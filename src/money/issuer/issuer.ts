/*
 * The issuer's module. Modules come to it through a tetrad and ask; each request goes this way:
 *
 *   read ──> looked up ──> signing ──> issuing ──> answered     withdraw, exchange into notes
 *     └────────────────> settling ─────────────────────┘        all others
 *
 * The answer is sent when it is durable. `looked up` costs no signature for what was answered
 * before or cannot be done; `issuing` asks the same again, so two of one request issue one note.
 */
import {
	asTetradError,
	type ErrorCode,
	TetradError,
	unreachable,
} from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import type { Transaction } from "../../machine/index.ts";
import { enc, sameBytes, utf8 } from "../../wire/index.ts";
import {
	body,
	type Currency,
	draftNote,
	exchangeContract,
	GRACE_DAYS,
	type Head,
	headFields,
	type IssuerTerms,
	MAX_GRACE_DAYS,
	MAX_ISSUER_CHAINS,
	MAX_NOTE_DAYS,
	MAX_PIECES,
	MAX_REQUESTS,
	MAX_TETRAD_REQUESTS,
	MIN_NOTE_LIFE_MS,
	message,
	NOTE_DAYS,
	parseAmountBytes,
	parseList,
	parseNote,
	parseTransfer,
	requireCurrency,
	type Transfer,
	uint64,
	type VerifiedTransfer,
	verifyNote,
	verifyTransfer,
	WITH_ISSUER,
} from "../documents/index.ts";
import type {
	Meeting,
	MoneyContext,
	MoneyEffect,
	MoneyEvent,
	MoneyMachine,
} from "../machine.ts";
import type { Issue, Job, Origin } from "./issuer-jobs.ts";
import type { IssuerReport } from "./issuer-report.ts";
import { Ledger, type NewNote } from "./ledger.ts";
import {
	type Asked,
	declinedMessage,
	type Refusal,
	type RequestOutcome,
} from "./ledger-answers.ts";
import { noteSerial } from "./ledger-ids.ts";
import {
	kindOf,
	parseHeadOf,
	parseInto,
	requestIn,
} from "./module-requests.ts";
import { OwnCertificates, refused } from "./own-certificates.ts";

const DAY_MS = 86_400_000;

export interface IssuerParameters {
	readonly currency: Currency;
	readonly isPlay: boolean;
	/** From the issue of a note to its expiry; `NOTE_DAYS` unless given. */
	readonly noteDays?: number;
	/** From there until what is left of it can be claimed; `GRACE_DAYS` unless given. */
	readonly graceDays?: number;
}

/** A tetrad with a module. */
interface Client {
	readonly meeting: Meeting;
	/** Requests of it that are not answered yet. */
	requests: number;
}

/** What can be said of a transfer without the ledger. */
type Judged =
	| { readonly kind: "verified"; readonly verified: VerifiedTransfer }
	| { readonly kind: "refused"; readonly refusal: Refusal };

type Effects = readonly MoneyEffect<IssuerReport>[];

/** What may be asked again without having been answered. */
const NOT_NOW: readonly ErrorCode[] = ["busy", "store-full", "store-failed"];

export class IssuerMachine implements MoneyMachine<IssuerReport> {
	/** Nothing in it waits for time. */
	readonly deadline = undefined;
	readonly terms: IssuerTerms;
	readonly ledger: Ledger;
	readonly #context: MoneyContext;
	readonly #own: OwnCertificates;
	readonly #noteMs: number;
	readonly #graceMs: number;
	readonly #clients = new Map<number, Client>();
	readonly #jobs = new Map<number, Job>();
	#ids = 0;

	/** Throws `invalid-argument` for parameters that no issuer has. */
	constructor(context: MoneyContext, parameters: IssuerParameters) {
		const { noteDays = NOTE_DAYS, graceDays = GRACE_DAYS } = parameters;
		requireCurrency(parameters.currency);
		requireDays("notes live", noteDays, 1, MAX_NOTE_DAYS);
		requireDays("the grace lasts", graceDays, 0, MAX_GRACE_DAYS);
		this.#context = context;
		this.#own = new OwnCertificates(context);
		this.#noteMs = noteDays * DAY_MS;
		this.#graceMs = graceDays * DAY_MS;
		this.terms = {
			issuer: context.own.deviceId,
			name: context.own.name,
			currency: parameters.currency,
			isPlay: parameters.isPlay,
		};
		this.ledger = new Ledger(context.crypto, this.terms);
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
				return this.#written(event.id, event.result);
			case "signed":
				return this.#signed(event.id, event.signature);
			case "not-written":
				return this.#failed(event.id, event.error);
			case "not-signed":
				return this.#failed(
					event.id,
					new TetradError(
						"busy",
						"the issuer cannot reach its key now; ask again later",
						{ cause: event.error },
					),
				);
			// An issuer's agent only lets modules in, and an issuer has no owner's orders.
			case "from-agent":
			case "order":
			case "give-back":
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
			kind,
			request: kind === "hello" ? new Uint8Array() : requestIn(bytes),
		};
		try {
			if (
				client.requests >= MAX_TETRAD_REQUESTS ||
				this.#jobs.size >= MAX_REQUESTS
			)
				throw new TetradError(
					"busy",
					"the issuer is at its limit of requests; ask again later",
				);
			const effect = this.#ask(client.meeting, origin, bytes, now);
			client.requests++;
			return [effect];
		} catch (thrown) {
			return this.#tellFailure(origin, asTetradError(thrown));
		}
	}

	#ask(
		{ peer }: Meeting,
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
		const settle = (transaction: Transaction<unknown>) =>
			this.#transact({ kind: "settling", origin }, transaction);
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
			case "withdraw": {
				const fields = body(WITH_ISSUER.withdraw, bytes);
				const amount = parseAmountBytes(fields.amount);
				return this.#lookUp(origin, asked(uint64(amount)), peer, {
					kind: "withdraw",
					amount,
				});
			}
			case "deposit": {
				const fields = body(WITH_ISSUER.deposit, bytes);
				const transfer = parseTransfer(this.#context.crypto, fields.transfer);
				const request = asked(transfer.id);
				const judged = this.#judge(transfer, fields, now, () =>
					requirePayee(transfer, peer.deviceId),
				);
				return settle(
					judged.kind === "refused"
						? ledger.refuse(request, judged.refusal)
						: ledger.deposit(request, judged.verified),
				);
			}
			case "exchange": {
				const fields = body(WITH_ISSUER.exchange, bytes);
				const transfer = parseTransfer(this.#context.crypto, fields.transfer);
				const into = parseInto(fields.into);
				const request = asked(fields.into, transfer.id);
				const judged = this.#judge(transfer, fields, now, () =>
					this.#requireExchange(transfer, peer, origin.request, into),
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
				return settle(ledger.claim(asked(note.id), note, this.#graceMs));
			}
			default:
				return unreachable(origin.kind);
		}
	}

	#lookUp(
		origin: Origin,
		asked: Asked,
		peer: CertifiedDevice,
		issue: Issue,
	): MoneyEffect<IssuerReport> {
		const { own } = this.#context;
		if (this.#expiry(asked.at, peer) - asked.at < MIN_NOTE_LIFE_MS) {
			const who = peer.notAfter < own.notAfter ? "module" : "issuer";
			const refusal = {
				code: "recertification-due" as const,
				reason: `the certificate of the ${who} expires within a day, and its notes with it; have it certified anew (tetrad recertify), and ask again`,
			};
			return this.#transact(
				{ kind: "settling", origin },
				this.ledger.refuse(asked, refusal),
			);
		}
		return this.#transact(
			{ kind: "looking-up", origin, asked, issue, peer },
			this.#issuing(asked, issue, undefined),
		);
	}

	#issuing(
		asked: Asked,
		issue: Issue,
		note: NewNote | undefined,
	): Transaction<RequestOutcome> {
		return issue.kind === "withdraw"
			? this.ledger.withdraw(asked, issue.amount, note)
			: this.ledger.exchangeIntoNote(asked, issue.verified, note);
	}

	#written(id: number, result: unknown): Effects {
		const job = this.#jobs.get(id);
		this.#jobs.delete(id);
		switch (job?.kind) {
			case undefined:
			case "signing":
				return [];
			case "greeting":
				return this.#welcome(
					job.origin,
					result as { newest: Head; isForked: boolean },
				);
			case "telling-balance":
				return this.#answer(
					job.origin,
					message(WITH_ISSUER.account, {
						request: job.origin.request,
						balance: uint64(result as bigint),
					}),
				);
			case "looking-up": {
				const outcome = result as RequestOutcome;
				return outcome.kind === "needs-note"
					? [this.#sign(job)]
					: this.#settled(job.origin, outcome);
			}
			case "settling":
				return this.#settled(job.origin, result as RequestOutcome);
			default:
				return unreachable(job);
		}
	}

	#sign({
		origin,
		asked,
		issue,
		peer,
	}: Job & { readonly kind: "looking-up" }): MoneyEffect<IssuerReport> {
		const { crypto, own } = this.#context;
		const { toSign, sign } = draftNote({
			issuer: own.deviceId,
			issuerCertificate: own.certificateId,
			currency: this.terms.currency,
			isPlay: this.terms.isPlay,
			value:
				issue.kind === "withdraw"
					? issue.amount
					: issue.verified.transfer.amount,
			issued: asked.at,
			expires: this.#expiry(asked.at, peer),
			holder: peer.deviceId,
			holderKey: { algorithm: peer.algorithm, publicKey: peer.publicKey },
			serial: noteSerial(crypto, peer.deviceId, origin.request),
		});
		const id = this.#wait({
			kind: "signing",
			origin,
			asked,
			issue,
			sign: (signature) => ({
				note: sign(crypto, signature),
				issuer: own,
				holder: peer,
			}),
		});
		return { kind: "sign", id, content: toSign };
	}

	#signed(id: number, signature: Uint8Array): Effects {
		const job = this.#jobs.get(id);
		if (job?.kind !== "signing") return [];
		this.#jobs.delete(id);
		const { origin, asked, issue, sign } = job;
		return [
			this.#transact(
				{ kind: "settling", origin },
				this.#issuing(asked, issue, sign(signature)),
			),
		];
	}

	#settled(origin: Origin, outcome: RequestOutcome): Effects {
		if (outcome.kind === "needs-note")
			throw new TetradError("internal", "a request was settled without a note");
		const name = this.#clients.get(origin.tetrad)?.meeting.peer.name;
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
			}),
			...outcome.conflicts.map((conflict) =>
				report({ kind: "double-spending", conflict }),
			),
		];
	}

	#welcome(
		origin: Origin,
		{ newest, isForked }: { newest: Head; isForked: boolean },
	): Effects {
		const { currency, isPlay } = this.terms;
		const client = this.#clients.get(origin.tetrad);
		const effects = this.#answer(
			origin,
			message(WITH_ISSUER.welcome, {
				...headFields(newest),
				currency: utf8(currency.code),
				kind: Uint8Array.of(currency.exponent, isPlay ? 1 : 0),
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

	#failed(id: number, error: TetradError): Effects {
		const job = this.#jobs.get(id);
		if (job === undefined) return [];
		this.#jobs.delete(id);
		const { origin } = job;
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
		const canSay = NOT_NOW.includes(error.code) || error.family === "peer";
		if (request.length === 0 || !canSay) return [end(tetrad, error)];
		const { code, message: reason } = error;
		return [toModule(tetrad, declinedMessage(request, { code, reason }))];
	}

	/** Nobody is there any more who could hear it when the tetrad is over; the answer is kept all the same. */
	#answer(origin: Origin, bytes: Uint8Array): Effects {
		return this.#leave(origin) ? [toModule(origin.tetrad, bytes)] : [];
	}

	#leave({ tetrad }: Origin): boolean {
		const client = this.#clients.get(tetrad);
		if (client === undefined) return false;
		client.requests--;
		return true;
	}

	#transact(
		job: Job,
		transaction: Transaction<unknown>,
	): MoneyEffect<IssuerReport> {
		return { kind: "transact", id: this.#wait(job), transaction };
	}

	#wait(job: Job): number {
		const id = ++this.#ids;
		this.#jobs.set(id, job);
		return id;
	}

	#expiry(now: number, peer: CertifiedDevice): number {
		const { own } = this.#context;
		return Math.min(now + this.#noteMs, peer.notAfter, own.notAfter);
	}

	/** Whether `demand` holds, and the transfer was signed by the holder of notes that were signed here. Throws what may be otherwise later. */
	#judge(
		transfer: Transfer,
		fields: { readonly notes: Uint8Array; readonly chains: Uint8Array },
		now: number,
		demand: () => void,
	): Judged {
		const { crypto } = this.#context;
		try {
			demand();
			const chains = parseList(fields.chains, MAX_ISSUER_CHAINS);
			const notes = parseList(fields.notes, MAX_PIECES).map((document) => {
				const note = parseNote(crypto, document);
				return verifyNote(crypto, note, this.#own.of(note, chains, now));
			});
			const verified = verifyTransfer(crypto, transfer, notes);
			return { kind: "verified", verified };
		} catch (thrown) {
			const { code, message: reason, family } = asTetradError(thrown);
			if (family !== "peer") throw thrown;
			return { kind: "refused", refusal: { code, reason } };
		}
	}

	#requireExchange(
		transfer: Transfer,
		peer: CertifiedDevice,
		request: Uint8Array,
		into: 0 | 1,
	): void {
		const { crypto, own } = this.#context;
		requirePayee(transfer, own.deviceId);
		if (!sameBytes(transfer.payer, peer.deviceId))
			throw refused("only the module that holds notes can exchange them");
		const contract = exchangeContract(crypto, request, into);
		if (!sameBytes(transfer.contract, contract))
			throw refused("this transfer is for another request than this exchange");
	}
}

function requirePayee({ payee }: Transfer, deviceId: Uint8Array): void {
	if (!sameBytes(payee, deviceId))
		throw refused("this transfer pays somebody else");
}

function requireDays(what: string, days: number, min: number, max: number) {
	if (!Number.isInteger(days) || days < min || days > max)
		throw new TetradError(
			"invalid-argument",
			`${what} from ${min} to ${max} whole days`,
		);
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
