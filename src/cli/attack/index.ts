export { declareAttack } from "./attack-command.ts";
