/*
 * Which provider of cryptography the devices of this process have: the one on libsodium where the
 * optional package `sodium-native` loads, and else, or when the owner says so, `node:crypto` alone.
 * It is settled when it is first asked for, once: whoever needs no device waits for no library.
 */
import { createRequire } from "node:module";
import {
	type CryptoProvider,
	nodeCrypto,
	type Sodium,
	sodiumCrypto,
} from "../crypto/index.ts";
import { TetradError, unreachable } from "../errors.ts";

/** Says which provider to take: `node`, or `sodium`, which then has to be there. */
const CRYPTO_VARIABLE = "TETRAD_CRYPTO";

type Environment = Readonly<Record<string, string | undefined>>;

/** The provider that a process has, and the AEAD of which it makes short records in the least time. */
export type Providing =
	| {
			readonly kind: "sodium";
			readonly shortAead: "ChaChaPoly";
			readonly crypto: CryptoProvider;
			readonly sodium: Sodium;
			/** Of the package. */
			readonly version: string;
	  }
	| {
			readonly kind: "node";
			readonly shortAead: "AESGCM";
			readonly crypto: CryptoProvider;
			readonly why: "asked" | "not-loaded";
	  };

const NODE = {
	kind: "node",
	shortAead: "AESGCM",
	crypto: nodeCrypto,
} as const;

type Asked = Providing["kind"] | undefined;

let settled: Providing | undefined;

/** The provider of this process. Throws as `choose`. */
export function providing(): Providing {
	settled ??= choose(process.env, loadSodium);
	return settled;
}

/** The same where it was asked for before, and nothing otherwise. */
export function settledProviding(): Providing | undefined {
	return settled;
}

/** The provider that devices of this process have unless they are given another. Throws as `choose`. */
export function chosenCrypto(): CryptoProvider {
	return providing().crypto;
}

/**
 * What the environment says, or else whatever loads. Throws `invalid-argument` for an environment
 * that names another provider, or `sodium` where that does not load.
 */
export function choose(
	environment: Environment,
	load: () => Loaded,
): Providing {
	const asked = requireKnownProvider(environment);
	if (asked === "node") return { ...NODE, why: "asked" };
	try {
		const { sodium, version } = load();
		requireComplete(sodium);
		return {
			kind: "sodium",
			shortAead: "ChaChaPoly",
			crypto: sodiumCrypto(sodium),
			sodium,
			version,
		};
	} catch (cause) {
		if (asked === undefined) return { ...NODE, why: "not-loaded" };
		throw new TetradError(
			"invalid-argument",
			`${CRYPTO_VARIABLE} is sodium, and the package sodium-native does not load here; install it beside tetrad with npm install sodium-native, or leave ${CRYPTO_VARIABLE} out`,
			{ cause },
		);
	}
}

/** The library that a provider seals and signs with, and its version. */
export function libraryOf(providing: Providing): string {
	switch (providing.kind) {
		case "sodium":
			return `sodium-native ${providing.version}`;
		case "node":
			return `node:crypto on OpenSSL ${process.versions.openssl}`;
		default:
			return unreachable(providing);
	}
}

/** What the environment asks for. Throws `invalid-argument` when that is no provider. */
function requireKnownProvider(environment: Environment): Asked {
	const asked = environment[CRYPTO_VARIABLE];
	switch (asked) {
		case undefined:
		case "":
			return undefined;
		case "node":
		case "sodium":
			return asked;
		default:
			throw new TetradError(
				"invalid-argument",
				`${CRYPTO_VARIABLE} names no provider of cryptography; it is node or sodium, or is left out`,
			);
	}
}

interface Loaded {
	readonly sodium: Sodium;
	readonly version: string;
}

/** A library of another version is none that we tried. */
function requireComplete(sodium: Sodium): void {
	const missing = NEEDED.filter((name) => typeof sodium[name] !== "function");
	if (missing.length > 0)
		throw new TypeError(`sodium-native has no ${missing.join(", ")}`);
}

const NEEDED: readonly (keyof Sodium)[] = [
	"crypto_aead_chacha20poly1305_ietf_encrypt",
	"crypto_aead_chacha20poly1305_ietf_decrypt",
	"crypto_hash_sha256",
	"crypto_box_keypair",
	"crypto_scalarmult_base",
	"crypto_scalarmult",
	"crypto_sign_verify_detached",
	"crypto_sign_seed_keypair",
	"crypto_sign_detached",
	"sodium_malloc",
	"sodium_free",
	"sodium_mprotect_noaccess",
	"sodium_mprotect_readonly",
	"sodium_mprotect_readwrite",
];

/** Throws what the loader says. It is loaded at once, because nobody who asks for a provider waits. */
export function loadSodium(): Loaded {
	const require = createRequire(import.meta.url);
	const { version } = require("sodium-native/package.json") as {
		readonly version: string;
	};
	return { sodium: require("sodium-native") as Sodium, version };
}
