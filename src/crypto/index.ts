export { Blocks } from "./block.ts";
export { nodeCrypto } from "./node.ts";
export {
	type Aead,
	type AeadName,
	type CryptoProvider,
	HASH_BYTES,
	KEY_BYTES,
	type KemKey,
	ML_KEM_768,
	type Sha256,
	SIGNATURE_BYTES,
	type SignatureAlgorithm,
	TAG_BYTES,
	X25519_BYTES,
	type X25519Key,
} from "./provider.ts";
export { type Sodium, sodiumCrypto } from "./sodium.ts";
