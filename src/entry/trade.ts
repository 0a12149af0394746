/** `tetrad/trade`: what a merchant sells, for who sells by a program. */
export {
	type CataloguePage,
	FolderCatalogue,
	type Goods,
	type Item,
	type MerchandiseSource,
	type NotOffered,
	type Pricing,
} from "../device/trade/index.ts";
