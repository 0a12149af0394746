export { declarePurse } from "./purse-commands.ts";
