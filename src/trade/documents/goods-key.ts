/*
 * How everything that is sold follows from secrets: the issuer's master secret gives each merchant's
 * module a selling secret S, S and the terms of a contract give its goods key k, and k with what
 * the tetrad exports gives the content key. Whoever has S needs to keep no key of any sale.
 */
import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import { enc, formOf, u32, utf8 } from "../../wire/index.ts";
import { SECRET_BYTES } from "./limits.ts";

const SELLING_SECRET: Uint8Array = utf8("tetrad/1 selling secret");
const SECRET_HASH: Uint8Array = utf8("tetrad/1 secret hash");
const GOODS_KEY: Uint8Array = utf8("tetrad/1 goods key");
const SALT_KEY: Uint8Array = utf8("tetrad/1 salt key");
const CONTENT_KEY: Uint8Array = utf8("tetrad/1 content key");
const EXPORTER_HASH: Uint8Array = utf8("tetrad/1 exporter hash");
const NO_SALT: Uint8Array = new Uint8Array();

/** What a tetrad exports (`Tetrad.export`) for the goods that are sold in it: label and length in bytes; the context is empty. */
export const EXPORTER_LABEL = "tetrad merchandise";
export const EXPORTER_BYTES: number = SECRET_BYTES;

/** Whose selling secret it is. */
export interface SellerOf {
	/** Device id of the merchant's module. */
	readonly module: Uint8Array;
	/** Device id of the agent behind which it stands: another agent gets other keys in that module's name. */
	readonly agent: Uint8Array;
	/** From 1. */
	readonly generation: number;
}

/** The selling secret, 32 bytes, that an issuer's master secret gives a merchant. */
export function sellingSecret(
	crypto: CryptoProvider,
	master: Uint8Array,
	{ module, agent, generation }: SellerOf,
): Uint8Array {
	return crypto.hkdf(
		NO_SALT,
		master,
		enc(SELLING_SECRET, module, agent, formOf(u32, generation)),
		SECRET_BYTES,
	);
}

/** What a selling certificate says of a selling secret, 32 bytes. */
export function secretHash(
	crypto: CryptoProvider,
	secret: Uint8Array,
): Uint8Array {
	return crypto.sha256(enc(SECRET_HASH, secret));
}

/** The goods key, 32 bytes, of the contract whose terms have that hash. */
export function goodsKey(
	crypto: CryptoProvider,
	secret: Uint8Array,
	termsHash: Uint8Array,
): Uint8Array {
	return crypto.hkdf(NO_SALT, secret, enc(GOODS_KEY, termsHash), SECRET_BYTES);
}

/** What a contract says of its goods key, 32 bytes. */
export function keyHash(crypto: CryptoProvider, key: Uint8Array): Uint8Array {
	return crypto.sha256(key);
}

/** What a merchant's agent makes the salts of leaves with, 32 bytes; its module tells it. */
export function saltKey(
	crypto: CryptoProvider,
	secret: Uint8Array,
): Uint8Array {
	return crypto.hkdf(NO_SALT, secret, enc(SALT_KEY), HASH_BYTES);
}

/** The key that the chunks of one sale are sealed with, 32 bytes: whoever knows k alone, as the issuer does, has not got it. */
export function contentKey(
	crypto: CryptoProvider,
	key: Uint8Array,
	exporter: Uint8Array,
	contractId: Uint8Array,
): Uint8Array {
	return crypto.hkdf(exporter, key, enc(CONTENT_KEY, contractId), SECRET_BYTES);
}

/** What a contract says of the exporter of its tetrad, 32 bytes. */
export function exporterHash(
	crypto: CryptoProvider,
	exporter: Uint8Array,
): Uint8Array {
	return crypto.sha256(enc(EXPORTER_HASH, exporter));
}
