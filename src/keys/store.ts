import type { SignatureAlgorithm } from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import type { Signer } from "../identity/index.ts";
import { utf8 } from "../wire/index.ts";
import { MAX_KEY_NAME_BYTES } from "./limits.ts";

/**
 * Where a key lies, as a device writes it into its settings: plain JSON without a secret.
 * `file` is the name of a sealed file in the device's home; `unsafeUnsealedFile` that of an
 * unencrypted PKCS#8 file there, which whoever reads the disk can use; `pkcs11` an RFC 7512
 * URI that names one key in one token and the library that reaches it.
 */
export type KeyLocation =
	| { readonly file: string }
	| { readonly unsafeUnsealedFile: string }
	| { readonly pkcs11: string };

/**
 * A key that a store opened. It signs until it or its store is closed, and then rejects with
 * `key-store-failed`.
 */
export interface StoredKey extends Signer, AsyncDisposable {
	readonly name: string;
	readonly location: KeyLocation;
}

/** How long a caller waits for a key store. */
export interface KeyOperationOptions {
	/** Ends the waiting with `aborted`. A key that is being made at that moment is taken away again. */
	readonly signal?: AbortSignal;
}

/**
 * A place where keys are made and stay. A name is 1 to 64 bytes of UTF-8 without control
 * characters, and a store holds one key under it. What is out of reach, in use or unknown
 * rejects with `key-store-failed`, a name that cannot be one or a closed store with
 * `invalid-argument`.
 */
export interface KeyStore extends AsyncDisposable {
	readonly kind: "software" | "pkcs11";
	/** Makes a key in this place and opens it. Never takes the place of another. */
	generate(
		name: string,
		algorithm: SignatureAlgorithm,
		options?: KeyOperationOptions,
	): Promise<StoredKey>;
	open(name: string, options?: KeyOperationOptions): Promise<StoredKey>;
	/** The names of the keys here, sorted, at most 1000 of them. */
	list(options?: KeyOperationOptions): Promise<readonly string[]>;
	/** Takes a key away for ever. */
	remove(name: string, options?: KeyOperationOptions): Promise<void>;
	/** Where the key of this name lies, or would. */
	locationOf(name: string): KeyLocation;
}

/** What a new or an opened key signs once, to see whether its halves belong together. No message of Tetrad, which all begin with "tetrad/1 ". */
export const PROBE: Uint8Array = utf8(
	"do the two halves of this key belong together?",
);

/** Throws `invalid-argument` for a name that no store takes. */
export function requireKeyName(name: string): void {
	const bytes = utf8(name).length;
	// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused.
	const odd = /[\u0000-\u001f\u007f-\u009f]/.test(name);
	if (bytes < 1 || bytes > MAX_KEY_NAME_BYTES || odd || !name.isWellFormed())
		throw new TetradError(
			"invalid-argument",
			`the name of a key is 1 to ${MAX_KEY_NAME_BYTES} bytes of UTF-8 without control characters; choose another`,
		);
}

export function storeClosed(): TetradError {
	return new TetradError(
		"invalid-argument",
		"the key store is closed; open it again",
	);
}

export function keyClosed(name: string): TetradError {
	return new TetradError(
		"key-store-failed",
		`the key ${name} is closed; open it again`,
	);
}

export function nameTaken(name: string, where: string): TetradError {
	return new TetradError(
		"key-store-failed",
		`${where} holds a key called ${name} already, and a key is never overwritten; choose another name`,
	);
}

export function noSuchKey(name: string, where: string): TetradError {
	return new TetradError(
		"key-store-failed",
		`there is no key called ${name} in ${where}; make it first, or check the name`,
	);
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
	if (signal?.aborted)
		throw new TetradError("aborted", "the work with the key was aborted", {
			cause: signal.reason,
		});
}
