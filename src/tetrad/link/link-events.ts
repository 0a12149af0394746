import type { TetradError } from "../../errors.ts";
import type { CertifiedDevice, ListNumber } from "../../identity/index.ts";
import type {
	AbortEvent,
	SignEffect,
	SignedEvent,
	TimeEvent,
} from "../../machine/index.ts";
import type { LinkMessageType } from "../../wire/index.ts";
import type { DeviceContext, NamedChain } from "../context.ts";
import type { LinkMode } from "../parameters.ts";
import type { Pairing } from "./pairing.ts";

/* What happens to one end of a link, and what it asks for. */

/** What one end of a link is made of. */
export interface LinkOptions {
	readonly device: DeviceContext;
	readonly pairing: Pairing;
	readonly mode: LinkMode;
	/** Milliseconds since the epoch. */
	readonly now: number;
	/** How long the link may take to be ready, in milliseconds. */
	readonly timeoutMs: number;
}

/** What the driver of a link hands over. */
export type LinkEvent =
	/** Begins: the agent calls on a paired link, and both ends greet on an open one. */
	| { readonly kind: "start" }
	/** One whole frame from the other end. */
	| { readonly kind: "frame"; readonly bytes: Uint8Array }
	/**
	 * A message of one tetrad, after each chain that it names and the other end has not. Throws
	 * `carrier-failed` before the link is ready, and `message-too-large`; the caller's mistake must
	 * not end a link that others share.
	 */
	| {
			readonly kind: "send";
			readonly tetradId: Uint8Array;
			readonly type: LinkMessageType;
			readonly body: Uint8Array;
			readonly chains: readonly NamedChain[];
			/** It is sealed in this step, with what waits. Otherwise it waits, too. */
			readonly atOnce?: boolean;
	  }
	/** What was sent and waits is sealed now, together (`flushWaits`); to be given at the end of a turn, or when the carrier is free again. */
	| { readonly kind: "flush" }
	/**
	 * The carrier has room for a message about untrusted lists, if there is one to send
	 * (`listWaits`); messages of tetrads go first.
	 */
	| { readonly kind: "next-list" }
	/** What became of the bundle of a `list` effect: which it was, if that could be read, or why the other end is at fault. */
	| {
			readonly kind: "list-dealt";
			readonly was: ListNumber | TetradError | undefined;
	  }
	/** This device has got a new untrusted list: a device at the other end that would be refused now ends the link. */
	| { readonly kind: "lists-changed" }
	/** Ends the link in order. */
	| { readonly kind: "close" }
	| SignedEvent
	| TimeEvent
	| AbortEvent;

/** What the driver of a link carries out, in order. */
export type LinkEffect =
	/** A whole frame for the other end. */
	| { readonly kind: "send-frame"; readonly bytes: Uint8Array }
	| SignEffect
	/** The other end is the paired device; messages may be sent. */
	| { readonly kind: "ready"; readonly peer: CertifiedDevice }
	/** A message of one tetrad. */
	| {
			readonly kind: "message";
			readonly tetradId: Uint8Array;
			readonly type: LinkMessageType;
			readonly body: Uint8Array;
	  }
	/** A bundle of an untrusted list came, whole. Come back with `list-dealt`; the next one waits for that. */
	| { readonly kind: "list"; readonly bundle: Uint8Array };
