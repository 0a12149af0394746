export { ChainVerdicts } from "./chain-verdicts.ts";
