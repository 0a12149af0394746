/** `tetrad/crypto`: everything cryptographic that a device needs, for who brings a provider of their own, and ours: on `node:crypto`, and the one that devices have unless they are given another. */
export {
	type Aead,
	type AeadName,
	type CryptoProvider,
	HASH_BYTES,
	KEY_BYTES,
	type KemKey,
	ML_KEM_768,
	nodeCrypto,
	type Sha256,
	SIGNATURE_BYTES,
	type SignatureAlgorithm,
	TAG_BYTES,
	X25519_BYTES,
	type X25519Key,
} from "../crypto/index.ts";
export { chosenCrypto } from "../provider/index.ts";
