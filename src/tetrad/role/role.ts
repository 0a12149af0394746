import { TetradError } from "../../errors.ts";
import type { ListNumber } from "../../identity/index.ts";
import type {
	AbortEvent,
	SignEffect,
	SignedEvent,
	TimeEvent,
} from "../../machine/index.ts";
import {
	encodeFrame,
	FRAME,
	type LinkMessageType,
	REFUSAL,
} from "../../wire/index.ts";
import type { DeviceContext, LinkContext, NamedChain } from "../context.ts";
import type { LocalSession, RootKey } from "../root-key.ts";
import type { Transcript } from "../transcript.ts";

/* What happens to the four machines of a tetrad, and what they ask for. */

/** What every machine of a tetrad is given when it is made. */
export interface MachineOptions {
	readonly device: DeviceContext;
	readonly link: LinkContext;
	/** Milliseconds since the epoch. */
	readonly now: number;
	/** How long the establishment may take, in milliseconds. */
	readonly timeoutMs: number;
}

/** What the driver of a module's machine hands over. */
export type ModuleEvent =
	/** A message of this tetrad from the device at the other end of the link. */
	| {
			readonly kind: "link-message";
			readonly type: LinkMessageType;
			readonly body: Uint8Array;
			/** At an agent: what is passed on to the other one is sealed in this step. Otherwise it waits. */
			readonly atOnce?: boolean;
	  }
	/**
	 * A message of the application for the device of the other side that is of the same kind (over
	 * session 1 or 2), or for the own agent or module (over session 3 or 4). Throws `not-confirmed`
	 * before the tetrad is confirmed, `tetrad-closed` once it closes or has ended, and
	 * `message-too-large`; the caller's mistake changes nothing.
	 */
	| {
			readonly kind: "send";
			readonly to: "agent" | "module";
			readonly message: Uint8Array;
			/** It is sealed in this step, with what waits for that device. Otherwise it waits, too. */
			readonly atOnce?: boolean;
	  }
	/**
	 * What was sent to that device and waits is sealed now (`flushWaits`); all of it together, as far
	 * as it fits. To be given at the end of a turn, or when the way is free again.
	 */
	| { readonly kind: "flush"; readonly to: "agent" | "module" }
	/** The application ends the tetrad in order. */
	| { readonly kind: "close" }
	/**
	 * This device has got a new untrusted list. Whoever was accepted for this tetrad is judged
	 * again, whether it is confirmed or not, and one who would be refused now ends it.
	 */
	| { readonly kind: "lists-changed" }
	| SignedEvent
	| TimeEvent
	| AbortEvent;

/** What the driver of an agent's machine hands over. */
export type AgentEvent =
	/** Begins the establishment; only the agent that calls is started. */
	| { readonly kind: "start" }
	/** One whole frame from the other agent. */
	| { readonly kind: "frame"; readonly bytes: Uint8Array }
	/**
	 * The carrier has room for a message about untrusted lists, if there is one to send
	 * (`listWaits`); messages of the application go first.
	 */
	| { readonly kind: "next-list" }
	/** What became of the bundle of a `list` effect: which it was, if that could be read, or why the other agent is at fault. */
	| {
			readonly kind: "list-dealt";
			readonly was: ListNumber | TetradError | undefined;
	  }
	| ModuleEvent;

/** What a module's machine asks its driver to do. */
export type ModuleEffect =
	/** A message for the own link; each chain must have been carried to the other end before it. */
	| {
			readonly kind: "send-link";
			readonly type: LinkMessageType;
			readonly body: Uint8Array;
			readonly chains: readonly NamedChain[];
	  }
	/** Asked once. */
	| SignEffect
	/** This device has authenticated its peer and formed K. */
	| { readonly kind: "bound" }
	/** The other three formed the same K. */
	| { readonly kind: "confirmed" }
	/**
	 * Messages for the application, from session 1, 2, 3 or 4, in order and at least one: those that
	 * followed each other in one record. The array is whoever carries this out's own.
	 */
	| {
			readonly kind: "messages";
			readonly session: 1 | 2 | 3 | 4;
			readonly messages: Uint8Array[];
	  };

/** What an agent's machine asks its driver to do. */
export type AgentEffect =
	/** A whole frame for the other agent. */
	| { readonly kind: "send-frame"; readonly bytes: Uint8Array }
	/** A bundle of an untrusted list came, whole. Come back with `list-dealt`; the next one waits for that. */
	| { readonly kind: "list"; readonly bundle: Uint8Array }
	| ModuleEffect;

/** What the two kinds of confirmed device both have. */
export interface ConfirmedDevice {
	readonly transcript: Transcript;
	readonly root: RootKey;
	/** Session 3 or 4. */
	readonly local: LocalSession;
	/** When all four last signed, in milliseconds since the epoch, where that was for an earlier tetrad which this one resumes. */
	readonly signedAt?: number;
}

/** What is thrown to a caller who sends too early. */
export function notConfirmed(): TetradError {
	return new TetradError(
		"not-confirmed",
		"this tetrad is not confirmed yet; wait for all four devices",
	);
}

/** What is thrown to a caller who sends too late. */
export function tetradIsOver(): TetradError {
	return new TetradError("tetrad-closed", "this tetrad is over");
}

/** What ends a tetrad that is closed in order before there is one. */
export function closedTooEarly(): TetradError {
	return new TetradError(
		"aborted",
		"the tetrad was closed before it was confirmed",
	);
}

/**
 * What ends an agent's machine when the other agent refuses. The body of the refusal says whether
 * it is busy, which only an establishment asks.
 */
export function refusedByPeer(body?: Uint8Array): TetradError {
	return body?.[0] === REFUSAL.busy
		? new TetradError(
				"busy",
				"the other agent has too much to do and took nothing on; try again in a moment",
			)
		: new TetradError(
				"refused-by-peer",
				"the other agent refused or gave up; its owner's log says why",
			);
}

/** What the other agent is told of a failure: whether to try again, and nothing else. */
export function refusalFrame({ code }: TetradError): Uint8Array {
	const why = code === "busy" ? REFUSAL.busy : REFUSAL.stopped;
	return encodeFrame(FRAME.refusal, Uint8Array.of(why));
}
