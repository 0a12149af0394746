/*
 * What everything above the line is: a machine. It is handed what happens, one thing after another,
 * each with the time at which it happened, and answers with what shall be done, in order. Nothing
 * in it waits, reads a clock, draws a random number by itself or touches a file or a socket. It
 * knows that something is durable, or signed, only when an event says so.
 *
 * Its first failure ends it for good, and so does an end in order. `Ended` is then its last effect:
 * whatever is handed over afterwards does nothing. What it still waits for is data that can be
 * looked at (`Pending`), so that a simulator can show it, and play the same events again.
 */
import { TetradError } from "../errors.ts";

/** Whatever is told apart by its `kind`. */
export interface Kind {
	readonly kind: string;
}

/** What decides: it is handed what happens, and answers with what shall be done. */
export interface Machine<Event extends Kind, Effect extends Kind> {
	/**
	 * Hands over what happened, and returns what shall be done, in this order. `now` is in
	 * milliseconds since the epoch. Throws only for a mistake of the caller, which then changed
	 * nothing; never for what came from a peer.
	 */
	handle(event: Event, now: number): readonly (Effect | Ended)[];
	/** When a `time` event shall be handed over, in milliseconds since the epoch; `undefined` when no time is waited for. */
	readonly deadline: number | undefined;
}

/** Who asked for an end in order: this device, the other device at the end of a session or link, or the own agent or module. */
export type ClosedBy = "self" | "agent" | "module" | "peer";

/** A machine's last effect: it ended in order, or with an error. */
export type Ended =
	| { readonly kind: "ended"; readonly by: ClosedBy; readonly error?: never }
	| {
			readonly kind: "ended";
			readonly error: TetradError;
			readonly by?: never;
	  };

/** Time has passed: asked for by `deadline`. */
export interface TimeEvent {
	readonly kind: "time";
}

/** Ends the machine because of something outside it: a lost carrier, an abort by the caller. */
export interface AbortEvent {
	readonly kind: "abort";
	readonly error: TetradError;
}

export function unexpected(what: string): TetradError {
	return new TetradError("unexpected-message", `${what} came out of turn`);
}

/** The deadline has come; `waitingFor` ends a sentence that begins with "no answer in time while". */
export function timedOut(waitingFor: string): TetradError {
	return new TetradError("timed-out", `no answer in time while ${waitingFor}`);
}
