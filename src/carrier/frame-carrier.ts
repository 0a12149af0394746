import { asTetradError, TetradError } from "../errors.ts";
import type { Carrier, CarrierReceiver } from "./carrier.ts";
import { FrameSplitter } from "./frame-splitter.ts";
import { type CarrierLimits, seconds, startLimit } from "./limits.ts";
import { type Part, SendQueue } from "./send-queue.ts";

/** The stream of bytes below a carrier. It begins paused, and tells the carrier what happens. */
export interface Pipe {
	/** Whether small writes should be gathered, see `SendQueueSink`. */
	readonly gathers: boolean;
	/**
	 * Writes the parts in order, then calls `done` in a later tick; it calls nothing before it
	 * returns. Owned parts may be kept.
	 */
	write(parts: readonly Part[], done: () => void): void;
	pause(): void;
	resume(): void;
	/** Nothing more will be written; the pipe goes on reading until the other end ends too. */
	end(): void;
	/** Lets go of the pipe. `abrupt`: the other end should hear that this is no orderly end. */
	destroy(abrupt: boolean): void;
}

/**
 * A carrier over any pipe: what memory, Unix sockets and TCP have in common, which is frames,
 * limits, and hearing of the end exactly once.
 *
 *     open ──close()──▶ closing ──flushed, and the other end closed──▶ closed
 *       ├──what came cannot be read──▶ refusing ──the receiver was told──▶ closing
 *       └──── end, failure, limit, or destroy() (from the others too) ────▶ closed
 */
export class FrameCarrier implements Carrier {
	readonly kind: Carrier["kind"];
	readonly peer: string;
	readonly source?: string;
	readonly #pipe: Pipe;
	readonly #limits: CarrierLimits;
	readonly #splitter: FrameSplitter;
	readonly #queue: SendQueue;

	#state: "open" | "refusing" | "closing" | "closed" = "open";
	#receiver: CarrierReceiver | undefined;
	#paused = false;
	#delivering = false;
	/** The other end has ended, though frames from before may still wait. */
	#ended = false;
	/** Why the carrier closed, for a receiver that comes later. */
	#reason: TetradError | undefined;
	#told = false;

	#frameLimit: NodeJS.Timeout | undefined;
	/** The frame, counted from the first, that `#frameLimit` is for. */
	#limitedFrame = -1;
	#closeLimit: NodeJS.Timeout | undefined;

	constructor(
		kind: Carrier["kind"],
		peer: string,
		pipe: Pipe,
		limits: CarrierLimits,
		source?: string,
	) {
		this.kind = kind;
		if (source !== undefined) this.source = source;
		this.peer = peer;
		this.#pipe = pipe;
		this.#limits = limits;
		this.#splitter = new FrameSplitter(limits);
		this.#queue = new SendQueue(
			{
				gathers: pipe.gathers,
				write: (parts, done) => pipe.write(parts, done),
				failed: (error) => this.#finish(error),
			},
			limits,
		);
	}

	receive(receiver: CarrierReceiver): void {
		if (this.#receiver !== undefined)
			throw new TetradError(
				"invalid-argument",
				"this carrier has a receiver already",
			);
		this.#receiver = receiver;
		if (this.#state === "closed") this.#report();
		else if (this.#state === "open") process.nextTick(() => this.#deliver());
	}

	send(bytes: Uint8Array, owned?: "owned"): boolean {
		return this.#queue.push(bytes, owned === "owned");
	}

	drained(): Promise<void> {
		return this.#queue.drained();
	}

	written(): Promise<void> | undefined {
		return this.#queue.written();
	}

	pause(): void {
		if (this.#paused || this.#state !== "open") return;
		this.#paused = true;
		this.#pipe.pause();
		// The time limits are for the other end's slowness and not for ours.
		this.#clearFrameLimit();
	}

	resume(): void {
		if (!this.#paused) return;
		this.#paused = false;
		process.nextTick(() => this.#deliver());
	}

	close(lingerMs: number = this.#limits.closeMs): void {
		if (this.#state === "open") this.#flushAndClose(lingerMs);
	}

	#flushAndClose(lingerMs: number): void {
		this.#state = "closing";
		this.#clearFrameLimit();
		// What still comes is read and dropped: a socket closed over unread bytes resets the
		// connection, and the other end would lose what was just sent to it.
		this.#pipe.resume();
		this.#queue.finish(lingerMs, () => {
			this.#pipe.end();
			this.#closeLimit = startLimit(lingerMs, () => this.#finish(undefined));
		});
	}

	destroy(error?: TetradError): void {
		this.#finish(error, true);
	}

	/** From the pipe: bytes that nobody writes to any more. Not while paused. */
	arrived(chunk: Uint8Array): void {
		if (this.#state !== "open") return;
		this.#splitter.push(chunk);
		this.#deliver();
	}

	/** From the pipe: the other end will write nothing more. */
	ended(): void {
		this.#ended = true;
		this.#deliver();
	}

	/** From the pipe: it broke. Frames that were not delivered yet are lost with it. */
	failed(error: TetradError): void {
		// Once everything is written and closed, how the other end goes away is its own affair.
		const flushed = this.#state === "closing" && this.#queue.empty;
		this.#finish(flushed ? undefined : error);
	}

	/** From the pipe: it is closed in both directions. */
	gone(): void {
		if (this.#state === "closed") return;
		if (this.#state === "closing" && this.#queue.empty) this.#finish(undefined);
		else
			this.#finish(
				new TetradError("carrier-failed", "the connection is closed"),
			);
	}

	#deliver(): void {
		// A receiver may pause, resume, close or destroy while it is being called.
		if (this.#delivering || this.#receiver === undefined) return;
		this.#delivering = true;
		try {
			while (this.#state === "open" && !this.#paused) {
				const frame = this.#nextFrame();
				if (frame === undefined) break;
				this.#receiver.frame(frame);
				this.#splitter.used(frame);
			}
		} catch (error) {
			this.#finish(asTetradError(error));
		} finally {
			this.#delivering = false;
		}
		if (this.#state === "open" && !this.#paused) this.#awaitMore();
	}

	/** Undefined when there is none, or none that may come. */
	#nextFrame(): Uint8Array | undefined {
		try {
			return this.#splitter.next();
		} catch (thrown) {
			this.#refuse(asTetradError(thrown));
			return undefined;
		}
	}

	/** Reads no more, and closes when the receiver has said its last word. */
	#refuse(error: TetradError): void {
		this.#state = "refusing";
		this.#reason = error;
		this.#clearFrameLimit();
		process.nextTick(() => {
			if (this.#state !== "refusing") return;
			this.#tell();
			// Whoever has not sent one whole frame is not waited for.
			const { closeMs, strangerCloseMs } = this.#limits;
			if (this.#state === "refusing")
				this.#flushAndClose(
					this.#splitter.count === 0 ? strangerCloseMs : closeMs,
				);
		});
	}

	#awaitMore(): void {
		if (this.#ended) {
			this.#finish(
				this.#splitter.insideFrame
					? new TetradError("truncated", "the other end stopped inside a frame")
					: undefined,
			);
			return;
		}
		this.#limitFrame();
		this.#pipe.resume();
	}

	/** Starts the time limit of the frame that is awaited, unless it runs already. */
	#limitFrame(): void {
		const { count, insideFrame } = this.#splitter;
		if (this.#limitedFrame === count) return;
		this.#clearFrameLimit();
		const { slowFrameMs, firstFrameMs } = this.#limits;
		// A stranger's time runs from the start, whether or not its first frame has begun.
		const first = count === 0 && firstFrameMs !== Number.POSITIVE_INFINITY;
		if (!first && !insideFrame) return;
		const ms = first ? firstFrameMs : slowFrameMs;
		this.#limitedFrame = count;
		this.#frameLimit = startLimit(ms, () =>
			this.#refuse(
				new TetradError(
					"timed-out",
					`the other end did not send a whole frame within ${seconds(ms)}`,
				),
			),
		);
	}

	#clearFrameLimit(): void {
		clearTimeout(this.#frameLimit);
		this.#frameLimit = undefined;
		this.#limitedFrame = -1;
	}

	#finish(error: TetradError | undefined, abrupt = error !== undefined): void {
		if (this.#state === "closed") return;
		// What could not be read is why it closes, whatever happens after that.
		if (this.#state !== "refusing") this.#reason = error;
		this.#state = "closed";
		this.#clearFrameLimit();
		clearTimeout(this.#closeLimit);
		this.#queue.abandon();
		this.#pipe.destroy(abrupt);
		if (this.#receiver !== undefined) this.#report();
	}

	#report(): void {
		process.nextTick(() => this.#tell());
	}

	#tell(): void {
		if (this.#told) return;
		this.#told = true;
		try {
			this.#receiver?.closed(this.#reason);
		} catch (error) {
			// There is nobody left to tell, and a process with other carriers must not die of it.
			const { message } = asTetradError(error);
			process.emitWarning(`a carrier's receiver failed at its end: ${message}`);
		}
	}
}
