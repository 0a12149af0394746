import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	DEFAULT_COST,
	keyFromPassphrase,
	OWNER_SALT_BYTES,
	type PassphraseCost,
	type SecretSource,
	type SoftwareKey,
} from "../../keys/index.ts";
import { sameBytes, utf8 } from "../../wire/index.ts";

/*
 * The owner of a purse has a key that is in no home: it follows from a passphrase, and only the
 * command that the owner runs has it, for as long as it signs an order.
 */

/** Whose orders a purse obeys: an Ed25519 key that follows from a passphrase. */
export interface PurseOwner {
	readonly publicKey: Uint8Array;
	readonly salt: Uint8Array;
	readonly cost: PassphraseCost;
}

/** With `unsafe-no-owner`, whoever can write into the home can order. */
export type Owner = PurseOwner | "unsafe-no-owner";

/** The public key of nobody in particular: its seed is known to all. */
const NO_OWNER_SALT: Uint8Array = utf8("unsafe-no-owner.");
const NO_OWNER_COST: PassphraseCost = { memoryKib: 8, passes: 1, lanes: 1 };

/** A new owner, from a passphrase that is asked for. */
export async function newOwner(secret: SecretSource): Promise<PurseOwner> {
	const passphrase = await secret({
		what: "passphrase of the owner of the purse",
		isNew: true,
	});
	const salt = nodeCrypto.random(OWNER_SALT_BYTES);
	const cost = DEFAULT_COST;
	try {
		const { publicKey } = await keyFromPassphrase(passphrase, salt, cost);
		return { publicKey, salt, cost };
	} finally {
		passphrase.fill(0);
	}
}

/** The owner's key. Throws `key-store-failed` for a wrong passphrase. */
export async function openOwner(
	owner: Owner,
	secret: SecretSource,
): Promise<SoftwareKey> {
	if (owner === "unsafe-no-owner") return noOwner();
	const passphrase = await secret({
		what: "passphrase of the owner of the purse",
		isNew: false,
	});
	try {
		const key = await keyFromPassphrase(passphrase, owner.salt, owner.cost);
		if (!sameBytes(key.publicKey, owner.publicKey))
			throw new TetradError(
				"key-store-failed",
				"this is not the passphrase of the purse's owner; nothing was ordered",
			);
		return key;
	} finally {
		passphrase.fill(0);
	}
}

/** What orders are checked with. */
export async function ownerKey(owner: Owner): Promise<Uint8Array> {
	return owner === "unsafe-no-owner"
		? (await noOwner()).publicKey
		: owner.publicKey;
}

function noOwner(): Promise<SoftwareKey> {
	return keyFromPassphrase(NO_OWNER_SALT, NO_OWNER_SALT, NO_OWNER_COST);
}
