import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import { bytes, enc, structure, utf8 } from "../../wire/index.ts";
import { parseUint64, uint64 } from "./amount.ts";

/**
 * How far a purse has come: every durable change of it makes the next head. Whoever keeps one can
 * tell a purse that was put back to an earlier state, or that went on in two copies.
 */
export interface Head {
	/** 0 for a new purse. */
	readonly number: bigint;
	/** SHA-256(enc("tetrad/1 head", the hash before it, what was changed)), 32 bytes; zero for a new purse. */
	readonly hash: Uint8Array;
}

const LABEL = utf8("tetrad/1 head");

export const FIRST_HEAD: Head = {
	number: 0n,
	hash: new Uint8Array(HASH_BYTES),
};

export function nextHead(
	crypto: CryptoProvider,
	{ number, hash }: Head,
	change: Uint8Array,
): Head {
	return {
		number: number + 1n,
		hash: crypto.sha256(enc(LABEL, hash, change)),
	};
}

export const HEAD_SHAPE = {
	number: bytes(8),
	hash: bytes(HASH_BYTES),
} as const;

const HEAD = structure("the head of a purse", HEAD_SHAPE);

export function encodeHead(head: Head): Uint8Array {
	return HEAD.encode(headFields(head));
}

export function headFields({ number, hash }: Head) {
	return { number: uint64(number), hash };
}

/** Throws `malformed`. */
export function parseHead(bytes: Uint8Array): Head {
	const { number, hash } = HEAD.decode(bytes);
	return { number: parseUint64(number), hash };
}
