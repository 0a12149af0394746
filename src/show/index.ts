export { addClaimsCommand } from "./claims-command.ts";
export { addDemoCommand } from "./demo-command.ts";
