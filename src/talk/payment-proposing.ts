/*
 * A payment that this agent would make: the buyer asks the other agent whether it is welcome, and
 * has its own module pay once it is.
 *
 *   new ─begin─▶ proposing ─sent─▶ unanswered ─welcome─▶ paying ─paid─▶ over
 *                                      │                    └────not-paid─▶ not paid, or in doubt
 *                                      └─unwelcome, or closed─▶ nothing was paid
 */
import type { CryptoProvider } from "../crypto/index.ts";
import { TetradError, unreachable } from "../errors.ts";
import {
	type Ended,
	type Machine,
	Steps,
	unexpected,
} from "../machine/index.ts";
import { body, message, type Payment } from "../money/documents/index.ts";
import { enc, malformed, sameBytes, utf8 } from "../wire/index.ts";
import { PAYMENT } from "./messages.ts";
import {
	type SessionOneEffect,
	type SessionOneEvent,
	unasked,
} from "./session-one.ts";

const LABEL = utf8("tetrad/1 payment");

/** A contract that is like no other, 32 bytes. */
export function newContract(crypto: CryptoProvider, text: string): Uint8Array {
	return crypto.sha256(enc(LABEL, crypto.random(32), utf8(text)));
}

/** What happens to a payment that is proposed. */
export type PaymentProposingEvent =
	| { readonly kind: "begin" }
	/** The own module has paid. */
	| { readonly kind: "paid"; readonly amount: bigint }
	/** Why it has not, or that it is not known. */
	| { readonly kind: "not-paid"; readonly error: TetradError }
	| SessionOneEvent;

/** What a buyer's agent asks for. */
export type PaymentProposingEffect =
	/** Have the own module pay; answered by `paid` or `not-paid`. */
	| { readonly kind: "pay"; readonly payment: Payment }
	/** It was paid. */
	| { readonly kind: "paid"; readonly amount: bigint }
	/** Money is committed, and it is not known whether the other module has it. */
	| { readonly kind: "in-doubt"; readonly error: TetradError }
	| SessionOneEffect;

interface State {
	readonly kind: "new" | "proposing" | "unanswered" | "paying";
}

/** A buyer's agent and one payment. */
export class PaymentProposing
	implements Machine<PaymentProposingEvent, PaymentProposingEffect>
{
	readonly #steps: Steps<PaymentProposingEffect> =
		new Steps<PaymentProposingEffect>(undefined, (error) =>
			this.#failing(error),
		);
	readonly #payment: Payment;
	readonly #text: string;
	#state: State = { kind: "new" };

	/** `text` says what the payment is for, in at most `MAX_TEXT_BYTES` of UTF-8. */
	constructor(payment: Payment, text: string) {
		this.#payment = payment;
		this.#text = text;
	}

	get deadline(): undefined {
		return undefined;
	}

	handle(
		event: PaymentProposingEvent,
	): readonly (PaymentProposingEffect | Ended)[] {
		return this.#steps.run(() => this.#handle(event));
	}

	#handle(event: PaymentProposingEvent): void {
		switch (event.kind) {
			case "begin":
				this.#requireState("new", "a beginning");
				this.#state = { kind: "proposing" };
				return this.#steps.emit({
					kind: "to-agent",
					bytes: message(PAYMENT.propose, {
						...this.#payment,
						text: this.#text,
					}),
				});
			case "sent":
				this.#requireState("proposing", "room for a message");
				this.#state = { kind: "unanswered" };
				return this.#steps.emit({ kind: "receive" });
			case "from-agent":
				return this.#hear(event.bytes);
			case "paid":
				this.#requireState("paying", "a payment");
				this.#steps.emit({ kind: "paid", amount: event.amount });
				return this.#steps.end("self");
			case "not-paid":
			case "abort":
				throw event.error;
			case "closed":
				throw new TetradError(
					"payment-refused",
					"the other agent closed the tetrad instead of taking a payment; nothing was paid",
				);
			case "time":
				return;
			default:
				return unreachable(event);
		}
	}

	#hear(bytes: Uint8Array): void {
		if (this.#state.kind !== "unanswered")
			throw unexpected("a message to whoever proposes a payment");
		if (bytes[0] === PAYMENT.unwelcome.type) {
			const { contract, reason } = body(PAYMENT.unwelcome, bytes);
			this.#requireOwn(contract);
			throw new TetradError(
				"payment-refused",
				`the other agent does not want this payment, and nothing was paid: ${reason}`,
			);
		}
		if (bytes[0] !== PAYMENT.welcome.type) throw notAnAnswer();
		this.#requireOwn(body(PAYMENT.welcome, bytes).contract);
		this.#state = { kind: "paying" };
		this.#steps.emit({ kind: "pay", payment: this.#payment });
	}

	#requireOwn(contract: Uint8Array): void {
		if (!sameBytes(contract, this.#payment.contract)) throw notAnAnswer();
	}

	#requireState(state: State["kind"], what: string): void {
		if (this.#state.kind !== state) throw unasked(what);
	}

	#failing(error: TetradError): void {
		// Where something here went wrong, the module may have paid.
		const isKnown =
			error.code !== "payment-in-doubt" && error.code !== "internal";
		if (this.#state.kind === "paying" && !isKnown)
			this.#steps.emit({ kind: "in-doubt", error });
	}
}

function notAnAnswer(): TetradError {
	return malformed("the other agent answered a payment with something else");
}
