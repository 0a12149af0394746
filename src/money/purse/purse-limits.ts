import { DEPOSIT_MARGIN_MS, PAY_WITHIN_MS } from "../documents/index.ts";

// Limits of a purse: a change makes another program and no other format.

/** How far apart two clocks may be: ten minutes. So long after payBy a transfer is still taken at once. */
export const CLOCK_TOLERANCE_MS = 600_000;

/** Payments that a purse has begun, or committed and not settled. With so many in doubt it begins no more. */
export const MAX_OPEN_PAYMENTS = 1024;

/** Purchases that are looked for at their mints at once: an agent that makes them up is to cost neither much. */
export const MAX_RECALLED = 32;

/** Of those, payments that one tetrad has begun and not committed. */
export const MAX_PAYMENTS_PER_TETRAD = 256;

/** How often one payment, or the business with an issuer, may be asked for before its answer is there. */
export const MAX_ASKERS = 256;

/** Bytes of payments in doubt that are delivered again as soon as a tetrad opens; the others when they are asked for, or in the next one. A module that is not reading fast enough loses the tetrad at 8 MiB. */
export const MAX_DELIVERED_AGAIN_BYTES: number = 2 ** 22;

/** Contracts that an agent may expect payments for in one tetrad. */
export const MAX_EXPECTATIONS = 1024;

/** Payments that a purse has promised to take and that have not come. */
export const MAX_PROMISES = 4096;

/** Of those, payments by one payer; and payments that one payer may have committed, of which the oldest is forgotten. */
export const MAX_PROMISES_TO_PAYER = 256;

/** What one payer was promised keeps no more than this part of the limit from all others: a quarter. */
export const PROMISED_PART = 4n;

/** Promises whose time is over that are forgotten with each new one. */
export const OLD_PROMISES_AT_ONCE = 16;

/** So long it is remembered that a contract was cancelled: 40 days, and none can be committed longer than that after it was made. Older ones are forgotten with each new one, so many at once. */
export const ABORTED_KEPT_MS: number = 40 * 24 * 3_600_000;
export const OLD_ABORTED_AT_ONCE = 16;

/** Transfers of one tetrad that are being taken at once: all that its payer can have in doubt. */
export const MAX_ACCEPTANCES_PER_TETRAD = 1024;

/** Notes of others whose signatures are remembered as verified. */
export const MAX_VERIFIED_NOTES = 4096;

/** Orders and other requests that an issuer has not answered. */
export const MAX_OPEN_REQUESTS = 1024;

/** Requests that are on their way to one issuer at once. */
export const MAX_REQUESTS_IN_FLIGHT = 16;

/** How long a module waits for the other's answer before it tells its agent: half a minute. */
export const ANSWER_WITHIN_MS = 30_000;

/** A note that expires sooner is not paid with, so that its payee still has its own margin when it comes. */
export const PAYABLE_MARGIN_MS: number = DEPOSIT_MARGIN_MS + PAY_WITHIN_MS;

/** How long a receipt that was told of may wait to become durable with what the purse writes next, and one that has a key: the write that closes its purchase follows. */
export const RECEIPT_WAITS_MS = 200;
export const KEYED_RECEIPT_WAITS_MS = 1_000;

/** A note is exchanged for a new one in the last part of its life: a quarter, and 14 days at most. */
export const EXCHANGE_PART_OF_LIFE = 4;
export const EXCHANGE_WITHIN_MS: number = 14 * 24 * 3_600_000;

/** How long after an issuer has declined a claim it is asked again: an hour. */
export const CLAIM_AGAIN_MS = 3_600_000;

/** A withdrawal that was asked for without an answer stays ordered until it was declined for 30 days that the purse has seen go by. */
export const ORDERED_AFTER_DECLINE_MS: number = 30 * 24 * 3_600_000;

/** What an issuer does not know of is lost once it has said so for 30 days that the purse has seen go by, and the notes and the grace are over. */
export const UNKNOWN_FOR_MS: number = 30 * 24 * 3_600_000;

/** Between two declines of an issuer no more than a week counts: a clock that jumps ends nothing. And one that comes within an hour counts with the next. */
export const DECLINED_AT_ONCE_MS: number = 7 * 24 * 3_600_000;
export const DECLINED_AGAIN_MS = 3_600_000;

/** A certificate that expires sooner is no reason to exchange notes: no issuer makes notes for it. Two days. */
export const EXCHANGE_CERTIFICATE_MS: number = 2 * 24 * 3_600_000;

/** How long the own agent may not know of a new head by which nothing was given away: 50 milliseconds, in which many make one message. */
export const WITNESS_WITHIN_MS = 50;

/** Issuers that were met since the store was put back, and heads of witnesses that the owner has overridden: the last ones count. */
export const MAX_META_LIST = 64;

/** A witness that knows a head above this number, and above the own one, is not believed: no purse comes to it. */
export const MAX_WITNESSED_NUMBER: bigint = 2n ** 62n;

/** Minutes of spending that count no more and are forgotten with each new payment. */
export const OLD_SPENT_AT_ONCE = 16;

/** What a payment may cost beside its amount where the owner has said nothing else: a tenth of the amount, and 20 minor units where that is more. */
export const FEE_PART = 10n;
export const FEE_ALWAYS = 20n;

/** Payments that wait for the owner, or that the owner has decided on and that were not made. */
export const MAX_APPROVALS = 256;

/** Of those, payments to one merchant. */
export const MAX_APPROVALS_OF_MERCHANT = 32;

/** So long what waits for the owner gives way to nothing: a day. */
export const APPROVAL_KEPT_MS = 86_400_000;
