import { setTimeout as pause } from "node:timers/promises";
import { asTetradError, TetradError } from "../../errors.ts";
import type { Goods } from "../../trade/agent/index.ts";
import type {
	Contract,
	EcashSaid,
	ItemDescription,
	ItemKind,
	Listing,
} from "../../trade/documents/index.ts";
import { recordSale } from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import type { OneOfSeveral } from "../home/index.ts";
import type { AgentStore } from "../purse/index.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Goods as GoodsOf, Item } from "./catalogue-file.ts";
import { commandMaker, type Environment } from "./command-maker.ts";
import {
	KEEP_EVERY_MS,
	KEEP_FOR_MS,
	MAX_KEPT_AGAIN,
	MAX_OFFERED,
} from "./limits.ts";
import { MadeGoods, type MakeOnOrder } from "./made-goods.ts";
import type { MerchandiseSource } from "./merchandise-file.ts";
import type { Shop, ShopSale } from "./shop.ts";
import {
	inListing,
	paidOver,
	priceOf,
	requireMoneys,
	type ShopMoney,
	type TakenMoneys,
} from "./shop-money.ts";

/** What a shop is made of. */
export interface FolderShopOptions {
	/** Of the merchant's agent. */
	readonly home: string;
	readonly store: AgentStore;
	readonly catalogue: Catalogue;
	/** Whose money it is paid in; what catalogues call a price is in its currency. */
	readonly terms: ShopMoney;
	/** For which other money it is sold, in the order in which the merchant would have it. */
	readonly others?: readonly ShopMoney[];
	/** Makes what is made on order and has no command of its own. */
	readonly onOrder?: MakeOnOrder;
	/** What the commands of the catalogue find in their environment, which should have no secrets; that of this process unless given. */
	readonly environment?: Environment;
	/** Where those commands run; in the working folder unless given. */
	readonly workingFolder?: string;
	/** Which process of the agent this is, of several. */
	readonly oneOf?: OneOfSeveral | undefined;
}

/** Sells what a folder or another catalogue has, and what is made on order; keeps what it has heard of its sales. */
export class FolderShop implements Shop {
	readonly #options: FolderShopOptions;
	readonly #moneys: TakenMoneys;
	readonly #made: MadeGoods;
	/** Names of what contracts that went out are about, by hash in hexadecimal; the oldest are forgotten. */
	readonly #offered = new Map<string, string>();
	/** What is tried again. */
	#keptAgain = 0;

	private constructor(options: FolderShopOptions, made: MadeGoods) {
		this.#options = options;
		this.#moneys = requireMoneys([options.terms, ...(options.others ?? [])]);
		this.#made = made;
	}

	/** Throws `invalid-argument` for something to make that nobody makes and for money that is named twice, and what opening the home throws. */
	static async open(options: FolderShopOptions): Promise<FolderShop> {
		const { home, store, catalogue, onOrder, oneOf } = options;
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
		return new FolderShop(options, await MadeGoods.open(home, store, oneOf));
	}

	async list(
		after: string | undefined,
		limit: number,
	): Promise<{ readonly items: readonly Listing[]; readonly isLast: boolean }> {
		const { items, hasMore } = this.#options.catalogue.page(after, limit);
		const listings = items.map((item) => this.#listings(item, ""));
		return { items: (await Promise.all(listings)).flat(), isLast: !hasMore };
	}

	async price(name: string, order: string): Promise<readonly Listing[]> {
		const item = this.#item(name);
		if ((item.goods.kind === "on-order") !== (order !== ""))
			throw new TetradError(
				"payment-refused",
				order === ""
					? `"${name}" is made on order: say what you want of it`
					: `"${name}" is sold as it is, and not made on order`,
			);
		return this.#listings(item, order);
	}

	async open(goods: Goods, signal: AbortSignal): Promise<MerchandiseSource> {
		const { name } = goods.description;
		// What is there already was sold before, or is made on order.
		if (goods.itemKind === undefined || goods.itemKind === "made-on-order") {
			const made = await this.#made.again(goods.contractId);
			if (made !== undefined) return made;
		}
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

	sold(sale: ShopSale): Promise<void> {
		const { contract, amount, receipt, chain, buyer } = sale;
		const money = this.#soldFor(sale);
		const record = recordSale({
			contract,
			time: BigInt(Date.now()),
			buyer: buyer.name,
			buyer_agent: buyer.deviceId,
			item: this.nameOf(contract),
			issuer: money.issuer,
			currency: money.currency,
			exponent: BigInt(money.money.exponent),
			play: money.money.isPlay ? 1n : 0n,
			amount,
			receipt,
			receipt_chain: chain,
			...paidOver(sale, this.#moneys),
		});
		return this.#keep(async () => {
			await this.#options.store.transact(record);
		});
	}

	/** The name of what a contract is about, empty when it was made before the shop was opened. */
	nameOf(contract: Uint8Array): string {
		return this.#offered.get(hex(contract)) ?? "";
	}

	/** A store that is gone may come back: what could not be kept at first is tried again, and rejects with why all the same. */
	async #keep(work: () => Promise<void>): Promise<void> {
		try {
			await work();
		} catch (thrown) {
			if (mayBeKeptLater(thrown) && this.#keptAgain < MAX_KEPT_AGAIN)
				void this.#keepAgain(work);
			throw thrown;
		}
	}

	async #keepAgain(work: () => Promise<void>): Promise<void> {
		this.#keptAgain++;
		const until = performance.now() + KEEP_FOR_MS;
		for (let isKept = false; !isKept && performance.now() < until; ) {
			await pause(KEEP_EVERY_MS, undefined, { ref: false });
			isKept = await work().then(
				() => true,
				(thrown: unknown) => !mayBeKeptLater(thrown),
			);
		}
		this.#keptAgain--;
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

	/** Of what was sold for notes the module says no more than how much it was. */
	#soldFor({ ecash }: ShopSale): EcashSaid {
		if (ecash !== undefined) return ecash;
		const [first] = this.#moneys;
		const notes = this.#moneys.find(({ mint }) => mint === undefined) ?? first;
		return inListing(notes, 0n);
	}

	async #listings(item: Item, order: string): Promise<readonly Listing[]> {
		const rest = {
			description: { ...item.description, order },
			kind: KINDS[item.goods.kind],
			length: await this.#options.catalogue.lengthOf(item),
		};
		return this.#moneys.flatMap((money) => {
			const amount = priceOf(item, money, this.#moneys);
			return amount === undefined
				? []
				: [{ ...rest, ...inListing(money, amount) }];
		});
	}
}

/** Not in a store that was closed. */
function mayBeKeptLater(thrown: unknown): boolean {
	const { code } = asTetradError(thrown);
	return code === "store-failed" || code === "store-full" || code === "busy";
}

const KINDS: Readonly<Record<GoodsOf["kind"], ItemKind>> = {
	file: "file",
	text: "inline",
	bytes: "file",
	"on-order": "made-on-order",
};
