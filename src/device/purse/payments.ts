import { asTetradError, TetradError } from "../../errors.ts";
import {
	AgentPayments,
	type AgentPaymentsEffect,
	type AgentPaymentsEvent,
	FIRST_HEAD,
	type Head,
	type Payment,
	type PaymentAsk,
	type ReceiptedPayment,
} from "../../money/index.ts";
import { aborted, Driver, MoneySender, type Tetrad } from "../runtime/index.ts";
import type { Witness } from "./witness.ts";

/** What `Payments` does beside payments. */
export interface PaymentsOptions {
	/** Where the head of the module's purse is kept; without it no old backup of the purse is noticed here. */
	readonly witness?: Witness;
	/** Takes what the module sends that is not of money; it is dropped unless given. */
	readonly other?: (message: Uint8Array) => void;
	/** The agent's clock, in milliseconds since the epoch; `Date.now` unless given. */
	readonly now?: () => number;
}

/** A payment that this agent's module has made. */
export interface PaidPayment extends ReceiptedPayment {
	/** Why the head of the module's purse could not be kept, if it could not: an old backup of the purse may pass for the newest here. */
	readonly unkept?: TetradError;
}

/** What goes with a payment that is asked for. */
export interface PaymentOptions {
	/**
	 * What it is for, at most `MAX_PAYMENT_TEXT_BYTES` of UTF-8, for the history of the module's
	 * purse and for its owner, who may have to approve the payment. The text that came first counts.
	 */
	readonly text?: string;
	readonly signal?: AbortSignal;
}

type Answer = PaidPayment | undefined;

/**
 * What an agent asks of its own module in one tetrad. It alone reads the channel to the module. An
 * agent holds no money: its module judges what it asks for.
 *
 * @example
 * ```ts
 * import { AgentStore, Payments, TetradError } from "tetrad";
 *
 * await using store = await AgentStore.open("home");
 * const payments = new Payments(tetrad, { witness: store });
 * const payment = { contract, issuer: terms.issuer, currency: "EUR", amount: 1250n };
 * try {
 * 	const { receipt } = await payments.pay(payment, { text: "a book" });
 * 	console.log("paid", receipt.length);
 * } catch (thrown) {
 * 	// Asked again for the same contract, it is paid once; a new contract would be paid twice.
 * 	if (thrown instanceof TetradError && thrown.code === "payment-in-doubt")
 * 		await payments.pay(payment);
 * 	else throw thrown;
 * }
 * ```
 */
export class Payments {
	/** Resolves when the module has nothing more to say. Never rejects. */
	readonly over: Promise<void>;
	readonly #driver: Driver<AgentPaymentsEvent, AgentPaymentsEffect>;
	readonly #tetrad: Tetrad;
	readonly #witness: Witness | undefined;
	readonly #own: Uint8Array;
	/** A send that fails ends the tetrad, and that is heard of. */
	readonly #sender: MoneySender;
	readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
	readonly #over = Promise.withResolvers<void>();
	/** Until it is known how far the module's purse has come: nothing is said to the module before that. */
	#opening: Promise<void> | undefined;
	#asks = 0;
	#end: TetradError | undefined;

	/** Takes a confirmed tetrad of an agent. Throws `invalid-argument` for one of a module. */
	constructor(tetrad: Tetrad, options: PaymentsOptions = {}) {
		if (tetrad.place !== "A" && tetrad.place !== "B")
			throw new TetradError("invalid-argument", "a module pays by its purse");
		this.#tetrad = tetrad;
		this.#witness = options.witness;
		this.#sender = new MoneySender(tetrad.module);
		this.#own = tetrad.parties[tetrad.place === "A" ? "X" : "Y"].deviceId;
		this.over = this.#over.promise;
		this.#driver = new Driver<AgentPaymentsEvent, AgentPaymentsEffect>({
			machine: new AgentPayments(),
			now: options.now ?? Date.now,
			handlers: {
				"to-module": ({ bytes }) => this.#sender.send(bytes),
				keep: ({ id, head }) => this.#keep(id, head),
				answered: ({ ask, payment }) =>
					this.#waiting.get(ask)?.resolve(payment),
				"answered-unkept": ({ ask, payment, error }) =>
					this.#waiting.get(ask)?.resolve({ ...payment, unkept: error }),
				refused: ({ ask, error }) => this.#waiting.get(ask)?.reject(error),
				other: ({ bytes }) => this.#other(bytes, options),
				end: ({ error }) => this.#closeFor(error),
			},
			ended: ({ error }) => this.#finish(error ?? closed()),
			failed: (error) => {
				this.#closeFor(error);
				this.#finish(error);
			},
		});
		const catchingUp = this.#witness?.catchUp?.(this.#own);
		if (catchingUp === undefined) this.#begin();
		else
			this.#opening = catchingUp.then(
				() => this.#begin(),
				(thrown: unknown) => {
					this.#opening = undefined;
					this.#abort(thrown);
				},
			);
	}

	/** Says something else to the own module, once it has heard how far its purse is known to have come. */
	tell(bytes: Uint8Array): void {
		const { module } = this.#tetrad;
		const say = () => void module.send(bytes).catch(() => {});
		if (this.#opening === undefined) say();
		else void this.#opening.then(say);
	}

	/**
	 * Has the own module pay the other module. Resolves with the receipt, when the payment is done
	 * and the purse's head is kept, or could not be. Asked again for the same contract, also in a
	 * later tetrad of the same four, it resolves with the same and pays nothing more. The receipt is
	 * empty when it was lost and the issuer has said that the payment was booked.
	 *
	 * Rejects with `payment-refused` for a contract that is expected here; with the module's code; with `payment-in-doubt` when money may be on its way, also
	 * when the tetrad ends or `signal` aborts before the outcome is known: ask again, never anew.
	 */
	async pay(
		payment: Payment,
		options: PaymentOptions = {},
	): Promise<PaidPayment> {
		const { text = "" } = options;
		return paymentOf(
			await this.#ask((ask) => ({ kind: "pay", ask, payment, text }), options),
		);
	}

	/** Has the own module take this payment from the other module. Resolves when it may come, or has; `received` tells when it has. Rejects with `payment-refused` for a contract that is being paid here. */
	async expect(payment: Payment, options: PaymentOptions = {}): Promise<void> {
		const { text = "" } = options;
		await this.#ask((ask) => ({ kind: "expect", ask, payment, text }), options);
	}

	/** Resolves when the payment for an expected contract has come. Rejects when it cannot come in this tetrad any more. */
	async received(
		contract: Uint8Array,
		options: { readonly signal?: AbortSignal } = {},
	): Promise<ReceiptedPayment> {
		return paymentOf(
			await this.#ask((ask) => ({ kind: "receive", ask, contract }), options),
		);
	}

	/** Lets the own module do its business with the other module, which is that issuer's. Rejects with the module's code when not all was done. */
	async settle(
		issuer: Uint8Array,
		options: { readonly signal?: AbortSignal } = {},
	): Promise<void> {
		await this.#ask((ask) => ({ kind: "settle", ask, issuer }), options);
	}

	#begin(): void {
		this.#opening = undefined;
		const head = this.#witness?.head(this.#own) ?? FIRST_HEAD;
		this.#driver.feed({ kind: "opened", head });
		void this.#hear();
	}

	async #ask(
		asked: (ask: number) => PaymentAsk,
		{ signal }: { readonly signal?: AbortSignal },
	): Promise<Answer> {
		if (this.#opening !== undefined) await this.#opening;
		if (this.#end !== undefined) throw this.#end;
		if (this.#tetrad.ended) throw closed();
		const ask = this.#asks++;
		const waiting = Promise.withResolvers<Answer>();
		this.#waiting.set(ask, waiting);
		const onAbort = () => {
			if (signal !== undefined)
				this.#driver.feed({ kind: "give-up", ask, error: aborted(signal) });
		};
		try {
			this.#driver.feed(asked(ask));
			if (signal?.aborted) onAbort();
			signal?.addEventListener("abort", onAbort, { once: true });
			return await waiting.promise;
		} finally {
			signal?.removeEventListener("abort", onAbort);
			this.#waiting.delete(ask);
		}
	}

	async #hear(): Promise<void> {
		try {
			for (;;) {
				const all = await this.#tetrad.module.receiveMany();
				if (all === undefined) break;
				for (const bytes of all)
					this.#driver.feed({ kind: "from-module", bytes });
			}
			this.#driver.feed({ kind: "closed" });
		} catch (thrown) {
			this.#abort(thrown);
		}
	}

	/** What somebody throws who takes what is not of money ends the tetrad. */
	#other(bytes: Uint8Array, { other }: PaymentsOptions): void {
		try {
			other?.(bytes);
		} catch (thrown) {
			this.#abort(thrown);
		}
	}

	#abort(thrown: unknown): void {
		const error = asTetradError(thrown);
		this.#closeFor(error);
		this.#driver.feed({ kind: "abort", error });
	}

	#closeFor(error: TetradError): void {
		this.#end ??= error;
		void this.#tetrad.close();
	}

	/** Nothing more is answered, and what is asked from now on is refused with why. */
	#finish(error: TetradError): void {
		this.#end ??= error;
		for (const { reject } of this.#waiting.values()) reject(this.#end);
		this.#over.resolve();
	}

	#keep(id: number, head: Head): void {
		Promise.try(() => this.#witness?.keep(this.#own, head)).then(
			() => this.#driver.feed({ kind: "kept", id }),
			(thrown: unknown) =>
				this.#driver.feed({
					kind: "not-kept",
					id,
					error: asTetradError(thrown),
				}),
		);
	}
}

function paymentOf(answer: Answer): PaidPayment {
	if (answer === undefined)
		throw new TetradError("internal", "a payment was told of without itself");
	return answer;
}

function closed(): TetradError {
	return new TetradError("tetrad-closed", "the tetrad has been closed");
}
