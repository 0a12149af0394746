export { MintProcess } from "./mint-host.ts";
export type { MintOrder, MintSettings } from "./mint-orders.ts";
export { MintServer, type MintServerOptions } from "./mint-server.ts";
export { playMoney, unspentAt } from "./play-money.ts";
