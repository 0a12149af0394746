import { concat, sameBytes } from "../../wire/index.ts";
import type { Invoice, Receipt, Transfer } from "../documents/index.ts";
import type { Selection } from "./purse-book.ts";
import type { OpenMeeting } from "./purse-core.ts";
import type { PaymentRow } from "./purse-tables.ts";

/** What the agent asked for. */
export interface Asked {
	readonly contract: Uint8Array;
	readonly issuer: Uint8Array;
	readonly currency: string;
	readonly amount: bigint;
	/** Device id. */
	readonly payee: Uint8Array;
}

/** A payment that is durable. */
export interface Committed extends Asked {
	readonly transferId: Uint8Array;
	readonly parties: Uint8Array;
	/** The whole message, the same each time. */
	readonly deliver: Uint8Array;
}

export type State =
	| { readonly kind: "looking-up"; readonly meeting: OpenMeeting }
	| {
			readonly kind: "preparing";
			readonly meeting: OpenMeeting;
			readonly until: number;
	  }
	/** Agreed, and without ranges to pay with. */
	| ({ readonly kind: "waiting" } & Agreed)
	| ({ readonly kind: "signing" } & Reserved)
	| ({ readonly kind: "signed"; readonly transfer: Transfer } & Reserved)
	| ({ readonly kind: "committing" } & Agreed)
	| {
			readonly kind: "delivered";
			readonly committed: Committed;
			readonly until: number;
	  }
	| { readonly kind: "in-doubt"; readonly committed: Committed }
	| {
			readonly kind: "settling";
			readonly committed: Committed;
			readonly receipt: Receipt;
	  };

export interface Agreed {
	readonly meeting: OpenMeeting;
	readonly invoice: Invoice;
}

export interface Reserved extends Agreed {
	readonly selection: Selection;
}

export interface Payment {
	readonly asked: Asked;
	/** The tetrads whose agent waits for the outcome, once for each time that it asked. */
	askers: readonly number[];
	state: State;
}

/** States in which everything may still be given up. */
export type Uncommitted = Extract<State, { readonly meeting: OpenMeeting }>;

export function isUncommitted(
	state: State,
): state is Exclude<Uncommitted, { readonly kind: "committing" }> {
	return "meeting" in state && state.kind !== "committing";
}

export function askedOf(row: PaymentRow): Asked {
	const { contract, issuer, currency, amount, payee } = row;
	return { contract, issuer, currency, amount, payee };
}

export function sameAsked(a: Asked, b: Asked): boolean {
	return (
		a.amount === b.amount &&
		a.currency === b.currency &&
		sameBytes(concat(a.contract, a.issuer), concat(b.contract, b.issuer)) &&
		sameBytes(a.payee, b.payee)
	);
}
