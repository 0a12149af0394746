import type { CryptoProvider } from "../../crypto/index.ts";
import { enc, formOf, u32, utf8 } from "../../wire/index.ts";

const LEAF_SALT = utf8("tetrad/1 leaf salt");
const LEAF = utf8("tetrad/1 leaf");
const SEALED_LEAF = utf8("tetrad/1 sealed leaf");

/** The salt of chunk `index` under one contract, 32 bytes: made again from the merchant's salt key whenever it is needed. */
export function leafSalt(
	crypto: CryptoProvider,
	saltKey: Uint8Array,
	contractId: Uint8Array,
	index: number,
): Uint8Array {
	return crypto.hmac(saltKey, enc(LEAF_SALT, contractId, formOf(u32, index)));
}

/** The leaf of a chunk in the tree of the plaintext, 32 bytes. Who does not know the salt cannot guess the chunk. */
export function plaintextLeaf(
	crypto: CryptoProvider,
	index: number,
	salt: Uint8Array,
	chunk: Uint8Array,
): Uint8Array {
	const before = enc(LEAF, formOf(u32, index), salt);
	return crypto.sha256(before, formOf(u32, chunk.length), chunk);
}

/** The leaf of a sealed chunk in the tree of the ciphertext, 32 bytes. */
export function sealedLeaf(
	crypto: CryptoProvider,
	contractId: Uint8Array,
	index: number,
	sealed: Uint8Array,
): Uint8Array {
	const before = enc(SEALED_LEAF, contractId, formOf(u32, index));
	return crypto.sha256(before, formOf(u32, sealed.length), sealed);
}
