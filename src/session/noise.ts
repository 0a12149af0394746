/*
 * The Noise Protocol Framework, revision 34, for NN and two modifiers of it: hfs, hybrid forward
 * secrecy with ML-KEM-768, and psk0, a pre-shared key.
 *
 *   NN          -> e              <- e, ee
 *   NNhfs       -> e, e1          <- e, ee, ekem1
 *   NNpsk0      -> psk, e         <- e, ee
 *   NNhfs+psk0  -> psk, e, e1     <- e, ee, ekem1
 *
 *   initiator   startInitiator ──message 1──▶ AwaitingMessage2 ──finish──▶ SessionSecrets
 *   responder   readMessage1 ──▶ AnsweringMessage1 (h is known) ──finish──▶ message 2, SessionSecrets
 *
 * Each object is used once. Every failure after the first byte is the same error.
 */
import {
	type Aead,
	type AeadName,
	type CryptoProvider,
	HASH_BYTES,
	KEY_BYTES,
	type KemKey,
	ML_KEM_768,
	TAG_BYTES,
	X25519_BYTES,
	type X25519Key,
} from "../crypto/index.ts";
import { authenticationFailed, TetradError } from "../errors.ts";
import { concat, copy, utf8 } from "../wire/index.ts";
import { NONCE_BYTES, writeNonce } from "./nonce.ts";
import type { NoisePattern, NoiseProtocol, RecordAead } from "./suite.ts";

/** What both ends hold after Split (Noise, 5.2): the end of the handshake and the start of records. */
export interface SessionSecrets {
	/** What seals the records. */
	readonly records: RecordAead;
	/** 32-byte key of records from initiator to responder. */
	readonly initiatorKey: Uint8Array;
	/** 32-byte key of records from responder to initiator. */
	readonly responderKey: Uint8Array;
	/** Third output of HKDF(ck, "", 3); never used for records. */
	readonly exporterSecret: Uint8Array;
	/** The handshake hash after the payload of message 2. */
	readonly finalHash: Uint8Array;
}

const EMPTY = new Uint8Array();

const protocolNames = new Map<string, Uint8Array>();

/** The bytes of a protocol's name; there are as many as suites. */
function protocolName(name: string): Uint8Array {
	const known = protocolNames.get(name) ?? utf8(name);
	protocolNames.set(name, known);
	return known;
}

/** Noise's SymmetricState (5.2), which owns its cipher key and nonce. */
class SymmetricState {
	readonly #crypto: CryptoProvider;
	readonly #aead: AeadName;
	readonly #records: RecordAead;
	readonly #unsafeKeylog: ((key: Uint8Array) => void) | undefined;
	#h: Uint8Array;
	#ck: Uint8Array;
	#cipher: Aead | undefined;
	#cipherKey: Uint8Array | undefined;
	#n = 0;
	readonly #nonce = new Uint8Array(NONCE_BYTES);

	constructor(
		crypto: CryptoProvider,
		{ protocol, prologue, unsafeKeylog }: NoiseSetup,
	) {
		this.#crypto = crypto;
		this.#aead = protocol.aead;
		this.#records = protocol.records;
		this.#unsafeKeylog = unsafeKeylog;
		const name = protocolName(protocol.name);
		if (name.length <= HASH_BYTES) {
			this.#h = new Uint8Array(HASH_BYTES);
			this.#h.set(name);
		} else {
			this.#h = crypto.sha256(name);
		}
		this.#ck = copy(this.#h);
		this.mixHash(prologue);
	}

	get hash(): Uint8Array {
		return copy(this.#h);
	}

	mixHash(data: Uint8Array): void {
		this.#h = this.#crypto.sha256(this.#h, data);
	}

	mixKey(secret: Uint8Array): void {
		const [ck, key] = this.#hkdf(secret, 2);
		this.#setChainingKey(ck);
		this.#setCipherKey(key);
	}

	mixKeyAndHash(secret: Uint8Array): void {
		const [ck, hash, key] = this.#hkdf(secret, 3);
		this.#setChainingKey(ck);
		this.mixHash(hash as Uint8Array);
		this.#setCipherKey(key as Uint8Array);
	}

	sealedBytes(plaintextBytes: number): number {
		return plaintextBytes + (this.#cipher === undefined ? 0 : TAG_BYTES);
	}

	encryptAndHash(plaintext: Uint8Array): Uint8Array {
		const sealed =
			this.#cipher === undefined
				? plaintext
				: this.#cipher.seal(this.#nextNonce(), this.#h, plaintext);
		this.mixHash(sealed);
		return sealed;
	}

	decryptAndHash(sealed: Uint8Array): Uint8Array {
		const plaintext =
			this.#cipher === undefined
				? sealed
				: this.#cipher.open(this.#nextNonce(), this.#h, sealed);
		if (plaintext === undefined) throw authenticationFailed();
		this.mixHash(sealed);
		return plaintext;
	}

	/** Split and the exporter secret in one expansion: HKDF's first two outputs do not depend on how many are asked for. */
	split(): SessionSecrets {
		const [initiatorKey, responderKey, exporterSecret] = this.#hkdf(EMPTY, 3);
		this.wipe();
		return {
			records: this.#records,
			initiatorKey,
			responderKey,
			exporterSecret: exporterSecret as Uint8Array,
			finalHash: this.#h,
		};
	}

	wipe(): void {
		this.#ck.fill(0);
		this.#cipherKey?.fill(0);
		this.#cipher = undefined;
	}

	/** HKDF as Noise defines it (4.3) is RFC 5869 with the chaining key as salt and an empty info. */
	#hkdf(
		secret: Uint8Array,
		outputs: 2 | 3,
	): [Uint8Array, Uint8Array, Uint8Array?] {
		const all = this.#crypto.hkdf(
			this.#ck,
			secret,
			EMPTY,
			outputs * HASH_BYTES,
		);
		const first = all.subarray(0, 32);
		const second = all.subarray(32, 64);
		return outputs === 2
			? [first, second]
			: [first, second, all.subarray(64, 96)];
	}

	#setChainingKey(ck: Uint8Array): void {
		this.#ck.fill(0);
		this.#ck = ck;
	}

	#setCipherKey(key: Uint8Array): void {
		this.#unsafeKeylog?.(key);
		this.#cipherKey?.fill(0);
		this.#cipherKey = key;
		this.#cipher = this.#crypto.aead(this.#aead, key);
		this.#n = 0;
	}

	#nextNonce(): Uint8Array {
		writeNonce(this.#nonce, this.#aead, this.#n++);
		return this.#nonce;
	}
}

/** What starts either end: the protocol, the prologue both must agree on, and the pre-shared key. */
export interface NoiseSetup {
	readonly protocol: NoiseProtocol;
	readonly prologue: Uint8Array;
	/** 32 bytes; there exactly when the pattern has psk0. */
	readonly psk?: Uint8Array;
	/** Receives each handshake key; the last one before the payload of message 2 seals it. */
	readonly unsafeKeylog?: (key: Uint8Array) => void;
}

/** The modifiers of NN in each pattern. */
const MODIFIERS: Readonly<
	Record<NoisePattern, { readonly hfs: boolean; readonly psk0: boolean }>
> = {
	NN: { hfs: false, psk0: false },
	NNhfs: { hfs: true, psk0: false },
	NNpsk0: { hfs: false, psk0: true },
	"NNhfs+psk0": { hfs: true, psk0: true },
};

function begin(crypto: CryptoProvider, setup: NoiseSetup): SymmetricState {
	const { psk0 } = MODIFIERS[setup.protocol.pattern];
	if (psk0 !== (setup.psk !== undefined))
		throw new TetradError(
			"invalid-argument",
			"a pre-shared key belongs to the patterns with psk0 and to nothing else",
		);
	if (setup.psk !== undefined && setup.psk.length !== KEY_BYTES)
		throw new TetradError("invalid-argument", "a pre-shared key has 32 bytes");
	const state = new SymmetricState(crypto, setup);
	if (setup.psk !== undefined) state.mixKeyAndHash(setup.psk);
	return state;
}

/** In patterns with a pre-shared key the ephemeral key is mixed into the key as well (Noise, 9.2). */
function mixEphemeral(
	state: SymmetricState,
	pattern: NoisePattern,
	publicKey: Uint8Array,
): void {
	state.mixHash(publicKey);
	if (MODIFIERS[pattern].psk0) state.mixKey(publicKey);
}

/** Bytes of message 1 without its payload. */
export function message1Overhead(pattern: NoisePattern): number {
	const { hfs, psk0 } = MODIFIERS[pattern];
	// Under a pre-shared key, what follows `e` is sealed.
	const tag = psk0 ? TAG_BYTES : 0;
	const kem = hfs ? ML_KEM_768.publicKeyBytes + tag : 0;
	return X25519_BYTES + kem + tag;
}

/** The initiator between the two messages. */
export class AwaitingMessage2 {
	readonly #state: SymmetricState;
	readonly #pattern: NoisePattern;
	readonly #e: X25519Key;
	readonly #kem: KemKey | undefined;
	#used = false;

	constructor(
		state: SymmetricState,
		pattern: NoisePattern,
		e: X25519Key,
		kem: KemKey | undefined,
	) {
		this.#state = state;
		this.#pattern = pattern;
		this.#e = e;
		this.#kem = kem;
	}

	/**
	 * Reads message 2. `hash` is the handshake hash after its tokens and before its payload,
	 * which is what signatures cover. Throws `authentication-failed` for anything that is not
	 * the answer to our message 1.
	 */
	finish(message: Uint8Array): {
		readonly hash: Uint8Array;
		readonly payload: Uint8Array;
		readonly secrets: SessionSecrets;
	} {
		if (this.#used)
			throw new TetradError("internal", "a handshake is finished once");
		this.#used = true;
		const state = this.#state;
		try {
			const reader = new Reader(message);
			const re = reader.take(X25519_BYTES);
			mixEphemeral(state, this.#pattern, re);
			const shared = this.#e.agree(re);
			if (shared === undefined) throw authenticationFailed();
			state.mixKey(shared);
			shared.fill(0);
			if (this.#kem !== undefined) {
				const ciphertext = state.decryptAndHash(
					reader.take(ML_KEM_768.ciphertextBytes + TAG_BYTES),
				);
				const secret = this.#kem.decapsulate(ciphertext);
				if (secret === undefined) throw authenticationFailed();
				state.mixKey(secret);
				secret.fill(0);
			}
			const hash = state.hash;
			const payload = state.decryptAndHash(reader.rest());
			return { hash, payload, secrets: state.split() };
		} finally {
			this.wipe();
		}
	}

	/** Forgets a handshake that will not be finished. */
	wipe(): void {
		this.#used = true;
		this.#e.wipe();
		this.#state.wipe();
	}
}

/** Writes message 1: ephemeral keys, then the payload (in clear unless the pattern has a pre-shared key). */
export function startInitiator(
	crypto: CryptoProvider,
	setup: NoiseSetup,
	payload: Uint8Array,
): { readonly message1: Uint8Array; readonly awaiting: AwaitingMessage2 } {
	const { pattern } = setup.protocol;
	const state = begin(crypto, setup);
	const e = crypto.generateX25519();
	mixEphemeral(state, pattern, e.publicKey);
	const parts = [e.publicKey];
	let kem: KemKey | undefined;
	if (MODIFIERS[pattern].hfs) {
		kem = crypto.generateKem();
		parts.push(state.encryptAndHash(kem.publicKey));
	}
	parts.push(state.encryptAndHash(payload));
	return {
		message1: concat(...parts),
		awaiting: new AwaitingMessage2(state, pattern, e, kem),
	};
}

/** The responder once the tokens of message 2 are made and before its payload is. */
export class AnsweringMessage1 {
	/** The payload of message 1. */
	readonly payload: Uint8Array;
	/** The handshake hash that signatures cover. */
	readonly hash: Uint8Array;
	readonly #state: SymmetricState;
	readonly #tokens: Uint8Array;
	#used = false;

	constructor(payload: Uint8Array, state: SymmetricState, tokens: Uint8Array) {
		this.payload = payload;
		this.hash = state.hash;
		this.#state = state;
		this.#tokens = tokens;
	}

	/** Seals the payload and ends the handshake. */
	finish(payload: Uint8Array): {
		readonly message2: Uint8Array;
		readonly secrets: SessionSecrets;
	} {
		if (this.#used)
			throw new TetradError("internal", "a handshake is finished once");
		this.#used = true;
		const sealed = this.#state.encryptAndHash(payload);
		return {
			message2: concat(this.#tokens, sealed),
			secrets: this.#state.split(),
		};
	}

	/** Forgets a handshake that will not be finished. */
	wipe(): void {
		this.#used = true;
		this.#state.wipe();
	}
}

/** Reads message 1 and makes the tokens of message 2. Throws `authentication-failed` on anything malformed. */
export function readMessage1(
	crypto: CryptoProvider,
	setup: NoiseSetup,
	message: Uint8Array,
): AnsweringMessage1 {
	const { pattern } = setup.protocol;
	const state = begin(crypto, setup);
	const reader = new Reader(message);
	const re = reader.take(X25519_BYTES);
	mixEphemeral(state, pattern, re);
	const kemPublicKey = MODIFIERS[pattern].hfs
		? state.decryptAndHash(
				reader.take(state.sealedBytes(ML_KEM_768.publicKeyBytes)),
			)
		: undefined;
	const payload = state.decryptAndHash(reader.rest());

	const e = crypto.generateX25519();
	mixEphemeral(state, pattern, e.publicKey);
	const shared = e.agree(re);
	e.wipe();
	if (shared === undefined) throw authenticationFailed();
	state.mixKey(shared);
	shared.fill(0);
	let tokens = e.publicKey;
	if (kemPublicKey !== undefined) {
		const encapsulated = crypto.encapsulate(kemPublicKey);
		if (encapsulated === undefined) throw authenticationFailed();
		tokens = concat(tokens, state.encryptAndHash(encapsulated.ciphertext));
		state.mixKey(encapsulated.secret);
		encapsulated.secret.fill(0);
	}
	return new AnsweringMessage1(payload, state, tokens);
}

class Reader {
	readonly #bytes: Uint8Array;
	#at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	take(length: number): Uint8Array {
		if (this.#bytes.length - this.#at < length) throw authenticationFailed();
		this.#at += length;
		return this.#bytes.subarray(this.#at - length, this.#at);
	}

	rest(): Uint8Array {
		return this.#bytes.subarray(this.#at);
	}
}
