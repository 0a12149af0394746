import { basename, dirname, resolve } from "node:path";
import { TetradError } from "../../errors.ts";
import { type Currency, parseAmount } from "../../money/index.ts";
import { copy, utf8 } from "../../wire/index.ts";
import type { Catalogue, CataloguePage } from "./catalogue.ts";
import { describe, type Goods, type Item, pricesIn } from "./catalogue-file.ts";
import { MAX_ITEM_TEXT_BYTES, MAX_ITEMS } from "./limits.ts";
import { ListedItems, lengthOfGoods, openGoods } from "./listed-items.ts";
import type { MakeOnOrder, Order } from "./made-goods.ts";
import {
	MerchandiseFile,
	type MerchandiseSource,
	requireSellable,
} from "./merchandise-file.ts";

/** One thing that a program sells; what is sold is one of `goods`, `file` and `make`. */
export type ItemForSale = {
	/** No other item has it. */
	readonly name: string;
	/** Decimal, such as "4.20", in the currency that is taken, or in the first of them. */
	readonly price: string;
	/** The same in the others, by their codes, such as `{ SAT: "5000" }`; it is sold for no other money. */
	readonly prices?: Readonly<Record<string, string>>;
	/** What its merchant says about it. */
	readonly about?: string;
	/** As of RFC 6838. */
	readonly type?: string;
} & (
	| { readonly goods: Uint8Array | string }
	/** The path of a file. */
	| { readonly file: string }
	/** Makes what is ordered, once for each sale; what it throws is not told to the buyer. The order is a stranger's text. */
	| {
			readonly make: (
				order: Order,
				signal: AbortSignal,
			) => ReturnType<MakeOnOrder> | string | Promise<string>;
	  }
);

/** What a program sells. */
export class ItemCatalogue implements Catalogue {
	readonly #listed: ListedItems;

	private constructor(items: readonly Item[]) {
		this.#listed = new ListedItems(items);
	}

	/** Throws `invalid-argument` for what cannot be offered, and `file-unusable` for a file that may not be sold. */
	static async of(
		items: readonly ItemForSale[],
		currency: Currency,
		others: readonly Currency[] = [],
	): Promise<ItemCatalogue> {
		if (items.length > MAX_ITEMS)
			throw invalid(`a catalogue has at most ${MAX_ITEMS} items`);
		const names = new Set<string>();
		const offered: Item[] = [];
		for (const item of items) {
			const { name, type, about } = item;
			if (names.has(name))
				throw invalid(`two items are called ${JSON.stringify(name)}`);
			names.add(name);
			offered.push({
				description: describe(name, type, about),
				price: parseAmount(item.price, currency),
				...pricesIn(item.prices, { others }),
				goods: await goodsOf(item),
			});
		}
		return new ItemCatalogue(offered);
	}

	get size(): number {
		return this.#listed.size;
	}

	page(after: string | undefined, limit: number): CataloguePage {
		return this.#listed.page(after, limit);
	}

	items(): Iterable<Item> {
		return this.#listed.all();
	}

	item(name: string): Item | undefined {
		return this.#listed.named(name);
	}

	lengthOf({ goods }: Item): Promise<bigint | undefined> {
		return lengthOfGoods(goods, (path) => path);
	}

	open({ goods }: Item): Promise<MerchandiseSource | undefined> {
		return openGoods(goods, (path) =>
			MerchandiseFile.open(dirname(path), basename(path)),
		);
	}
}

async function goodsOf(item: ItemForSale): Promise<Goods> {
	if ("make" in item) {
		const { make } = item;
		return {
			kind: "on-order",
			command: undefined,
			make: async (order, signal) => {
				const made = await make(order, signal);
				return typeof made === "string" ? utf8(made) : made;
			},
		};
	}
	if ("file" in item) {
		const path = resolve(item.file);
		await requireSellable(dirname(path), basename(path));
		return { kind: "file", path };
	}
	const { goods } = item;
	// A text of the catalogue is a small one; bytes may be many. What is sold does not change any more.
	if (typeof goods !== "string") return { kind: "bytes", bytes: copy(goods) };
	const bytes = utf8(goods);
	return bytes.length > MAX_ITEM_TEXT_BYTES
		? { kind: "bytes", bytes }
		: { kind: "text", text: goods };
}

function invalid(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}
