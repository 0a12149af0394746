export { CONTROLS } from "./controls.ts";
export { SUITE } from "./suite.ts";
