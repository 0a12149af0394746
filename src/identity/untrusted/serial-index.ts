import type { CryptoProvider } from "../../crypto/index.ts";
import { MAX_SERIAL_BYTES } from "../x509/index.ts";

/** Of the 32 bits of a product sum, these low ones are not evenly spread when octets are multiplied. */
const DISCARDED_BITS = 7;

/** The header of an entry is two octets, and the INTEGER in it begins with two more. */
const SERIAL_AT = 4;

/**
 * Finds the entry of a list by its serial number in constant time. It keeps three numbers for an
 * entry and no object: where the entry stands in the list's own bytes, and a chained hash table
 * over that.
 *
 * The hash is multilinear with random multipliers (strongly universal on the bits that are
 * kept), so that whoever chooses the serial numbers, and does not know the multipliers, cannot
 * make them collide more often than chance.
 */
export class SerialIndex {
	readonly #bytes: Uint8Array;
	readonly #multipliers: Int32Array;
	/** By hash: one more than the number of the first entry of a chain, or 0. */
	readonly #first: Uint32Array;
	/** By entry: one more than the number of the next one in its chain, or 0. */
	readonly #next: Uint32Array;
	/** By entry: where its header stands. */
	readonly #at: Uint32Array;
	#size = 0;

	/** `bytes` holds entries whose SEQUENCE and INTEGER have lengths of one octet. */
	constructor(crypto: CryptoProvider, bytes: Uint8Array, capacity: number) {
		this.#bytes = bytes;
		const random = crypto.random((MAX_SERIAL_BYTES + 1) * 4);
		this.#multipliers = new Int32Array(new Uint8Array(random).buffer);
		this.#first = new Uint32Array(2 ** Math.ceil(Math.log2(capacity + 1)));
		this.#next = new Uint32Array(capacity);
		this.#at = new Uint32Array(capacity);
	}

	get size(): number {
		return this.#size;
	}

	/** Takes up the entry that begins at `at`; `false` when its serial number is there already. */
	add(at: number): boolean {
		const [start, end] = this.#serialOf(at);
		const slot = this.#slot(this.#bytes, start, end);
		if (this.#find(slot, this.#bytes, start, end) !== undefined) return false;
		this.#at[this.#size] = at;
		this.#next[this.#size] = this.#first[slot] ?? 0;
		this.#size++;
		this.#first[slot] = this.#size;
		return true;
	}

	/** Where the entry with this serial number begins. `serial` has no octet for the sign. */
	find(serial: Uint8Array): number | undefined {
		if (serial.length > MAX_SERIAL_BYTES) return undefined;
		const slot = this.#slot(serial, 0, serial.length);
		return this.#find(slot, serial, 0, serial.length);
	}

	/** Where each entry begins, in the order of the list. */
	positions(): Uint32Array {
		return this.#at.subarray(0, this.#size);
	}

	/** How many serial numbers the slowest lookup compares; it stays small whoever chose them. */
	longestChain(): number {
		let longest = 0;
		for (let entry of this.#first) {
			let length = 0;
			for (; entry > 0; length++) entry = this.#next[entry - 1] ?? 0;
			longest = Math.max(longest, length);
		}
		return longest;
	}

	#find(
		slot: number,
		source: Uint8Array,
		start: number,
		end: number,
	): number | undefined {
		let entry = this.#first[slot] ?? 0;
		while (entry > 0) {
			const at = this.#at[entry - 1] ?? 0;
			if (this.#isSame(at, source, start, end)) return at;
			entry = this.#next[entry - 1] ?? 0;
		}
		return undefined;
	}

	#isSame(at: number, source: Uint8Array, start: number, end: number): boolean {
		const [from, to] = this.#serialOf(at);
		if (to - from !== end - start) return false;
		for (let i = 0; i < to - from; i++)
			if (this.#bytes[from + i] !== source[start + i]) return false;
		return true;
	}

	/** Without the zero octet that only carries the sign. */
	#serialOf(at: number): [start: number, end: number] {
		const start = at + SERIAL_AT;
		const end = start + (this.#bytes[start - 1] ?? 0);
		return [this.#bytes[start] === 0 ? start + 1 : start, end];
	}

	/** Counted from the last octet, so that a serial number is the number that it is. */
	#slot(source: Uint8Array, start: number, end: number): number {
		let hash = this.#multipliers[MAX_SERIAL_BYTES] ?? 0;
		for (let i = end - 1; i >= start; i--)
			hash =
				(hash +
					Math.imul(this.#multipliers[end - 1 - i] ?? 0, source[i] ?? 0)) |
				0;
		return (hash >>> DISCARDED_BITS) & (this.#first.length - 1);
	}
}
