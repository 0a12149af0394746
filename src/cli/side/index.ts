export { declareSandbox } from "./sandbox-command.ts";
export { declareSetup } from "./setup-command.ts";
export { declareUp } from "./up-command.ts";
