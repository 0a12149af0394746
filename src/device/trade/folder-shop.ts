import { TetradError } from "../../errors.ts";
import type { IssuerTerms } from "../../money/index.ts";
import type { Goods } from "../../trade/agent/index.ts";
import type {
	Contract,
	ItemDescription,
	ItemKind,
	Listing,
} from "../../trade/documents/index.ts";
import { recordSale } from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import type { AgentStore } from "../purse/index.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Goods as GoodsOf, Item } from "./catalogue-file.ts";
import { commandMaker, type Environment } from "./command-maker.ts";
import { MAX_OFFERED } from "./limits.ts";
import { MadeGoods, type MakeOnOrder } from "./made-goods.ts";
import type { MerchandiseSource } from "./merchandise-file.ts";
import type { Shop, ShopSale } from "./shop.ts";

/** What a shop is made of. */
export interface FolderShopOptions {
	/** Of the merchant's agent. */
	readonly home: string;
	readonly store: AgentStore;
	readonly catalogue: Catalogue;
	/** Whose money it is paid in. */
	readonly terms: IssuerTerms;
	/** Makes what is made on order and has no command of its own. */
	readonly onOrder?: MakeOnOrder;
	/** What the commands of the catalogue find in their environment, which should have no secrets; that of this process unless given. */
	readonly environment?: Environment;
	/** Where those commands run; in the working folder unless given. */
	readonly workingFolder?: string;
}

/** Sells what a folder or another catalogue has, and what is made on order; keeps what it has heard of its sales. */
export class FolderShop implements Shop {
	readonly #options: FolderShopOptions;
	readonly #made: MadeGoods;
	/** Names of what contracts that went out are about, by hash in hexadecimal; the oldest are forgotten. */
	readonly #offered = new Map<string, string>();

	private constructor(options: FolderShopOptions, made: MadeGoods) {
		this.#options = options;
		this.#made = made;
	}

	/** Throws `invalid-argument` for something to make that nobody makes, and what opening the home throws. */
	static async open(options: FolderShopOptions): Promise<FolderShop> {
		const { home, store, catalogue, onOrder } = options;
		for (const { description, goods } of catalogue.items())
			if (
				goods.kind === "on-order" &&
				goods.command === undefined &&
				goods.make === undefined &&
				onOrder === undefined
			)
				throw new TetradError(
					"invalid-argument",
					`"${description.name}" is made on order: say by what, with --on-order COMMAND or in catalogue.json`,
				);
		return new FolderShop(options, await MadeGoods.open(home, store));
	}

	async list(
		after: string | undefined,
		limit: number,
	): Promise<{ readonly items: readonly Listing[]; readonly isLast: boolean }> {
		const { items, hasMore } = this.#options.catalogue.page(after, limit);
		const listings = items.map((item) => this.#listing(item, ""));
		return { items: await Promise.all(listings), isLast: !hasMore };
	}

	async price(name: string, order: string): Promise<Listing> {
		const item = this.#item(name);
		if ((item.goods.kind === "on-order") !== (order !== ""))
			throw new TetradError(
				"payment-refused",
				order === ""
					? `"${name}" is made on order: say what you want of it`
					: `"${name}" is sold as it is, and not made on order`,
			);
		return this.#listing(item, order);
	}

	async open(goods: Goods, signal: AbortSignal): Promise<MerchandiseSource> {
		const { name } = goods.description;
		const made = await this.#made.again(goods.contractId);
		if (made !== undefined) return made;
		const item = this.#item(name);
		const source = await this.#options.catalogue.open(item);
		if (source !== undefined) return source;
		const maker = this.#maker(item);
		// What is sent again, to who has paid, is not made anew.
		if (goods.itemKind === undefined || maker === undefined)
			throw new TetradError(
				"merchandise-changed",
				`what was made of "${name}" is not kept any more`,
			);
		return this.#made.make(goods, maker, signal);
	}

	async contracted(
		{ hash, id }: Contract,
		{ name }: ItemDescription,
	): Promise<void> {
		this.#offered.set(hex(hash), name);
		if (this.#offered.size > MAX_OFFERED)
			for (const oldest of this.#offered.keys()) {
				this.#offered.delete(oldest);
				break;
			}
		await this.#made.contracted(id, hash);
	}

	async sold(sale: ShopSale): Promise<void> {
		const { contract, amount, receipt, chain, buyer } = sale;
		const { issuer, currency, isPlay } = this.#options.terms;
		await this.#made.sold(contract);
		await this.#options.store.transact(
			recordSale({
				contract,
				time: BigInt(Date.now()),
				buyer: buyer.name,
				buyer_agent: buyer.deviceId,
				item: this.nameOf(contract),
				issuer,
				currency: currency.code,
				exponent: BigInt(currency.exponent),
				play: isPlay ? 1n : 0n,
				amount,
				receipt,
				receipt_chain: chain,
			}),
		);
	}

	/** The name of what a contract is about, empty when it was made before the shop was opened. */
	nameOf(contract: Uint8Array): string {
		return this.#offered.get(hex(contract)) ?? "";
	}

	#item(name: string): Item {
		const item = this.#options.catalogue.item(name);
		if (item === undefined)
			throw new TetradError(
				"payment-refused",
				"nothing of that name is sold here; ask for the catalogue",
			);
		return item;
	}

	#maker({ goods }: Item): MakeOnOrder | undefined {
		const { onOrder, environment = process.env, workingFolder } = this.#options;
		if (goods.kind !== "on-order") return onOrder;
		if (goods.make !== undefined) return goods.make;
		return goods.command === undefined
			? onOrder
			: commandMaker(goods.command, environment, workingFolder);
	}

	async #listing(item: Item, order: string): Promise<Listing> {
		const { issuer, currency, isPlay } = this.#options.terms;
		return {
			description: { ...item.description, order },
			kind: KINDS[item.goods.kind],
			length: await this.#options.catalogue.lengthOf(item),
			issuer,
			currency: currency.code,
			money: { exponent: currency.exponent, isPlay },
			amount: item.price,
		};
	}
}

const KINDS: Readonly<Record<GoodsOf["kind"], ItemKind>> = {
	file: "file",
	text: "inline",
	bytes: "file",
	"on-order": "made-on-order",
};
