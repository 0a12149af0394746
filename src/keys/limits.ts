// Implementation limits of this room. What a file or a token says is held against them first.

/** A key file larger than this is none of ours, in bytes. */
export const MAX_KEY_FILE_BYTES: number = 16 * 1024;

/** What a sealed backup holds at most, in bytes: it is sealed and opened in memory. */
export const MAX_BACKUP_BYTES: number = 1024 * 1024 * 1024;

/** A passphrase or a PIN, in bytes of UTF-8. */
export const MAX_SECRET_BYTES = 1024;

/** The name of a key, in bytes of UTF-8: what fits into a file name once it is percent-encoded. */
export const MAX_KEY_NAME_BYTES = 64;

/** Keys that a store lists. */
export const MAX_LISTED_KEYS = 1000;

/** A PKCS#11 URI, in characters. */
export const MAX_URI_CHARACTERS = 2048;

/** A message to be signed, in bytes. Those of Tetrad are under 400. */
export const MAX_SIGNED_BYTES: number = 64 * 1024;

/** Signatures and other jobs that wait for one PKCS#11 library. */
export const MAX_WAITING_JOBS = 1000;

/** How long a token may take over one job, in milliseconds; it is half of what an establishment may. */
export const TOKEN_TIMEOUT_MS = 15_000;

/** How long the process of a PKCS#11 library may take to end in order, in milliseconds. */
export const TOKEN_CLOSE_MS = 2000;

/** PINs that were refused are remembered up to this number; after it no new one is tried. */
export const MAX_REFUSED_PINS = 256;
