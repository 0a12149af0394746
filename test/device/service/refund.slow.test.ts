/* Refunds that an agent gives while it answers programs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { parseAddress } from "../../../src/carrier/index.ts";
import {
	type ProcessEvent,
	runRefunding,
} from "../../../src/device/process/index.ts";
import type { LocalAgent } from "../../../src/device/service/local-agent.ts";
import { openLocalAgent } from "../../../src/device/service/open-local-agent.ts";
import { viewRefunds, viewSale } from "../../../src/device/trade/index.ts";
import { ServiceTown } from "./town.ts";

describe("an agent that sells for a program", () => {
	let town: ServiceTown;
	let shop: LocalAgent;
	let buyer: LocalAgent;
	const over = new AbortController();
	const running: Promise<void>[] = [];

	/** Where an agent listens, when it does. */
	const listening = async (agent: LocalAgent): Promise<string> => {
		for (;;) {
			const { listening } = await agent.status();
			if (listening[0] !== undefined) return listening[0];
			await Promise.race([wait(5), ...running]);
		}
	};

	before(async () => {
		town = await ServiceTown.open();
		shop = await openLocalAgent({
			home: town.homes.of("B"),
			module: town.module("Y"),
			link: "paired",
			issuerAt: parseAddress(town.issuerAt),
			terms: town.terms,
		});
		buyer = await town.openBuyer({ terms: town.terms });
		const { signal } = over;
		const here = parseAddress("127.0.0.1:0");
		const items = [{ name: "word", price: "4.20", goods: "sesame" }];
		running.push(
			shop.sell({ items, listen: "127.0.0.1:0", signal }),
			buyer.answer(here, { signal }),
		);
	});
	after(async () => {
		over.abort();
		await Promise.allSettled(running);
		await shop?.close();
		await buyer?.close();
		await town?.[Symbol.asyncDispose]();
	});

	test("gives back what a command asks for", async () => {
		const at = await listening(shop);
		const quote = await buyer.quote(at, "word");
		const to = join(town.homes.at("bought"), "word");
		const { contract } = await buyer.buy(quote, { to, maximum: 420n });
		await shop.settle();
		await town.withdraw(200n, "Y", shop);
		const home = town.homes.of("B");
		const events: ProcessEvent[] = [];
		await runRefunding(
			{
				...{ home, module: town.module("Y"), link: "paired" },
				...{ routing: "direct", root: "transcript", signal: over.signal },
				sale: await viewSale(home, contract),
				amount: 100n,
				connect: parseAddress(await listening(buyer)),
			},
			(event) => events.push(event),
		);
		const said = events.map((event) => event.event);
		assert.deepEqual(said, ["paid"]);
		for (const place of ["A", "B"] as const) {
			const [refund, ...more] = await viewRefunds(town.homes.of(place));
			assert.deepEqual([refund?.amount, refund?.state], [100n, "paid"], place);
			assert.deepEqual(more, []);
		}
	});
});
