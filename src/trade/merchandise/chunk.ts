import { TetradError } from "../../errors.ts";
import { malformed } from "../../wire/index.ts";
import {
	CHUNK_BYTES,
	MAX_CHUNKS,
	MAX_MERCHANDISE_BYTES,
} from "../documents/index.ts";

/** How many chunks a merchandise of `length` bytes has: an empty one has one. Throws `limit-exceeded` above `MAX_MERCHANDISE_BYTES`. */
export function chunkCount(length: bigint): number {
	if (length > MAX_MERCHANDISE_BYTES) throw tooLarge();
	return Math.max(1, Math.ceil(Number(length) / CHUNK_BYTES));
}

/** How many bytes chunk `index` of a merchandise of `length` bytes has, or `undefined` when it has no such chunk. */
export function chunkLength(length: bigint, index: number): number | undefined {
	const from = BigInt(index) * BigInt(CHUNK_BYTES);
	if (from > length || (from === length && index > 0)) return undefined;
	return Math.min(CHUNK_BYTES, Number(length - from));
}

/** Holds chunks that come one after another to the form of a merchandise, before its length is known. */
export class ChunkOrder {
	#count = 0;
	#length = 0;
	#isOver = false;

	/** So many chunks have come. */
	get count(): number {
		return this.#count;
	}

	/** And so many bytes of merchandise in them. */
	get length(): bigint {
		return BigInt(this.#length);
	}

	/** One more. Throws `malformed` when a shorter one came before it, and `limit-exceeded`. */
	add(length: number): void {
		if (this.#isOver) throw malformed("a chunk came after a shorter one");
		if (length > CHUNK_BYTES) throw malformed("a chunk is too long");
		if (length === 0 && this.#count > 0)
			throw malformed("only an empty merchandise has an empty chunk");
		if (this.#count === MAX_CHUNKS) throw tooLarge();
		this.#count++;
		this.#length += length;
		this.#isOver = length < CHUNK_BYTES;
	}
}

function tooLarge(): TetradError {
	return new TetradError(
		"limit-exceeded",
		`a merchandise has at most ${MAX_MERCHANDISE_BYTES} bytes`,
	);
}
