export { declarePurse } from "./purse-commands.ts";
export { declareBalance } from "./show-commands.ts";
