import { lstat, readdir, stat, unlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { SignatureAlgorithm } from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import { utf8 } from "../wire/index.ts";
import { MAX_KEY_FILE_BYTES, MAX_LISTED_KEYS } from "./limits.ts";
import {
	errorCode,
	type OwnerFileKind,
	readOwnerFile,
	syncDirectory,
	unusable,
	writeOwnerFile,
} from "./owner-file.ts";
import { type PassphraseCost, sealKey, unsealKey } from "./sealed.ts";
import { requireSecret, type SecretSource } from "./secret.ts";
import { generateSoftwareKey, type SoftwareKey } from "./software.ts";
import {
	type KeyLocation,
	type KeyOperationOptions,
	type KeyStore,
	keyClosed,
	nameTaken,
	noSuchKey,
	requireKeyName,
	type StoredKey,
	storeClosed,
	throwIfAborted,
} from "./store.ts";

/** What every sealed file is called after the name of its key. */
const SUFFIX = ".sealed";

const OTHERS_MAY_WRITE = 0o022;

const SEALED_FILE: OwnerFileKind = {
	noun: "sealed key file",
	maxBytes: MAX_KEY_FILE_BYTES,
	whenMissing: "make the key first",
};

/** How the keys in a folder are sealed and opened. */
export interface SoftwareStoreOptions {
	/** Seals new keys and opens old ones; asked once for each. */
	readonly passphrase: SecretSource;
	/** For new keys; the one that OWASP recommends unless given. */
	readonly cost?: PassphraseCost;
}

/**
 * Keys in the files of one folder, each sealed with a passphrase and readable by its owner
 * only. While a key is open it is in the memory of this process, and as safe as that.
 */
export class SoftwareKeyStore implements KeyStore {
	readonly kind = "software";
	readonly #folder: string;
	/** As its owner calls it. */
	readonly #shown: string;
	readonly #options: SoftwareStoreOptions;
	readonly #open = new Set<SealedKey>();
	#closed = false;

	/** Rejects with `home-unusable` for a folder that is none, belongs to another user or lets others put files into it. */
	static async open(
		folder: string,
		options: SoftwareStoreOptions,
	): Promise<SoftwareKeyStore> {
		const path = resolve(folder);
		const info = await stat(path).catch((cause) => {
			throw unusable(
				`there is no folder ${path} (${errorCode(cause)}); make it with: mkdir -p -m 700 ${path}`,
				cause,
			);
		});
		if (!info.isDirectory()) throw unusable(`${path} is not a folder`);
		if (info.uid !== process.getuid?.())
			throw unusable(
				`${path} belongs to another user; run as its owner, or choose another folder`,
			);
		if ((info.mode & OTHERS_MAY_WRITE) !== 0)
			throw unusable(`others may write in ${path}; run: chmod 700 ${path}`);
		return new SoftwareKeyStore(path, folder, options);
	}

	private constructor(
		folder: string,
		shown: string,
		options: SoftwareStoreOptions,
	) {
		this.#folder = folder;
		this.#shown = shown;
		this.#options = options;
	}

	async generate(
		name: string,
		algorithm: SignatureAlgorithm,
		{ signal }: KeyOperationOptions = {},
	): Promise<StoredKey> {
		const path = this.#pathOf(name);
		throwIfAborted(signal);
		const taken = () => nameTaken(name, this.#folder);
		// Nobody is to think of a passphrase for a name that is taken.
		if (await exists(path)) throw taken();
		const key = generateSoftwareKey(algorithm);
		const passphrase = await this.#passphrase(name, true, signal);
		const content = await sealKey(key, passphrase, this.#options.cost).finally(
			() => passphrase.fill(0),
		);
		throwIfAborted(signal);
		await writeOwnerFile(path, SEALED_FILE.noun, content, taken);
		if (signal?.aborted) await unlink(path);
		throwIfAborted(signal);
		return this.#opened(name, key);
	}

	async open(
		name: string,
		{ signal }: KeyOperationOptions = {},
	): Promise<StoredKey> {
		const path = this.#pathOf(name);
		throwIfAborted(signal);
		if (!(await exists(path))) throw noSuchKey(name, this.#folder);
		const content = await readOwnerFile(path, SEALED_FILE);
		const key = await unsealKey(content, () =>
			this.#passphrase(name, false, signal),
		);
		throwIfAborted(signal);
		if (key === undefined)
			throw new TetradError(
				"key-store-failed",
				`${path} is no sealed key of this version, or is damaged; restore it from a backup, or make a new key and have it certified`,
			);
		if (key === "not-opened")
			throw new TetradError(
				"key-store-failed",
				`${path} could not be opened: the passphrase is wrong or the file was changed; try the passphrase again, or restore the file from a backup`,
			);
		return this.#opened(name, key);
	}

	async list({ signal }: KeyOperationOptions = {}): Promise<readonly string[]> {
		this.#requireOpen();
		throwIfAborted(signal);
		const names = (await readdir(this.#folder))
			.map(nameOfFile)
			.filter((name) => name !== undefined);
		return names.sort().slice(0, MAX_LISTED_KEYS);
	}

	async remove(
		name: string,
		{ signal }: KeyOperationOptions = {},
	): Promise<void> {
		const path = this.#pathOf(name);
		throwIfAborted(signal);
		try {
			await unlink(path);
			await syncDirectory(this.#folder);
		} catch (cause) {
			if (errorCode(cause) === "ENOENT") throw noSuchKey(name, this.#folder);
			throw unusable(
				`${path} could not be removed (${errorCode(cause)}); check the permissions of ${this.#folder}`,
				cause,
			);
		}
		for (const key of this.#open) if (key.name === name) key.drop();
	}

	locationOf(name: string): KeyLocation {
		return sealedLocation(name);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#closed = true;
		for (const key of this.#open) key.drop();
		this.#open.clear();
	}

	#requireOpen(): void {
		if (this.#closed) throw storeClosed();
	}

	#pathOf(name: string): string {
		this.#requireOpen();
		requireKeyName(name);
		return join(this.#folder, fileOfName(name));
	}

	async #passphrase(
		name: string,
		isNew: boolean,
		signal: AbortSignal | undefined,
	): Promise<Uint8Array> {
		const what = `passphrase of ${join(this.#shown, fileOfName(name))}`;
		const secret = await this.#options.passphrase({
			what,
			isNew,
			...(signal === undefined ? {} : { signal }),
		});
		return requireSecret(secret, what);
	}

	#opened(name: string, key: SoftwareKey): StoredKey {
		this.#requireOpen();
		const opened = new SealedKey(name, this.locationOf(name), key, () =>
			this.#open.delete(opened),
		);
		this.#open.add(opened);
		return opened;
	}
}

class SealedKey implements StoredKey {
	readonly name: string;
	readonly location: KeyLocation;
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
	readonly #dropped: () => void;
	#key: SoftwareKey | undefined;

	constructor(
		name: string,
		location: KeyLocation,
		key: SoftwareKey,
		dropped: () => void,
	) {
		this.name = name;
		this.location = location;
		this.algorithm = key.algorithm;
		this.publicKey = key.publicKey;
		this.#key = key;
		this.#dropped = dropped;
	}

	async sign(message: Uint8Array): Promise<Uint8Array> {
		if (this.#key === undefined) throw keyClosed(this.name);
		return this.#key.sign(message);
	}

	drop(): void {
		this.#key?.wipe();
		this.#key = undefined;
		this.#dropped();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.drop();
	}
}

async function exists(path: string): Promise<boolean> {
	return lstat(path).then(
		() => true,
		(thrown) => errorCode(thrown) !== "ENOENT",
	);
}

/** Percent-encoded where a character could mean something to a file system or a shell, or hide the file. */
function fileOfName(name: string): string {
	const encoded = [...utf8(name)].map((byte, at) => {
		const character = String.fromCharCode(byte);
		const plain = at === 0 ? /[a-z0-9_]/i : /[a-z0-9_.-]/i;
		return plain.test(character)
			? character
			: `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
	});
	return `${encoded.join("")}${SUFFIX}`;
}

export function sealedLocation(name: string): KeyLocation {
	requireKeyName(name);
	return { file: fileOfName(name) };
}

/** The name of the key in a sealed file, or `undefined` for a file that no key of ours would have. */
export function nameOfFile(file: string): string | undefined {
	if (!file.endsWith(SUFFIX)) return undefined;
	try {
		const name = decodeURIComponent(file.slice(0, -SUFFIX.length));
		requireKeyName(name);
		return fileOfName(name) === file ? name : undefined;
	} catch {
		return undefined;
	}
}
