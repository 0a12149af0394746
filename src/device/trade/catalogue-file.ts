import { join } from "node:path";
import { z } from "zod";
import { asTetradError, TetradError } from "../../errors.ts";
import { type Currency, parseAmount } from "../../money/index.ts";
import {
	encodeItemDescription,
	type ItemDescription,
} from "../../trade/documents/index.ts";
import { utf8 } from "../../wire/index.ts";
import { isThere, parseJson, readCarried } from "../home/index.ts";
import {
	MAX_CATALOGUE_BYTES,
	MAX_ITEM_TEXT_BYTES,
	MAX_ITEMS,
} from "./limits.ts";
import type { MakeOnOrder } from "./made-goods.ts";

/*
 * catalogue.json in the folder that is sold: what is offered, and at which price. It is JSON, as
 * policy.json is: the programs of shops write it without a further part, and people read it.
 */

/** The name of the file. */
export const CATALOGUE_FILE = "catalogue.json";

/** Where the merchandise of an item comes from. */
export type Goods =
	/** A file of the folder, by its path in it. */
	| { readonly kind: "file"; readonly path: string }
	/** A licence or a small text, as the catalogue has it. */
	| { readonly kind: "text"; readonly text: string }
	/** Bytes that a program has. */
	| { readonly kind: "bytes"; readonly bytes: Uint8Array }
	/** It is made when somebody orders it: by that command, by what a program has for it, or by the one for all. */
	| {
			readonly kind: "on-order";
			readonly command: string | undefined;
			readonly make?: MakeOnOrder;
	  };

/** One thing that is sold. */
export interface Item {
	/** A name is one item's in its catalogue; nothing is ordered here. */
	readonly description: ItemDescription;
	/** In minor units. */
	readonly price: bigint;
	/** The same in other currencies that are taken, by their codes; it is sold for no other. */
	readonly prices?: ReadonlyMap<string, bigint>;
	readonly goods: Goods;
}

interface ItemSettings {
	readonly name?: string | undefined;
	readonly type?: string | undefined;
	readonly description?: string | undefined;
	readonly price?: string | undefined;
	/** By the code of a currency. */
	readonly prices?: Readonly<Record<string, string>> | undefined;
	readonly file?: string | undefined;
	readonly text?: string | undefined;
	readonly onOrder?: string | true | undefined;
}

/** No control characters: a name can be shown as it is. */
const NAME = /^[^\p{Cc}\p{Cf}\u2028\u2029]+$/u;

const item: z.ZodType<ItemSettings> = z
	.strictObject({
		name: z.string().optional(),
		type: z.string().optional(),
		description: z.string().optional(),
		price: z.string().optional(),
		prices: z.record(z.string().max(8), z.string()).optional(),
		file: z.string().optional(),
		text: z.string().optional(),
		onOrder: z.union([z.literal(true), z.string().min(1)]).optional(),
	})
	.refine(
		({ file, text, onOrder }) =>
			[file, text, onOrder].filter((goods) => goods !== undefined).length === 1,
		'says what is sold by one of "file", "text" and "onOrder"',
	);

const catalogueFile: z.ZodType<{
	readonly version: 1;
	readonly currency?: string | undefined;
	readonly items: ItemSettings[];
}> = z.strictObject({
	version: z.literal(1),
	currency: z.string().optional(),
	items: z.array(item).max(MAX_ITEMS),
});

/** What the owner says of prices beside the catalogue. */
export interface Pricing {
	readonly currency: Currency;
	/** Of what has no price of its own, in minor units. */
	readonly price?: bigint;
	/** Other currencies that are taken, and the same in those, by their codes. */
	readonly others?: readonly Currency[];
	readonly prices?: ReadonlyMap<string, bigint>;
}

/**
 * Reads catalogue.json of a folder, `undefined` when there is none. Files that it names are not
 * looked at. Throws `file-unusable`, naming the item and what is wrong.
 */
export async function readCatalogueFile(
	folder: string,
	pricing: Pricing,
): Promise<Item[] | undefined> {
	const path = join(folder, CATALOGUE_FILE);
	if (!(await isThere(path))) return undefined;
	const bytes = await readCarried(path, MAX_CATALOGUE_BYTES);
	const text = Buffer.from(bytes).toString("utf8");
	const { currency, items } = parsed(text, path);
	if (currency !== undefined && currency !== pricing.currency.code)
		throw unusable(
			path,
			`its prices are in ${currency}, and what is taken is ${pricing.currency.code}`,
		);
	return items.map((settings, at) => {
		try {
			return itemOf(settings, pricing);
		} catch (thrown) {
			if (!(thrown instanceof TetradError)) throw thrown;
			const { name = settings.file } = settings;
			throw unusable(
				path,
				`item ${at + 1}${name === undefined ? "" : `, "${name}"`}: ${thrown.message}`,
			);
		}
	});
}

function parsed(text: string, path: string): z.infer<typeof catalogueFile> {
	try {
		return parseJson(catalogueFile, text, path);
	} catch (thrown) {
		const { message } = asTetradError(thrown);
		throw new TetradError("file-unusable", message, { cause: thrown });
	}
}

function itemOf(
	{ name, type = "", description: about = "", ...settings }: ItemSettings,
	pricing: Pricing,
): Item {
	const { price, prices, file, text, onOrder } = settings;
	const named = name ?? file;
	if (named === undefined) throw invalid("it has no name");
	return {
		description: describe(named, type, about),
		price: priceOf(price, pricing),
		...pricesIn(prices, pricing),
		goods: goodsOf(file, text, onOrder),
	};
}

function goodsOf(
	file: string | undefined,
	text: string | undefined,
	onOrder: string | true | undefined,
): Goods {
	if (file !== undefined) return { kind: "file", path: file };
	if (text !== undefined) {
		requireWithin("its text", text, MAX_ITEM_TEXT_BYTES);
		return { kind: "text", text };
	}
	return {
		kind: "on-order",
		command: onOrder === true ? undefined : onOrder,
	};
}

function priceOf(
	text: string | undefined,
	{ currency, price }: Pricing,
): bigint {
	const value = text === undefined ? price : parseAmount(text, currency);
	if (value === undefined)
		throw invalid('it has no "price", and there is no --price for all');
	return value;
}

/** Prices in other currencies, by their codes. Throws `invalid-argument` for one that is not taken. */
export function pricesIn(
	said: Readonly<Record<string, string>> | undefined,
	{ others = [], prices: forAll }: Pick<Pricing, "others" | "prices">,
): Pick<Item, "prices"> {
	const prices = new Map(forAll);
	for (const [code, text] of Object.entries(said ?? {})) {
		const currency = others.find((one) => one.code === code);
		if (currency === undefined)
			throw invalid(
				`it has a price in ${JSON.stringify(code)}, which is not among the other money that is taken here`,
			);
		prices.set(code, parseAmount(text, currency));
	}
	return prices.size === 0 ? {} : { prices };
}

/** Throws `invalid-argument` for what no item is called, and for texts that are too long. */
export function describe(
	name: string,
	mediaType = "",
	about = "",
): ItemDescription {
	if (!NAME.test(name))
		throw invalid(
			`${JSON.stringify(name)} cannot be shown as the name of an item`,
		);
	const description = { name, mediaType, about, order: "" };
	encodeItemDescription(description);
	return description;
}

/** Throws `invalid-argument` for a text of more than `max` bytes of UTF-8. */
function requireWithin(what: string, text: string, max: number): void {
	if (utf8(text).length > max)
		throw invalid(`${what} has more than ${max} bytes`);
}

function invalid(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}

function unusable(path: string, why: string): TetradError {
	return new TetradError("file-unusable", `${path}: ${why}`);
}
