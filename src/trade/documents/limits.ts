import { HASH_BYTES, TAG_BYTES } from "../../crypto/index.ts";

// Specification constants: a change makes another format.

/** What names a contract among all of its merchant's agent, in bytes: random, so that none is made twice. */
export const CONTRACT_ID_BYTES = 16;

/** Of the goods key, of the selling secret and of the exporter, in bytes. */
export const SECRET_BYTES = 32;

/** The longest time from `made` to `payBy`: one day. A contract is made before its merchandise is sent, which may be long. */
export const MAX_PAY_WITHIN_MS = 86_400_000;

/** The longest time from `made` to `bookBy`: thirty days. */
export const MAX_BOOK_WITHIN_MS: number = 30 * 86_400_000;

/** How long a generation of selling secrets lasts by its issuer's clock: thirty days. */
export const GENERATION_MS: number = 30 * 86_400_000;

/** Bytes of merchandise in one chunk; the last may have fewer. */
export const CHUNK_BYTES: number = 2 ** 16;

/** What is sealed before each chunk, and keeps its leaf from being guessed. */
export const SALT_BYTES: number = HASH_BYTES;

/** What sealing adds to a chunk: its salt and a tag. */
export const SEALING_BYTES: number = SALT_BYTES + TAG_BYTES;

/** The largest sealed chunk, in bytes. */
export const MAX_SEALED_CHUNK_BYTES: number = CHUNK_BYTES + SEALING_BYTES;

/** Chunks are counted in 32 bits. */
export const MAX_CHUNKS: number = 2 ** 32 - 1;

/** The largest merchandise, in bytes. */
export const MAX_MERCHANDISE_BYTES: number = MAX_CHUNKS * CHUNK_BYTES;

/** Hashes from a leaf to the root of a tree of `MAX_CHUNKS`. */
export const MAX_PATH_HASHES = 32;

// Implementation limits: a change makes another program and no other format.

/** A selling certificate with the longest names, in bytes. */
export const MAX_CERTIFICATE_BYTES = 640;

/** Agents of merchants that an issuer keeps validated. */
export const MAX_MERCHANT_AGENTS = 1024;

/** A contract with the longest names, in bytes. */
export const MAX_CONTRACT_BYTES = 2048;

/** Of an item's description, in bytes of UTF-8: its name, its media type, what its merchant says about it, and what its buyer has ordered. */
export const MAX_ITEM_NAME_BYTES = 255;
export const MAX_MEDIA_TYPE_BYTES = 127;
export const MAX_ABOUT_BYTES = 2048;
export const MAX_ORDER_TEXT_BYTES = 4096;

/** Kinds of money that a module knows: issuers and mints together. */
export const MAX_MONEYS = 32;

/** Kinds of money for which one item is offered. */
export const MAX_OFFERS = 16;

/** Items in one page of a catalogue, and about how many bytes a page is filled with. */
export const MAX_PAGE_ITEMS = 256;
export const PAGE_BYTES: number = 2 ** 16;
