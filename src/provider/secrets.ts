import { SIGNATURE_BYTES, type Sodium } from "../crypto/index.ts";
import { providing, settledProviding } from "./choose.ts";
import {
	GuardedSecret,
	guardedSecrets,
	MAX_GUARDED_SECRETS,
} from "./guarded.ts";

const ED25519_SECRET_BYTES = 64;
const ED25519_SEED_BYTES = 32;

/** An Ed25519 key whose private half is in guarded memory alone. */
export interface GuardedEd25519 {
	/** Of 64 bytes (RFC 8032); `undefined` once it is wiped. */
	sign(message: Uint8Array): Uint8Array | undefined;
	/** The 32 bytes that the key follows from, for the caller to wipe; `undefined` once it is wiped. */
	seed(): Uint8Array | undefined;
	wipe(): void;
}

/**
 * What guards Ed25519 keys here; `undefined` where this process has not settled on libsodium, since
 * a command that signs once does not wait for a library, and where as much is guarded as may be.
 */
export function ed25519Guard():
	| ((seed: Uint8Array) => GuardedEd25519 | undefined)
	| undefined {
	const provider = settledProviding();
	if (provider?.kind !== "sodium" || guardedSecrets() >= MAX_GUARDED_SECRETS)
		return undefined;
	return (seed) => guardEd25519(provider.sodium, seed);
}

/** The key of a seed of 32 bytes, which stays the caller's to wipe. */
function guardEd25519(
	sodium: Sodium,
	seed: Uint8Array,
): GuardedEd25519 | undefined {
	const secret = GuardedSecret.make(sodium, ED25519_SECRET_BYTES, (memory) =>
		sodium.crypto_sign_seed_keypair(new Uint8Array(32), memory, seed),
	);
	if (secret === undefined) return undefined;
	return {
		sign: (message) =>
			secret.read((key) => {
				const signature = new Uint8Array(SIGNATURE_BYTES);
				sodium.crypto_sign_detached(signature, message, key);
				return signature;
			}),
		seed: () =>
			secret.read((key) => {
				const copied = new Uint8Array(ED25519_SEED_BYTES);
				copied.set(key.subarray(0, ED25519_SEED_BYTES));
				return copied;
			}),
		wipe: () => secret.wipe(),
	};
}

/** A secret for as long as its holder wants it: in guarded memory where there is some, and else in an array of its own. */
export interface HeldSecret {
	/** Lends the bytes for the call; they are not kept or changed. Nothing is there once it is wiped. */
	read<Result>(use: (bytes: Uint8Array) => Result): Result | undefined;
	wipe(): void;
}

/** Takes the secret over: what is handed in is wiped. */
export function holdSecret(bytes: Uint8Array): HeldSecret {
	const sodium = sodiumIfAny();
	const held =
		sodium &&
		GuardedSecret.make(sodium, bytes.length, (memory) => memory.set(bytes));
	if (held === undefined) return new PlainSecret(bytes);
	bytes.fill(0);
	return held;
}

/** Whoever asked for a provider that cannot be had is told so by the device. */
function sodiumIfAny(): Sodium | undefined {
	try {
		const provider = providing();
		return provider.kind === "sodium" ? provider.sodium : undefined;
	} catch {
		return undefined;
	}
}

class PlainSecret implements HeldSecret {
	#bytes: Uint8Array | undefined;

	constructor(bytes: Uint8Array) {
		this.#bytes = Uint8Array.from(bytes);
		bytes.fill(0);
	}

	read<Result>(use: (bytes: Uint8Array) => Result): Result | undefined {
		return this.#bytes && use(this.#bytes);
	}

	wipe(): void {
		this.#bytes?.fill(0);
		this.#bytes = undefined;
	}
}
