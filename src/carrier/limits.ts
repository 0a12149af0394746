import { MAX_FRAME_BODY } from "../wire/index.ts";

/**
 * What one carrier may cost. These are choices of this implementation, not of the protocol;
 * two ends with different limits understand each other. Times are in milliseconds, and
 * `Infinity` means no limit.
 */
export interface CarrierLimits {
	/** Queued bytes from which `send` returns false; `drained()` resolves at half of it. */
	readonly highWaterBytes: number;
	/** Queued bytes at which the carrier gives up a peer that does not read: `carrier-failed`. */
	readonly maxQueuedBytes: number;
	/** A frame that has begun must be complete in this time. Idling between frames costs nothing. */
	readonly slowFrameMs: number;
	/** The first frame must be complete in this time from `receive()`. */
	readonly firstFrameMs: number;
	/** How long the other end may take none of the bytes that wait for it. */
	readonly stallMs: number;
	/** After `close()`: how long a flush may stand still, and then how long the other end may take to close too. */
	readonly closeMs: number;
	/** The same, when what came could not be read and no frame had come whole. */
	readonly strangerCloseMs: number;
	/** How many of the first frames `firstFrameBody` applies to. */
	readonly firstFrames: number;
	/** The largest body of the first frames, in bytes: `limit-exceeded` above it. */
	readonly firstFrameBody: number;
}

/** For an end that chose whom to call. Its handshake has time limits of its own. */
export const CARRIER_LIMITS: CarrierLimits = {
	// Four of the largest frames keep a fast link busy while the sender prepares the next one.
	highWaterBytes: 2 ** 20,
	// A sender that heeds `send` stays just over the mark, so only one that ignores it gets here.
	maxQueuedBytes: 2 ** 24,
	// The largest frame at 9 KB/s, slower than any network that a trade is worth doing over.
	slowFrameMs: 30_000,
	firstFrameMs: Number.POSITIVE_INFINITY,
	// A reader that stopped on purpose may be waiting for a person.
	stallMs: 300_000,
	closeMs: 10_000,
	strangerCloseMs: 1_000,
	firstFrames: 0,
	firstFrameBody: MAX_FRAME_BODY,
};

/** For an end that anybody may call: a stranger must say something, soon, and something small. */
export const LISTENER_LIMITS: CarrierLimits = {
	...CARRIER_LIMITS,
	firstFrameMs: 6_000,
	firstFrames: 1,
	// No first frame holds more than an offer or one certificate chain, even with ML-DSA in it.
	firstFrameBody: 2 ** 16,
};

/** Connections of one listener at a time, unless told otherwise: more than an agent lets in by itself, by address. */
export const DEFAULT_MAX_CONNECTIONS = 2048;

/** How long `connect` tries, in milliseconds, unless told otherwise. */
export const DEFAULT_CONNECT_MS = 10_000;

/**
 * Runs `expired` after `ms` and keeps no process alive for it: sockets do that, and a process
 * that has only limits left to wait for may end.
 */
export function startLimit(
	ms: number,
	expired: () => void,
): NodeJS.Timeout | undefined {
	if (ms === Number.POSITIVE_INFINITY) return undefined;
	return setTimeout(expired, Math.min(ms, MAX_TIMER_MS)).unref();
}

/** Above this a timer of Node fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** "30 seconds", for the sentences of errors. */
export function seconds(ms: number): string {
	const count = ms / 1000;
	return count === 1 ? "1 second" : `${count} seconds`;
}
