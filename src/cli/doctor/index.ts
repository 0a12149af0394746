export { declareDoctor } from "./doctor-command.ts";
export { declareStatus } from "./status-command.ts";
