import { TetradError } from "../errors.ts";
import type { AbortEvent, TimeEvent } from "../machine/index.ts";

/*
 * What every machine is handed that speaks with the other agent, over session 1, and what it asks
 * for. It sends its next message when there is room for it, and hears one message each time that
 * it asks for one, so whoever is slow holds up the other agent and not its own memory.
 */

/** What happens in session 1. */
export type SessionOneEvent =
	/** There is room for another message after the last one. */
	| { readonly kind: "sent" }
	| { readonly kind: "from-agent"; readonly bytes: Uint8Array }
	/** The other agent closed the tetrad in order, so nothing more comes, and what was to be sent last has not gone. */
	| { readonly kind: "closed" }
	| AbortEvent
	/** Nothing in this room waits for a time. */
	| TimeEvent;

/** What is asked of session 1. */
export type SessionOneEffect =
	/** Answered by `sent`. */
	| { readonly kind: "to-agent"; readonly bytes: Uint8Array }
	/** Hand over the next message of the other agent; answered by `from-agent` or by `closed`. */
	| { readonly kind: "receive" };

/** The other agent went away in the middle of something. */
export function cutOff(what: string): TetradError {
	return new TetradError(
		"truncated",
		`the peer closed in the middle of ${what}`,
	);
}

/** A mistake of whoever runs a machine. */
export function unasked(what: string): TetradError {
	return new TetradError("internal", `${what} came that was not asked for`);
}
