import type { TetradError } from "../errors.ts";

/** What the owner of a carrier hears. A receiver that throws loses its carrier, and the process goes on. */
export interface CarrierReceiver {
	/**
	 * One whole frame, header included, lent for this call: copy what is kept. Nobody writes to
	 * the bytes, but their memory may be given back afterwards, and they may be a view into the
	 * 64 KiB that were read with them.
	 */
	frame(bytes: Uint8Array): void;
	/**
	 * Called once, last, and never from inside a call to the carrier. `error` is absent when the
	 * other end closed in order at a frame boundary, or this end did and all it sent was flushed.
	 * Otherwise it is one of `truncated` (the other end stopped inside a frame), `malformed`,
	 * `limit-exceeded`, `timed-out`, `carrier-failed`, what `destroy` was given, or what `frame` threw.
	 * After `malformed`, `limit-exceeded` and `timed-out` for what came, and only then, a refusal that
	 * is sent from inside this call still goes out.
	 */
	closed(error?: TetradError): void;
}

/** Moves whole frames between two processes or inside one. It proves nothing about who is there. */
export interface Carrier {
	readonly kind: "memory" | "unix" | "tcp";
	/** For logs: where the other end is. */
	readonly peer: string;
	/**
	 * Of a connection that came over a network: for whom limits by address are, which is the other
	 * end's IPv4 address, or the first 64 bits of its IPv6 address.
	 */
	readonly source?: string;

	/**
	 * Frames are delivered from now on, never before and never inside this call. Throws
	 * `invalid-argument` when there is a receiver already.
	 */
	receive(receiver: CarrierReceiver): void;

	/**
	 * Takes the bytes of one or more whole frames; the caller must not change them afterwards. With
	 * `owned`, the caller does not look at them again either, and the carrier may give their memory
	 * back once they are sent, where they are all of their `buffer`: others may be in the rest of it.
	 * False when the queue is over its mark and the caller should await `drained()`; a caller that
	 * never does so loses the carrier at the hard limit. After close it drops the bytes, returns
	 * false and throws nothing.
	 */
	send(bytes: Uint8Array, owned?: "owned"): boolean;

	/** Resolves when the queue has room again, and also when the carrier closes. Never rejects. */
	drained(): Promise<void>;

	/**
	 * Undefined unless a write is under way, behind which anything sent now would wait. Resolves when
	 * that write is done, whether or not another one begins then, and also when the carrier closes.
	 * Never rejects.
	 */
	written(): Promise<void> | undefined;

	/** No frame is delivered until `resume()`, and the other end's queue fills up. */
	pause(): void;
	resume(): void;

	/**
	 * Delivers no more frames, flushes what was sent, then closes. It waits for the other end for
	 * `lingerMs` at most, in milliseconds; as its limits say unless given. Idempotent.
	 */
	close(lingerMs?: number): void;

	/**
	 * Closes at once, dropping what was not sent; the receiver hears `closed(error)`. The other end
	 * hears an error or an early end, so a refusal that must arrive goes with `close()`. Idempotent.
	 */
	destroy(error?: TetradError): void;
}
