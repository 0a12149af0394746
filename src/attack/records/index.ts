export { RECORD_ATTACKS } from "./records.ts";
export { spoiling } from "./spoiling.ts";
