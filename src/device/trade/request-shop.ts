import type { CertifiedDevice } from "../../identity/index.ts";
import type { Goods } from "../../trade/agent/index.ts";
import type {
	Contract,
	ItemDescription,
	Listing,
	Offer,
} from "../../trade/documents/index.ts";
import { hex } from "../../wire/index.ts";
import {
	MerchandiseBytes,
	type MerchandiseSource,
} from "./merchandise-file.ts";
import type { RequestRecords } from "./request-records.ts";
import type { RequestOrder, RequestSeller } from "./request-seller.ts";
import type { OwedRefund, Shop, ShopSale } from "./shop.ts";
import { inListing, type ShopMoney } from "./shop-money.ts";

/** What such a shop is made of. */
export interface RequestShopOptions {
	readonly seller: RequestSeller;
	readonly records: RequestRecords;
	/** Whose money it is paid in. */
	readonly terms: ShopMoney;
	/** What is sold beside that. */
	readonly beside: Shop & { nameOf(contract: Uint8Array): string };
}

/** Sells answers to requests, which are in no catalogue, beside what another shop sells. */
export class RequestShop implements Shop {
	readonly #options: RequestShopOptions;
	/** Orders that were taken and are not over, by the id of their contract in hexadecimal. */
	readonly #orders = new Map<string, RequestOrder>();
	/** Those whose contracts are signed, by the hash, and the hashes by the id. */
	readonly #contracts = new Map<string, RequestOrder>();
	readonly #hashes = new Map<string, string>();

	constructor(options: RequestShopOptions) {
		this.#options = options;
	}

	list(
		after: string | undefined,
		limit: number,
	): Promise<{ readonly items: readonly Listing[]; readonly isLast: boolean }> {
		return this.#options.beside.list(after, limit);
	}

	async price(name: string, order: string): Promise<readonly Listing[]> {
		const { seller, beside, terms } = this.#options;
		const priced = seller.price(name, order);
		if (priced === undefined) return beside.price(name, order);
		return [
			{
				description: { name, mediaType: "", about: priced.about, order },
				kind: "made-on-order",
				length: undefined,
				...inListing(terms, priced.amount),
			},
		];
	}

	quoted(offer: Offer, buyer: CertifiedDevice): void {
		const { name, order } = offer.description;
		const { seller } = this.#options;
		if (seller.price(name, order) === undefined) return;
		const id = hex(offer.id);
		seller.quoted({ id, item: name, order, buyer, until: offer.validUntil });
	}

	async open(goods: Goods, signal: AbortSignal): Promise<MerchandiseSource> {
		const { seller, records, beside } = this.#options;
		const { contractId, offer, description, buyer } = goods;
		if (offer === undefined) {
			const again = await records.soldAgain(contractId);
			return again === undefined
				? beside.open(goods, signal)
				: new MerchandiseBytes(again);
		}
		const { name, order: wanted } = description;
		if (seller.price(name, wanted) === undefined)
			return beside.open(goods, signal);
		const id = hex(contractId);
		const order = { id, quote: hex(offer), item: name, order: wanted, buyer };
		this.#orders.set(id, order);
		try {
			return new MerchandiseBytes(await seller.answer(order, signal));
		} catch (thrown) {
			this.#orders.delete(id);
			throw thrown;
		}
	}

	async contracted(
		contract: Contract,
		description: ItemDescription,
	): Promise<void> {
		const order = this.#orders.get(hex(contract.id));
		if (order === undefined)
			return this.#options.beside.contracted(contract, description);
		const hash = hex(contract.hash);
		this.#contracts.set(hash, order);
		this.#hashes.set(order.id, hash);
		await this.#options.records.contracted(contract);
	}

	async sold(sale: ShopSale): Promise<void> {
		const { records, beside, seller } = this.#options;
		const contract = hex(sale.contract);
		const order = this.#contracts.get(contract);
		if (order === undefined) {
			// What was contracted before this shop was opened is in the records.
			if (await records.has(sale.contract)) return records.sold(sale, "");
			return beside.sold(sale);
		}
		this.#forget(order);
		seller.sold(order, contract);
		await records.sold(sale, order.item);
	}

	owed(
		buyer: CertifiedDevice,
		module: Uint8Array,
	): Promise<readonly OwedRefund[]> {
		return this.#options.records.owed(buyer, module);
	}

	left(contractIds: readonly Uint8Array[]): void {
		this.#options.beside.left?.(contractIds);
		for (const id of contractIds) {
			const order = this.#orders.get(hex(id));
			if (order === undefined) continue;
			this.#forget(order);
			this.#options.seller.left(order);
		}
	}

	cut(contractIds: readonly Uint8Array[]): void {
		this.#options.beside.cut?.(contractIds);
		for (const id of contractIds) {
			const order = this.#orders.get(hex(id));
			if (order === undefined) continue;
			this.#forget(order);
			this.#options.seller.cut(order);
		}
	}

	#forget({ id }: RequestOrder): void {
		this.#orders.delete(id);
		const hash = this.#hashes.get(id);
		this.#hashes.delete(id);
		if (hash !== undefined) this.#contracts.delete(hash);
	}

	/** The name of what a contract is about, where that is known. */
	nameOf(contract: Uint8Array): string {
		return (
			this.#contracts.get(hex(contract))?.item ??
			this.#options.beside.nameOf(contract)
		);
	}
}
