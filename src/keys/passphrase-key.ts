import { createPrivateKey } from "node:crypto";
import { TetradError } from "../errors.ts";
import { isBearable, type PassphraseCost, stretch } from "./sealed.ts";
import { SoftwareKey } from "./software.ts";

/** Random and public: two owners with one passphrase have two keys. */
export const OWNER_SALT_BYTES = 16;

/** PKCS#8 in DER of an Ed25519 key (RFC 8410), up to its 32 bytes of seed. */
const PKCS8_PREFIX: Uint8Array = Uint8Array.from([
	0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04,
	0x22, 0x04, 0x20,
]);

/**
 * The Ed25519 key whose seed is Argon2id of a passphrase: it is nowhere but in its owner's head.
 * The passphrase stays the caller's to wipe. Rejects with `invalid-argument` for a cost beyond
 * what a sealed file may ask for.
 */
export async function keyFromPassphrase(
	passphrase: Uint8Array,
	salt: Uint8Array,
	cost: PassphraseCost,
): Promise<SoftwareKey> {
	requireBearable(cost);
	const seed = await stretch(passphrase, cost, salt);
	const key = Buffer.alloc(PKCS8_PREFIX.length + seed.length);
	try {
		key.set(PKCS8_PREFIX);
		key.set(seed, PKCS8_PREFIX.length);
		return new SoftwareKey(
			createPrivateKey({ key, format: "der", type: "pkcs8" }),
		);
	} finally {
		seed.fill(0);
		key.fill(0);
	}
}

/** Throws `invalid-argument` for a cost that nothing here would pay. */
export function requireBearable(cost: PassphraseCost): void {
	if (!isBearable(cost))
		throw new TetradError(
			"invalid-argument",
			"the cost of this passphrase is more than is ever asked for, or none at all",
		);
}
