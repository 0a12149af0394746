export { declareConfig } from "./config-command.ts";
