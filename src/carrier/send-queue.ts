import { TetradError } from "../errors.ts";
import { copy } from "../wire/index.ts";
import { type CarrierLimits, seconds, startLimit } from "./limits.ts";

/** Bytes to be written; owned ones are of no use to anybody else. */
export interface Part {
	readonly bytes: Uint8Array;
	readonly owned: boolean;
}

/** What a queue writes to. */
export interface SendQueueSink {
	/**
	 * Whether a write costs as much as a system call, so that what one turn sends should wait for
	 * the end of the turn and go out together.
	 */
	readonly gathers: boolean;
	/** Writes the parts in order and then calls `done`, later. The next write waits for it. */
	write(parts: readonly Part[], done: () => void): void;
	/** The other end does not take what is sent. The queue is of no use any more. */
	failed(error: TetradError): void;
}

/**
 * What was sent and not written yet. One write of about `BATCH_BYTES` is under way at a time;
 * small frames that wait together are copied into one buffer, because a system call per frame
 * costs more than the copy, and large ones are passed on as they are.
 */
export class SendQueue {
	readonly #sink: SendQueueSink;
	readonly #limits: CarrierLimits;
	#stallMs: number;

	#waiting: Part[] = [];
	/** Bytes that wait or are being written, with `PART_COST` for each part. */
	#queued = 0;
	/** What the write under way takes off `#queued` when it is done; 0 when there is none. */
	#writing = 0;
	#scheduled = false;
	#closed = false;

	/** Set at the high-water mark, cleared at half of it. */
	#full = false;
	#drained: PromiseWithResolvers<void> | undefined;
	#writeDone: PromiseWithResolvers<void> | undefined;
	#emptied: (() => void) | undefined;
	#stall: NodeJS.Timeout | undefined;
	#stallTimerMs = 0;

	constructor(sink: SendQueueSink, limits: CarrierLimits) {
		this.#sink = sink;
		this.#limits = limits;
		this.#stallMs = limits.stallMs;
	}

	get empty(): boolean {
		return this.#queued === 0;
	}

	/** False when the caller should await `drained()`. */
	push(bytes: Uint8Array, owned: boolean): boolean {
		if (this.#closed) return false;
		if (bytes.length === 0) return !this.#full;
		const queued = this.#queued + bytes.length + PART_COST;
		if (queued > this.#limits.maxQueuedBytes) {
			this.#fail(
				"carrier-failed",
				"the other end does not read, and too many bytes wait for it",
			);
			return false;
		}
		this.#queued = queued;
		if (queued >= this.#limits.highWaterBytes) this.#full = true;
		const part = this.#writing > 0 ? keptSmall(bytes, owned) : { bytes, owned };
		// Most wait alone, and an empty array that is pushed to takes room for many.
		if (this.#waiting.length === 0) this.#waiting = [part];
		else this.#waiting.push(part);
		this.#schedule();
		return !this.#full;
	}

	drained(): Promise<void> {
		if (!this.#full) return Promise.resolve();
		this.#drained ??= Promise.withResolvers<void>();
		return this.#drained.promise;
	}

	/** Resolves when the write under way is done; undefined when there is none. */
	written(): Promise<void> | undefined {
		if (this.#writing === 0) return undefined;
		this.#writeDone ??= Promise.withResolvers<void>();
		return this.#writeDone.promise;
	}

	/** Takes no more; calls `emptied` when all is written. From now on `stallMs` holds. */
	finish(stallMs: number, emptied: () => void): void {
		this.#closed = true;
		this.#stallMs = Math.min(stallMs, this.#stallMs);
		if (this.#writing > 0) this.#startStall();
		if (this.empty) {
			this.#stopStall();
			process.nextTick(emptied);
		} else this.#emptied = emptied;
	}

	/** Drops what waits. */
	abandon(): void {
		this.#closed = true;
		this.#waiting = [];
		this.#queued = 0;
		this.#writing = 0;
		this.#emptied = undefined;
		this.#stopStall();
		this.#setRoom();
		this.#tellWritten();
	}

	#schedule(): void {
		if (this.#scheduled || this.#writing > 0) return;
		if (!this.#sink.gathers) return this.#write();
		this.#scheduled = true;
		process.nextTick(() => {
			this.#scheduled = false;
			this.#write();
		});
	}

	#write(): void {
		if (this.#waiting.length === 0) return;
		const parts = this.#takeBatch();
		for (const { bytes } of parts) this.#writing += bytes.length + PART_COST;
		this.#startStall();
		this.#sink.write(joinSmall(parts), () => this.#written());
	}

	#written(): void {
		// Nothing is left to account for when the queue was abandoned meanwhile.
		if (this.#queued === 0) return;
		this.#queued -= this.#writing;
		this.#writing = 0;
		this.#tellWritten();
		if (this.#queued <= this.#limits.highWaterBytes / 2) this.#setRoom();
		if (!this.empty) return this.#write();
		if (this.#closed) this.#stopStall();
		this.#emptied?.();
	}

	#takeBatch(): Part[] {
		let size = 0;
		let count = 0;
		for (const { bytes } of this.#waiting) {
			size += bytes.length;
			if (count > 0 && size > BATCH_BYTES) break;
			count++;
		}
		if (count < this.#waiting.length) return this.#waiting.splice(0, count);
		const all = this.#waiting;
		this.#waiting = [];
		return all;
	}

	#tellWritten(): void {
		this.#writeDone?.resolve();
		this.#writeDone = undefined;
	}

	#setRoom(): void {
		this.#full = false;
		this.#drained?.resolve();
		this.#drained = undefined;
	}

	/** One timer for all writes: it starts anew with each, and means nothing while none is under way. */
	#startStall(): void {
		if (this.#stall !== undefined && this.#stallTimerMs === this.#stallMs) {
			this.#stall.refresh();
			return;
		}
		clearTimeout(this.#stall);
		this.#stallTimerMs = this.#stallMs;
		this.#stall = startLimit(this.#stallMs, () => {
			if (this.#writing === 0) return;
			this.#fail(
				"timed-out",
				`the other end has taken nothing for ${seconds(this.#stallMs)}`,
			);
		});
	}

	#stopStall(): void {
		clearTimeout(this.#stall);
		this.#stall = undefined;
	}

	#fail(code: "carrier-failed" | "timed-out", message: string): void {
		this.abandon();
		this.#sink.failed(new TetradError(code, message));
	}
}

/** What waits behind a write may wait long: a small part of a larger block of memory must not keep all of that. */
function keptSmall(bytes: Uint8Array, owned: boolean): Part {
	const isCut =
		bytes.length <= SMALL_BYTES && bytes.buffer.byteLength > bytes.length;
	return isCut ? { bytes: copy(bytes), owned: true } : { bytes, owned };
}

/** Copies runs of small parts together; the rest stays as it is. */
function joinSmall(parts: readonly Part[]): readonly Part[] {
	if (parts.length === 1) return parts;
	const joined: Part[] = [];
	for (let at = 0; at < parts.length; ) {
		const end = endOfRun(parts, at);
		if (end - at > 1) {
			const run = parts.slice(at, end).map(({ bytes }) => bytes);
			joined.push({ bytes: Buffer.concat(run), owned: true });
		} else joined.push(parts[at] as Part);
		at = end;
	}
	return joined;
}

/** Where the run of small parts that begins at `at` ends; a large part is a run of its own. */
function endOfRun(parts: readonly Part[], at: number): number {
	let end = at;
	while (end < parts.length && (parts[end] as Part).bytes.length <= SMALL_BYTES)
		end++;
	return Math.max(end, at + 1);
}

/** Copying a part up to this size is cheaper than writing it by itself. */
const SMALL_BYTES = 4096;

/** A write holds about this much: large enough for few calls, small enough to see progress. */
const BATCH_BYTES = 2 ** 19;

/** Bytes that a queued part costs besides its own, so that tiny frames are not free. */
const PART_COST = 100;
