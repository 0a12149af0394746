export { SUITE } from "./suite.ts";
