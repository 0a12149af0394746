import { TetradError } from "../errors.ts";
import { join, NOTHING, scratch, sizeOf } from "./parts.ts";
import { type CryptoProvider, HASH_BYTES } from "./provider.ts";

/** SHA-256 and what else HMAC and HKDF take from a library. */
export interface Hashing {
	/** Writes the hash of `input` into `out`; it may leave copies of it behind. */
	readonly openInto: Into;
	/** The same, and leaves no copy of the hash behind. */
	readonly secretInto: Into;
	/** The hash of `input` in memory of its own, of which there is no copy. */
	readonly secret: (input: Uint8Array) => Uint8Array;
	/** HMAC-SHA-256 of what is too long for the scratch. */
	readonly macOfAnySize: (
		key: Uint8Array,
		parts: readonly Uint8Array[],
	) => Uint8Array;
}

type Into = (out: Uint8Array, at: number, input: Uint8Array) => void;

const BLOCK_BYTES = 64;
const INNER = 0x36;
const OUTER = 0x5c;
const FIRST = Uint8Array.of(1);

/** For one call at a time, wiped after each; outside of the engine's heap, which moves what is in it. */
const extracted: Uint8Array = new Uint8Array(new ArrayBuffer(HASH_BYTES));

/** HMAC and HKDF with SHA-256 as a provider has them. */
export function hmacOver(
	hashing: Hashing,
): Pick<CryptoProvider, "hmac" | "hkdf" | "hkdfExtract" | "hkdfExpand"> {
	/**
	 * HMAC (RFC 2104, 2) as the two hashes that it is. A tetrad takes some hundred, each over a few
	 * short parts, and an `Hmac` object costs more to make and to collect than it computes.
	 */
	function macBy<Result>(
		key: Uint8Array,
		parts: readonly Uint8Array[],
		innerInto: Into,
		outer: (input: Uint8Array) => Result,
	): Result {
		const end = BLOCK_BYTES + sizeOf(parts);
		const outerInput = scratch.subarray(0, BLOCK_BYTES + HASH_BYTES);
		try {
			pad(key, INNER);
			join(scratch, BLOCK_BYTES, parts);
			innerInto(scratch, BLOCK_BYTES, scratch.subarray(0, end));
			pad(key, OUTER);
			return outer(outerInput);
		} finally {
			scratch.fill(0, 0, Math.max(end, outerInput.length));
		}
	}

	/** In memory of its own. */
	function mac(
		key: Uint8Array,
		parts: readonly Uint8Array[],
		innerInto: Into,
	): Uint8Array {
		return isShort(key, parts)
			? macBy(key, parts, innerInto, hashing.secret)
			: hashing.macOfAnySize(key, parts);
	}

	/** Into memory that is there, which need not be collected. */
	function macInto(
		out: Uint8Array,
		at: number,
		key: Uint8Array,
		parts: readonly Uint8Array[],
		innerInto: Into,
	): void {
		if (isShort(key, parts))
			return macBy(key, parts, innerInto, (input) =>
				hashing.secretInto(out, at, input),
			);
		const long = hashing.macOfAnySize(key, parts);
		out.set(long, at);
		long.fill(0);
	}

	/** Under a secret key. Without it the inner digest is worth nothing, so copies of that may stay. */
	function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
		return mac(key, parts, hashing.openInto);
	}

	/** Under a salt that others may know. With it the inner digest is worth the output. */
	function hkdfExtract(salt: Uint8Array, secret: Uint8Array): Uint8Array {
		return mac(salt, [secret], hashing.secretInto);
	}

	function hkdfExpand(
		key: Uint8Array,
		info: Uint8Array,
		length: number,
	): Uint8Array {
		if (!Number.isInteger(length) || length < 0 || length > 255 * 32)
			throw new TetradError(
				"invalid-argument",
				`HKDF can expand to 8160 bytes at most, not ${length}`,
			);
		// One block is what nearly every key needs.
		if (length === HASH_BYTES) return hmac(key, info, FIRST);
		if (length < HASH_BYTES) return hmac(key, info, FIRST).subarray(0, length);
		const output = new Uint8Array(Math.ceil(length / 32) * 32);
		for (let i = 0; i * 32 < length; i++) {
			const last = i === 0 ? NOTHING : output.subarray((i - 1) * 32, i * 32);
			const parts = [last, info, Uint8Array.of(i + 1)];
			macInto(output, i * 32, key, parts, hashing.openInto);
		}
		return output.subarray(0, length);
	}

	return {
		hmac,
		hkdf(salt, secret, info, length) {
			macInto(extracted, 0, salt, [secret], hashing.secretInto);
			try {
				return hkdfExpand(extracted, info, length);
			} finally {
				extracted.fill(0);
			}
		},
		hkdfExtract,
		hkdfExpand,
	};
}

/** Whether the scratch holds what is hashed. */
function isShort(key: Uint8Array, parts: readonly Uint8Array[]): boolean {
	return (
		key.length <= BLOCK_BYTES && BLOCK_BYTES + sizeOf(parts) <= scratch.length
	);
}

/** The key, filled up with zeros to a block, xored with the byte of the inner or the outer hash. */
function pad(key: Uint8Array, byte: number): void {
	for (let i = 0; i < key.length; i++) scratch[i] = (key[i] as number) ^ byte;
	scratch.fill(byte, key.length, BLOCK_BYTES);
}
