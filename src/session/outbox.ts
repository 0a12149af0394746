import { CONTENT, type ContentType, release } from "../wire/index.ts";
import {
	MAX_SEVERAL,
	putSeveralHeader,
	SEVERAL_HEADER_BYTES,
	type SingleType,
} from "./several.ts";

/** Content of a record that several things were joined into, in bytes: 128 KiB, so that nothing waits long behind it. */
export const MAX_JOINED_BYTES: number = 2 ** 17;

/** A content above this, in bytes, has a record of its own: its seal costs little beside its copy. */
export const MAX_WAITING_BYTES: number = 2 ** 14;

/** What an outbox begins with, in bytes. */
const FIRST_BYTES = 512;

const NOTHING: Uint8Array = new Uint8Array();

/** One direction of a session. */
export interface Sealing {
	/** See `RecordSealer.seal`. */
	seal(type: ContentType, ...parts: readonly Uint8Array[]): Uint8Array;
}

/**
 * What waits to be sealed in one direction of a session. It is written where it will be sealed from,
 * so the caller may do what it likes with its own bytes, and never amounts to more than one record
 * holds: what does not fit any more seals what was there. `put` and `flush` throw what sealing
 * throws; what waited is lost then.
 */
export class Outbox {
	readonly #sealing: Sealing;
	readonly #sealed: (record: Uint8Array) => void;
	#buffer: Uint8Array = NOTHING;
	#used = 0;
	#count = 0;
	/** What the last record had, in bytes: in a burst the next has as much, and need not grow to it. */
	#lately = FIRST_BYTES;

	/** `sealed` takes each record over, in order. */
	constructor(sealing: Sealing, sealed: (record: Uint8Array) => void) {
		this.#sealing = sealing;
		this.#sealed = sealed;
	}

	/** Whether `flush` has something to seal. */
	get waits(): boolean {
		return this.#count > 0;
	}

	/** Takes one content in parts, as `put`, and seals it with what waits. */
	putAtOnce(type: SingleType, ...parts: readonly Uint8Array[]): void {
		if (this.#count === 0)
			return this.#sealed(this.#sealing.seal(type, ...parts));
		this.put(type, ...parts);
		this.flush();
	}

	/** Takes one content in parts, which are read before this returns. */
	put(type: SingleType, ...parts: readonly Uint8Array[]): void {
		let length = 0;
		for (const part of parts) length += part.length;
		if (length > MAX_WAITING_BYTES) {
			this.flush();
			return this.#sealed(this.#sealing.seal(type, ...parts));
		}
		const size = SEVERAL_HEADER_BYTES + length;
		if (this.#used + size > MAX_JOINED_BYTES || this.#count === MAX_SEVERAL)
			this.flush();
		this.#reserve(this.#used + size);
		putSeveralHeader(this.#buffer, this.#used, type, length);
		let at = this.#used + SEVERAL_HEADER_BYTES;
		for (const part of parts) {
			this.#buffer.set(part, at);
			at += part.length;
		}
		this.#used = at;
		this.#count++;
	}

	/** Seals what waits: one content as itself, more in one record. */
	flush(): void {
		if (this.#count === 0) return;
		const all = this.#buffer.subarray(0, this.#used);
		const isOne = this.#count === 1;
		this.#lately = this.#used;
		this.#used = 0;
		this.#count = 0;
		let record: Uint8Array;
		try {
			record = isOne
				? this.#sealing.seal(
						all[0] as SingleType,
						all.subarray(SEVERAL_HEADER_BYTES),
					)
				: this.#sealing.seal(CONTENT.several, all);
		} finally {
			all.fill(0);
			// A session that has gone quiet keeps no memory for this.
			release(this.#buffer);
			this.#buffer = NOTHING;
		}
		this.#sealed(record);
	}

	/** As `flush`, for whoever ends: a direction that seals nothing any more has nothing to add. */
	tryFlush(): void {
		try {
			this.flush();
		} catch {
			// What waited is forgotten by then.
		}
	}

	/** Forgets what waits. */
	wipe(): void {
		this.#buffer.fill(0, 0, this.#used);
		this.#buffer = NOTHING;
		this.#used = 0;
		this.#count = 0;
	}

	/** Makes room for so many bytes in all. */
	#reserve(size: number): void {
		if (size <= this.#buffer.length) return;
		const old = this.#buffer;
		this.#buffer = new Uint8Array(
			Math.min(
				MAX_JOINED_BYTES,
				Math.max(
					FIRST_BYTES,
					size,
					old.length === 0 ? this.#lately : 4 * old.length,
				),
			),
		);
		this.#buffer.set(old.subarray(0, this.#used));
		old.fill(0, 0, this.#used);
		release(old);
	}
}
