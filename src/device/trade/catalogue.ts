import type { Item } from "./catalogue-file.ts";
import type { MerchandiseSource } from "./merchandise-file.ts";

/** What one page of a catalogue has. */
export interface CataloguePage {
	readonly items: readonly Item[];
	/** Whether more follows. */
	readonly hasMore: boolean;
}

/** What a shop sells, wherever it has it from. */
export interface Catalogue {
	/** How many items there are. */
	readonly size: number;
	/** At most `limit` items that follow the one called `after`, or the first ones. */
	page(after: string | undefined, limit: number): CataloguePage;
	/** All of them. */
	items(): Iterable<Item>;
	/** The item of that name. */
	item(name: string): Item | undefined;
	/** How long it is, in bytes, where that is known and it is there. */
	lengthOf(item: Item): Promise<bigint | undefined>;
	/** Opens what is sold as an item, unless that is made on order. Throws `file-unusable`. */
	open(item: Item): Promise<MerchandiseSource | undefined>;
}
