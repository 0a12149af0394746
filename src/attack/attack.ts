/* What an attack is, and what may come of one. */
import type { Target } from "./target.ts";

/** In the order in which they are tried and shown. */
export const GROUPS = [
	"handshake",
	"binding",
	"records",
	"certificates",
	"links",
	"storage",
	"payments",
	"purchases",
	"rails",
	"command-line",
	"http",
	"mcp",
	"denial-of-service",
] as const;

export type Group = (typeof GROUPS)[number];

/** What came of an attack. */
export type Outcome =
	/** The target refused what it should, and told so. */
	| { readonly kind: "held"; readonly what: string }
	/** The attacker got something, or the target was no longer of use. */
	| { readonly kind: "broken"; readonly what: string }
	| {
			readonly kind: "not-tried";
			readonly why: string;
			/** Whether it should have been possible, and nothing is known now of what it asks. */
			readonly matters?: boolean;
	  };

/** One thing that somebody hostile does to a deployment. */
export interface Attack {
	/** In lower case with hyphens, once among all. */
	readonly name: string;
	readonly group: Group;
	/** What is done, as a sentence. */
	readonly tried: string;
	/** Where it stands what has to hold: a section of a document, a claim, an RFC, a CVE. */
	readonly reference: string;
	/** Whether it waits for long and asks for little, so that it goes on beside others that do. */
	readonly waits?: boolean;
	/**
	 * Does it. What it throws but `NotTried` counts as broken: an attack expects refusals, and says
	 * so. Whoever attacks shows first that the honest form of the same thing works the same way.
	 */
	run(target: Target, signal: AbortSignal): Promise<Outcome>;
}

export function held(what: string): Outcome {
	return { kind: "held", what };
}

export function broken(what: string): Outcome {
	return { kind: "broken", what };
}
