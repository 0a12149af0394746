import { stat } from "node:fs/promises";
import { join } from "node:path";
import { TetradError } from "../../errors.ts";
import type { Catalogue, CataloguePage } from "./catalogue.ts";
import {
	CATALOGUE_FILE,
	describe,
	type Item,
	type Pricing,
	readCatalogueFile,
} from "./catalogue-file.ts";
import { filesToSell, type NotOffered } from "./folder-files.ts";
import { ListedItems, lengthOfGoods, openGoods } from "./listed-items.ts";
import {
	MerchandiseFile,
	type MerchandiseSource,
	requireSellable,
} from "./merchandise-file.ts";

/**
 * What a folder sells: what its catalogue.json names, or, when there is none, every file in it and
 * in its folders, each under its path and at one price. No file is held open or in memory.
 *
 * @example
 * ```ts
 * import { parseAmount } from "tetrad";
 * import { FolderCatalogue } from "tetrad/trade";
 *
 * const currency = { code: "EUR", exponent: 2 };
 * const price = parseAmount("4.20", currency);
 * const catalogue = await FolderCatalogue.read("shop", { currency, price });
 * for (const { path, why } of catalogue.notOffered) console.warn(path, why);
 * console.log(catalogue.item("photo.jpg")?.price); // 420n
 * ```
 */
export class FolderCatalogue implements Catalogue {
	/** Files of a folder without catalogue.json that are not offered: hidden ones are not even named here. */
	readonly notOffered: readonly NotOffered[];
	readonly #folder: string;
	readonly #listed: ListedItems;

	private constructor(
		folder: string,
		items: readonly Item[],
		notOffered: readonly NotOffered[],
	) {
		this.#folder = folder;
		this.#listed = new ListedItems(items);
		this.notOffered = notOffered;
	}

	/**
	 * Looks at every file that is to be sold, and reads none. Throws `file-unusable` for a folder
	 * that cannot be read and for a file of catalogue.json that may not be sold or cannot be read,
	 * with why; `invalid-argument` when there is no price for what the folder has.
	 */
	static async read(
		folder: string,
		pricing: Pricing,
	): Promise<FolderCatalogue> {
		await requireFolder(folder);
		const items = await readCatalogueFile(folder, pricing);
		if (items === undefined) {
			const { price, prices } = pricing;
			if (price === undefined)
				throw new TetradError(
					"invalid-argument",
					`say what a file of ${folder} costs: with --price, or in ${join(folder, CATALOGUE_FILE)}`,
				);
			const { files, notOffered } = await filesToSell(folder);
			const offered = files.map((path) => ({
				description: describe(path),
				price,
				...(prices === undefined ? {} : { prices }),
				goods: { kind: "file", path } as const,
			}));
			return new FolderCatalogue(folder, offered, notOffered);
		}
		requireDifferentNames(folder, items);
		for (const { goods } of items)
			if (goods.kind === "file") await requireSellable(folder, goods.path);
		return new FolderCatalogue(folder, items, []);
	}

	/** How many items there are. */
	get size(): number {
		return this.#listed.size;
	}

	/** At most `limit` items that follow the one called `after`, or the first ones. */
	page(after: string | undefined, limit: number): CataloguePage {
		return this.#listed.page(after, limit);
	}

	/** All of them. */
	items(): Iterable<Item> {
		return this.#listed.all();
	}

	/** The item of that name. */
	item(name: string): Item | undefined {
		return this.#listed.named(name);
	}

	/** How long it is, in bytes, where that is known and the file is there. */
	lengthOf({ goods }: Item): Promise<bigint | undefined> {
		return lengthOfGoods(goods, (path) => join(this.#folder, path));
	}

	/** Opens what is sold as an item, unless that is made on order. Throws `file-unusable`. */
	open({ goods }: Item): Promise<MerchandiseSource | undefined> {
		return openGoods(goods, (path) => MerchandiseFile.open(this.#folder, path));
	}
}

async function requireFolder(folder: string): Promise<void> {
	const isFolder = await stat(folder).then(
		(info) => info.isDirectory(),
		() => false,
	);
	if (!isFolder)
		throw new TetradError("file-unusable", `there is no folder ${folder}`);
}

function requireDifferentNames(folder: string, items: readonly Item[]): void {
	const seen = new Set<string>();
	for (const { description } of items) {
		const { name } = description;
		if (seen.has(name))
			throw new TetradError(
				"file-unusable",
				`${join(folder, CATALOGUE_FILE)}: two items are called "${name}"; give one of them another "name"`,
			);
		seen.add(name);
	}
}
