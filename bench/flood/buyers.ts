/* Honest buyers, each at an address of this machine of its own. */

import { once } from "node:events";
import { createConnection } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Carrier } from "../../src/carrier/index.ts";
import { CARRIER_LIMITS } from "../../src/carrier/limits.ts";
import { streamCarrier } from "../../src/carrier/stream.ts";
import { asTetradError, TetradError } from "../../src/errors.ts";
import { type Customer, openAway } from "../../test/support/device-market.ts";
import type { BuyersOptions, BuyersResult } from "./messages.ts";

process.once("message", (options: BuyersOptions) => {
	void run(options).then((result) => {
		process.send?.(result);
		process.disconnect?.();
	});
});

async function run(options: BuyersOptions): Promise<BuyersResult> {
	await using stack = new AsyncDisposableStack();
	const failed: Record<string, number> = {};
	const latencies: number[] = [];
	const buyers: Customer[] = [];
	for (const [i, customer] of options.customers.entries())
		buyers.push(await openAway(customer, () => dial(options, i), stack));
	const started = performance.now();
	const until = started + options.ms;
	const attempt = async (buyer: Customer, i: number): Promise<void> => {
		const began = performance.now();
		try {
			await (options.everyMs === undefined
				? establish(buyer, options, i)
				: buy(buyer));
			latencies.push(performance.now() - began);
		} catch (thrown) {
			const { code } = asTetradError(thrown);
			failed[code] = (failed[code] ?? 0) + 1;
		}
	};
	await Promise.all(
		buyers.map(async (buyer, i) => {
			const { everyMs } = options;
			if (everyMs !== undefined) await pause((everyMs * i) / buyers.length);
			while (performance.now() < until) {
				const began = performance.now();
				await attempt(buyer, i);
				if (everyMs !== undefined)
					await pause(Math.max(0, began + everyMs - performance.now()));
			}
		}),
	);
	const ms = performance.now() - started;
	return { done: latencies.length, failed, latencies, ms };
}

let goods = 0;

/** The price and the goods, each in a new tetrad. */
async function buy({ trading, folder }: Customer): Promise<void> {
	const quote = await trading.quote("shop", "small");
	const to = { path: join(folder, `goods-${process.pid}-${++goods}`) };
	for await (const _ of trading.buy(quote, { to }));
}

async function establish(
	{ agent }: Customer,
	options: BuyersOptions,
	i: number,
): Promise<void> {
	const tetrad = await agent.connect(await dial(options, i));
	void tetrad.close();
}

/** The address that comes so many after another. */
function after(address: string, count: number): string {
	const [a, b, c, d] = address.split(".");
	return [a, b, c, Number(d) + count].join(".");
}

async function dial(
	{ host, port, from }: BuyersOptions,
	i: number,
): Promise<Carrier> {
	const localAddress = after(from, i);
	const socket = createConnection({
		...{ host, port, localAddress },
		allowHalfOpen: true,
	});
	try {
		await once(socket, "connect");
	} catch (cause) {
		throw new TetradError("carrier-failed", "cannot connect", { cause });
	}
	return streamCarrier(socket, "tcp", `tcp:${host}:${port}`, CARRIER_LIMITS);
}
