export { declareCompletion } from "./completion-command.ts";
