/* What a purse's ecash waits for, as data. */
import type { Proof } from "../../cashu/index.ts";
import type {
	ClaimedRow,
	EcashOrderRow,
	KeysetRow,
	LockedRow,
	ReceivedRow,
} from "../ecash-tables.ts";
import type { AskedPayment } from "../payment-state.ts";
import type { Move } from "./moves.ts";
import type { StoredSwap } from "./stored-swap.ts";

/** What is known of a contract that is to be paid. */
export type PaidBefore =
	/** With the encoded chain under which its receipt was signed, or an empty one. */
	| {
			readonly kind: "paid";
			readonly row: LockedRow;
			readonly chain: Uint8Array;
	  }
	| { readonly kind: "unpaid"; readonly isNewMerchant: boolean }
	/** It was cancelled, and will never be paid. */
	| { readonly kind: "aborted" };

interface OfContract {
	/** 32 bytes. */
	readonly contract: Uint8Array;
}

export type EcashJob =
	| ({ readonly kind: "looking-up-paid" } & OfContract)
	/** The irrevocable write: proofs are given to a swap that locks them. */
	| ({ readonly kind: "committing" } & OfContract)
	/** A payment that was forgotten is kept again. */
	| {
			readonly kind: "recalling";
			readonly asked: AskedPayment;
			readonly row: LockedRow;
	  }
	/** A payment goes on in another state, and so do proofs. */
	| ({
			readonly kind: "moving";
			readonly to: LockedRow;
			/** The purse's again, or its own now. */
			readonly proofs: readonly Proof[];
			readonly next: {
				/** The swap that the state is about, where it is a new one. */
				readonly swap: StoredSwap | undefined;
				/** The mint is asked again, and not at once. */
				readonly isAfterAWhile: boolean;
			};
	  } & OfContract)
	/** The key is kept, with the receipt when there is one. */
	| ({ readonly kind: "keying"; readonly to: LockedRow } & OfContract)
	| ({
			readonly kind: "looking-up-sold-offer";
			readonly tetrad: number;
	  } & OfContract)
	| ({ readonly kind: "looking-up-sold" } & OfContract)
	/** That a lock is claimed, and with which swap. */
	| ({
			readonly kind: "claiming";
			readonly row: ClaimedRow;
			readonly swap: StoredSwap;
	  } & OfContract)
	| {
			readonly kind: "looking-up-received";
			readonly request: Uint8Array;
	  }
	/** Ecash of the owner is swapped, and with which swap. */
	| {
			readonly kind: "receiving";
			readonly row: ReceivedRow;
			readonly swap: StoredSwap;
	  }
	/** That is over. */
	| {
			readonly kind: "received";
			readonly to: ReceivedRow;
			readonly proofs: readonly Proof[];
	  }
	/** Whether an order, or that of whose token it wants back, is known; `of` is the request that is looked for. */
	| {
			readonly kind: "looking-up-order";
			readonly request: Uint8Array;
			readonly of: Uint8Array;
	  }
	/** An order begins, or goes on in another state. */
	| {
			readonly kind: "moving-order";
			readonly move: Move;
			readonly how: "insert" | "put";
			/** The request of the order by which it does. */
			readonly ordered: Uint8Array;
	  }
	/** What a mint has shown of its keysets is kept, and what it has shown before those is not. */
	| {
			readonly kind: "keeping-keysets";
			readonly rows: readonly KeysetRow[];
			readonly gone: readonly Pick<KeysetRow, "mint" | "keyset">[];
	  }
	/** What is not done is kept as such. */
	| { readonly kind: "refusing-order"; readonly row: EcashOrderRow }
	/** A claim is over. */
	| ({
			readonly kind: "claimed";
			readonly to: ClaimedRow;
			/** What was received, and what of it is left. */
			readonly came: bigint;
			readonly proofs: readonly Proof[];
	  } & OfContract);

/** What the transaction of each decides. */
export interface EcashResults {
	readonly "looking-up-paid": PaidBefore;
	/** `aborted` when its contract was cancelled before. */
	readonly committing: "committed" | "aborted";
	/** Whether it was not there yet. */
	readonly recalling: boolean;
	readonly moving: undefined;
	readonly keying: undefined;
	readonly "looking-up-sold-offer": ClaimedRow | undefined;
	readonly "looking-up-sold": ClaimedRow | undefined;
	readonly claiming: undefined;
	readonly claimed: undefined;
	readonly "looking-up-received": ReceivedRow | undefined;
	readonly receiving: undefined;
	readonly received: undefined;
	readonly "looking-up-order": EcashOrderRow | undefined;
	/** What was written, and what of it the purse has then. */
	readonly "moving-order": {
		readonly row: EcashOrderRow;
		readonly got: readonly Proof[];
		readonly gone: readonly Proof[];
		/** Of a restore, the secrets of all that was under way. */
		readonly underWay: ReadonlySet<string>;
	};
	readonly "refusing-order": undefined;
	readonly "keeping-keysets": undefined;
}

export type EcashJobOf<Kind extends EcashJob["kind"]> = Extract<
	EcashJob,
	{ readonly kind: Kind }
>;

/** A job whose transaction is durable, and what it has decided. */
export type EcashWritten = {
	readonly [Kind in keyof EcashResults]: {
		readonly kind: Kind;
		readonly job: EcashJobOf<Kind>;
		readonly result: EcashResults[Kind];
	};
}[keyof EcashResults];
