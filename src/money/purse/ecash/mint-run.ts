import type { TetradError } from "../../../errors.ts";
import type { KnownKeysets, MintRequest } from "../../cashu/index.ts";
import type { MintAnswer } from "../ecash-part.ts";

/** What follows from an answer. */
export type RunStep<Outcome> =
	| { readonly kind: "over"; readonly outcome: Outcome }
	/** `next` is to be asked, at once. */
	| { readonly kind: "on" }
	/** `next` is to be asked after a while; `error` is why, for whoever waits. */
	| { readonly kind: "later"; readonly error: TetradError };

/** What a mint is asked, one question after another, until it is known what became of something. */
export interface MintRun<Outcome> {
	/** What the mint is asked next. */
	readonly next: MintRequest;
	/** Nobody has answered: it begins anew. */
	unanswered(): void;
	answered(keysets: KnownKeysets, answer: MintAnswer): RunStep<Outcome>;
}
