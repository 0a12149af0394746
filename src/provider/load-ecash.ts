import { createRequire } from "node:module";
import type { EcashCrypto } from "../money/cashu/index.ts";
import { type CashuLibrary, cashuEcash } from "./cashu-ecash.ts";

let loaded: EcashCrypto | undefined;

/**
 * What Cashu needs of secp256k1. The library takes a seventh of a second to load, so it is loaded
 * when it is first asked for, and never by whoever has nothing to do with Cashu.
 */
export function loadEcash(): EcashCrypto {
	loaded ??= cashuEcash(
		createRequire(import.meta.url)("@cashu/cashu-ts") as CashuLibrary,
	);
	return loaded;
}
