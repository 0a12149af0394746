import type { TetradError } from "../errors.ts";

/*
 * A server that is asked over HTTP. Its answer is what it says, and nothing is known when there is
 * none: it may have done what it was asked, or still do it.
 */

/** Ask it; answered by `answered` or `not-answered`, in any order among several. */
export interface AskEffect {
	readonly kind: "ask";
	readonly id: number;
	/** Its address, without a slash at the end. */
	readonly server: string;
	readonly method: "GET" | "POST";
	/** Begins with a slash. */
	readonly path: string;
	/** JSON; empty for GET. */
	readonly body: Uint8Array;
}

export type AskedEvent =
	| {
			readonly kind: "answered";
			readonly id: number;
			/** Of HTTP. */
			readonly status: number;
			readonly body: Uint8Array;
	  }
	/** It was not reached, or has not answered in time or within the limit of an answer's size. */
	| {
			readonly kind: "not-answered";
			readonly id: number;
			readonly error: TetradError;
	  };
