/*
 * Limits of requests and answers that are paid over HTTP. What a request may say of itself, and how
 * much work is done before it is paid, is limited where requests of any protocol are.
 */

/** Bytes of a request's body, which is in memory while it is paid. */
export const MAX_BODY_BYTES: number = 1024 * 1024;

/** Bytes of an answer's status and header fields. */
export const MAX_ANSWER_HEAD_BYTES: number = 8 * 1024;

/** Header fields of an answer that are sold with it. */
export const MAX_ANSWER_FIELDS = 32;

/** Characters of a header field that asks for payment or says how it was paid, in base64. */
export const MAX_PAYMENT_FIELD: number = 32 * 1024;

/** Terms that a client of stock x402 has seen and may be asked to pay; of more, the oldest are forgotten. */
export const MAX_SEEN_TERMS = 1024;
