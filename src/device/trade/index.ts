export type { TicketRow } from "../../trade/records/index.ts";
export { askToSell } from "./ask-to-sell.ts";
export { BegunGoods } from "./begun-goods.ts";
export { Buyer, type BuyStep } from "./buyer.ts";
export type { Catalogue, CataloguePage } from "./catalogue.ts";
export {
	CATALOGUE_FILE,
	type Goods,
	type Item,
	type Pricing,
} from "./catalogue-file.ts";
export { commandMaker, type Environment } from "./command-maker.ts";
export { FolderCatalogue } from "./folder-catalogue.ts";
export type { NotOffered } from "./folder-files.ts";
export { FolderShop, type FolderShopOptions } from "./folder-shop.ts";
export {
	type GoodsKeeper,
	type GoodsTarget,
	type KeptGoods,
	type NewGoodsTarget,
	requireTarget,
} from "./goods-file.ts";
export { ItemCatalogue, type ItemForSale } from "./item-catalogue.ts";
export { KEPT_ANSWER_MS, STANDING_MS } from "./limits.ts";
export type { MakeOnOrder, Order } from "./made-goods.ts";
export {
	MerchandiseBytes,
	type MerchandiseSource,
} from "./merchandise-file.ts";
export { offerKeyOf } from "./offer-key.ts";
export { type PurchaseProof, readPurchaseProof } from "./proof-files.ts";
export {
	countUnfinished,
	viewPurchase,
	viewPurchaseOf,
	viewPurchases,
	viewRefunds,
	viewSale,
	viewSales,
} from "./records-view.ts";
export { RequestRecords } from "./request-records.ts";
export type {
	QuotedRequest,
	RequestOrder,
	RequestSeller,
} from "./request-seller.ts";
export { RequestShop } from "./request-shop.ts";
export { type ResumedPurchase, resumeAll } from "./resuming.ts";
export type { SalesEvent } from "./sell-at.ts";
export { type SellerEvent, sellIn } from "./seller.ts";
export type { Shop, ShopSale } from "./shop.ts";
export {
	pricingOf,
	type ShopMoney,
	type TakenMoneys,
} from "./shop-money.ts";
export {
	parseTaken,
	requireNamed,
	type Taken,
	takenMoneys,
} from "./taken-money.ts";
export type { TradingAgentOptions } from "./trade-options.ts";
export {
	type PurchaseStep,
	type Quote,
	TradingAgent,
} from "./trading-agent.ts";
