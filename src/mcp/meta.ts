/* What stands under `_meta`: names of x402's transport for MCP (specs/transports-v2/mcp.md), and our own. */

/** In a call: what pays for it. */
export const PAYMENT = "x402/payment";
/** In a result: how it was paid. */
export const PAYMENT_RESPONSE = "x402/payment-response";
/** In a result: what was bought, as its buyer knows it. */
export const RECEIPT = "tetrad/receipt";
/** In a list of tools: what a call costs. */
export const PRICE = "tetrad/price";
