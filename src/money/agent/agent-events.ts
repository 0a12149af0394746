import type { TetradError } from "../../errors.ts";
import type { AbortEvent, TimeEvent } from "../../machine/index.ts";
import type { Head, Payment } from "../documents/index.ts";

/** A payment that was made, and the payee's module's receipt for it: `openReceiptUnderChain` reads it. */
export interface ReceiptedPayment {
	/** In minor units. */
	readonly amount: bigint;
	/** The document, as it was signed; empty when the issuer has told the payer's module that the payment was booked, and no receipt has come. */
	readonly receipt: Uint8Array;
	/** Encoded chain of the payee's module under which it signed the receipt; empty along with it. */
	readonly chain: Uint8Array;
}

/** A payment that the module is asked to make or to take. */
interface AskedOfModule {
	readonly ask: number;
	readonly payment: Payment;
	/** What it is for, at most `MAX_PAYMENT_TEXT_BYTES` of UTF-8; empty to say nothing. */
	readonly text: string;
}

/** What an agent asks; each under a number of its own, which the answer gives back. */
export type PaymentAsk =
	/** Pay, and say when it is done and the head kept. */
	| ({ readonly kind: "pay" } & AskedOfModule)
	/** Take this payment from the other module, and say when it may come. */
	| ({ readonly kind: "expect" } & AskedOfModule)
	/** Say when the payment for that contract has come. */
	| {
			readonly kind: "receive";
			readonly ask: number;
			readonly contract: Uint8Array;
	  }
	/** The other module is that issuer's: do what there is to do with it. */
	| {
			readonly kind: "settle";
			readonly ask: number;
			readonly issuer: Uint8Array;
	  };

/** What happens to payments at an agent. */
export type AgentPaymentsEvent =
	/** First: the tetrad is confirmed, and this is the newest head of the module's purse that is kept. */
	| { readonly kind: "opened"; readonly head: Head }
	| PaymentAsk
	/** Whoever asked waits no longer. What was asked goes on. */
	| {
			readonly kind: "give-up";
			readonly ask: number;
			readonly error: TetradError;
	  }
	| { readonly kind: "from-module"; readonly bytes: Uint8Array }
	/** The head of that number is durable, or a newer one is. */
	| { readonly kind: "kept"; readonly id: number }
	| {
			readonly kind: "not-kept";
			readonly id: number;
			readonly error: TetradError;
	  }
	/** The module says nothing more: the tetrad was closed in order. */
	| { readonly kind: "closed" }
	/** The tetrad has ended otherwise. */
	| AbortEvent
	/** Nothing here waits for a time. */
	| TimeEvent;

/** What payments at an agent ask for. */
export type AgentPaymentsEffect =
	| { readonly kind: "to-module"; readonly bytes: Uint8Array }
	/** Make the head durable, unless a newer one is; answered by `kept` or `not-kept`. */
	| { readonly kind: "keep"; readonly id: number; readonly head: Head }
	/** It was done; `payment` says what was paid or has come. */
	| {
			readonly kind: "answered";
			readonly ask: number;
			readonly payment: ReceiptedPayment | undefined;
	  }
	/** It was paid, and `error` is why the head that the module told before could not be kept. */
	| {
			readonly kind: "answered-unkept";
			readonly ask: number;
			readonly payment: ReceiptedPayment;
			readonly error: TetradError;
	  }
	| {
			readonly kind: "refused";
			readonly ask: number;
			readonly error: TetradError;
	  }
	/** The module sent something that is not of money. */
	| { readonly kind: "other"; readonly bytes: Uint8Array }
	/** The module broke the rules: end the tetrad. */
	| { readonly kind: "end"; readonly error: TetradError };
