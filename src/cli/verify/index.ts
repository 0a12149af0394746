export { declareVerify } from "./verify-command.ts";
