import assert from "node:assert/strict";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { type NoiseProtocol, nonceFor } from "../../src/session/index.ts";
import { copy, utf8 } from "../../src/wire/index.ts";

/** Noise as somebody walks it who has no ephemeral key, with guesses for what they agreed on. */
export class Eavesdropper {
	h: Uint8Array;
	ck: Uint8Array;
	key: Uint8Array | undefined;
	n = 0;
	readonly #protocol: NoiseProtocol;
	readonly #hybrid: boolean;
	readonly #psk: boolean;

	constructor(protocol: NoiseProtocol, prologue: Uint8Array, psk?: Uint8Array) {
		this.#protocol = protocol;
		this.#hybrid = protocol.name.includes("hfs");
		this.#psk = protocol.name.includes("psk0");
		assert.equal(this.#psk, psk !== undefined);
		const name = utf8(protocol.name);
		this.h = new Uint8Array(32);
		if (name.length <= 32) this.h.set(name);
		else this.h = nodeCrypto.sha256(name);
		this.ck = copy(this.h);
		this.mixHash(prologue);
		if (psk !== undefined) this.mixKeyAndHash(psk);
	}

	mixHash(data: Uint8Array): void {
		this.h = nodeCrypto.sha256(this.h, data);
	}

	hkdf(secret: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
		const prk = nodeCrypto.hkdfExtract(this.ck, secret);
		const all = nodeCrypto.hkdfExpand(prk, new Uint8Array(), 96);
		return [all.slice(0, 32), all.slice(32, 64), all.slice(64)];
	}

	mixKey(secret: Uint8Array): void {
		[this.ck, this.key] = this.hkdf(secret);
		this.n = 0;
	}

	mixKeyAndHash(secret: Uint8Array): void {
		const [ck, hash, key] = this.hkdf(secret);
		this.ck = ck;
		this.mixHash(hash);
		this.key = key;
		this.n = 0;
	}

	ephemeral(publicKey: Uint8Array): void {
		this.mixHash(publicKey);
		if (this.#psk) this.mixKey(publicKey);
	}

	/** The plaintext, or `undefined`; in clear as long as there is no key. */
	open(sealed: Uint8Array): Uint8Array | undefined {
		let plaintext: Uint8Array | undefined = sealed;
		if (this.key !== undefined) {
			const { aead } = this.#protocol;
			plaintext = nodeCrypto
				.aead(aead, this.key)
				.open(nonceFor(aead, this.n++), this.h, sealed);
		}
		this.mixHash(sealed);
		return plaintext;
	}

	/** What whoever holds the key would have sent in its place; it changes nothing here. */
	sealed(plaintext: Uint8Array): Uint8Array {
		const { aead } = this.#protocol;
		assert.ok(this.key);
		return nodeCrypto
			.aead(aead, this.key)
			.seal(nonceFor(aead, this.n), this.h, plaintext);
	}

	/** Message 1, of which the payload is returned. */
	message1(message: Uint8Array): Uint8Array | undefined {
		this.ephemeral(message.subarray(0, 32));
		const e1 = this.#hybrid ? 1184 + (this.#psk ? 16 : 0) : 0;
		if (this.#hybrid) this.open(message.subarray(32, 32 + e1));
		return this.open(message.subarray(32 + e1));
	}

	/** Message 2, with guesses for what X25519 and, in a hybrid exchange, ML-KEM agreed on. */
	message2(
		message: Uint8Array,
		agreed: Uint8Array | undefined,
		encapsulated: Uint8Array | undefined,
	): { readonly ciphertext: Uint8Array | undefined; payload: typeof agreed } {
		this.ephemeral(message.subarray(0, 32));
		if (agreed !== undefined) this.mixKey(agreed);
		let ciphertext: Uint8Array | undefined;
		if (this.#hybrid) {
			ciphertext = this.open(message.subarray(32, 32 + 1104));
			if (encapsulated !== undefined) this.mixKey(encapsulated);
		}
		const payload = this.open(message.subarray(this.#hybrid ? 1136 : 32));
		return { ciphertext, payload };
	}

	records(): [Uint8Array, Uint8Array] {
		const [initiator, responder] = this.hkdf(new Uint8Array());
		return [initiator, responder];
	}
}
