/*
 * Whole devices in one process, and how often they bring something to their disks for a purchase.
 */
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Buyer } from "../../src/device/trade/buyer.ts";
import { type Customer, DeviceMarket } from "../support/device-market.ts";
import { type Commit, DurableWrites } from "../support/durable-writes.ts";

const ITEM = "a song";
const BYTES = 4096;

/** Buyers in tetrads that stand, of which each has bought once. */
export class WatchedMarket implements AsyncDisposable {
	readonly writes: DurableWrites;
	readonly #market: DeviceMarket;
	readonly #buyers: readonly (readonly [Customer, Buyer])[];
	#bought = 0;

	private constructor(
		writes: DurableWrites,
		market: DeviceMarket,
		buyers: readonly (readonly [Customer, Buyer])[],
	) {
		this.writes = writes;
		this.#market = market;
		this.#buyers = buyers;
	}

	static async make(count: number): Promise<WatchedMarket> {
		const writes = await DurableWrites.watch();
		const market = await DeviceMarket.make(count, { [ITEM]: BYTES });
		const buyers: (readonly [Customer, Buyer])[] = [];
		for (const customer of market.customers)
			buyers.push([customer, await market.stand(customer)]);
		const watched = new WatchedMarket(writes, market, buyers);
		await watched.buy();
		return watched;
	}

	/** Each of them once, all at once, and nothing that was before counts. */
	async buy(): Promise<void> {
		this.writes.reset();
		const name = `goods-${++this.#bought}`;
		await Promise.all(
			this.#buyers.map(async ([{ folder }, buyer]) => {
				const path = join(folder, name);
				await buyer.buy(await buyer.quote(ITEM), { path }, () => {});
			}),
		);
		while (this.#over() < this.#buyers.length) await setImmediate();
	}

	/** The merchant hands in what it has taken, and nothing that was before counts. */
	async deposit(): Promise<void> {
		this.writes.reset();
		await this.#market.deposit();
	}

	/** What the agents in homes whose names end so keep of their trade. */
	ofTrade(home: string): string[][] {
		const all = this.writes.commits(join(home, "agent.db"));
		return all.filter((rows) => !isOfHead(rows)).map(sorted);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#market[Symbol.asyncDispose]();
		this.writes[Symbol.dispose]();
	}

	/** How many purchases their modules have closed, and the merchant's agent has kept as sales: nothing is written after that. */
	#over(): number {
		const closed = this.writes
			.commits("purse.db")
			.filter((rows) => rows.has("purchases") && !rows.has("notes"));
		const sold = this.writes
			.commits("agent.db")
			.reduce((sum, rows) => sum + (rows.get("sales") ?? 0), 0);
		return Math.min(closed.length, sold);
	}
}

/** Of an agent that keeps how far its module has come, and nothing else; how many of these there are depends on how long the rest takes. */
export function isOfHead(rows: Commit): boolean {
	return rows.size === 1 && rows.has("witnessed");
}

/** The tables of a commit. */
export function sorted(rows: Commit): string[] {
	return [...rows.keys()].toSorted();
}
