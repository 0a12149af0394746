import { stat } from "node:fs/promises";
import {
	HASH_BYTES,
	nodeCrypto,
	SIGNATURE_BYTES,
	type SignatureAlgorithm,
} from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import { type HeldSecret, holdSecret } from "../provider/index.ts";
import { enc, hex, parseUtf8, sameBytes, utf8 } from "../wire/index.ts";
import {
	MAX_KEY_NAME_BYTES,
	MAX_REFUSED_PINS,
	MAX_SIGNED_BYTES,
} from "./limits.ts";
import { errorCode, unusable } from "./owner-file.ts";
import {
	type Pkcs11Uri,
	parsePkcs11Uri,
	printPkcs11Uri,
} from "./pkcs11-uri.ts";
import { requireSecret, type SecretSource, secretFromFile } from "./secret.ts";
import {
	type KeyLocation,
	type KeyOperationOptions,
	type KeyStore,
	keyClosed,
	nameTaken,
	noSuchKey,
	PROBE,
	requireKeyName,
	type StoredKey,
	storeClosed,
	throwIfAborted,
} from "./store.ts";
import { TokenHost, type TokenOutcome, type Turn } from "./token-host.ts";
import { lockLibrary } from "./token-lock.ts";
import type {
	KeySelector,
	TokenJob,
	TokenKey,
	TokenReply,
	TokenRequest,
} from "./token-messages.ts";

const OTHERS_MAY_WRITE = 0o022;
const KEY_ID_BYTES = 16;

/** How a token is used. */
export interface Pkcs11StoreOptions {
	/** Where the PIN comes from; the file that `pin-source` of the URI names unless given. */
	readonly pin?: SecretSource;
	/** How long the token may take over one job, in milliseconds; 15 seconds unless given. */
	readonly timeoutMs?: number;
}

/**
 * PINs that a token refused, or may have refused, in this process. They stand here under a key
 * that nobody else has, so that the memory of the process does not show them, and they stay
 * when stores close: however often a program asks, one wrong PIN costs one try.
 */
const refusedPins = new Set<string>();
const pinMemoryKey: Uint8Array = nodeCrypto.random(HASH_BYTES);

/** A reply to a job that the token did. */
type Done = Exclude<
	TokenReply,
	{
		kind:
			| "pin-needed"
			| "pin-wrong"
			| "taken"
			| "unknown"
			| "ambiguous"
			| "refused"
			| "failed";
	}
>;

interface Attempt {
	readonly signal?: AbortSignal | undefined;
	readonly anew?: boolean;
}

/**
 * Keys in one PKCS#11 token, which never leave it. When the token goes away the signature that
 * is asked for fails, after one try to reach it anew; each later one tries once again, logs in
 * with the same PIN and makes sure that the key is the same.
 */
export class Pkcs11KeyStore implements KeyStore {
	readonly kind = "pkcs11";
	readonly #uri: Pkcs11Uri;
	readonly #askPin: SecretSource | undefined;
	readonly #host: TokenHost;
	readonly #open = new Set<TokenStoredKey>();
	/** The PIN that the token took, kept for when the token comes back. */
	#pin: HeldSecret | undefined;
	#closed = false;

	/**
	 * `uri` names the token and its library; a key that it may name is left out. Rejects with
	 * `invalid-argument` for a URI that is none, and with `home-unusable` for a library that
	 * is missing or that other users may replace. The token is reached with the first key.
	 */
	static async open(
		uri: string,
		options: Pkcs11StoreOptions = {},
	): Promise<Pkcs11KeyStore> {
		const parsed = parsePkcs11Uri(uri);
		await requireLibrary(parsed.modulePath);
		return new Pkcs11KeyStore(parsed, options);
	}

	private constructor(uri: Pkcs11Uri, options: Pkcs11StoreOptions) {
		const { token, modulePath, pinFile } = uri;
		this.#uri = {
			token,
			modulePath,
			...(pinFile === undefined ? {} : { pinFile }),
		};
		this.#askPin =
			options.pin ?? (pinFile ? secretFromFile(pinFile) : undefined);
		this.#host = TokenHost.acquire(modulePath, options.timeoutMs);
	}

	async generate(
		name: string,
		algorithm: SignatureAlgorithm,
		{ signal }: KeyOperationOptions = {},
	): Promise<StoredKey> {
		requireKeyName(name);
		await using _ = await lockLibrary(this.#uri.modulePath, signal);
		const id = nodeCrypto.random(KEY_ID_BYTES);
		const making = this.#do(
			{ kind: "generate", object: name, id, algorithm },
			name,
			{ signal, anew: true },
		);
		const byId: KeySelector = { object: name, id: hex(id) };
		const forget = () =>
			this.#do({ kind: "remove", key: byId }, name, { anew: true });
		const made = expectKey(
			await abortable(making, signal, () => void forget().catch(() => {})),
		);
		try {
			await this.#requireOnly(name, made);
			const opened = await this.#opened(name, { object: name }, made);
			throwIfAborted(signal);
			return opened;
		} catch (thrown) {
			await forget().catch(() => {});
			throw thrown;
		}
	}

	/** Another process may have made a key of this name at the same time; then neither is kept. */
	async #requireOnly(name: string, made: TokenKey): Promise<void> {
		const job: TokenJob = { kind: "find", key: { object: name } };
		const outcome = await this.#attempt(job, { anew: true });
		if (
			outcome.kind === "ambiguous" ||
			(outcome.kind === "key" &&
				!sameBytes(outcome.key.publicKey, made.publicKey))
		)
			throw nameTaken(name, this.#where());
		this.#done(outcome, name);
	}

	async open(
		name: string,
		options: KeyOperationOptions = {},
	): Promise<StoredKey> {
		requireKeyName(name);
		return this.openSelected({ object: name }, options);
	}

	/** Opens the one key that a URI names by its label, its CKA_ID or both. */
	async openSelected(
		selector: KeySelector,
		{ signal }: KeyOperationOptions = {},
	): Promise<StoredKey> {
		const finding = this.#do(
			{ kind: "find", key: selector },
			calledBy(selector),
			{ signal },
		);
		const key = expectKey(await abortable(finding, signal));
		return this.#opened(selector.object ?? key.object, selector, key);
	}

	async list({ signal }: KeyOperationOptions = {}): Promise<readonly string[]> {
		const listing = this.#do({ kind: "list" }, "", { signal, anew: true });
		const reply = await abortable(listing, signal);
		if (reply.kind !== "keys") throw oddReply();
		return [...new Set(reply.names)].filter(isKeyName).sort();
	}

	async remove(
		name: string,
		{ signal }: KeyOperationOptions = {},
	): Promise<void> {
		requireKeyName(name);
		await this.removeSelected({ object: name }, { signal });
	}

	/** Takes away the one key that a URI names by its label, its CKA_ID or both. */
	async removeSelected(
		key: KeySelector,
		{ signal }: { readonly signal?: AbortSignal | undefined } = {},
	): Promise<void> {
		const removing = this.#do({ kind: "remove", key }, calledBy(key), {
			signal,
			anew: true,
		});
		await abortable(removing, signal);
		for (const open of this.#open) if (open.name === key.object) open.drop();
	}

	locationOf(name: string): KeyLocation {
		requireKeyName(name);
		return { pkcs11: printPkcs11Uri({ ...this.#uri, object: name }) };
	}

	/** Resolves when the library has closed its sessions, unless another store still uses it. */
	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#closed) return;
		this.#closed = true;
		for (const key of this.#open) key.drop();
		this.#open.clear();
		this.#forgetPin();
		await this.#host.release();
	}

	/** For the keys of this store. */
	async sign(
		name: string,
		key: KeySelector,
		{ algorithm, publicKey }: TokenKey,
		message: Uint8Array,
	): Promise<Uint8Array> {
		if (message.length > MAX_SIGNED_BYTES)
			throw new TetradError(
				"invalid-argument",
				`a message of over ${MAX_SIGNED_BYTES} bytes is not signed in a token; sign its hash`,
			);
		const input =
			algorithm === "P-256"
				? nodeCrypto.sha256(message)
				: Uint8Array.from(message);
		const reply = await this.#do({ kind: "sign", key, publicKey, input }, name);
		if (reply.kind !== "signature") throw oddReply();
		const signature = Uint8Array.from(reply.signature);
		// A faulty signature can give a key away, so it is not handed on.
		if (
			signature.length !== SIGNATURE_BYTES ||
			!nodeCrypto.verify(algorithm, publicKey, message, signature)
		)
			throw new TetradError(
				"key-store-failed",
				`the token signed wrongly with the key ${name}; do not use this token`,
			);
		return signature;
	}

	async #opened(
		name: string,
		selector: KeySelector,
		key: TokenKey,
	): Promise<StoredKey> {
		await this.sign(name, selector, key, PROBE);
		if (this.#closed) throw storeClosed();
		const location: KeyLocation = {
			pkcs11: printPkcs11Uri({ ...this.#uri, ...selector }),
		};
		const opened = new TokenStoredKey(
			name,
			location,
			key,
			(message) => this.sign(name, selector, key, message),
			() => this.#open.delete(opened),
		);
		this.#open.add(opened);
		return opened;
	}

	/** Has the token do a job, and throws for every outcome but that it did. */
	async #do(job: TokenJob, called: string, how: Attempt = {}): Promise<Done> {
		return this.#done(await this.#attempt(job, how), called);
	}

	/** Reaches the token anew once when it, or its library, is lost, or knows nothing of the key. */
	async #attempt(job: TokenJob, how: Attempt): Promise<TokenOutcome> {
		const first = await this.#tryOnce(job, how);
		if (first.kind === "unknown" && job.kind === "find" && !how.anew)
			return this.#tryOnce(job, { ...how, anew: true });
		const isLost = first.kind === "ended" || first.kind === "failed";
		const isHarmless =
			(first.kind === "failed" && !first.begun) ||
			(job.kind !== "generate" && job.kind !== "remove");
		return isLost && isHarmless && !first.fresh
			? this.#tryOnce(job, how)
			: first;
	}

	#done(outcome: TokenOutcome, called: string): Done {
		const where = this.#where();
		switch (outcome.kind) {
			case "pin-needed":
			case "pin-wrong":
				throw oddReply();
			case "taken":
				throw nameTaken(called, where);
			case "unknown":
				throw noSuchKey(called, where);
			case "ambiguous":
				throw failed(
					`${where} holds more than one key that fits the PKCS#11 URI; add id= to say which, or remove the others`,
				);
			case "refused":
				throw failed(outcome.why);
			case "failed":
				throw failed(
					`${where} cannot be used (${outcome.why}); plug it in, or see that its service runs, and try again`,
				);
			case "timed-out":
				throw failed(
					`${where} took too long and was given up; see that it is well, and try again`,
				);
			case "ended":
				throw failed(
					`the library ${this.#uri.modulePath} ended unexpectedly; try again, or look for a newer version of it`,
				);
			default:
				return outcome;
		}
	}

	#where(): string {
		return `the token ${this.#tokenName()}`;
	}

	async #tryOnce(
		job: TokenJob,
		{ signal, anew = false }: Attempt,
	): Promise<TokenOutcome & { fresh: boolean }> {
		const turn: Turn = {
			starts: () => {
				throwIfAborted(signal);
				if (this.#closed) throw storeClosed();
			},
		};
		turn.starts();
		const request = { token: this.#uri.token, job, anew };
		const outcome = await this.#host.run(request, turn);
		if (outcome.kind !== "pin-needed") return outcome;
		return this.#withPin(request, outcome.identity, signal, turn);
	}

	async #withPin(
		withoutPin: Omit<TokenRequest, "modulePath">,
		identity: string,
		signal: AbortSignal | undefined,
		{ starts }: Turn,
	): Promise<TokenOutcome & { fresh: boolean }> {
		const proven = this.#pin;
		const pin =
			proven?.read((bytes) => Uint8Array.from(bytes)) ??
			(await this.#newPin(signal));
		const memory = this.#memoryOf(identity, pin);
		const turn: Turn = {
			starts: () => {
				starts();
				if (refusedPins.has(memory)) throw refusedBefore();
				if (refusedPins.size >= MAX_REFUSED_PINS)
					throw failed(
						"too many PINs were refused already; start anew with the right one",
					);
			},
			ends: ({ kind }) => {
				const isLost = kind === "ended" || kind === "timed-out";
				// Whether a login counted that never came to its end nobody knows.
				if (kind === "pin-wrong" || (isLost && proven === undefined)) {
					refusedPins.add(memory);
					this.#forgetPin();
				} else if (!isLost && kind !== "failed" && kind !== "refused")
					this.#keepPin(pin);
			},
		};
		try {
			const request = { ...withoutPin, pin };
			const outcome = await this.#host.run(request, turn);
			if (outcome.kind === "pin-wrong") throw wrongPin(identity);
			// What an unproven PIN was part of is never repeated by itself.
			return { ...outcome, fresh: outcome.fresh || proven === undefined };
		} finally {
			pin.fill(0);
		}
	}

	#keepPin(pin: Uint8Array): void {
		if (this.#closed) return;
		this.#forgetPin();
		this.#pin = holdSecret(Uint8Array.from(pin));
	}

	#forgetPin(): void {
		this.#pin?.wipe();
		this.#pin = undefined;
	}

	async #newPin(signal: AbortSignal | undefined): Promise<Uint8Array> {
		const what = `PIN of ${this.#tokenName()}`;
		if (this.#askPin === undefined)
			throw new TetradError(
				"key-store-failed",
				`the token ${this.#tokenName()} wants its PIN; add pin-source=file:/… to the PKCS#11 URI`,
			);
		const pin = await this.#askPin({
			what,
			isNew: false,
			...(signal === undefined ? {} : { signal }),
		});
		requireSecret(pin, what);
		try {
			parseUtf8(pin);
			return pin;
		} catch {
			pin.fill(0);
			throw failed(`the ${what} is not UTF-8; check the file`);
		}
	}

	#memoryOf(identity: string, pin: Uint8Array): string {
		return hex(
			nodeCrypto.hmac(
				pinMemoryKey,
				enc(utf8(this.#uri.modulePath), utf8(identity), pin),
			),
		);
	}

	#tokenName(): string {
		const { token, serial, model, manufacturer } = this.#uri.token;
		return token ?? serial ?? model ?? manufacturer ?? "";
	}
}

class TokenStoredKey implements StoredKey {
	readonly name: string;
	readonly location: KeyLocation;
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
	readonly #dropped: () => void;
	#sign: ((message: Uint8Array) => Promise<Uint8Array>) | undefined;

	constructor(
		name: string,
		location: KeyLocation,
		{ algorithm, publicKey }: TokenKey,
		sign: (message: Uint8Array) => Promise<Uint8Array>,
		dropped: () => void,
	) {
		this.name = name;
		this.location = location;
		this.algorithm = algorithm;
		this.publicKey = Uint8Array.from(publicKey);
		this.#sign = sign;
		this.#dropped = dropped;
	}

	async sign(message: Uint8Array): Promise<Uint8Array> {
		if (this.#sign === undefined) throw keyClosed(this.name);
		try {
			return await this.#sign(message);
		} catch (thrown) {
			if (this.#sign === undefined) throw keyClosed(this.name);
			throw thrown;
		}
	}

	drop(): void {
		this.#sign = undefined;
		this.#dropped();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.drop();
	}
}

/** Whoever can replace the library signs in our name and learns the PIN. */
async function requireLibrary(path: string): Promise<void> {
	const info = await stat(path).catch((cause) => {
		throw unusable(
			`there is no PKCS#11 library ${path} (${errorCode(cause)}); install its package, or correct module-path`,
			cause,
		);
	});
	if (!info.isFile())
		throw unusable(`the PKCS#11 library ${path} is not a file`);
	if (
		(info.uid !== 0 && info.uid !== process.getuid?.()) ||
		(info.mode & OTHERS_MAY_WRITE) !== 0
	)
		throw unusable(
			`the PKCS#11 library ${path} may be replaced by other users; let root own it, and run: chmod go-w ${path}`,
		);
}

/** Rejects as soon as `signal` is aborted; `undo` runs when the work ends well all the same. */
async function abortable<T>(
	work: Promise<T>,
	signal: AbortSignal | undefined,
	undo: () => void = () => {},
): Promise<T> {
	if (signal === undefined) return work;
	const aborted = Promise.withResolvers<never>();
	const abort = () => {
		work.then(undo, () => {});
		try {
			throwIfAborted(signal);
		} catch (thrown) {
			aborted.reject(thrown);
		}
	};
	if (signal.aborted) abort();
	signal.addEventListener("abort", abort, { once: true });
	try {
		return await Promise.race([work, aborted.promise]);
	} finally {
		signal.removeEventListener("abort", abort);
	}
}

function calledBy({ object, id }: KeySelector): string {
	return object ?? `with the id ${id}`;
}

function isKeyName(name: string): boolean {
	return utf8(name).length <= MAX_KEY_NAME_BYTES && name !== "";
}

function expectKey(reply: Done): TokenKey {
	if (reply.kind !== "key") throw oddReply();
	return reply.key;
}

function failed(what: string): TetradError {
	return new TetradError("key-store-failed", what);
}

function oddReply(): TetradError {
	return failed("the process of the PKCS#11 library answered oddly; try again");
}

function wrongPin(identity: string): TetradError {
	return failed(
		`the token ${identity} refused the PIN, and it is not tried again; check it, because each wrong one may bring the token nearer to being locked`,
	);
}

function refusedBefore(): TetradError {
	return failed(
		"this PIN was refused before, or nobody knows whether it was, and it is not tried again; give the right one",
	);
}
