import type { CryptoProvider } from "../crypto/index.ts";
import type { TetradError } from "../errors.ts";
import type { CertifiedDevice } from "../identity/index.ts";
import type {
	AskEffect,
	AskedEvent,
	Kind,
	Machine,
	TimeEvent,
	WorkEffect,
	WorkEvent,
} from "../machine/index.ts";
import type { EcashOrder, FourIds } from "./documents/index.ts";

/* What runs inside a module that holds or makes money is a machine; this is what it is handed, and what it asks for. */

/** A confirmed tetrad as a module's machine knows it. */
export interface Meeting {
	/** Names it at this module, for as long as it lasts. */
	readonly tetrad: number;
	/** Which module this one is. */
	readonly place: "X" | "Y";
	readonly ids: FourIds;
	/** `BINDING_BYTES` exported by the tetrad under `BINDING_LABEL`. */
	readonly binding: Uint8Array;
	/** What the tetrad exports for the goods that are sold in it, 32 bytes (docs/trade.md, "Keys"): secret from all but the four. */
	readonly exporter: Uint8Array;
	/** The other module, as the own policy judged it. */
	readonly peer: CertifiedDevice;
	/** The agent on this side and that on the other, as the own policy judged them. */
	readonly agents: {
		readonly own: CertifiedDevice;
		readonly other: CertifiedDevice;
	};
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
	/** A document in which the owner overrides what a witness said (order.ts). */
	| { readonly kind: "override"; readonly document: Uint8Array }
	/** A document in which the owner cancels an order to withdraw (order.ts). */
	| { readonly kind: "cancel"; readonly document: Uint8Array }
	/** A document with what the owner lets the purse pay (spending-order.ts). */
	| { readonly kind: "limits"; readonly document: Uint8Array }
	/** A document in which the owner approves or denies a payment that waits (spending-order.ts). */
	| { readonly kind: "approval"; readonly document: Uint8Array }
	/** The owner wants all notes of that issuer back in the account there; `request` is random, `REQUEST_ID_BYTES`. */
	| {
			readonly kind: "give-back";
			readonly request: Uint8Array;
			readonly issuer: Uint8Array;
	  }
	/** The owner puts a token of ecash (NUT-00) into the purse; `request` is random, `REQUEST_ID_BYTES`. */
	| {
			readonly kind: "receive-ecash";
			readonly request: Uint8Array;
			readonly token: string;
	  }
	/** What the owner orders of a mint. */
	| { readonly kind: "ecash-order"; readonly order: EcashOrder }
	| WorkEvent
	| AskedEvent
	| TimeEvent;

export type MoneyEffect<Report> =
	| {
			readonly kind: "to-agent" | "to-module";
			readonly tetrad: number;
			readonly bytes: Uint8Array;
	  }
	| WorkEffect
	| AskEffect
	/** The other module or the own agent broke the rules: end that tetrad. */
	| {
			readonly kind: "end";
			readonly tetrad: number;
			readonly error: TetradError;
	  }
	/** Something that the owner may want to know. */
	| { readonly kind: "report"; readonly report: Report };

export interface MoneyMachine<Report>
	extends Machine<MoneyEvent, MoneyEffect<Report>> {
	/** What it waits for, by the number under which it asked: data, for whoever looks at it. */
	readonly pending: ReadonlyMap<number, Kind>;
}

/** What every machine of money is given. */
export interface MoneyContext {
	readonly crypto: CryptoProvider;
	/** The module that it runs in. */
	readonly own: CertifiedDevice;
	/** Judges a chain of an issuer's module by the own policy, as of `now`. Throws as `ChainVerdicts.judge`. */
	readonly judge: (encodedChain: Uint8Array, now: number) => CertifiedDevice;
	/** Judges the chain under which a module signed something at a time of the past. Throws as `ChainVerdicts.judgeSigned`. */
	readonly judgeSigned: (
		encodedChain: Uint8Array,
		at: number,
	) => CertifiedDevice;
	/** Whom a trusted bank certified under a chain, whenever that was and whatever lists say since. Throws as `ChainVerdicts.certified`. */
	readonly certified: (encodedChain: Uint8Array) => CertifiedDevice;
	/** The same of an agent, by a trusted agency. */
	readonly certifiedAgent: (encodedChain: Uint8Array) => CertifiedDevice;
}
