import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { SignatureAlgorithm } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	createKey,
	type KeyAccess,
	type KeyLocation,
	openKey,
	openKeyStore,
	parsePkcs11Uri,
	removeKey,
	type SecretSource,
	type StoredKey,
} from "../../keys/index.ts";
import { isThere } from "./files.ts";

const SEALED = ".sealed";

/** Where the passphrase of a sealed key or the PIN of a token comes from, when one is needed. */
export type HomeSecrets = Pick<KeyAccess, "passphrase" | "pin">;

/**
 * Throws `key-store-failed` when a location holds a key. It is asked before a home writes down
 * that it is making that key: from then on, whatever is there is taken for its own.
 */
export async function requireNoKey(
	location: KeyLocation,
	access: KeyAccess,
): Promise<void> {
	if (await keyExists(location, access))
		throw new TetradError(
			"key-store-failed",
			`there is a key called ${keyName(location)} already, and one that is there is never taken for a new device; choose another name`,
		);
}

/**
 * The key of a home that is being made, opened. Where a crash may have come after the key was
 * made, `resumed`, one that is there is taken; otherwise one that is there is somebody else's.
 */
export async function ensureKey(
	home: string,
	{ key, algorithm }: { key: KeyLocation; algorithm: SignatureAlgorithm },
	secrets: HomeSecrets,
	resumed: boolean,
): Promise<StoredKey> {
	const access: KeyAccess = { folder: home, ...secrets };
	if (!resumed || !(await keyExists(key, access)))
		return createKey(key, algorithm, access);
	const opened = await openKey(key, access);
	if (opened.algorithm === algorithm) return opened;
	await opened[Symbol.asyncDispose]();
	throw new TetradError(
		"key-store-failed",
		`the key that was made earlier signs with ${opened.algorithm} and not with ${algorithm}; say the same algorithm as before`,
	);
}

/** Whether there is a key at a location. */
export async function keyExists(
	location: KeyLocation,
	access: KeyAccess,
): Promise<boolean> {
	if ("unsafeUnsealedFile" in location)
		return isThere(join(access.folder, location.unsafeUnsealedFile));
	if ("file" in location) return isThere(join(access.folder, location.file));
	await using store = await openKeyStore(location, access);
	const { object } = parsePkcs11Uri(location.pkcs11);
	return (await store.list()).includes(object ?? "");
}

/** Takes a key away for ever, wherever it is; one that is gone already is no failure. */
export async function discardKey(
	location: KeyLocation,
	access: KeyAccess,
): Promise<void> {
	if ("unsafeUnsealedFile" in location)
		await rm(join(access.folder, location.unsafeUnsealedFile), { force: true });
	else if (await keyExists(location, access)) await removeKey(location, access);
}

/** What a key is called in its store, without what tells the keys of one device apart. */
export function keyName(location: KeyLocation): string {
	if ("pkcs11" in location)
		return parsePkcs11Uri(location.pkcs11).object ?? "key";
	return "file" in location
		? location.file.slice(0, -SEALED.length)
		: location.unsafeUnsealedFile;
}

/**
 * Asks once and gives the same passphrase for every key of a home: a new key is sealed with the
 * passphrase of the one before it. `forget` wipes it.
 */
export function askOnce(source: SecretSource): {
	readonly ask: SecretSource;
	readonly forget: () => void;
} {
	let secret: Uint8Array | undefined;
	return {
		ask: async (request) => {
			secret ??= await source(request);
			return Uint8Array.from(secret);
		},
		forget: () => {
			secret?.fill(0);
			secret = undefined;
		},
	};
}
