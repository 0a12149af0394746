import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	type PassphraseCost,
	Pkcs11KeyStore,
	SoftwareKeyStore,
	secretFromFile,
} from "../../src/keys/index.ts";
import type { TestToken } from "../support/tokens.ts";
import type { StoreUnderTest } from "./contract.ts";

/** The least that Argon2 takes, so that tests may open files a thousand times. */
export const CHEAP: PassphraseCost = { memoryKib: 8, passes: 1, lanes: 1 };

/** A folder of its own for sealed keys. */
export async function sealedStore(): Promise<StoreUnderTest> {
	const folder = await mkdtemp(join(tmpdir(), "tetrad-sealed-"));
	const passphraseFile = join(folder, "passphrase");
	await writeFile(passphraseFile, "correct horse\n", { mode: 0o600 });
	return {
		folder,
		passphraseFile,
		location: { file: "key.sealed" },
		open: () =>
			SoftwareKeyStore.open(folder, {
				passphrase: secretFromFile(passphraseFile),
				cost: CHEAP,
			}),
		[Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
	};
}

/** The key store in a throwaway token. */
export function tokenStore(token: TestToken & AsyncDisposable): StoreUnderTest {
	const uri = token.uri();
	return {
		folder: tmpdir(),
		location: { pkcs11: uri.replace("?", ";object=key?") },
		open: () => Pkcs11KeyStore.open(uri),
		[Symbol.asyncDispose]: () => token[Symbol.asyncDispose](),
	};
}
