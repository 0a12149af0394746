export { declareBuy } from "./buy-command.ts";
export { declareCatalogue } from "./catalogue-command.ts";
export {
	declareDispute,
	declareReceipt,
} from "./proof-commands.ts";
export { declarePurchases, declareSales } from "./records-commands.ts";
export { declareRefund } from "./refund-command.ts";
export { declareResolve } from "./resolve-command.ts";
export { declareSell } from "./sell-command.ts";
export { declareSettle } from "./settle-command.ts";
