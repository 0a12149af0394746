import {
	asTetradError,
	type ErrorCode,
	isErrorCode,
	TetradError,
} from "../../errors.ts";
import {
	amountBytes,
	FIRST_HEAD,
	headFields,
	messages,
	parseAmountBytes,
	parseUint64,
	requireAmount,
	unpackMessages,
} from "../../money/index.ts";
import { hex, malformed, parseUtf8, utf8 } from "../../wire/index.ts";
import {
	isOfMoney,
	MoneySender,
	type Tetrad,
	unlessAborted,
} from "../runtime/index.ts";
import type { Witness } from "./witness-file.ts";

const { body, message, WITH_AGENT } = messages;

/** Payments of one tetrad that may wait for their outcome, or be remembered until somebody asks. */
const MAX_PAYMENTS = 1024;

/** One payment: which money, how much of it, and for what. */
export interface Payment {
	/** What it pays for, 32 bytes. There is one payment for a contract, however often it is asked for. */
	readonly contract: Uint8Array;
	/** Device id of the issuer. */
	readonly issuer: Uint8Array;
	/** Its currency's code. */
	readonly currency: string;
	/** In minor units. */
	readonly amount: bigint;
}

/** A payment that was made, and the payee's module's receipt for it: `openReceipt` reads it. */
export interface ReceiptedPayment {
	readonly amount: bigint;
	readonly receipt: Uint8Array;
}

/** What `Payments` does beside payments. */
export interface PaymentsOptions {
	/** Where the head of the module's purse is kept; without it no old backup of the purse is noticed here. */
	readonly witness?: Witness;
	/** Takes what the module sends that is not of money; it is dropped unless given. */
	readonly other?: (message: Uint8Array) => void;
}

/**
 * What an agent asks of its own module in one tetrad. It alone reads the channel to the module. An
 * agent holds no money: its module judges what it asks for.
 */
export class Payments {
	/** Resolves when the module has nothing more to say. Never rejects. */
	readonly over: Promise<void>;
	readonly #tetrad: Tetrad;
	readonly #options: PaymentsOptions;
	readonly #own: Uint8Array;
	/** A send that fails ends the tetrad, and that is heard of. */
	readonly #sender: MoneySender;
	readonly #paying = new Map<string, PromiseWithResolvers<ReceiptedPayment>>();
	readonly #expecting = new Map<string, PromiseWithResolvers<void>>();
	readonly #received = new Map<
		string,
		PromiseWithResolvers<ReceiptedPayment>
	>();
	readonly #settling: PromiseWithResolvers<void>[] = [];
	#end: TetradError | undefined;
	#keeping: Promise<void> = Promise.resolve();

	/** Takes a confirmed tetrad of an agent. Throws `invalid-argument` for one of a module. */
	constructor(tetrad: Tetrad, options: PaymentsOptions = {}) {
		if (tetrad.place !== "A" && tetrad.place !== "B")
			throw new TetradError("invalid-argument", "a module pays by its purse");
		this.#tetrad = tetrad;
		this.#options = options;
		this.#sender = new MoneySender(tetrad.module);
		this.#own = tetrad.parties[tetrad.place === "A" ? "X" : "Y"].deviceId;
		const head = options.witness?.head(this.#own) ?? FIRST_HEAD;
		this.#sender.send(message(WITH_AGENT.witness, headFields(head)));
		this.over = this.#hear();
	}

	/**
	 * Has the own module pay the other module. Resolves with the receipt, when the payment is done
	 * and the purse's head is kept. Asked again for the same contract, also in a later tetrad of the
	 * same four, it resolves with the same and pays nothing more.
	 *
	 * Rejects with `payment-refused` for a contract that is expected here; with the module's code; with `payment-in-doubt` when money may be on its way, also
	 * when the tetrad ends or `signal` aborts before the outcome is known: ask again, never anew.
	 */
	async pay(
		payment: Payment,
		options: { readonly signal?: AbortSignal } = {},
	): Promise<ReceiptedPayment> {
		const id = hex(payment.contract);
		if (this.#expecting.has(id) || this.#received.has(id)) throw bothWays();
		return this.#ask(this.#paying, payment, "pay", (outcome) =>
			unlessAborted(outcome.promise, options.signal, () =>
				inDoubt("the caller gave up waiting for"),
			),
		);
	}

	/** Has the own module take this payment from the other module. Resolves when it may come, or has; `received` tells when it has. Rejects with `payment-refused` for a contract that is being paid here. */
	async expect(
		payment: Payment,
		options: { readonly signal?: AbortSignal } = {},
	): Promise<void> {
		requireAmount(payment.amount);
		const id = hex(payment.contract);
		if (this.#paying.has(id)) throw bothWays();
		this.#outcome(this.#received, id);
		return this.#ask(this.#expecting, payment, "expect", (outcome) =>
			unlessAborted(outcome.promise, options.signal),
		);
	}

	/** Resolves when the payment for an expected contract has come. Rejects when it cannot come in this tetrad any more. */
	async received(
		contract: Uint8Array,
		options: { readonly signal?: AbortSignal } = {},
	): Promise<ReceiptedPayment> {
		const id = hex(contract);
		const { promise } = this.#outcome(this.#received, id);
		const settled = await unlessAborted(promise, options.signal);
		this.#received.delete(id);
		return settled;
	}

	/** Lets the own module do its business with the other module, which is that issuer's. Rejects with the module's code when not all was done. */
	async settle(
		issuer: Uint8Array,
		options: { readonly signal?: AbortSignal } = {},
	): Promise<void> {
		this.#requireRoom(this.#settling.length);
		const outcome = quiet<void>();
		this.#settling.push(outcome);
		this.#sender.send(message(WITH_AGENT.settle, { issuer }));
		return unlessAborted(outcome.promise, options.signal);
	}

	/** Asks the module once, however many wait for the answer. */
	async #ask<Value>(
		all: Map<string, PromiseWithResolvers<Value>>,
		{ contract, issuer, currency, amount }: Payment,
		what: "pay" | "expect",
		wait: (outcome: PromiseWithResolvers<Value>) => Promise<Value>,
	): Promise<Value> {
		requireAmount(amount);
		const id = hex(contract);
		const known = all.has(id);
		const outcome = this.#outcome(all, id);
		if (!known)
			this.#sender.send(
				message(WITH_AGENT[what], {
					contract,
					issuer,
					currency: utf8(currency),
					amount: amountBytes(amount),
				}),
			);
		return wait(outcome);
	}

	/** What is waited for under that name; begun when it is new. */
	#outcome<Value>(
		all: Map<string, PromiseWithResolvers<Value>>,
		id: string,
	): PromiseWithResolvers<Value> {
		this.#requireOpen();
		const known = all.get(id);
		if (known !== undefined) return known;
		this.#requireRoom(all.size);
		const outcome = quiet<Value>();
		all.set(id, outcome);
		return outcome;
	}

	#requireOpen(): void {
		if (this.#end !== undefined) throw this.#end;
		if (this.#tetrad.ended) throw closed();
	}

	#requireRoom(count: number): void {
		this.#requireOpen();
		if (count >= MAX_PAYMENTS)
			throw new TetradError(
				"busy",
				`${MAX_PAYMENTS} payments are under way in this tetrad; wait for some of them`,
			);
	}

	async #hear(): Promise<void> {
		let why: TetradError | undefined;
		try {
			for await (const bytes of this.#tetrad.module)
				if (isOfMoney(bytes)) unpackMessages(bytes).forEach(this.#handle, this);
				else this.#options.other?.(bytes);
		} catch (thrown) {
			why = asTetradError(thrown);
			void this.#tetrad.close();
		}
		// What was said before the end counts, and may still be on its way to the disk.
		await this.#keeping.catch(() => {});
		this.#finish(why);
	}

	#handle(bytes: Uint8Array): void {
		switch (bytes[0]) {
			case WITH_AGENT.witness.type: {
				const { number, hash } = body(WITH_AGENT.witness, bytes);
				const head = { number: parseUint64(number), hash };
				this.#keeping =
					this.#options.witness?.keep(this.#own, head) ?? this.#keeping;
				this.#keeping.catch(() => {});
				return;
			}
			case WITH_AGENT.paid.type:
				return this.#settle(this.#paying, body(WITH_AGENT.paid, bytes));
			case WITH_AGENT.expecting.type: {
				const { contract } = body(WITH_AGENT.expecting, bytes);
				return take(this.#expecting, hex(contract))?.resolve();
			}
			case WITH_AGENT.received.type: {
				const fields = body(WITH_AGENT.received, bytes);
				// It had come before it was expected again.
				take(this.#expecting, hex(fields.contract))?.resolve();
				return this.#settle(this.#received, fields);
			}
			case WITH_AGENT.failed.type:
				return this.#fail(bytes);
			case WITH_AGENT.settled.type: {
				const { code, reason } = body(WITH_AGENT.settled, bytes);
				const outcome = this.#settling.shift();
				if (code.length === 0)
					this.#afterKeeping(outcome, () => outcome?.resolve());
				else outcome?.reject(refusal(code, reason, "issuer-refused"));
				return;
			}
			default:
				throw malformed("the module sent a message that agents send");
		}
	}

	#settle(
		all: Map<string, PromiseWithResolvers<ReceiptedPayment>>,
		fields: Readonly<Record<"contract" | "amount" | "receipt", Uint8Array>>,
	): void {
		const { receipt } = fields;
		const amount = parseAmountBytes(fields.amount);
		const id = hex(fields.contract);
		// One that came is remembered until somebody asks for it.
		const outcome = all === this.#paying ? take(all, id) : all.get(id);
		this.#afterKeeping(outcome, () => outcome?.resolve({ receipt, amount }));
	}

	#afterKeeping(
		outcome: Pick<PromiseWithResolvers<never>, "reject"> | undefined,
		then: () => void,
	): void {
		this.#keeping.then(then, (thrown: unknown) => outcome?.reject(thrown));
	}

	#fail(bytes: Uint8Array): void {
		const { contract, isInDoubt, code, reason } = body(
			WITH_AGENT.failed,
			bytes,
		);
		const id = hex(contract);
		const error =
			isInDoubt[0] === 1
				? new TetradError("payment-in-doubt", parseUtf8(reason))
				: refusal(code, reason, "payment-refused");
		const paying = take(this.#paying, id);
		if (paying !== undefined) return paying.reject(error);
		take(this.#expecting, id)?.reject(error);
		take(this.#received, id)?.reject(error);
	}

	#finish(why: TetradError | undefined): void {
		this.#end = why ?? closed();
		for (const { reject } of this.#paying.values())
			reject(inDoubt("the tetrad ended before its module told of", why));
		for (const all of [this.#expecting, this.#received])
			for (const { reject } of all.values()) reject(this.#end);
		for (const { reject } of this.#settling) reject(this.#end);
	}
}

function take<Value>(all: Map<string, Value>, id: string): Value | undefined {
	const value = all.get(id);
	all.delete(id);
	return value;
}

/** An outcome that nobody has to wait for. */
function quiet<Value>(): PromiseWithResolvers<Value> {
	const outcome = Promise.withResolvers<Value>();
	outcome.promise.catch(() => {});
	return outcome;
}

function refusal(
	code: Uint8Array,
	reason: Uint8Array,
	unknown: ErrorCode,
): TetradError {
	const name = parseUtf8(code);
	const why = parseUtf8(reason);
	return new TetradError(
		isErrorCode(name) ? name : unknown,
		why === "" ? "the module gave no reason" : why,
	);
}

/** What a module says of a contract could be about the one or the other, and one of them may be in doubt. */
function bothWays(): TetradError {
	return new TetradError(
		"payment-refused",
		"one contract cannot be paid and be expected at once: take another contract for a payment the other way",
	);
}

function closed(): TetradError {
	return new TetradError("tetrad-closed", "the tetrad has been closed");
}

function inDoubt(how: string, cause?: TetradError): TetradError {
	return new TetradError(
		"payment-in-doubt",
		`${how} the payment's outcome; ask for the same payment again, also in a later tetrad with the same agent, and it is made once`,
		cause === undefined ? {} : { cause },
	);
}
