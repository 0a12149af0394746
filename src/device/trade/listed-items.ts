import { stat } from "node:fs/promises";
import { utf8 } from "../../wire/index.ts";
import type { CataloguePage } from "./catalogue.ts";
import type { Goods, Item } from "./catalogue-file.ts";
import {
	MerchandiseBytes,
	type MerchandiseSource,
} from "./merchandise-file.ts";

/** Items in the order in which they are listed, each with a name of its own. */
export class ListedItems {
	readonly #items: readonly Item[];
	/** Where each stands among them. */
	readonly #places: ReadonlyMap<string, number>;

	constructor(items: readonly Item[]) {
		this.#items = items;
		this.#places = new Map(
			items.map(({ description }, place) => [description.name, place]),
		);
	}

	get size(): number {
		return this.#items.length;
	}

	/** At most `limit` items that follow the one called `after`, or the first ones. */
	page(after: string | undefined, limit: number): CataloguePage {
		const known = after === undefined ? undefined : this.#places.get(after);
		const from = known === undefined ? 0 : known + 1;
		const items = this.#items.slice(from, from + limit);
		return { items, hasMore: from + items.length < this.#items.length };
	}

	all(): Iterable<Item> {
		return this.#items;
	}

	named(name: string): Item | undefined {
		const place = this.#places.get(name);
		return place === undefined ? undefined : this.#items[place];
	}
}

/** How long goods are, in bytes, where that is known and a file of theirs is there; `at` says where that is. */
export async function lengthOfGoods(
	goods: Goods,
	at: (path: string) => string,
): Promise<bigint | undefined> {
	switch (goods.kind) {
		case "file":
			return stat(at(goods.path), { bigint: true }).then(
				({ size }) => size,
				() => undefined,
			);
		case "text":
			return BigInt(utf8(goods.text).length);
		case "bytes":
			return BigInt(goods.bytes.length);
		case "on-order":
			return undefined;
	}
}

/** Opens goods, unless they are made on order; `file` opens one. Throws `file-unusable`. */
export async function openGoods(
	goods: Goods,
	file: (path: string) => Promise<MerchandiseSource>,
): Promise<MerchandiseSource | undefined> {
	switch (goods.kind) {
		case "file":
			return file(goods.path);
		case "text":
			return new MerchandiseBytes(utf8(goods.text));
		case "bytes":
			return new MerchandiseBytes(goods.bytes);
		case "on-order":
			return undefined;
	}
}
