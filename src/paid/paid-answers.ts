import { parseAddress } from "../carrier/index.ts";
import type {
	AgentService,
	AskOptions,
	Purchase,
	Quote,
} from "../device/service/index.ts";
import { KEPT_ANSWER_MS } from "../device/trade/index.ts";
import { asTetradError, TetradError } from "../errors.ts";
import { AnswerFiles } from "./answer-files.ts";
import { ItemNames } from "./item-name.ts";
import {
	MAX_ANSWER_BYTES,
	MAX_LOOKED_THROUGH,
	MAX_PAID_AT_ONCE,
} from "./limits.ts";
import type { PaidMode, PaidTerms } from "./terms.ts";
import { Turns } from "./turns.ts";

/** What a buyer pays for answers. The limits of its module's owner hold beside it. */
export interface PaidAnswersOptions {
	/** What one answer may cost at most, in minor units of `currency`. */
	readonly maximum: bigint;
	/** The code of the currency that is paid with. */
	readonly currency: string;
	/** Whose money is paid, by its certified name; anybody's whom the module's owner trusts, unless given. */
	readonly issuer?: string | undefined;
	/** Whether it is play money; either will do unless given. */
	readonly play?: boolean | undefined;
	/** `["sealed"]` unless given. What is prepaid may be paid and not answered. */
	readonly modes?: readonly PaidMode[] | undefined;
	/** Device ids of agents that may be paid, in hexadecimal; every merchant's unless given. */
	readonly merchants?: readonly string[] | undefined;
	/**
	 * Whether what is prepaid waits for the module's owner where it needs one. A sealed answer never
	 * does: its merchant has worked for it already, and waits no longer than for a payment.
	 */
	readonly waits?: boolean | undefined;
	/** One answer, in bytes. */
	readonly maxAnswerBytes?: number | undefined;
}

/** An answer that is paid, whole and verified. */
export interface PaidAnswer {
	readonly bytes: Uint8Array;
	/** What was bought. Its receipt is had by its contract. */
	readonly purchase: Purchase;
}

interface PayingOf {
	/** What the request says of its payment, that is no secret of the buyer's money. */
	readonly id: string;
	/** Whether the request has to be sent, with that id. Else its answer is here already, or comes by itself. */
	readonly isToBeSent: boolean;
	/** The answer was handed over: it is kept no longer, and the same request is another one from now on. */
	taken(): Promise<void>;
	/** There will be no answer, as the merchant has said: what is not paid then is not paid, and what was paid first is taken back. */
	giveUp(why: unknown): void;
}

/** A payment for one request. */
export type Paying =
	/** The answer comes by the purchase, whatever comes by HTTP. Rejects as `AgentService.buy` does. */
	| (PayingOf & {
			readonly mode: "sealed";
			readonly answer: Promise<PaidAnswer>;
	  })
	/** It is paid: the request shows the ticket, which is its id, until it is answered. */
	| (PayingOf & {
			readonly mode: "prepaid";
			readonly purchase: Purchase;
			/** Forgets a payment whose ticket its merchant says it does not know, once it is older than answers are kept: the same request is another one from then on. Whether it is so. */
			forget(): Promise<boolean>;
			/** Takes back what was paid, of a request that its merchant says it has not answered. Resolves with how much it is, in minor units; rejects with `timed-out` when nothing comes now. */
			refund(): Promise<bigint>;
	  });

/** One purchase, and all who wait for it. */
interface Job {
	readonly begun: Promise<Begun>;
	/** Resolves when its answer has come, or will not. */
	readonly over: Promise<unknown>;
	/** Gives it up, once nobody waits for it. */
	readonly stop: AbortController;
	users: number;
	/** Whether one of them sends the request. */
	isSent: boolean;
}

interface Begun {
	readonly mode: PaidMode;
	readonly quote: string;
	readonly isToBeSent: boolean;
	readonly answer: Promise<PaidAnswer>;
}

/** What a buyer's agent pays for answers with. */
export class PaidAnswers {
	readonly #agent: AgentService;
	readonly #options: PaidAnswersOptions;
	readonly #turns: Turns = new Turns(MAX_PAID_AT_ONCE);
	/** By their requests. */
	readonly #jobs = new Map<string, Job>();
	/** What the last who wanted it has left, by its request, until that has ended. */
	readonly #left = new Map<string, Promise<void>>();
	#files: Promise<AnswerFiles> | undefined;

	constructor(agent: AgentService, options: PaidAnswersOptions) {
		this.#agent = agent;
		this.#options = options;
	}

	/**
	 * Pays for a request as its merchant's terms say, if `request`, which is what is really asked
	 * for, and these options allow it. The same request is the same purchase until its answer was taken, also
	 * when several ask for it at once and after a crash: nothing is paid twice.
	 *
	 * Rejects with `payment-refused` for terms that are not to be paid, and as `AgentService.quote`
	 * and, of what is prepaid, `buy`, with `busy` while another program of the same agent pays for the
	 * same: after any code but `payment-in-doubt`, `merchandise-wrong`, `purchase-void`, and
	 * `double-spent` and `note-unknown`, with which money of the purse is lost, nothing is paid.
	 */
	async pay(
		terms: PaidTerms,
		request: string,
		options: AskOptions = {},
	): Promise<Paying> {
		this.#judge(terms, request);
		const { signal } = options;
		// What was left is none to share, and its place is free once it has ended.
		for (let left = this.#left.get(request); left !== undefined; ) {
			await left;
			left = this.#left.get(request);
		}
		const job =
			this.#jobs.get(request) ?? this.#begin(terms, request, options.step);
		job.users++;
		const done = once(() => {
			signal?.removeEventListener("abort", giveUp);
			return --job.users === 0;
		});
		const giveUp = () => {
			if (!done()) return;
			job.stop.abort();
			this.#leave(request, job, job.over);
		};
		if (signal?.aborted) giveUp();
		signal?.addEventListener("abort", giveUp, { once: true });
		try {
			const begun = await job.begun;
			// Whoever has gone sends nothing, so another does.
			const isToBeSent =
				begun.isToBeSent && !job.isSent && signal?.aborted !== true;
			if (isToBeSent) job.isSent = true;
			const taken = async () => {
				if (!done()) return;
				const forgotten = this.#forget(request, begun);
				this.#leave(request, job, forgotten);
				await forgotten;
			};
			return await this.#paying(begun, { isToBeSent, taken, giveUp });
		} catch (thrown) {
			done();
			throw thrown;
		}
	}

	/** What one of those who wait for a purchase has of it. */
	async #paying(
		{ mode, quote, answer }: Begun,
		of: Pick<Paying, "isToBeSent" | "taken"> & { readonly giveUp: () => void },
	): Promise<Paying> {
		if (mode === "sealed") return { mode, id: quote, answer, ...of };
		const { bytes, purchase } = await answer;
		const id = Buffer.from(bytes).toString("hex");
		const refund = async () => {
			const amount = await this.#agent.takeRefund(purchase.contract);
			await of.taken();
			return amount;
		};
		const forget = async () => {
			if (Date.now() - Date.parse(purchase.time) <= KEPT_ANSWER_MS)
				return false;
			await of.taken();
			return true;
		};
		const giveUp = () => void refund().catch(() => {});
		const isToBeSent = true;
		return { mode, id, purchase, ...of, isToBeSent, forget, refund, giveUp };
	}

	/** Nobody wants it any more, and nobody joins it. What was bought all the same is found by its file, and not before that has its place. */
	#leave(request: string, job: Job, ending: Promise<unknown>): void {
		if (this.#jobs.get(request) !== job) return;
		this.#jobs.delete(request);
		const free = () => void this.#left.delete(request);
		this.#left.set(request, ending.then(free, free));
	}

	async #forget(request: string, { answer }: Begun): Promise<void> {
		const { purchase } = await answer;
		await (await this.#filesOf()).forget(request, purchase.path);
	}

	#begin(terms: PaidTerms, request: string, step: AskOptions["step"]): Job {
		const stop = new AbortController();
		const how = { signal: stop.signal, step };
		const begun = this.#buy(terms, request, how);
		const forget = () => {
			if (this.#jobs.get(request) === job) this.#jobs.delete(request);
		};
		const over = begun.then(({ answer }) => answer).then(() => {}, forget);
		const job: Job = { begun, over, stop, users: 0, isSent: false };
		this.#jobs.set(request, job);
		return job;
	}

	async #buy(
		terms: PaidTerms,
		request: string,
		{ signal, step }: AskOptions,
	): Promise<Begun> {
		const turn = await this.#turns.take(terms.agent, signal);
		try {
			const files = await this.#filesOf();
			const to = files.pathOf(request);
			const how = { step, to, signal };
			const before = (await files.isBegun(request))
				? await this.#before(files, request)
				: undefined;
			const quote =
				before?.quote ?? (await this.#quoted(files, terms, request, how));
			const buying =
				before?.state === "bought"
					? Promise.resolve(before)
					: this.#agent.buy(quote, {
							...how,
							// Price and merchant were held to the terms; a mint may ask for a fee beside.
							maximum: this.#options.maximum,
							maxBytes: this.#maxAnswerBytes,
							waits: this.#options.waits === true && terms.mode === "prepaid",
						});
			const answer = this.#answer(files, terms, buying);
			answer.catch(() => {});
			void answer.then(
				() => turn[Symbol.dispose](),
				() => turn[Symbol.dispose](),
			);
			const isToBeSent = before === undefined;
			// What was bought before is what it was bought as, whatever is asked for now.
			const { mode } = ItemNames.priceOf(before?.item ?? "") ?? terms;
			return { mode, quote, isToBeSent, answer };
		} catch (thrown) {
			turn[Symbol.dispose]();
			throw thrown;
		}
	}

	/** The id of a quote, once it is marked durably that it is going to be bought. */
	async #quoted(
		files: AnswerFiles,
		terms: PaidTerms,
		request: string,
		how: AskOptions,
	): Promise<string> {
		// A disk and a merchant are waited for at once.
		const [marked, quoted] = await Promise.allSettled([
			files.begin(request),
			this.#quote(terms, request, how),
		]);
		if (marked.status === "rejected") throw marked.reason;
		if (quoted.status === "fulfilled") return quoted.value.id;
		if (marked.value) await files.forget(request, undefined);
		throw quoted.reason;
	}

	/** A price for exactly what the terms say. */
	async #quote(
		terms: PaidTerms,
		request: string,
		{ signal, step }: AskOptions,
	): Promise<Quote> {
		const quote = await this.#agent.quote(terms.address, terms.item, {
			order: request,
			currency: terms.currency,
			signal,
			step,
		});
		const isAsSaid =
			quote.merchantId === terms.agent &&
			quote.moduleId === terms.module &&
			quote.item === terms.item &&
			quote.order === request &&
			quote.amount === terms.amount &&
			quote.currency === terms.currency &&
			quote.exponent === terms.exponent &&
			quote.play === terms.play &&
			quote.issuer === terms.issuer;
		if (!isAsSaid)
			throw refused("what the merchant's agent offers is not what it said");
		return quote;
	}

	async #answer(
		files: AnswerFiles,
		{ request, mode }: PaidTerms,
		buying: Promise<Purchase>,
	): Promise<PaidAnswer> {
		let purchase: Purchase;
		try {
			purchase = await buying;
		} catch (thrown) {
			// What is in doubt, or is another program's, is gone on with when the same is asked for again.
			const error = asTetradError(thrown);
			if (error.code === "file-unusable") throw placeTaken(error);
			if (error.code !== "payment-in-doubt")
				await files.forget(request, undefined);
			throw error.code === "approval-needed" ? unapproved(error, mode) : thrown;
		}
		const bytes = await files.read(purchase.path, this.#maxAnswerBytes);
		return { bytes, purchase };
	}

	get #maxAnswerBytes(): number {
		return this.#options.maxAnswerBytes ?? MAX_ANSWER_BYTES;
	}

	/** What was bought for the same request before, and was not taken or is not over. */
	async #before(
		files: AnswerFiles,
		request: string,
	): Promise<(Purchase & { readonly quote: string }) | undefined> {
		const path = files.pathOf(request);
		const isHere = await files.isHere(request);
		const wanted = isHere ? "bought" : "in-doubt";
		for await (const purchase of this.#agent.purchases({
			limit: MAX_LOOKED_THROUGH,
		})) {
			const { quote, state } = purchase;
			if (purchase.path === path && state === wanted && quote !== undefined)
				return { ...purchase, quote };
		}
		return undefined;
	}

	/** Throws `payment-refused`. */
	#judge(terms: PaidTerms, request: string): void {
		const { maximum, currency, issuer, play, merchants } = this.#options;
		const { modes = ["sealed"] } = this.#options;
		if (terms.request !== request)
			throw refused("the merchant's terms are for another request");
		if (!modes.includes(terms.mode))
			throw refused(
				terms.mode === "prepaid"
					? "the merchant wants to be paid before it answers (prepaid), which was not allowed: what is paid so may have no answer"
					: "the merchant sells a sealed answer, which was not allowed",
			);
		if (terms.currency !== currency)
			throw refused(`it costs ${terms.currency}, and ${currency} is paid with`);
		if (issuer !== undefined && terms.issuer !== issuer)
			throw refused("it is to be paid with the money of another issuer");
		if (play !== undefined && terms.play !== play)
			throw refused(
				play ? "it costs real money" : "it costs play money, and real is paid",
			);
		if (terms.amount > maximum)
			throw refused(
				`it costs ${terms.amount} minor units, and at most ${maximum} were to be paid`,
			);
		// A stranger's word reaches no socket of this machine.
		if (!isOnNetwork(terms.address))
			throw refused("its merchant is not where others can reach it");
		if (merchants !== undefined && !merchants.includes(terms.agent))
			throw refused("its merchant is none of those that may be paid");
	}

	#filesOf(): Promise<AnswerFiles> {
		this.#files ??= this.#agent
			.status()
			.then(({ home }) => AnswerFiles.in(home));
		this.#files.catch(() => {
			this.#files = undefined;
		});
		return this.#files;
	}
}

function isOnNetwork(address: string): boolean {
	try {
		return parseAddress(address).kind === "tcp";
	} catch {
		return false;
	}
}

/** Does it the first time, and is false after that. */
function once(work: () => boolean): () => boolean {
	let isDone = false;
	return () => {
		if (isDone) return false;
		isDone = true;
		return work();
	};
}

/** Of one agent, several programs may ask for the same at once: one of them pays. */
function placeTaken(cause: TetradError): TetradError {
	return new TetradError(
		"busy",
		`nothing was paid here, since the answer has no free place; where another program of the same agent is paying for the same request, ask again for its answer: ${cause.message}`,
		{ cause },
	);
}

function unapproved(cause: TetradError, mode: PaidMode): TetradError {
	return new TetradError(
		"approval-needed",
		mode === "sealed"
			? "nothing was paid: the owner of the module has to approve it, and a sealed answer does not wait for that; have the owner raise the limits, or allow prepaid, which can wait"
			: "nothing was paid: the owner of the module has to approve it, and was not waited for; have the owner raise the limits, or let it wait (`waits`)",
		{ cause },
	);
}

function refused(why: string): TetradError {
	return new TetradError("payment-refused", `nothing was paid: ${why}`);
}
