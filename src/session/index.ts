export * from "./authentication.ts";
export * from "./noise.ts";
export { MAX_COUNTER, nonceFor } from "./nonce.ts";
export * from "./record.ts";
export * from "./session.ts";
export * from "./suite.ts";
