import type { CryptoProvider } from "../crypto/index.ts";
import type { TetradError } from "../errors.ts";
import type { CertifiedDevice } from "../identity/index.ts";
import type { Transaction } from "../machine/index.ts";
import type { FourIds } from "./documents/index.ts";

/*
 * What runs inside a module that holds or makes money is a machine: it is handed what happens, one
 * thing after another, and answers with what shall be done, in order. Nothing in it waits. It sees
 * time only as it is passed in, and knows that something is durable only when it is told so.
 */

/** A confirmed tetrad as a module's machine knows it. */
export interface Meeting {
	/** Names it at this module, for as long as it lasts. */
	readonly tetrad: number;
	/** Which module this one is. */
	readonly place: "X" | "Y";
	readonly ids: FourIds;
	/** `BINDING_BYTES` exported by the tetrad under `BINDING_LABEL`. */
	readonly binding: Uint8Array;
	/** The other module, as the own policy judged it. */
	readonly peer: CertifiedDevice;
}

export type MoneyEvent =
	| { readonly kind: "opened"; readonly meeting: Meeting }
	/** Nothing more comes from that tetrad, and nothing can be sent in it. */
	| { readonly kind: "closed"; readonly tetrad: number }
	| {
			readonly kind: "from-agent" | "from-module";
			readonly tetrad: number;
			readonly bytes: Uint8Array;
	  }
	/** A document with an order of the owner (order.ts). */
	| { readonly kind: "order"; readonly document: Uint8Array }
	/** The owner wants all notes of that issuer back in the account there; `request` is random, `REQUEST_ID_BYTES`. */
	| {
			readonly kind: "give-back";
			readonly request: Uint8Array;
			readonly issuer: Uint8Array;
	  }
	/** The transaction of that id is durable, and this is its result. */
	| {
			readonly kind: "written";
			readonly id: number;
			readonly result: unknown;
	  }
	/**
	 * What that transaction threw, or why the store did not write it. With `store-failed` it is not
	 * known whether it was written; the process then ends, and starts again from what is there.
	 */
	| {
			readonly kind: "not-written";
			readonly id: number;
			readonly error: TetradError;
	  }
	| {
			readonly kind: "signed";
			readonly id: number;
			readonly signature: Uint8Array;
	  }
	| {
			readonly kind: "not-signed";
			readonly id: number;
			readonly error: TetradError;
	  }
	/** Time has passed: asked for by `deadline`. */
	| { readonly kind: "time" };

export type MoneyEffect<Report> =
	| {
			readonly kind: "to-agent" | "to-module";
			readonly tetrad: number;
			readonly bytes: Uint8Array;
	  }
	/** Sign with the module's own key; answered by `signed` or `not-signed`. */
	| {
			readonly kind: "sign";
			readonly id: number;
			readonly content: Uint8Array;
	  }
	/** Answered by `written` or `not-written`. Transactions are carried out in the order in which they are asked for. */
	| {
			readonly kind: "transact";
			readonly id: number;
			readonly transaction: Transaction<unknown>;
	  }
	/** The other module or the own agent broke the rules: end that tetrad. */
	| {
			readonly kind: "end";
			readonly tetrad: number;
			readonly error: TetradError;
	  }
	/** Something that the owner may want to know. */
	| { readonly kind: "report"; readonly report: Report };

export interface MoneyMachine<Report> {
	/** Hands over what happened. `now` is in milliseconds since the epoch. Never throws for what came from a peer. */
	handle(event: MoneyEvent, now: number): readonly MoneyEffect<Report>[];
	/** When `time` shall be handed over; milliseconds since the epoch. */
	readonly deadline: number | undefined;
}

/** What every machine of money is given. */
export interface MoneyContext {
	readonly crypto: CryptoProvider;
	/** The module that it runs in. */
	readonly own: CertifiedDevice;
	/** Judges a chain of an issuer's module by the own policy, as of `now`. Throws as `ChainVerdicts.judge`. */
	readonly judge: (encodedChain: Uint8Array, now: number) => CertifiedDevice;
}
