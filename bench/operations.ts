import type {
	Aead,
	CryptoProvider,
	SignatureAlgorithm,
} from "../src/crypto/index.ts";
import { generateSoftwareKey } from "../src/keys/index.ts";
import { chosenCrypto, providing } from "../src/provider/index.ts";
import { cpuOf } from "./measure.ts";

/** How often each cryptographic call was made. */
export type Counts = Record<string, number>;

/** The provider, with every call counted under its name. Long inputs of an AEAD or a hash are few and count as one. */
export function countingCrypto(): { crypto: CryptoProvider; counts: Counts } {
	const counts: Counts = {};
	return { crypto: counted(chosenCrypto(), counts), counts };
}

/** That provider, whose calls are counted there. */
export function counted(
	provider: CryptoProvider,
	counts: Counts,
): CryptoProvider {
	const count = <Call extends (...args: never[]) => unknown>(
		name: string,
		call: Call,
	): Call =>
		((...args: never[]) => {
			counts[name] = (counts[name] ?? 0) + 1;
			return call(...args);
		}) as Call;
	return {
		...provider,
		random: count("random", provider.random),
		sha256: count("sha256", provider.sha256),
		hmac: count("hmac", provider.hmac),
		hkdf: count("hkdf", provider.hkdf),
		hkdfExtract: count("hmac", provider.hkdfExtract),
		hkdfExpand: count("hmac", provider.hkdfExpand),
		generateX25519: count("x25519 generate", () => {
			const key = provider.generateX25519();
			return { ...key, agree: count("x25519 agree", key.agree) };
		}),
		generateKem: count("ml-kem generate", () => {
			const key = provider.generateKem();
			return {
				...key,
				decapsulate: count("ml-kem decapsulate", key.decapsulate),
			};
		}),
		encapsulate: count("ml-kem encapsulate", provider.encapsulate),
		aead(name, key): Aead {
			const aead = provider.aead(name, key);
			return {
				seal: count("aead seal", aead.seal),
				sealRecord: count("aead seal", aead.sealRecord),
				open: count("aead open", aead.open),
			};
		},
		verify: count("verify", provider.verify),
	};
}

/** CPU time of each call on its own, in milliseconds. */
export async function timeOperations(
	algorithm: SignatureAlgorithm,
): Promise<Counts> {
	const provider = chosenCrypto();
	const message = provider.random(256);
	const key = provider.random(32);
	const nonce = provider.random(12);
	const signer = generateSoftwareKey(algorithm);
	const signature = await signer.sign(message);
	const x = provider.generateX25519();
	const y = provider.generateX25519();
	const kem = provider.generateKem();
	const encapsulated = provider.encapsulate(kem.publicKey);
	if (encapsulated === undefined) throw new Error("no encapsulation");
	const aead = provider.aead(providing().shortAead, key);
	const sealed = aead.seal(nonce, message, message);
	const calls: Record<string, () => unknown> = {
		random: () => provider.random(32),
		sha256: () => provider.sha256(message),
		hmac: () => provider.hmac(key, message),
		hkdf: () => provider.hkdf(key, message, new Uint8Array(), 64),
		"x25519 generate": () => provider.generateX25519(),
		"x25519 agree": () => x.agree(y.publicKey),
		"ml-kem generate": () => provider.generateKem(),
		"ml-kem encapsulate": () => provider.encapsulate(kem.publicKey),
		"ml-kem decapsulate": () => kem.decapsulate(encapsulated.ciphertext),
		"aead seal": () => aead.seal(nonce, message, message),
		"aead open": () => aead.open(nonce, message, sealed),
		verify: () =>
			provider.verify(algorithm, signer.publicKey, message, signature),
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
