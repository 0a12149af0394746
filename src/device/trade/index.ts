export type { Goods, Item, Pricing } from "./catalogue-file.ts";
export { type CataloguePage, FolderCatalogue } from "./folder-catalogue.ts";
export type { NotOffered } from "./folder-files.ts";
export type { MerchandiseSource } from "./merchandise-file.ts";
