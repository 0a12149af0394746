import type { ErrorCode } from "../../errors.ts";
import type { Conflict, SettledRequest } from "./ledger-answers.ts";
import type { RequestKind } from "./module-requests.ts";

/** What an operator may want to know. */
export type IssuerReport =
	/** A request was settled for the first time, durably if it changed anything. */
	| {
			readonly kind: "settled";
			readonly tetrad: number;
			/** Certified name of the module that asked. */
			readonly name: string;
			readonly asked: RequestKind;
			readonly settled: SettledRequest;
			/** The contract of the sale that it was about, if it was about one. */
			readonly sale: Uint8Array | undefined;
	  }
	/** A holder spent one range twice, and two transfers prove it. */
	| { readonly kind: "double-spending"; readonly conflict: Conflict }
	/** Two purses with the same key went on from the same state: one is a copy. */
	| {
			readonly kind: "forked";
			readonly tetrad: number;
			readonly name: string;
			readonly number: bigint;
	  }
	/** What was asked could not be settled, and may be asked again. */
	| {
			readonly kind: "trouble";
			readonly tetrad: number;
			readonly code: ErrorCode;
			readonly reason: string;
	  };
