import { join } from "node:path";
import type { Buyer } from "../src/device/trade/buyer.ts";
import { type Customer, DeviceMarket } from "../test/support/device-market.ts";
import type { StandingQuestion, StandingTurn } from "./apart/standing.ts";
import { Apart } from "./apart.ts";
import { addHistory } from "./history.ts";
import {
	type BenchOptions,
	type BenchResult,
	clearTheTable,
	cpuOf,
	median,
	medianRatio,
	round,
} from "./measure.ts";

/** Tetrads that stand while more are established. */
const STANDING = [10, 1_000, 20_000] as const;

/** Purchases that are behind a merchant and its issuer. */
const BEHIND = [1_000, 1_000_000] as const;

/** In one turn of one contestant. */
const BATCH = { establishments: 100, purchases: 20 } as const;

/** Before the first that counts: establishments of each process, and turns of each market. */
const WARM_UP = { establishments: 2_000, turns: 3 } as const;

const GOODS = { name: "small", bytes: 4096 } as const;

/** Whether establishments and purchases cost more where many tetrads stand, and where many purchases were made. */
export async function benchScale(options: BenchOptions): Promise<BenchResult> {
	const establishments = await benchStanding(options);
	const purchases = await benchBehind(options);
	const line = (what: string, { cpu_ms, ms }: Figures) =>
		`  ${what}: ${cpu_ms} ms of CPU, ${ms} ms`;
	return {
		report: { establishments, purchases },
		lines: [
			"An establishment, four devices in one process, agents joined in memory, while so many tetrads stand in it:",
			...establishments.with.map((each) =>
				line(String(each.standing).padStart(9), each),
			),
			`  with the most CPU it costs ${establishments.most_vs_least} times as much as with the least`,
			"A purchase of a small file, handed in, after so many at the same merchant and issuer:",
			...purchases.with.map((each) =>
				line(String(each.behind).padStart(9), each),
			),
			`  after the most it costs ${purchases.many_vs_few.cpu} times the CPU that it costs after the fewest, and takes ${purchases.many_vs_few.time} times as long`,
			"Purchases that lie behind are copies of a real one, under other ids, written by SQL.",
		],
	};
}

interface Figures {
	readonly cpu_ms: number;
	readonly ms: number;
}

const figures = (turns: readonly StandingTurn[]): Figures => ({
	cpu_ms: round(median(turns.map(({ cpuMs }) => cpuMs))),
	ms: round(median(turns.map(({ wallMs }) => wallMs))),
});

const ratioOf = (
	one: readonly StandingTurn[] = [],
	other: readonly StandingTurn[] = [],
	what: keyof StandingTurn = "cpuMs",
) =>
	round(
		medianRatio(
			one.map((turn) => turn[what]),
			other.map((turn) => turn[what]),
		),
		2,
	);

async function benchStanding({ rounds, tell }: BenchOptions) {
	await using stack = new AsyncDisposableStack();
	const contestants: {
		readonly tetrads: number;
		readonly process: Apart<StandingQuestion, StandingTurn>;
		readonly turns: StandingTurn[];
	}[] = [];
	for (const tetrads of STANDING) {
		tell(`${tetrads} tetrads are established`);
		const process = stack.use(
			new Apart<StandingQuestion, StandingTurn>("standing"),
		);
		await process.ask({ kind: "hold", tetrads });
		const count = WARM_UP.establishments;
		await process.ask({ kind: "establish", count });
		contestants.push({ tetrads, process, turns: [] });
	}
	const count = BATCH.establishments;
	for (let i = -1; i < rounds; i++) {
		for (const { process, turns } of contestants) {
			const turn = await process.ask({ kind: "establish", count });
			if (i >= 0) turns.push(turn);
		}
		if (i < 0) continue;
		const each = contestants.map(({ turns }) => turns.at(-1)?.cpuMs.toFixed(2));
		tell(`establishments, round ${i + 1} of ${rounds}: ${each.join(", ")} ms`);
	}
	const least = contestants[0]?.turns;
	const ratios = contestants.map(({ turns }) => ratioOf(turns, least));
	return {
		with: contestants.map(({ tetrads, turns }, at) => ({
			standing: tetrads,
			...figures(turns),
			vs_least_standing: ratios[at],
		})),
		most_vs_least: round(Math.max(...ratios) / Math.min(...ratios), 2),
	};
}

async function benchBehind({ rounds, tell }: BenchOptions) {
	await using stack = new AsyncDisposableStack();
	const contestants: {
		readonly behind: number;
		readonly shop: Shop;
		readonly turns: StandingTurn[];
	}[] = [];
	for (const behind of BEHIND) {
		tell(`${behind} purchases are put behind a merchant`);
		const shop = stack.use(await Shop.make(behind));
		contestants.push({ behind, shop, turns: [] });
	}
	for (let i = -WARM_UP.turns; i < rounds; i++) {
		for (const { shop, turns } of contestants) {
			const turn = await shop.turn(BATCH.purchases);
			if (i >= 0) turns.push(turn);
		}
		if (i < 0) continue;
		const each = contestants.map(({ turns }) => turns.at(-1)?.cpuMs.toFixed(1));
		tell(`purchases, round ${i + 1} of ${rounds}: ${each.join(", ")} ms`);
	}
	const [few, many] = contestants;
	return {
		with: contestants.map(({ behind, turns }) => ({
			behind,
			...figures(turns),
		})),
		many_vs_few: {
			cpu: ratioOf(many?.turns, few?.turns),
			time: ratioOf(many?.turns, few?.turns, "wallMs"),
		},
	};
}

/** A merchant with a buyer who stands in a tetrad with it. */
class Shop implements AsyncDisposable {
	readonly #market: DeviceMarket;
	readonly #customer: Customer;
	readonly #buyer: Buyer;
	#files = 0;

	private constructor(market: DeviceMarket, customer: Customer, buyer: Buyer) {
		this.#market = market;
		this.#customer = customer;
		this.#buyer = buyer;
	}

	/** With so many purchases behind it. */
	static async make(behind: number): Promise<Shop> {
		const market = await DeviceMarket.make(1, { [GOODS.name]: GOODS.bytes });
		const [customer] = market.customers as [Customer];
		const shop = new Shop(market, customer, await market.stand(customer));
		await shop.#buy();
		await market.deposit();
		addHistory(market.folder, behind - 1);
		return shop;
	}

	/** So many purchases, one after another, which are then handed in. */
	async turn(purchases: number): Promise<StandingTurn> {
		clearTheTable();
		const started = performance.now();
		const cpu = await cpuOf(async () => {
			for (let i = 0; i < purchases; i++) await this.#buy();
			await this.#market.deposit();
		});
		const wallMs = (performance.now() - started) / purchases;
		return { cpuMs: cpu / purchases, wallMs };
	}

	async #buy(): Promise<void> {
		const path = join(this.#customer.folder, `goods-${++this.#files}`);
		const offer = await this.#buyer.quote(GOODS.name);
		await this.#buyer.buy(offer, { path }, () => {});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#buyer.tetrad.close();
		await this.#market[Symbol.asyncDispose]();
	}
}
