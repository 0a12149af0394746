/* Which of the secrets that a provider was given, or has given out, are still in memory, by what each of them is. */
import { type CryptoProvider, nodeCrypto } from "../../src/crypto/index.ts";

/** One secret, and whether it is still there. */
interface Met {
	readonly what: string;
	readonly bytes: Uint8Array | undefined;
	readonly isLeft: () => boolean;
}

/** The label in the info of an expansion. */
const LABEL = /tetrad\/1 [a-z0-9 ]+/;

/** What went into one device's provider, and came out of it. Copies that it did not meet are not seen. */
export class SecretsLeft {
	#all: Met[] = [];

	/** What was met before does not count. */
	forget(): void {
		this.#all = [];
	}

	/** How many of each kind are left. */
	get text(): string {
		const counts = new Map<string, number>();
		for (const { what, isLeft } of this.#all)
			if (isLeft()) counts.set(what, (counts.get(what) ?? 0) + 1);
		const said = [...counts].map(([what, count]) => `${count} ${what}`);
		return said.length === 0 ? "nothing" : said.sort().join(", ");
	}

	readonly crypto: CryptoProvider = {
		...nodeCrypto,
		random: (length) =>
			this.#met(`random ${length}`, nodeCrypto.random(length)),
		equal: (a, b) =>
			nodeCrypto.equal(this.#met("compared", a), this.#met("compared", b)),
		hmac: (key, ...parts) =>
			this.#met("mac", nodeCrypto.hmac(this.#met("mac key", key), ...parts)),
		hkdf: (salt, secret, info, length) => {
			this.#met("salt", salt);
			this.#met("to extract of", secret);
			const out = nodeCrypto.hkdf(salt, secret, info, length);
			// Noise takes keys of 32 bytes out of it, each of which goes its own way.
			for (let at = 0; at < length; at += 32)
				this.#met(`part ${at / 32} of ${length}`, out.subarray(at, at + 32));
			return out;
		},
		hkdfExtract: (salt, secret) => {
			this.#met("salt", salt);
			this.#met("to extract of", secret);
			return this.#met("extracted", nodeCrypto.hkdfExtract(salt, secret));
		},
		hkdfExpand: (key, info, length) => {
			this.#met("to expand", key);
			const [label = "expanded"] =
				Buffer.from(info).toString("latin1").match(LABEL) ?? [];
			return this.#met(label, nodeCrypto.hkdfExpand(key, info, length));
		},
		aead: (name, key) => nodeCrypto.aead(name, this.#met("aead key", key)),
		generateX25519: () => {
			const key = nodeCrypto.generateX25519();
			const isLeft = () => key.agree(PEER) !== undefined;
			this.#all.push({ what: "private key", isLeft, bytes: undefined });
			return {
				publicKey: key.publicKey,
				agree: (peer) => {
					const agreed = key.agree(peer);
					return agreed && this.#met("agreed", agreed);
				},
				wipe: () => key.wipe(),
			};
		},
		generateKem: () => {
			const key = nodeCrypto.generateKem();
			return {
				publicKey: key.publicKey,
				decapsulate: (ciphertext) => {
					const secret = key.decapsulate(ciphertext);
					return secret && this.#met("decapsulated", secret);
				},
			};
		},
		encapsulate: (publicKey) => {
			const out = nodeCrypto.encapsulate(publicKey);
			if (out !== undefined) this.#met("encapsulated", out.secret);
			return out;
		},
	};

	/** What is met again is the same secret. */
	#met(what: string, bytes: Uint8Array): Uint8Array {
		const isKnown = this.#all.some(
			({ bytes: other }) =>
				other?.buffer === bytes.buffer && other.byteOffset === bytes.byteOffset,
		);
		const isLeft = () => bytes.some((byte) => byte !== 0);
		if (!isKnown) this.#all.push({ what, isLeft, bytes });
		return bytes;
	}
}

const PEER = nodeCrypto.generateX25519().publicKey;
