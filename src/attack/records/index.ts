export { RECORD_ATTACKS } from "./records.ts";
