/*
 * What seals the records of one direction (docs/protocol.md, Records): one AEAD under the key of the
 * direction, or two AEADs, each under a key that is derived from it, of which a record's length
 * chooses.
 */
import {
	type Aead,
	type AeadName,
	type CryptoProvider,
	KEY_BYTES,
} from "../crypto/index.ts";
import { copy, enc, utf8 } from "../wire/index.ts";
import { rekeyNonce } from "./nonce.ts";
import type { RecordAead } from "./suite.ts";

/**
 * A body above this, in bytes with its tag, is long. Here ChaCha20-Poly1305 through libsodium and
 * AES-256-GCM through OpenSSL cost about the same, with what the collector has of OpenSSL's objects.
 */
export const LONG_BODY_BYTES: number = 2 ** 13;

/** An AEAD under one key. */
interface Keyed {
	readonly aead: AeadName;
	readonly cipher: Aead;
}

/** The keys of one direction between two changes of them. */
export interface RecordKeys {
	/** What seals a record whose header announces so many bytes. */
	of(bodyBytes: number): Keyed;
	/** Changes every key, and forgets the old ones. */
	rekey(): void;
	wipe(): void;
}

/** The keys that follow from that of a direction, which is copied. */
export function recordKeys(
	crypto: CryptoProvider,
	records: RecordAead,
	key: Uint8Array,
): RecordKeys {
	return records === "ChaChaPoly+AESGCM"
		? new KeysBySize(crypto, copy(key))
		: new OneKey(crypto, records, copy(key));
}

const EMPTY = new Uint8Array();

/** The key of the direction itself, which changes by Noise's REKEY. */
class OneKey implements RecordKeys {
	readonly #crypto: CryptoProvider;
	readonly #aead: AeadName;
	readonly #key: Uint8Array;
	#keyed: Keyed;

	constructor(crypto: CryptoProvider, aead: AeadName, key: Uint8Array) {
		this.#crypto = crypto;
		this.#aead = aead;
		this.#key = key;
		this.#keyed = { aead, cipher: crypto.aead(aead, key) };
	}

	of(): Keyed {
		return this.#keyed;
	}

	rekey(): void {
		const fresh = this.#keyed.cipher.seal(
			rekeyNonce(),
			EMPTY,
			new Uint8Array(KEY_BYTES),
		);
		this.#key.set(fresh.subarray(0, KEY_BYTES));
		fresh.fill(0);
		const aead = this.#aead;
		this.#keyed = { aead, cipher: this.#crypto.aead(aead, this.#key) };
	}

	wipe(): void {
		this.#key.fill(0);
	}
}

const LABEL = utf8("tetrad/1 records");
const INFO = {
	short: enc(LABEL, utf8("short")),
	long: enc(LABEL, utf8("long")),
	next: enc(LABEL, utf8("next")),
} as const;

interface OwnKeyed extends Keyed {
	readonly key: Uint8Array;
}

/**
 * A key for short records and one for long ones. The key of the direction seals nothing: both come
 * from it, so that none says anything about the other, and so does the key that follows it. Each is
 * derived when the first record asks for it, since most directions never have a long one.
 */
class KeysBySize implements RecordKeys {
	readonly #crypto: CryptoProvider;
	readonly #key: Uint8Array;
	#short: OwnKeyed | undefined;
	#long: OwnKeyed | undefined;

	constructor(crypto: CryptoProvider, key: Uint8Array) {
		this.#crypto = crypto;
		this.#key = key;
	}

	of(bodyBytes: number): Keyed {
		if (bodyBytes > LONG_BODY_BYTES) {
			this.#long ??= this.#derive("AESGCM", INFO.long);
			return this.#long;
		}
		this.#short ??= this.#derive("ChaChaPoly", INFO.short);
		return this.#short;
	}

	rekey(): void {
		const next = this.#crypto.hkdfExpand(this.#key, INFO.next, KEY_BYTES);
		this.#forget();
		this.#key.set(next);
		next.fill(0);
	}

	wipe(): void {
		this.#forget();
		this.#key.fill(0);
	}

	#derive(aead: AeadName, info: Uint8Array): OwnKeyed {
		const key = this.#crypto.hkdfExpand(this.#key, info, KEY_BYTES);
		return { aead, key, cipher: this.#crypto.aead(aead, key) };
	}

	#forget(): void {
		this.#short?.key.fill(0);
		this.#long?.key.fill(0);
		this.#short = undefined;
		this.#long = undefined;
	}
}
