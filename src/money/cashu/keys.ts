/*
 * Keys of a purchase. Each contract has a key of its own on either side, so that a mint cannot tell
 * by them who has bought before, or from whom: the payee's is its lasting key, which only those who
 * deal with it know, moved by what the contract's terms say; the payer's follows from its seed.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { enc, malformed, utf8 } from "../../wire/index.ts";
import type { EcashCrypto } from "./ecash-crypto.ts";
import { ECASH_SEED_BYTES, SCALAR_BYTES } from "./limits.ts";

const PAYEE_BASE = utf8("tetrad/1 cashu payee base");
const PAYEE = utf8("tetrad/1 cashu payee");
const REFUND = utf8("tetrad/1 cashu refund");
const LOCK_OUTPUTS = utf8("tetrad/1 cashu lock outputs");
const NO_SALT = new Uint8Array();

/** The order of secp256k1 (SEC 2, 2.4.1). */
const ORDER =
	0xffff_ffff_ffff_ffff_ffff_ffff_ffff_fffe_baae_dce6_af48_a03b_bfd2_5e8c_d036_4141n;

/** With so many bytes no number below the order is noticeably likelier than another (RFC 9380, 5). */
const WIDE_BYTES = 48;

/** The lasting private key of a payee, 32 bytes, from the seed of its purse: another one behind each agent. */
export function payeeBaseKey(
	crypto: CryptoProvider,
	seed: Uint8Array,
	agent: Uint8Array,
): Uint8Array {
	return scalar(crypto, seed, enc(PAYEE_BASE, agent));
}

/** The public key of a payee for one contract, 33 bytes: its lasting key P and what follows from P and the terms. Throws `malformed` when P is no point. */
export function payeeKey(
	crypto: CryptoProvider,
	ecash: EcashCrypto,
	base: Uint8Array,
	termsHash: Uint8Array,
): Uint8Array {
	const key = ecash.addToPublicKey(base, payeeTweak(crypto, base, termsHash));
	if (key === undefined) throw malformed("the payee's key is no point");
	return key;
}

/** The private key behind it, 32 bytes. */
export function payeePrivateKey(
	crypto: CryptoProvider,
	ecash: EcashCrypto,
	base: Uint8Array,
	termsHash: Uint8Array,
): Uint8Array {
	return ecash.addToPrivateKey(
		base,
		payeeTweak(crypto, ecash.publicKey(base), termsHash),
	);
}

function payeeTweak(
	crypto: CryptoProvider,
	base: Uint8Array,
	termsHash: Uint8Array,
): Uint8Array {
	return scalar(crypto, base, enc(PAYEE, termsHash));
}

/** The private key, 32 bytes, with which a payer takes the money of one contract back: from the seed of its purse and the contract's hash. */
export function refundPrivateKey(
	crypto: CryptoProvider,
	seed: Uint8Array,
	contract: Uint8Array,
): Uint8Array {
	return scalar(crypto, seed, enc(REFUND, contract));
}

/** What the outputs of the lock of one contract are derived from in the place of a seed, `ECASH_SEED_BYTES`: from the seed of its payer's purse and the contract's hash. Secret. */
export function lockSeed(
	crypto: CryptoProvider,
	seed: Uint8Array,
	contract: Uint8Array,
): Uint8Array {
	const info = enc(LOCK_OUTPUTS, contract);
	return crypto.hkdf(NO_SALT, seed, info, ECASH_SEED_BYTES);
}

/** A number of 1 to n − 1: 48 bytes of HKDF, modulo n − 1, and 1 more. */
function scalar(
	crypto: CryptoProvider,
	secret: Uint8Array,
	info: Uint8Array,
): Uint8Array {
	const wide = crypto.hkdf(NO_SALT, secret, info, WIDE_BYTES);
	let value = 0n;
	for (const byte of wide) value = (value << 8n) | BigInt(byte);
	wide.fill(0);
	let rest = (value % (ORDER - 1n)) + 1n;
	const out = new Uint8Array(SCALAR_BYTES);
	for (let at = SCALAR_BYTES - 1; at >= 0; at--) {
		out[at] = Number(rest & 0xffn);
		rest >>= 8n;
	}
	return out;
}
