export { nodeCrypto } from "./node.ts";
export * from "./provider.ts";
