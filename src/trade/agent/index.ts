export { Buying } from "./buying.ts";
export type {
	BuyerAnswer,
	BuyerAsk,
	BuyerStep,
	BuyingEffect,
	BuyingEvent,
	Conclusion,
	GoodsEvent,
	LearnedPurchase,
	PaidGoods,
} from "./buying-events.ts";
export {
	AVOIDED,
	type Avoided,
	chooseOffer,
	feeBeside,
	isAvoided,
	type PayingWith,
	pricesOf,
} from "./choosing.ts";
export type { ProvisionalPurchase } from "./contract-check.ts";
export { type MetModule, Selling, type SellingOptions } from "./selling.ts";
export type { Goods, SellingEffect, SellingEvent } from "./selling-events.ts";
export type {
	AgentSessionEffect,
	AgentSessionEvent,
} from "./session-events.ts";
export type { TradeTetrad } from "./trade-tetrad.ts";
