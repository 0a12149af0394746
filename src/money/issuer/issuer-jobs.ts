import type { CertifiedDevice } from "../../identity/index.ts";
import type { VerifiedTransfer } from "../documents/index.ts";
import type { NewNote } from "./ledger.ts";
import type { Asked } from "./ledger-answers.ts";
import type { RequestKind } from "./module-requests.ts";

export interface Origin {
	readonly tetrad: number;
	readonly kind: RequestKind;
	/** Empty for `hello`, which has none. */
	readonly request: Uint8Array;
}

/** What shall be issued to whom. */
export type Issue =
	| { readonly kind: "withdraw"; readonly amount: bigint }
	| { readonly kind: "exchange"; readonly verified: VerifiedTransfer };

/** What a request waits for. */
export type Job =
	| { readonly kind: "greeting"; readonly origin: Origin }
	| { readonly kind: "telling-balance"; readonly origin: Origin }
	| {
			readonly kind: "looking-up";
			readonly origin: Origin;
			readonly asked: Asked;
			readonly issue: Issue;
			readonly peer: CertifiedDevice;
	  }
	| {
			readonly kind: "signing";
			readonly origin: Origin;
			readonly asked: Asked;
			readonly issue: Issue;
			readonly sign: (signature: Uint8Array) => NewNote;
	  }
	| { readonly kind: "settling"; readonly origin: Origin };
