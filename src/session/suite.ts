import type { AeadName } from "../crypto/index.ts";

/** The suites by the names that the API and the command line use. */
export type SuiteName =
	| "hybrid-aesgcm"
	| "hybrid-chachapoly"
	| "classical-aesgcm"
	| "classical-chachapoly"
	| "hybrid-chachapoly-aesgcm"
	| "classical-chachapoly-aesgcm";

/** A key exchange pattern of the Noise Protocol Framework (revision 34). */
export type NoisePattern = "NN" | "NNhfs" | "NNpsk0" | "NNhfs+psk0";

/** What seals the records of a session: one AEAD, or ChaCha20-Poly1305 for short records and AES-256-GCM for long ones, each under a key of its own. */
export type RecordAead = AeadName | "ChaChaPoly+AESGCM";

/** A full Noise protocol name, taken apart, and what seals the records after it. */
export interface NoiseProtocol {
	readonly name: string;
	readonly pattern: NoisePattern;
	/** That of the key exchange. */
	readonly aead: AeadName;
	/** No part of the name: prologues say which suite it is. */
	readonly records: RecordAead;
}

/** A set of algorithms that the two agents agree on for session 1. */
export interface Suite {
	readonly name: SuiteName;
	/** One byte on the wire; never reused for another suite. */
	readonly id: number;
	readonly protocol: NoiseProtocol;
	/** The same exchange under what a resumption token holds. */
	readonly resumption: NoiseProtocol;
}

/** Every suite, by its id. */
export const SUITES: readonly Suite[] = [
	{
		name: "hybrid-aesgcm",
		id: 0x01,
		protocol: {
			name: "Noise_NNhfs_25519+MLKEM768_AESGCM_SHA256",
			pattern: "NNhfs",
			aead: "AESGCM",
			records: "AESGCM",
		},
		resumption: {
			name: "Noise_NNhfs+psk0_25519+MLKEM768_AESGCM_SHA256",
			pattern: "NNhfs+psk0",
			aead: "AESGCM",
			records: "AESGCM",
		},
	},
	{
		name: "hybrid-chachapoly",
		id: 0x02,
		protocol: {
			name: "Noise_NNhfs_25519+MLKEM768_ChaChaPoly_SHA256",
			pattern: "NNhfs",
			aead: "ChaChaPoly",
			records: "ChaChaPoly",
		},
		resumption: {
			name: "Noise_NNhfs+psk0_25519+MLKEM768_ChaChaPoly_SHA256",
			pattern: "NNhfs+psk0",
			aead: "ChaChaPoly",
			records: "ChaChaPoly",
		},
	},
	{
		name: "classical-aesgcm",
		id: 0x03,
		protocol: {
			name: "Noise_NN_25519_AESGCM_SHA256",
			pattern: "NN",
			aead: "AESGCM",
			records: "AESGCM",
		},
		resumption: {
			name: "Noise_NNpsk0_25519_AESGCM_SHA256",
			pattern: "NNpsk0",
			aead: "AESGCM",
			records: "AESGCM",
		},
	},
	{
		name: "classical-chachapoly",
		id: 0x04,
		protocol: {
			name: "Noise_NN_25519_ChaChaPoly_SHA256",
			pattern: "NN",
			aead: "ChaChaPoly",
			records: "ChaChaPoly",
		},
		resumption: {
			name: "Noise_NNpsk0_25519_ChaChaPoly_SHA256",
			pattern: "NNpsk0",
			aead: "ChaChaPoly",
			records: "ChaChaPoly",
		},
	},
	{
		name: "hybrid-chachapoly-aesgcm",
		id: 0x05,
		protocol: {
			name: "Noise_NNhfs_25519+MLKEM768_ChaChaPoly_SHA256",
			pattern: "NNhfs",
			aead: "ChaChaPoly",
			records: "ChaChaPoly+AESGCM",
		},
		resumption: {
			name: "Noise_NNhfs+psk0_25519+MLKEM768_ChaChaPoly_SHA256",
			pattern: "NNhfs+psk0",
			aead: "ChaChaPoly",
			records: "ChaChaPoly+AESGCM",
		},
	},
	{
		name: "classical-chachapoly-aesgcm",
		id: 0x06,
		protocol: {
			name: "Noise_NN_25519_ChaChaPoly_SHA256",
			pattern: "NN",
			aead: "ChaChaPoly",
			records: "ChaChaPoly+AESGCM",
		},
		resumption: {
			name: "Noise_NNpsk0_25519_ChaChaPoly_SHA256",
			pattern: "NNpsk0",
			aead: "ChaChaPoly",
			records: "ChaChaPoly+AESGCM",
		},
	},
];

/** Paired links: each is a hybrid exchange of its own, so that a pairing key which leaks later opens none that was recorded. */
export const LINK_PROTOCOL: NoiseProtocol = {
	name: "Noise_NNhfs+psk0_25519+MLKEM768_AESGCM_SHA256",
	pattern: "NNhfs+psk0",
	aead: "AESGCM",
	records: "AESGCM",
};

/** The suite with this byte on the wire, or `undefined` when no suite has it. */
export function suiteById(id: number): Suite | undefined {
	return SUITES.find((suite) => suite.id === id);
}

/** The suite of this name. */
export function suiteByName(name: SuiteName): Suite {
	return SUITES.find((suite) => suite.name === name) as Suite;
}
