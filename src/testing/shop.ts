import type { SalesEvent, ShopSale } from "../device/trade/index.ts";
import type { TestDevice } from "./device.ts";
import type { Holder, TestBalance } from "./holder.ts";
import type { MemoryShop, TestItem } from "./items.ts";

/** An agent that sells and its module. */
export class TestShop {
	readonly #holder: Holder;
	readonly #items: MemoryShop;
	readonly #events: readonly SalesEvent[];

	/** `TestTown.shop` makes one. */
	constructor(
		holder: Holder,
		items: MemoryShop,
		events: readonly SalesEvent[],
	) {
		this.#holder = holder;
		this.#items = items;
		this.#events = events;
	}

	get name(): string {
		return this.#holder.side.name;
	}

	/** Where its agent can be reached. */
	get address(): string {
		return this.#holder.side.address;
	}

	get agent(): TestDevice {
		return this.#holder.side.agent;
	}

	get module(): TestDevice {
		return this.#holder.side.module;
	}

	/** What its agent has heard to be paid, the oldest first. */
	get sales(): readonly ShopSale[] {
		return this.#items.sales;
	}

	/** All that its agent has reported, the oldest first. */
	get events(): readonly SalesEvent[] {
		return this.#events;
	}

	/** Sells that, also in the place of what had the name before. Throws `invalid-argument` for a price that is none. */
	put(item: TestItem): void {
		this.#items.put(item);
	}

	/** Sells that no longer. */
	remove(name: string): void {
		this.#items.remove(name);
	}

	/** Meets the issuer: hands in what it was paid, and gets what it sells with. */
	async settle(): Promise<void> {
		await this.#holder.settle({ sells: true });
	}

	balance(): Promise<TestBalance> {
		return this.#holder.balance();
	}
}
