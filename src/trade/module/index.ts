export { moduleTrade } from "./module-trade.ts";
export { loadTrade, type TradeState } from "./selling-secrets.ts";
