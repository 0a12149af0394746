export { declarePurse } from "./purse-commands.ts";
export { balanceJson, balancesOf, sayBalances } from "./show.ts";
