import {
	type MakeOnOrder,
	MerchandiseBytes,
	type MerchandiseSource,
	type Shop,
	type ShopSale,
} from "../device/trade/index.ts";
import { TetradError } from "../errors.ts";
import { type IssuerTerms, parseAmount } from "../money/index.ts";
import type { Listing } from "../trade/documents/index.ts";
import { copy, hex, utf8 } from "../wire/index.ts";

/** One thing that a test shop sells. */
export interface TestItem {
	readonly name: string;
	/** Decimal, such as "4.20". */
	readonly price: string;
	/** Bytes, a text, or what makes them when they are ordered. */
	readonly goods: Uint8Array | string | MakeOnOrder;
	readonly about?: string;
	/** As of RFC 6838. */
	readonly mediaType?: string;
}

/** What a shop sells, in memory. It outlives the crashes of its devices. */
export class MemoryShop {
	readonly sales: ShopSale[] = [];
	readonly #terms: IssuerTerms;
	readonly #items: Map<string, TestItem>;
	/** What was made, by the id of its contract in hexadecimal. */
	readonly #made = new Map<string, Uint8Array>();

	/** Throws `invalid-argument` for a price that is none. */
	constructor(terms: IssuerTerms, items: readonly TestItem[]) {
		this.#terms = terms;
		for (const { price } of items) parseAmount(price, terms.currency);
		this.#items = new Map(items.map((item) => [item.name, item]));
	}

	/** Sells that, also in the place of what had the name before. Throws `invalid-argument` for a price that is none. */
	put(item: TestItem): void {
		parseAmount(item.price, this.#terms.currency);
		this.#items.set(item.name, item);
	}

	/** Sells that no longer. */
	remove(name: string): void {
		this.#items.delete(name);
	}

	/** For `TradingAgent`. */
	get shop(): Shop {
		return {
			list: async (after, limit) => {
				const names = [...this.#items.keys()].sort();
				const rest = names.filter(
					(name) => after === undefined || name > after,
				);
				return {
					items: rest.slice(0, limit).map((name) => this.#listing(name, "")),
					isLast: rest.length <= limit,
				};
			},
			price: async (name, order) => {
				const isMade = typeof this.#item(name).goods === "function";
				if (isMade !== (order !== ""))
					throw new TetradError(
						"payment-refused",
						isMade
							? `"${name}" is made on order: say what you want of it`
							: `"${name}" is sold as it is, and not made on order`,
					);
				return [this.#listing(name, order)];
			},
			open: ({ contractId, description, buyer, itemKind }, signal) =>
				this.#open(contractId, description.name, itemKind, (make) =>
					make({ item: description, buyer }, signal),
				),
			contracted: async () => {},
			sold: async (sale) => void this.sales.push(sale),
		};
	}

	#item(name: string): TestItem {
		const item = this.#items.get(name);
		if (item === undefined)
			throw new TetradError(
				"payment-refused",
				"nothing of that name is sold here; ask for the catalogue",
			);
		return item;
	}

	#listing(name: string, order: string): Listing {
		const { price, goods, about = "", mediaType = "" } = this.#item(name);
		const { issuer, currency, isPlay } = this.#terms;
		return {
			description: { name, mediaType, about, order },
			kind: typeof goods === "function" ? "made-on-order" : "file",
			length:
				typeof goods === "function" ? undefined : BigInt(bytesOf(goods).length),
			issuer,
			currency: currency.code,
			money: { exponent: currency.exponent, isPlay },
			amount: parseAmount(price, currency),
		};
	}

	async #open(
		contractId: Uint8Array,
		name: string,
		kind: Listing["kind"] | undefined,
		order: (make: MakeOnOrder) => ReturnType<MakeOnOrder>,
	): Promise<MerchandiseSource> {
		const made = this.#made.get(hex(contractId));
		if (made !== undefined) return new MerchandiseBytes(made);
		const { goods } = this.#item(name);
		if (typeof goods !== "function")
			return new MerchandiseBytes(bytesOf(goods));
		if (kind === undefined)
			throw new TetradError(
				"merchandise-changed",
				`what was made of "${name}" is not kept any more`,
			);
		const pieces = await order(goods);
		const bytes = pieces instanceof Uint8Array ? pieces : await joined(pieces);
		this.#made.set(hex(contractId), bytes);
		return new MerchandiseBytes(bytes);
	}
}

function bytesOf(goods: Uint8Array | string): Uint8Array {
	return typeof goods === "string" ? utf8(goods) : goods;
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
	const all: Uint8Array[] = [];
	for await (const piece of pieces) all.push(copy(piece));
	return new Uint8Array(Buffer.concat(all));
}
