import { once } from "node:events";
import { createReadStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import type { Buyer } from "../src/device/trade/buyer.ts";
import { TetradError } from "../src/errors.ts";
import { type Customer, DeviceMarket } from "../test/support/device-market.ts";
import { Relay } from "../test/support/relay.ts";
import { BarePurchase } from "./bare-purchase.ts";
import {
	type BenchOptions,
	type BenchResult,
	clearTheTable,
	cpuOf,
	median,
	medianRatio,
	round,
} from "./measure.ts";
import { TlsBench } from "./nested-tls.ts";
import { type X402Sales, x402Sales } from "./x402-sale.ts";

const SMALL = { name: "small", bytes: 4096 } as const;
const LARGE = { name: "large", bytes: 2 ** 28 } as const;

const BUYERS = 64;

/** In one turn: purchases of one buyer, and of each of many. */
const BATCH = { alone: 10, each: 1, cold: 3 } as const;

/** Turns before the first that counts. */
const WARM_UP = 3;

/** Rounds in which the large file is bought. */
const LARGE_ROUNDS = 3;

/** Purchases by x402 before the first that counts, and those that do. */
const X402 = { warmUp: 20, rounds: 100 } as const;

/** What a read of a file has at once. */
const CHUNK_BYTES: number = 2 ** 16;

/** As long as nothing more of a purchase is under way. */
const QUIET_MS = 200;

/** One purchase: until the key was there, and until the goods were, in milliseconds. */
interface Latency {
	readonly key: number;
	readonly goods: number;
}

/** What is measured turn by turn. */
interface Turns {
	readonly alone: Latency[];
	readonly bare: Latency[];
	readonly aloneCpuMs: number[];
	readonly alonePerSecond: number[];
	readonly togetherPerSecond: number[];
	readonly bareTogetherPerSecond: number[];
	readonly cold: number[];
	readonly settled: Record<"merchant" | "issuer", number[]>;
}

/** Purchases from one merchant, beside what they cannot do without, and beside x402. */
export async function benchPurchases({
	rounds,
	tell,
}: BenchOptions): Promise<BenchResult> {
	await using market = await DeviceMarket.make(BUYERS + 1, {
		[SMALL.name]: SMALL.bytes,
		[LARGE.name]: LARGE.bytes,
	});
	await using bare = await BarePurchase.make(market.folder, SMALL.bytes);
	const [passing, ...staying] = market.customers as [Customer, ...Customer[]];
	const bytes = await bytesOf(market, passing);
	const standing: Standing[] = [];
	for (const customer of staying)
		standing.push(new Standing(customer, await market.stand(customer)));
	const [one] = standing as [Standing];
	const turns: Turns = {
		alone: [],
		bare: [],
		aloneCpuMs: [],
		alonePerSecond: [],
		togetherPerSecond: [],
		bareTogetherPerSecond: [],
		cold: [],
		settled: { merchant: [], issuer: [] },
	};
	for (let i = -WARM_UP; i < rounds; i++) {
		const turn = await oneTurn(market, standing, one, passing, bare);
		if (i < 0) {
			tell(`warming up, ${-i} rounds to go`);
			continue;
		}
		turns.alone.push(turn.alone);
		turns.bare.push(turn.bare);
		turns.aloneCpuMs.push(turn.aloneCpuMs);
		turns.alonePerSecond.push(turn.alonePerSecond);
		turns.togetherPerSecond.push(turn.togetherPerSecond);
		turns.bareTogetherPerSecond.push(turn.bareTogetherPerSecond);
		turns.cold.push(turn.cold);
		for (const from of ["merchant", "issuer"] as const)
			turns.settled[from].push(turn.settled[from]);
		tell(
			`round ${i + 1} of ${rounds}: ${round(turn.alone.goods, 1)} ms, bare ${round(turn.bare.goods, 1)} ms, ${round(turn.togetherPerSecond, 0)} a second together`,
		);
	}
	const large = await largeFile(one, market, tell);
	for (const { buyer } of standing) await buyer.tetrad.close();
	tell("the same sale by x402");
	const x402 = await x402Sales({
		bytes: SMALL.bytes,
		buyers: BUYERS,
		...X402,
	});
	return resultOf(turns, bytes, large, x402);
}

/** No two are called the same. */
let files = 0;

/** A buyer in a tetrad that stands. */
class Standing {
	readonly buyer: Buyer;
	readonly #customer: Customer;

	constructor(customer: Customer, buyer: Buyer) {
		this.#customer = customer;
		this.buyer = buyer;
	}

	/** From asking for the price until the goods are under their name; the caller takes them away. */
	async buy(name: string): Promise<Latency & { readonly path: string }> {
		const path = join(this.#customer.folder, `goods-${++files}`);
		const started = performance.now();
		let key = Number.NaN;
		const offer = await this.buyer.quote(name);
		await this.buyer.buy(offer, { path }, ({ kind }) => {
			if (kind === "paid") key = performance.now() - started;
		});
		return { key, goods: performance.now() - started, path };
	}
}

async function oneTurn(
	market: DeviceMarket,
	standing: readonly Standing[],
	one: Standing,
	passing: Customer,
	bare: BarePurchase,
) {
	clearTheTable();
	const alone: Latency[] = [];
	const cpu = await cpuOf(async () => {
		for (let i = 0; i < BATCH.alone; i++) alone.push(await one.buy(SMALL.name));
	});
	const wall = alone.reduce((sum, { goods }) => sum + goods, 0);
	const bares: Latency[] = [];
	for (let i = 0; i < BATCH.alone; i++) bares.push(await bare.run());
	clearTheTable();
	const started = performance.now();
	await Promise.all(
		standing.map(async (each) => {
			for (let i = 0; i < BATCH.each; i++) await each.buy(SMALL.name);
		}),
	);
	const together = performance.now() - started;
	const many = BATCH.each * standing.length;
	const bareTogether = bare.writeMany(many);
	const cold: number[] = [];
	for (let i = 0; i < BATCH.cold; i++)
		cold.push(await buyCold(market, passing));
	return {
		alone: middle(alone),
		bare: middle(bares),
		aloneCpuMs: cpu / BATCH.alone,
		alonePerSecond: (1000 * BATCH.alone) / wall,
		togetherPerSecond: (1000 * many) / together,
		bareTogetherPerSecond: (1000 * many) / bareTogether,
		cold: median(cold),
		settled: {
			merchant: await loseAnswer(market, passing, "merchant"),
			issuer: await loseAnswer(market, passing, "issuer"),
		},
	};
}

/** As a program does it that knows no more than an address: the price and the goods, each in a new tetrad. */
async function buyCold(
	{ address }: DeviceMarket,
	{ trading, folder }: Customer,
): Promise<number> {
	const path = join(folder, `cold-${++files}`);
	const started = performance.now();
	const quote = await trading.quote(address, SMALL.name);
	for await (const _ of trading.buy(quote, { to: { path } }));
	return performance.now() - started;
}

/**
 * The connection breaks when the merchant's module has taken the money and its answer has not gone
 * out. From the next connection until the goods are there, in milliseconds: with the merchant, or
 * with the issuer alone.
 */
async function loseAnswer(
	market: DeviceMarket,
	{ trading, folder }: Customer,
	from: "merchant" | "issuer",
): Promise<number> {
	await using relay = await Relay.to(market.address);
	const path = join(folder, `lost-${++files}`);
	const quote = await trading.quote(relay.address, SMALL.name);
	market.atMerchant = ({ kind }) => {
		if (kind === "received") relay.cut();
	};
	try {
		for await (const _ of trading.buy(quote, { to: { path } }));
		throw new Error("the answer was not lost");
	} catch (thrown) {
		if (!(thrown instanceof TetradError) || thrown.code !== "payment-in-doubt")
			throw thrown;
	} finally {
		market.atMerchant = () => {};
	}
	const started = performance.now();
	const isIssuer = from === "issuer";
	const address = isIssuer ? market.issuerAddress : market.address;
	const resumed = await trading.resume(address, { isIssuer });
	const settled = performance.now() - started;
	const [only, ...others] = resumed;
	if (only?.purchase.state !== "final" || others.length > 0)
		throw new Error("the purchase did not go on", { cause: resumed });
	return settled;
}

interface Bytes {
	/** A purchase and its price, in a tetrad that stands. */
	readonly standing: number;
	/** And with a tetrad for each of the two. */
	readonly cold: number;
}

/** On the network between the agents, in both directions. */
async function bytesOf(
	market: DeviceMarket,
	customer: Customer,
): Promise<Bytes> {
	await using relay = await Relay.to(market.address);
	const path = (name: string) => ({ path: join(customer.folder, name) });
	const quote = await customer.trading.quote(relay.address, SMALL.name);
	for await (const _ of customer.trading.buy(quote, { to: path("first") }));
	await pause(QUIET_MS);
	const cold = relay.bytes;
	const buyer = await market.stand(customer, relay.address);
	await pause(QUIET_MS);
	const before = relay.bytes;
	await new Standing(customer, buyer).buy(SMALL.name);
	await pause(QUIET_MS);
	const standing = relay.bytes - before;
	await buyer.tetrad.close();
	await buyer.over;
	return { standing, cold };
}

interface Large {
	/** In MB/s, turn by turn: ours until the goods are there, sealed until all has come, and TLS. */
	readonly bought: number[];
	readonly sealed: number[];
	readonly tls: number[];
}

/** A large file bought, and carried by TLS from one file into another that is durable. */
async function largeFile(
	one: Standing,
	market: DeviceMarket,
	tell: BenchOptions["tell"],
): Promise<Large> {
	const large: Large = { bought: [], sealed: [], tls: [] };
	const bench = await TlsBench.make("P-256");
	const { client, server, destroy } = await bench.single();
	const rate = (ms: number) => LARGE.bytes / 1e3 / ms;
	for (let i = -1; i < LARGE_ROUNDS; i++) {
		const { key, goods, path } = await one.buy(LARGE.name);
		const source = market.soldFile(LARGE.name);
		const target = join(market.folder, "carried");
		clearTheTable();
		const started = performance.now();
		const carried = takeFile(server, target);
		for await (const chunk of createReadStream(source, {
			highWaterMark: CHUNK_BYTES,
		}))
			if (!client.write(chunk)) await once(client, "drain");
		await carried;
		const tls = performance.now() - started;
		for (const file of [path, target]) await rm(file);
		if (i < 0) continue;
		large.bought.push(rate(goods));
		large.sealed.push(rate(key));
		large.tls.push(rate(tls));
		tell(
			`a large file, round ${i + 1} of ${LARGE_ROUNDS}: ${round(rate(goods), 0)} MB/s, TLS ${round(rate(tls), 0)} MB/s`,
		);
	}
	destroy();
	bench.close();
	return large;
}

/** Resolves when all of the large file is at `path` and durable. */
async function takeFile(from: TLSSocket, path: string): Promise<void> {
	const file = await open(path, "w");
	let left: number = LARGE.bytes;
	for await (const bytes of from.iterator({ destroyOnReturn: false })) {
		await file.writeFile(bytes);
		left -= bytes.length;
		if (left === 0) break;
	}
	await file.sync();
	await file.close();
}

function resultOf(
	turns: Turns,
	bytes: Bytes,
	large: Large,
	x402: X402Sales | string,
): BenchResult {
	const part = (of: readonly Latency[], until: keyof Latency) =>
		of.map((latency) => latency[until]);
	const against = (until: keyof Latency) => ({
		ms: round(median(part(turns.alone, until)), 1),
		bare_ms: round(median(part(turns.bare, until)), 1),
		vs_bare: round(
			medianRatio(part(turns.alone, until), part(turns.bare, until)),
			2,
		),
	});
	const report = {
		merchandise_bytes: SMALL.bytes,
		standing: { key: against("key"), goods: against("goods") },
		cold_ms: round(median(turns.cold), 1),
		cpu_ms: round(median(turns.aloneCpuMs), 1),
		per_second: {
			[1]: round(median(turns.alonePerSecond), 1),
			[BUYERS]: round(median(turns.togetherPerSecond), 1),
			bare: round(median(turns.bareTogetherPerSecond), 1),
		},
		together_vs_bare: round(
			medianRatio(turns.togetherPerSecond, turns.bareTogetherPerSecond),
			3,
		),
		settled_ms: {
			with_merchant: round(median(turns.settled.merchant), 1),
			with_issuer: round(median(turns.settled.issuer), 1),
		},
		bytes,
		large_file: {
			bytes: LARGE.bytes,
			mb_per_s: {
				bought: round(median(large.bought), 1),
				sealed: round(median(large.sealed), 1),
				tls: round(median(large.tls), 1),
			},
			vs_tls: round(medianRatio(large.bought, large.tls), 2),
		},
		x402: typeof x402 === "string" ? { left_out: x402 } : x402Report(x402),
	};
	const { key, goods } = report.standing;
	const beside = (name: string, of: typeof key) =>
		`  until ${name}: ${of.ms} ms; its durable writes and round trips alone ${of.bare_ms} ms: ${of.vs_bare} times that`;
	return {
		report,
		lines: [
			`A purchase of ${SMALL.bytes} bytes in a tetrad that stands, from asking for the price, all devices in one process and every store on the disk:`,
			beside("the key is there", key),
			beside("the goods are under their name, durable", goods),
			`  ${report.cpu_ms} ms of CPU of all devices; ${report.per_second[1]} a second by one buyer, ${report.per_second[BUYERS]} by ${BUYERS} at once, ${report.together_vs_bare} of what their durable writes alone allow, ${report.per_second.bare}`,
			`  ${bytes.standing} bytes between the agents, the merchandise included; ${bytes.cold} with two new tetrads`,
			`Cold, the price and the goods each in a new tetrad: ${report.cold_ms} ms`,
			`The answer lost, from the next connection until the goods are there: with the merchant ${report.settled_ms.with_merchant} ms, with the issuer alone ${report.settled_ms.with_issuer} ms`,
			`A file of ${LARGE.bytes / 2 ** 20} MiB: ${report.large_file.mb_per_s.bought} MB/s until it is there, and ${report.large_file.mb_per_s.sealed} until its key is; TLS from file to file ${report.large_file.mb_per_s.tls} MB/s: ${report.large_file.vs_tls} of TLS`,
			...x402Lines(x402),
		],
	};
}

function x402Report(x402: X402Sales) {
	return {
		first_ms: round(x402.first_ms, 1),
		latency_ms: round(median(x402.latency_ms), 1),
		together_per_second: round(x402.together_per_second, 1),
		lost_answer: x402.lost_answer,
	};
}

function x402Lines(x402: X402Sales | string): string[] {
	if (typeof x402 === "string") return [`x402 was left out: ${x402}`];
	const { first_ms, latency_ms, together_per_second, lost_answer } =
		x402Report(x402);
	const { same_payment_again: again, bought_again: anew } = lost_answer;
	return [
		`The same by x402 exact, on a chain in memory that makes a block of each transaction at once: ${latency_ms} ms, the first ${first_ms} ms; ${together_per_second} a second by ${BUYERS} at once`,
		`  the answer lost: paid ${lost_answer.paid}, delivered ${lost_answer.delivered}; the same payment again is answered ${again.status}, delivered ${again.delivered}; bought again: paid ${anew.paid}, delivered ${anew.delivered}`,
	];
}

function middle(latencies: readonly Latency[]): Latency {
	return {
		key: median(latencies.map(({ key }) => key)),
		goods: median(latencies.map(({ goods }) => goods)),
	};
}
