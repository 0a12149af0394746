/* Limits of tools that are paid for. What a call may say, and how much work is done before it is paid, is limited where requests of any protocol are. */

/** Pages of a list of tools that are asked for. */
export const MAX_PAGES = 64;

/** Tools of one server of which a client remembers what the list said; of more, the oldest are forgotten. */
export const MAX_KNOWN_TOOLS = 4096;

/** UTF-16 units of a text that asks for payment. */
export const MAX_PAYMENT_TEXT: number = 64 * 1024;
