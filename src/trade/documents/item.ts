import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import {
	enc,
	type Structure,
	structure,
	text,
	utf8,
} from "../../wire/index.ts";
import {
	MAX_ABOUT_BYTES,
	MAX_ITEM_NAME_BYTES,
	MAX_MEDIA_TYPE_BYTES,
	MAX_ORDER_TEXT_BYTES,
} from "./limits.ts";

/** What is sold, in words. They are the merchant's: whoever shows them makes them harmless first. */
export interface ItemDescription {
	readonly name: string;
	/** As of RFC 6838, or empty. */
	readonly mediaType: string;
	/** Whatever the merchant says about it; may be empty. */
	readonly about: string;
	/** What the buyer has asked for, when it is made on order; else empty. */
	readonly order: string;
}

/** What goes before a description when it is hashed, in bytes: an item's hash tells nobody which item it is. */
export const ITEM_SALT_BYTES: number = HASH_BYTES;

const DESCRIPTION: Structure<ItemDescription> = structure<ItemDescription>(
	"an item's description",
	{
		name: text(1, MAX_ITEM_NAME_BYTES),
		mediaType: text(0, MAX_MEDIA_TYPE_BYTES),
		about: text(0, MAX_ABOUT_BYTES),
		order: text(0, MAX_ORDER_TEXT_BYTES),
	},
);

const ITEM: Uint8Array = utf8("tetrad/1 item");

/** The largest description, in bytes. */
export const MAX_DESCRIPTION_BYTES: number = DESCRIPTION.maxBytes;

/** Throws `invalid-argument`. */
export function encodeItemDescription(
	description: ItemDescription,
): Uint8Array {
	return DESCRIPTION.encode(description);
}

/** Throws `malformed`. */
export function parseItemDescription(document: Uint8Array): ItemDescription {
	return DESCRIPTION.decode(document);
}

/** What a contract says of its item, 32 bytes: the hash of an encoded description, behind a random salt of `ITEM_SALT_BYTES`. */
export function itemHash(
	crypto: CryptoProvider,
	salt: Uint8Array,
	description: Uint8Array,
): Uint8Array {
	return crypto.sha256(enc(ITEM, salt, description));
}
