import { TetradError } from "../errors.ts";
import { isBearable, type PassphraseCost, stretch } from "./sealed.ts";
import { ed25519FromSeed, SoftwareKey } from "./software.ts";

/** Random and public: two owners with one passphrase have two keys. */
export const OWNER_SALT_BYTES = 16;

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
	return new SoftwareKey(ed25519FromSeed(seed));
}

/** Throws `invalid-argument` for a cost that nothing here would pay. */
export function requireBearable(cost: PassphraseCost): void {
	if (!isBearable(cost))
		throw new TetradError(
			"invalid-argument",
			"the cost of this passphrase is more than is ever asked for, or none at all",
		);
}
