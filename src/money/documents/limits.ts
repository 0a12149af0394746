import { HASH_BYTES, SIGNATURE_BYTES } from "../../crypto/index.ts";
import { bytes, type Field } from "../../wire/index.ts";

// Specification constants: a change makes another format.

/** The largest amount, in minor units: what 64 bits hold with a sign. */
export const MAX_AMOUNT: bigint = 2n ** 63n - 1n;

/** Decimals that a currency may have. */
export const MAX_EXPONENT = 8;

/** What names a contract, and with it the one payment for it. */
export const CONTRACT_BYTES = 32;

/** Names one request to an issuer, for ever. */
export const REQUEST_ID_BYTES = 16;

/** Pieces of notes in one transfer. */
export const MAX_PIECES = 64;

/** Note id, offset and amount of one piece. */
const PIECE_BYTES: number = HASH_BYTES + 8 + 8;

/** Notes that one request to an issuer may make. */
export const MAX_NEW_NOTES = 16;

/** The goods key that a sale is paid for, and the secret that such keys are derived from. */
export const GOODS_KEY_BYTES = 32;
export const SELLING_SECRET_BYTES = 32;

/** Days from the expiry of a note until what is left of it can be claimed. */
export const MAX_GRACE_DAYS = 365;

/** As `identity` makes them: enc(32 bytes, name of 1 to 64 bytes). */
/** The proofs of a lock, as a payer gives them to its payee: 64 of the longest. */
export const MAX_LOCK_MESSAGE_BYTES: number = 2 ** 17;

export const DEVICE_ID: Field<Uint8Array> = bytes(41, 104);

/** Issuers whose money an owner limits in one order. */
export const MAX_LIMITED_ISSUERS = 16;

/** Merchants that an owner names in one order. */
export const MAX_NAMED_MERCHANTS = 256;

/** A key with the byte that says what it is for: Ed25519 32 bytes, P-256 65. */
export const HOLDER_KEY: Field<Uint8Array> = bytes(33, 66);

/** The address of a mint, in ASCII, and its name of a unit. */
export const MAX_MINT_URL_BYTES = 255;
export const MAX_UNIT_LENGTH = 8;

/** An invoice that a mint makes or pays, in characters. */
export const MAX_INVOICE_LENGTH = 8192;

// Implementation limits: a change makes another program and no other format.

/** A note in its transferable form, in bytes; that of P-256 with the longest names fits. */
export const MAX_NOTE_BYTES = 768;

/** A transfer with `MAX_PIECES` pieces, in bytes. */
export const MAX_TRANSFER_BYTES: number =
	5 * 104 + 4 * HASH_BYTES + MAX_PIECES * PIECE_BYTES + SIGNATURE_BYTES + 64;

/** Chains of issuers in one payment: notes from before and after an issuer was certified anew. */
export const MAX_ISSUER_CHAINS = 4;

/** Payments in one archive: what is exported and pruned in one step. */
export const MAX_ARCHIVED = 64;

/** What a purse knows of the terms of a sale, in bytes: a contract, and the chain of the agent that signed it. */
export const MAX_TERMS_BYTES = 20_000;

/** A signed document in which an issuer says whose a selling secret is, in bytes. */
export const MAX_SELLING_CERTIFICATE_BYTES = 640;

/** What an issuer answers to a request, in bytes. */
export const MAX_ANSWER_BYTES = 32_768;

/** Text that says why, in bytes. */
export const MAX_REASON_BYTES = 256;

/** Text that says what a payment is for, in bytes. */
export const MAX_PAYMENT_TEXT_BYTES = 256;

/** What a payee leaves between now and the expiry of what it takes, to deposit it in: one hour. */
export const DEPOSIT_MARGIN_MS = 3_600_000;

/** How long after its prepare a payment may be committed: two minutes. */
export const PAY_WITHIN_MS = 120_000;

/** Payments of one tetrad that may wait for their outcome at an agent, or be remembered there until somebody asks. */
export const MAX_AGENT_PAYMENTS = 1024;

// What an issuer allows.

/** Days from the issue of a note to its expiry, and from there until what is left of it can be claimed, unless the issuer says otherwise. */
export const NOTE_DAYS = 90;
export const GRACE_DAYS = 7;
export const MAX_NOTE_DAYS = 3650;

/** A note that would not live for a day is not issued: its holder has to be certified anew first. */
export const MIN_NOTE_LIFE_MS = 86_400_000;

/** Requests that an issuer works on at once: of one tetrad, and of all. Beyond, it says `busy`. */
export const MAX_TETRAD_REQUESTS = 64;
export const MAX_REQUESTS = 512;

/** Requests of one module that may come to nothing, repeat what was answered, or be on their way, at once; one more may after so many milliseconds, each. Beyond, the issuer says `busy`. */
export const MAX_FRUITLESS = 256;
export const FRUITLESS_AGAIN_MS = 250;

/** The same of questions, which only tell what is there: twice what a purse asks at a meeting that has all in doubt that it may have. */
export const MAX_QUESTIONS = 2048;
export const QUESTION_AGAIN_MS = 100;

/** Modules whose requests are counted: those that asked last. */
export const MAX_LIMITED_MODULES = 4096;

/** Older certificates of its own that an issuer keeps validated. */
export const MAX_OWN_CERTIFICATES = 64;

/** Text by which an operator finds a credit again, in bytes. */
export const MAX_REFERENCE_BYTES = 100;

/** Rows in one page of a list, and in one read of many that go through a transaction. */
export const PAGE_ROWS = 500;
export const FOLD_ROWS = 5_000;

/** Bookings of one note that a claim goes through, and free ranges that it books. */
export const MAX_CLAIM_BOOKINGS = 1_000_000;
export const MAX_CLAIM_RANGES = 5_000;

/** Problems that an audit tells, and chains of the issuer that it keeps validated. */
export const MAX_AUDIT_PROBLEMS = 100;
export const MAX_AUDIT_CHAINS = 64;
