export { declareLog } from "./log-command.ts";
