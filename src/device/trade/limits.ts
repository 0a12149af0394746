/** What a merchant heard of its sales and could not keep is tried again so often, for so long, in milliseconds, and for so many at most. */
export const KEEP_EVERY_MS = 1_000;
export const KEEP_FOR_MS = 600_000;
export const MAX_KEPT_AGAIN = 1_024;

/** Items that one catalogue may have. */
export const MAX_ITEMS = 65_536;

/** catalogue.json, in bytes: 65,536 items of half a KiB. */
export const MAX_CATALOGUE_BYTES: number = 2 ** 25;

/** A text that is sold as it stands in the catalogue, in bytes of UTF-8. */
export const MAX_ITEM_TEXT_BYTES = 65_536;

/** Folders within folders that are looked into for files to sell. */
export const MAX_FOLDER_DEPTH = 16;

/** What is made on order for one sale, in bytes: 1 GiB. */
export const MAX_MADE_BYTES: number = 2 ** 30;

/** Orders that are made at once. */
export const MAX_MAKING = 16;

/** How long what was made is kept, for who has paid and wants it again: a day longer than any contract can be booked. */
export const MADE_FORGOTTEN_MS: number = 31 * 86_400_000;

/** How long making something on order may take, in milliseconds: ten minutes. */
export const MAKE_WITHIN_MS = 600_000;

/** Contracts that went out and of which a shop remembers what they are about, for its owner to see. */
export const MAX_OFFERED = 16_384;

/** Purchases that are gone on with in one tetrad. */
export const MAX_RESUMED = 512;

/** How long a merchant has to tell what became of money that is in doubt, in milliseconds, before that waits for the next meeting: its disk may be slow. */
export const CLEARED_WITHIN_MS = 5000;

/** Purchases or sales that are looked at at once. */
export const MAX_RECORDS = 100_000;

/** Answers to requests of one buyer that are begun and not paid: more are not begun. */
export const MAX_OPEN_WORKS = 16;

/** How long an open one counts, in milliseconds: an hour, in which its contract can be paid. One that an end of the merchant's own has cut is held against nobody for longer. */
export const WORK_OPEN_MS = 3_600_000;

/** Answers that one buyer may leave unpaid before it has to pay first. */
export const MAX_LEFT_WORKS = 0;

/** How long one that was left counts, in milliseconds: a day. */
export const LEFT_FORGOTTEN_MS = 86_400_000;

/** A ticket for a request that is paid first, in bytes: random, so that whoever has it has bought it. */
export const TICKET_BYTES = 32;

/** Tickets that one buyer may order in an hour and not pay for. */
export const MAX_UNPAID_TICKETS = 64;

/** How long an answer is kept that was paid first, in milliseconds: a day. */
export const KEPT_ANSWER_MS = 86_400_000;

/** Refunds that a merchant pays one buyer in one go. */
export const MAX_REFUNDED_AT_ONCE = 16;

/** Buyers, each with a module, of whom it is remembered which of their refunds come next. */
export const MAX_REFUNDED_IN_TURN = 1024;

/** Refunds, each with a reason why it is not paid, of which it is remembered that the merchant was told. */
export const MAX_TOLD_UNPAID = 1024;

/** How long a buyer waits in a tetrad for a refund that is owed to it, in milliseconds. */
export const REFUND_WITHIN_MS = 10_000;

/** How often a merchant is reminded of it meanwhile, in milliseconds. */
export const REFUND_ASKED_EVERY_MS = 500;

/** Tetrads with merchants that stand while nothing is done in them, in all and at one address. */
export const MAX_STANDING = 32;
export const MAX_STANDING_AT_ONE = 8;

/** How long one stands for a program that has its agent open, in milliseconds: half a minute. */
export const STANDING_MS = 30_000;

/** How long a price or a page may take in a tetrad that stood before it passes for gone, in milliseconds. */
export const STANDING_ANSWER_MS = 10_000;

/** How long a merchant may take to say where one of its modules is met, in milliseconds. */
export const WHERE_WITHIN_MS = 10_000;

/** How often an agent that sells answers takes away what is too old to count, in milliseconds: an hour. */
export const FORGET_EVERY_MS = 3_600_000;
