import { TetradError } from "../errors.ts";
import {
	FRAME,
	FRAME_HEADER_BYTES,
	parseFrameHeader,
	release,
} from "../wire/index.ts";

/**
 * Cuts a stream of bytes into frames, however the bytes are chunked.
 *
 * A frame that lies whole in one chunk is handed out as a view, so many small frames cost no
 * copy. A frame that is spread over chunks is put together in one buffer that starts at four
 * times what has arrived and grows by four: an honest peer, who sends 64 KiB at once, gets the
 * whole buffer at the first chunk; a peer that announces 256 KiB and sends ten bytes costs 1 KiB;
 * and one byte at a time copies each byte less than twice.
 */
export class FrameSplitter {
	readonly #firstFrames: number;
	readonly #firstFrameBody: number;
	#count = 0;

	/** What has not been looked at yet: `#chunk` from `#at`. */
	#chunk: Uint8Array = NOTHING;
	#at = 0;
	/** Whether a frame that was handed out is a view into the chunk. */
	#viewed = false;

	/** The header of a frame that goes on after its chunk, while `#begun` bytes of it are known. */
	readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
	/** How many bytes of the unfinished frame have arrived. */
	#begun = 0;
	/** Size of the unfinished frame with its header; 0 until the header is complete. */
	#size = 0;
	/** Holds the unfinished frame once a byte of its body has arrived. */
	#buffer: Uint8Array = NOTHING;
	/** The last frame that has its memory for itself, until its receiver has used it. */
	#handedOut: Uint8Array = NOTHING;

	/** The first `firstFrames` frames may have bodies of at most `firstFrameBody` bytes. */
	constructor(
		limits: { firstFrames: number; firstFrameBody: number } = {
			firstFrames: 0,
			firstFrameBody: 0,
		},
	) {
		this.#firstFrames = limits.firstFrames;
		this.#firstFrameBody = limits.firstFrameBody;
	}

	/** Frames handed out so far. */
	get count(): number {
		return this.#count;
	}

	/** Whether a part of a frame has arrived; meant for when `next()` has returned undefined. */
	get insideFrame(): boolean {
		return this.#begun > 0 || this.#at < this.#chunk.length;
	}

	/**
	 * Takes the next bytes of the stream over: nobody may use them again, since their memory is given
	 * back when none of it was handed out as a view. Every frame of the chunk before must have been
	 * taken, so that never more than one chunk is held.
	 */
	push(chunk: Uint8Array): void {
		if (this.#at < this.#chunk.length)
			throw new TetradError("internal", "the last chunk is not used up");
		this.#chunk = chunk;
		this.#at = 0;
		this.#viewed = false;
	}

	/** Gives the memory of a frame back that `next` handed out; a view of a part of its chunk keeps that alive and is left alone. */
	used(frame: Uint8Array): void {
		if (frame !== this.#handedOut) return;
		this.#handedOut = NOTHING;
		release(frame);
	}

	/**
	 * The next whole frame, or undefined when more bytes are needed. Throws `malformed` or
	 * `limit-exceeded` as soon as a header shows a frame that must not come; the stream cannot be
	 * read beyond it, and a further call throws the same.
	 */
	next(): Uint8Array | undefined {
		if (this.#begun === 0) {
			const left = this.#chunk.length - this.#at;
			if (left === 0) return this.#release();
			if (left >= FRAME_HEADER_BYTES) {
				const size = this.#frameSize(this.#chunk, this.#at);
				if (size <= left) return this.#view(size);
			}
		}
		if (this.#size === 0 && !this.#completeHeader()) return this.#release();
		if (this.#size === FRAME_HEADER_BYTES)
			return this.#finish(this.#header.slice());
		if (this.#at === this.#chunk.length) return this.#release();
		this.#fill();
		return this.#begun === this.#size
			? this.#finish(this.#buffer)
			: this.#release();
	}

	#view(size: number): Uint8Array {
		const { buffer, byteOffset } = this.#chunk;
		// A plain array, because the `slice` of a Buffer does not copy.
		const frame = new Uint8Array(buffer, byteOffset + this.#at, size);
		this.#count++;
		if (size === buffer.byteLength && frame[0] === FRAME.record) {
			// All of the chunk, which is given back like what was put together here. Records only: what
			// is in clear, as on open links, may be kept as it stands.
			this.#chunk = NOTHING;
			this.#at = 0;
			this.#handedOut = frame;
		} else {
			this.#at += size;
			this.#viewed = true;
		}
		return frame;
	}

	#finish(frame: Uint8Array): Uint8Array {
		this.#begun = 0;
		this.#size = 0;
		this.#buffer = NOTHING;
		this.#handedOut = frame;
		this.#count++;
		return frame;
	}

	/** Lets go of a chunk that is used up. */
	#release(): undefined {
		if (!this.#viewed) release(this.#chunk);
		this.#chunk = NOTHING;
		this.#at = 0;
	}

	/** False while the header is cut short. */
	#completeHeader(): boolean {
		const wanted = FRAME_HEADER_BYTES - this.#begun;
		const part = this.#chunk.subarray(this.#at, this.#at + wanted);
		this.#header.set(part, this.#begun);
		// The header is judged before it counts as read, so that a second call judges it again.
		if (part.length === wanted) this.#size = this.#frameSize(this.#header, 0);
		this.#begun += part.length;
		this.#at += part.length;
		return this.#size > 0;
	}

	#fill(): void {
		const part = this.#chunk.subarray(
			this.#at,
			this.#at + this.#size - this.#begun,
		);
		const filled = this.#begun + part.length;
		if (filled > this.#buffer.length) this.#grow(filled);
		this.#buffer.set(part, this.#begun);
		this.#begun = filled;
		this.#at += part.length;
	}

	#grow(filled: number): void {
		const old = this.#buffer.length === 0 ? this.#header : this.#buffer;
		const capacity = Math.min(this.#size, Math.max(MIN_BUFFER, 4 * filled));
		// Not from the pool, because the receiver owns it; not zeroed, because all of it is written.
		const { buffer } = Buffer.allocUnsafeSlow(capacity);
		this.#buffer = new Uint8Array(buffer);
		this.#buffer.set(old.subarray(0, this.#begun));
		if (old !== this.#header) release(old);
	}

	#frameSize(bytes: Uint8Array, at: number): number {
		const { bodyLength } = parseFrameHeader(bytes, at);
		if (this.#count < this.#firstFrames && bodyLength > this.#firstFrameBody)
			throw new TetradError(
				"limit-exceeded",
				`a first frame of ${bodyLength} bytes is over the limit`,
			);
		return FRAME_HEADER_BYTES + bodyLength;
	}
}

const NOTHING = new Uint8Array(0);

/** Bytes; small enough for a thousand strangers, large enough for most handshakes. */
const MIN_BUFFER = 1024;
