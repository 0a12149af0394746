import type { CryptoProvider } from "../../crypto/index.ts";
import { enc, utf8 } from "../../wire/index.ts";

const LABEL: Uint8Array = utf8("tetrad/1 mint");
const NAME: Uint8Array = utf8("mint");

/**
 * What stands for a mint where an issuer has its device id: a mint is no device, and is known by
 * its address alone. enc(SHA-256(enc("tetrad/1 mint", the address)), "mint"), 44 bytes.
 */
export function mintId(crypto: CryptoProvider, url: string): Uint8Array {
	return enc(crypto.sha256(enc(LABEL, utf8(url))), NAME);
}
