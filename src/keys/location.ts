import { join } from "node:path";
import type { SignatureAlgorithm } from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import { utf8 } from "../wire/index.ts";
import { Pkcs11KeyStore } from "./pkcs11-store.ts";
import { parsePkcs11Uri, printPkcs11Uri } from "./pkcs11-uri.ts";
import type { PassphraseCost } from "./sealed.ts";
import type { SecretSource } from "./secret.ts";
import {
	generateSoftwareKey,
	readSoftwareKey,
	type SoftwareKey,
	writeSoftwareKey,
} from "./software.ts";
import {
	nameOfFile,
	SoftwareKeyStore,
	sealedLocation,
} from "./software-store.ts";
import {
	type KeyLocation,
	type KeyOperationOptions,
	type KeyStore,
	keyClosed,
	type StoredKey,
} from "./store.ts";

/** What it takes to reach a key, wherever it lies. */
export interface KeyAccess {
	/** The device's home, in which key files lie. */
	readonly folder: string;
	/** For sealed files. */
	readonly passphrase?: SecretSource;
	/** For tokens; what `pin-source` of the URI names unless given. */
	readonly pin?: SecretSource;
	/** For new sealed files; what OWASP recommends unless given. */
	readonly cost?: PassphraseCost;
	/** How long a token may take over one job, in milliseconds; 15 seconds unless given. */
	readonly tokenTimeoutMs?: number;
}

/** The place that a location lies in, and what tells its key from the others there. */
interface OpenLocation {
	readonly store: KeyStore;
	readonly name: string;
	readonly open: (options: KeyOperationOptions) => Promise<StoredKey>;
	readonly remove: (options: KeyOperationOptions) => Promise<void>;
}

/**
 * Opens the key at a location. The key owns what it needs: closing it closes all. Rejects as
 * `KeyStore.open` does, and with `invalid-argument` for a location that is none.
 */
export async function openKey(
	location: KeyLocation,
	access: KeyAccess,
	options: KeyOperationOptions = {},
): Promise<StoredKey> {
	if ("unsafeUnsealedFile" in location) {
		const path = join(access.folder, requireFileName(location));
		return new UnsealedKey(location, await readSoftwareKey(path));
	}
	return owning(location, access, ({ open }) => open(options));
}

/**
 * Makes a key at a location that holds none, and opens it as `openKey` does.
 *
 * @example
 * ```ts
 * import { createKey, openKey, secretFromEnvironment } from "tetrad/keys";
 *
 * const access = { folder: "home", passphrase: secretFromEnvironment("PASSPHRASE") };
 * await using made = await createKey({ file: "device.sealed" }, "Ed25519", access);
 * await using opened = await openKey(made.location, access);
 * const signature = await opened.sign(Uint8Array.of(1));
 * ```
 */
export async function createKey(
	location: KeyLocation,
	algorithm: SignatureAlgorithm,
	access: KeyAccess,
	options: KeyOperationOptions = {},
): Promise<StoredKey> {
	if ("unsafeUnsealedFile" in location) {
		const path = join(access.folder, requireFileName(location));
		const key = generateSoftwareKey(algorithm);
		await writeSoftwareKey(path, key);
		return new UnsealedKey(location, key);
	}
	if ("pkcs11" in location && parsePkcs11Uri(location.pkcs11).id !== undefined)
		throw new TetradError(
			"invalid-argument",
			"a new key gets its id from us; leave id= out of the PKCS#11 URI",
		);
	return owning(location, access, ({ store, name }) =>
		store.generate(name, algorithm, options),
	);
}

/** Takes the key at a location away for ever; it has to be sealed or in a token. */
export async function removeKey(
	location: KeyLocation,
	access: KeyAccess,
	options: KeyOperationOptions = {},
): Promise<void> {
	const { store, remove } = await placeOf(location, access);
	await using _ = store;
	await remove(options);
}

/** The store that a location lies in, for instance to list it. The caller closes it. */
export async function openKeyStore(
	location: KeyLocation,
	access: KeyAccess,
): Promise<KeyStore> {
	return (await placeOf(location, access)).store;
}

/**
 * The location of a key of another name in the same store, as recertification wants it: a new
 * key is made there, certified and used before the old one is removed.
 */
export function besideKey(location: KeyLocation, name: string): KeyLocation {
	if ("pkcs11" in location) {
		const { id: _, ...uri } = parsePkcs11Uri(location.pkcs11);
		return { pkcs11: printPkcs11Uri({ ...uri, object: name }) };
	}
	if ("file" in location) return sealedLocation(name);
	return { unsafeUnsealedFile: requireFileName({ unsafeUnsealedFile: name }) };
}

async function owning(
	location: KeyLocation,
	access: KeyAccess,
	use: (place: OpenLocation) => Promise<StoredKey>,
): Promise<StoredKey> {
	const place = await placeOf(location, access);
	try {
		return new OwningKey(await use(place), place.store);
	} catch (thrown) {
		await place.store[Symbol.asyncDispose]();
		throw thrown;
	}
}

async function placeOf(
	location: KeyLocation,
	access: KeyAccess,
): Promise<OpenLocation> {
	if ("unsafeUnsealedFile" in location)
		throw new TetradError(
			"invalid-argument",
			"a key file that is not sealed lies in no key store",
		);
	if ("pkcs11" in location) {
		const { object, id } = parsePkcs11Uri(location.pkcs11);
		if (object === undefined && id === undefined)
			throw new TetradError(
				"invalid-argument",
				"the PKCS#11 URI has to name a key; add object=…",
			);
		const { pin, tokenTimeoutMs: timeoutMs } = access;
		const store = await Pkcs11KeyStore.open(location.pkcs11, {
			...(pin === undefined ? {} : { pin }),
			...(timeoutMs === undefined ? {} : { timeoutMs }),
		});
		const selector = {
			...(object === undefined ? {} : { object }),
			...(id === undefined ? {} : { id }),
		};
		return {
			store,
			name: object ?? "",
			open: (options) => store.openSelected(selector, options),
			remove: (options) => store.removeSelected(selector, options),
		};
	}
	const name = nameOfFile(requireFileName(location));
	if (name === undefined)
		throw new TetradError(
			"invalid-argument",
			"a sealed key file is named after its key, with .sealed at the end; take the name that it was made under",
		);
	const { passphrase, cost } = access;
	if (passphrase === undefined)
		throw new TetradError(
			"invalid-argument",
			"the key is sealed with a passphrase; say where it comes from: a prompt, a file or an environment variable",
		);
	const store = await SoftwareKeyStore.open(access.folder, {
		passphrase,
		...(cost === undefined ? {} : { cost }),
	});
	return {
		store,
		name,
		open: (options) => store.open(name, options),
		remove: (options) => store.remove(name, options),
	};
}

/** A file in the home itself, so that a settings file cannot reach elsewhere. */
function requireFileName(
	location: { file: string } | { unsafeUnsealedFile: string },
): string {
	const name = "file" in location ? location.file : location.unsafeUnsealedFile;
	const isPlain =
		!/[/\\\0]/.test(name) &&
		!/^\.{0,2}$/.test(name) &&
		utf8(name).length <= 255;
	if (isPlain) return name;
	throw new TetradError(
		"invalid-argument",
		"a key file lies in the device's home; give its name without a folder",
	);
}

/** A key that closes its store with itself. */
class OwningKey implements StoredKey {
	readonly name: string;
	readonly location: KeyLocation;
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
	readonly #key: StoredKey;
	readonly #store: KeyStore;

	constructor(key: StoredKey, store: KeyStore) {
		this.name = key.name;
		this.location = key.location;
		this.algorithm = key.algorithm;
		this.publicKey = key.publicKey;
		this.#key = key;
		this.#store = store;
	}

	sign(message: Uint8Array): Promise<Uint8Array> {
		return this.#key.sign(message);
	}

	[Symbol.asyncDispose](): PromiseLike<void> {
		return this.#store[Symbol.asyncDispose]();
	}
}

class UnsealedKey implements StoredKey {
	readonly name: string;
	readonly location: KeyLocation;
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
	#key: SoftwareKey | undefined;

	constructor(location: { unsafeUnsealedFile: string }, key: SoftwareKey) {
		this.name = location.unsafeUnsealedFile;
		this.location = location;
		this.algorithm = key.algorithm;
		this.publicKey = key.publicKey;
		this.#key = key;
	}

	async sign(message: Uint8Array): Promise<Uint8Array> {
		if (this.#key === undefined) throw keyClosed(this.name);
		return this.#key.sign(message);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#key?.wipe();
		this.#key = undefined;
	}
}
