export { declareClaims } from "./claims-command.ts";
export { declareDemo } from "./demo-command.ts";
