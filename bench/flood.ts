import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseAddress } from "../src/carrier/index.ts";
import { DEVICE_NODE_OPTIONS } from "../src/device/supervisor/limits.ts";
import type {
	BuyersOptions,
	BuyersResult,
	FlooderOptions,
	FlooderResult,
	FromShop,
	SlowOptions,
	SlowResult,
	ToShop,
} from "./flood/messages.ts";
import {
	type BenchOptions,
	type BenchResult,
	median,
	round,
} from "./measure.ts";

const BUYERS = 6;
const BUY_EVERY_MS = 1_500;
const CAPACITY_MS = 10_000;

/** What one round is, of the flood, in milliseconds: sixty of them are the minute that is asked for. */
const FLOOD_ROUND_MS = 4_000;

/** So many times what the merchant can establish. */
const TIMES = 10;

/** Addresses of this machine: of buyers, of each flooder, of slow sockets. */
const BUYERS_FROM = "127.0.1.1";
const FLOODERS: readonly (readonly string[])[] = [2, 3].map((net) =>
	Array.from({ length: 8 }, (_, i) => `127.0.${net}.${i + 1}`),
);
const SLOW_FROM: readonly string[] = Array.from(
	{ length: 40 },
	(_, i) => `127.0.4.${i + 1}`,
);
const SLOW_SOCKETS = 5_000;
const SLOW_MS = 30_000;

/** Connections that a flooder has open at most. */
const FLOODER_OPEN = 4_000;

/** What is demanded. */
const DEMANDS = { success: 0.99, memoryMb: 64, cutMs: 10_000 } as const;

const NO_LIMITS = {
	perSecondOfAddress: 65_536,
	burstOfAddress: 65_536,
	perMinuteOfDevice: 65_536,
	workingOfAddress: 16,
};

/** A shop that is flooded with half-open establishments, and then with slow sockets, while honest buyers buy. */
export async function benchFlood({
	rounds,
	atLeast = 0,
	tell,
}: BenchOptions): Promise<BenchResult> {
	const floodMs = rounds * FLOOD_ROUND_MS;
	const load = () => loadavg().map((value) => round(value, 1));
	const before = load();
	const capacity = await measureCapacity();
	tell(`${round(capacity, 1)} establishments a second`);

	await using shop = await Shop.open(BUYERS);
	const restingMemory = shop.watchMemory();
	const quiet = await shop.buy(Math.min(floodMs, 30_000));
	const restingBytes = await restingMemory();
	const keptBefore = await shop.memory(true);
	tell(`without a flood: ${told(quiet)}`);
	const wanted = Math.max(atLeast, TIMES * capacity);
	const perSecond = Math.ceil(wanted / FLOODERS.length);
	const memory = shop.watchMemory();
	const buying = shop.buy(floodMs);
	const floods = await Promise.all(
		FLOODERS.map((from) =>
			shop.apart<FlooderOptions, FlooderResult>("flooder", {
				...{ from, perSecond, ms: floodMs, open: FLOODER_OPEN },
				...shop.at,
			}),
		),
	);
	const flooded = await buying;
	const peakBytes = await memory();
	const flood = sum(floods);
	tell(`under the flood: ${told(flooded)}; ${JSON.stringify(flood)}`);

	const slowMemory = shop.watchMemory();
	const buyingBeside = shop.buy(12_000);
	const slow = await shop.apart<SlowOptions, SlowResult>("slow", {
		...{ from: SLOW_FROM, sockets: SLOW_SOCKETS, ms: SLOW_MS },
		...shop.at,
	});
	const beside = await buyingBeside;
	const slowBytes = await slowMemory();
	tell(
		`slow sockets: ${slow.cut} of ${slow.sockets} cut, the last after ${round(slow.longestMs, 0)} ms; ${told(beside)}`,
	);

	const keptAfter = await shop.memory(true);
	// Beside what the same buyers made it take before: most of that is garbage that is not collected yet.
	const mb = (bytes: number) => round((bytes - restingBytes) / 2 ** 20, 1);
	const report = {
		load_average: { before: before.join(" "), after: load().join(" ") },
		capacity_per_second: round(capacity, 1),
		quiet: figures(quiet),
		flood: {
			seconds: floodMs / 1000,
			wanted_per_second: perSecond * FLOODERS.length,
			per_second: round(flood.called / (floodMs / 1000), 0),
			...flood,
			honest: figures(flooded),
			memory_growth_mb: mb(peakBytes),
		},
		slow: {
			...{ sockets: slow.sockets, cut: slow.cut },
			longest_ms: round(slow.longestMs, 0),
			honest: figures(beside),
			memory_growth_mb: mb(slowBytes),
		},
		memory_mb: {
			quiet: round(restingBytes / 2 ** 20, 1),
			kept_before: round(keptBefore / 2 ** 20, 1),
			kept_after: round(keptAfter / 2 ** 20, 1),
		},
	};
	const isKept =
		successOf(flooded) >= DEMANDS.success &&
		report.flood.memory_growth_mb < DEMANDS.memoryMb &&
		slow.cut === slow.sockets &&
		slow.longestMs < DEMANDS.cutMs;
	return {
		report: { ...report, kept: isKept },
		lines: [
			`A shop establishes ${report.capacity_per_second} tetrads a second for ${BUYERS} buyers, each of a process and an address apart from it.`,
			`Without a flood: ${told(quiet)}`,
			`${report.flood.per_second} half-open establishments a second for ${report.flood.seconds} s, ${round(report.flood.per_second / capacity, 1)} times that, from ${FLOODERS.flat().length} addresses: ${flood.cookies} cookies were asked for and sent back, ${flood.answered} offers answered, ${flood.refused} connections refused`,
			`  ${told(flooded)}; the shop's memory grew by ${report.flood.memory_growth_mb} MB`,
			`${slow.sockets} slow sockets from ${SLOW_FROM.length} addresses: ${slow.cut} cut, the last after ${report.slow.longest_ms} ms`,
			`  ${told(beside)}; the shop's memory had grown by ${report.slow.memory_growth_mb} MB`,
			isKept
				? "All that is demanded was kept."
				: "NOT all that is demanded was kept.",
		],
	};
}

/** Establishments a second of the same buyers, without limits by address. */
async function measureCapacity(): Promise<number> {
	await using shop = await Shop.open(BUYERS, NO_LIMITS);
	// What runs for the first time is not what it can do.
	await shop.establish(CAPACITY_MS / 2);
	const { done, ms } = await shop.establish(CAPACITY_MS);
	return (1000 * done) / ms;
}

/** The merchant's process, and those that call it. */
class Shop implements AsyncDisposable {
	readonly at: { readonly host: string; readonly port: number };
	readonly #process: ChildProcess;
	readonly #customers: BuyersOptions["customers"];

	static async open(customers: number, load: object = {}): Promise<Shop> {
		// As `tetrad up` and the units of deploy/ start a device.
		const execArgv = DEVICE_NODE_OPTIONS.split(" ");
		const args = [String(customers), JSON.stringify(load)];
		const child = start("shop", args, execArgv);
		const [opened] = (await once(child, "message")) as [FromShop];
		if (opened.kind !== "open") throw new Error("the shop did not open");
		return new Shop(child, opened);
	}

	constructor(
		child: ChildProcess,
		{ address, customers }: Extract<FromShop, { kind: "open" }>,
	) {
		const parsed = parseAddress(address);
		if (parsed.kind !== "tcp") throw new Error("the shop is not on TCP");
		this.at = { host: parsed.host, port: parsed.port };
		this.#process = child;
		this.#customers = customers;
	}

	buy(ms: number): Promise<BuyersResult> {
		return this.#call({ ms, everyMs: BUY_EVERY_MS });
	}

	establish(ms: number): Promise<BuyersResult> {
		return this.#call({ ms });
	}

	#call(how: Pick<BuyersOptions, "ms" | "everyMs">): Promise<BuyersResult> {
		return this.apart<BuyersOptions, BuyersResult>("buyers", {
			...{ ...this.at, from: BUYERS_FROM, customers: this.#customers },
			...how,
		});
	}

	/** Runs one of our programs until it has its result. */
	async apart<Options extends object, Result>(
		name: string,
		options: Options,
	): Promise<Result> {
		const child = start(name);
		child.send(options);
		const [result] = (await once(child, "message")) as [Result];
		return result;
	}

	/** Of the merchant's process, in bytes. */
	async memory(isCollected = false): Promise<number> {
		const asked: ToShop = { kind: "memory", isCollected };
		this.#process.send(asked);
		const [said] = (await once(this.#process, "message")) as [FromShop];
		return said.kind === "memory" ? said.bytes : Number.NaN;
	}

	/** Looks at its memory each second; what it returns stops that, and resolves with the most there was. */
	watchMemory(): () => Promise<number> {
		let most = 0;
		let isOver = false;
		const watching = (async () => {
			while (!isOver) {
				most = Math.max(most, await this.memory());
				await new Promise((resolve) => setTimeout(resolve, 1000));
			}
		})();
		return async () => {
			isOver = true;
			await watching;
			return most;
		};
	}

	async [Symbol.asyncDispose](): Promise<void> {
		const stop: ToShop = { kind: "stop" };
		const gone = once(this.#process, "exit");
		this.#process.send(stop);
		await gone;
	}
}

function start(
	name: string,
	args: readonly string[] = [],
	execArgv: string[] = [],
): ChildProcess {
	const file = fileURLToPath(new URL(`flood/${name}.ts`, import.meta.url));
	return fork(file, args, { serialization: "advanced", execArgv });
}

function sum(floods: readonly FlooderResult[]): FlooderResult {
	const of = (name: keyof FlooderResult) =>
		floods.reduce((total, flood) => total + flood[name], 0);
	return {
		called: of("called"),
		cookies: of("cookies"),
		answered: of("answered"),
		refused: of("refused"),
	};
}

function failures({ failed }: BuyersResult): number {
	return Object.values(failed).reduce((total, count) => total + count, 0);
}

function successOf(result: BuyersResult): number {
	return result.done / Math.max(1, result.done + failures(result));
}

function figures(result: BuyersResult) {
	const sorted = result.latencies.toSorted((a, b) => a - b);
	return {
		purchases: result.done,
		failed: result.failed,
		success: round(successOf(result), 4),
		median_ms: round(median(sorted), 0),
		p95_ms: round(sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN, 0),
		longest_ms: round(sorted.at(-1) ?? Number.NaN, 0),
	};
}

function told(result: BuyersResult): string {
	const { purchases, failed, success, median_ms, p95_ms } = figures(result);
	const why = Object.entries(failed).map(([code, n]) => `, ${n} ${code}`);
	return `${purchases} purchases, ${round(success * 100, 1)} % of those that were tried${why.join("")}; the middle one took ${median_ms} ms, and 95 of 100 at most ${p95_ms} ms`;
}
