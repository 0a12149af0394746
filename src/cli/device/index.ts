export { declareAgent } from "./agent-command.ts";
export { declareEnroll } from "./enroll-command.ts";
export { declareHealth } from "./health-command.ts";
export { declareLists } from "./lists-command.ts";
export { declareModule } from "./module-command.ts";
export { declarePair } from "./pair-command.ts";
export { declarePolicy } from "./policy-command.ts";
export { declareRecertify } from "./recertify-command.ts";
