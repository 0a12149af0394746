import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import {
	bytes,
	enc,
	type Fields,
	type Structure,
	structure,
	u64,
	utf8,
} from "../../wire/index.ts";

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

const LABEL: Uint8Array = utf8("tetrad/1 head");

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

/** The fields of a head, for the messages that have one. */
export const HEAD_FIELDS: Fields<Head> = {
	number: u64,
	hash: bytes(HASH_BYTES),
};

const HEAD: Structure<Head> = structure("the head of a purse", HEAD_FIELDS);

export function encodeHead(head: Head): Uint8Array {
	return HEAD.encode(head);
}

/** Throws `malformed`. */
export function parseHead(bytes: Uint8Array): Head {
	return HEAD.decode(bytes);
}
