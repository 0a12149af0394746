import { bytes, type Field } from "../../wire/index.ts";

// Specification constants: a change makes another format.

/** A point of secp256k1, compressed (SEC 1): a key, a blinded message or a signature. */
export const POINT_BYTES = 33;
export const POINT: Field<Uint8Array> = bytes(POINT_BYTES);

/** A number below the order of secp256k1, big-endian: a private key, a blinding factor, half of a proof of equality. */
export const SCALAR_BYTES = 32;
export const SCALAR: Field<Uint8Array> = bytes(SCALAR_BYTES);

/** A Schnorr signature (BIP 340). */
export const SCHNORR_BYTES = 64;

/** Ids of keysets: 8 bytes of version 00, and 33 of version 01 (NUT-02). */
export const SHORT_KEYSET_ID_BYTES = 8;
export const LONG_KEYSET_ID_BYTES = 33;

/** What outputs are derived from (NUT-13): what BIP 39 makes of its words, or as much of anything. */
export const ECASH_SEED_BYTES = 64;

/** The largest amount of one proof: what 64 bits hold with a sign, as with all our money. */
export const MAX_PROOF_AMOUNT: bigint = 2n ** 63n - 1n;

/** Proofs of one lock. */
export const MAX_LOCK_PROOFS = 64;

// Implementation limits: a change makes another program and no other format.

/** A secret of a proof, in bytes; mints take 1024. */
export const MAX_SECRET_BYTES = 1024;

/** Inputs and outputs of one request to a mint. */
export const MAX_INPUTS = 256;
export const MAX_OUTPUTS = 256;

/** Keysets that one mint tells of, and keys of one keyset. */
export const MAX_KEYSETS = 256;
export const MAX_KEYS = 256;

/** What an input of a keyset may cost: ten whole units. */
export const MAX_FEE_PPK = 10_000n;

/** An answer of a mint, in bytes. With every key of `MAX_KEYSETS` it is larger, and is refused. */
export const MAX_MINT_ANSWER_BYTES: number = 2 ** 22;

/**
 * What a proof was spent with, in characters, as a mint tells it. Some mints take 1024, others what
 * they are sent: a payee must not hide the key in more than its payer reads.
 */
export const MAX_WITNESS_LENGTH: number = 2 ** 21;

/** How deep values may stand in each other in what a mint or a stranger wrote. */
export const MAX_DEPTH = 16;

/** Names of quotes, as a mint makes them. */
export const MAX_QUOTE_LENGTH = 256;

/** What a mint says of a failure or of itself, in characters; more is cut off. */
export const MAX_DETAIL_LENGTH = 256;

/** A token in text, in characters, and proofs in it. */
export const MAX_TOKEN_LENGTH: number = 2 ** 19;
export const MAX_TOKEN_PROOFS = 1024;
