import {
	type Aead,
	type CryptoProvider,
	nodeCrypto,
	type SignatureAlgorithm,
} from "../src/crypto/index.ts";
import { generateSoftwareKey } from "../src/keys/index.ts";
import { cpuOf } from "./measure.ts";

/** How often each cryptographic call was made. */
export type Counts = Record<string, number>;

/** The provider, with every call counted under its name. Long inputs of an AEAD or a hash are few and count as one. */
export function countingCrypto(): { crypto: CryptoProvider; counts: Counts } {
	const counts: Counts = {};
	const count = <Call extends (...args: never[]) => unknown>(
		name: string,
		call: Call,
	): Call =>
		((...args: never[]) => {
			counts[name] = (counts[name] ?? 0) + 1;
			return call(...args);
		}) as Call;
	const crypto: CryptoProvider = {
		...nodeCrypto,
		random: count("random", nodeCrypto.random),
		sha256: count("sha256", nodeCrypto.sha256),
		hmac: count("hmac", nodeCrypto.hmac),
		hkdf: count("hkdf", nodeCrypto.hkdf),
		hkdfExtract: count("hmac", nodeCrypto.hkdfExtract),
		hkdfExpand: count("hmac", nodeCrypto.hkdfExpand),
		generateX25519: count("x25519 generate", () => {
			const key = nodeCrypto.generateX25519();
			return { ...key, agree: count("x25519 agree", key.agree) };
		}),
		generateKem: count("ml-kem generate", () => {
			const key = nodeCrypto.generateKem();
			return {
				...key,
				decapsulate: count("ml-kem decapsulate", key.decapsulate),
			};
		}),
		encapsulate: count("ml-kem encapsulate", nodeCrypto.encapsulate),
		aead(name, key): Aead {
			const aead = nodeCrypto.aead(name, key);
			return {
				seal: count("aead seal", aead.seal),
				sealRecord: count("aead seal", aead.sealRecord),
				open: count("aead open", aead.open),
			};
		},
		verify: count("verify", nodeCrypto.verify),
	};
	return { crypto, counts };
}

/** CPU time of each call on its own, in milliseconds. */
export async function timeOperations(
	algorithm: SignatureAlgorithm,
): Promise<Counts> {
	const message = nodeCrypto.random(256);
	const key = nodeCrypto.random(32);
	const nonce = nodeCrypto.random(12);
	const signer = generateSoftwareKey(algorithm);
	const signature = await signer.sign(message);
	const x = nodeCrypto.generateX25519();
	const y = nodeCrypto.generateX25519();
	const kem = nodeCrypto.generateKem();
	const encapsulated = nodeCrypto.encapsulate(kem.publicKey);
	if (encapsulated === undefined) throw new Error("no encapsulation");
	const aead = nodeCrypto.aead("AESGCM", key);
	const sealed = aead.seal(nonce, message, message);
	const calls: Record<string, () => unknown> = {
		random: () => nodeCrypto.random(32),
		sha256: () => nodeCrypto.sha256(message),
		hmac: () => nodeCrypto.hmac(key, message),
		hkdf: () => nodeCrypto.hkdf(key, message, new Uint8Array(), 64),
		"x25519 generate": () => nodeCrypto.generateX25519(),
		"x25519 agree": () => x.agree(y.publicKey),
		"ml-kem generate": () => nodeCrypto.generateKem(),
		"ml-kem encapsulate": () => nodeCrypto.encapsulate(kem.publicKey),
		"ml-kem decapsulate": () => kem.decapsulate(encapsulated.ciphertext),
		"aead seal": () => aead.seal(nonce, message, message),
		"aead open": () => aead.open(nonce, message, sealed),
		verify: () =>
			nodeCrypto.verify(algorithm, signer.publicKey, message, signature),
		sign: () => void signer.sign(message),
	};
	const times: Counts = {};
	for (const [name, call] of Object.entries(calls)) {
		const repeat = 100;
		times[name] =
			(await cpuOf(() => {
				for (let i = 0; i < repeat; i++) call();
			})) / repeat;
	}
	return times;
}
