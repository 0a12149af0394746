export { release } from "./allocate.ts";
export * from "./encoding.ts";
export * from "./frame.ts";
export * from "./signed-bytes.ts";
export * from "./structure.ts";
