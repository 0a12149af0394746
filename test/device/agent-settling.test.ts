/* What an agent that settles again and again reports of it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { mock, test } from "node:test";
import { parseAddress } from "../../src/carrier/index.ts";
import { AgentAtWork } from "../../src/device/process/agent-at-work.ts";
import { settleAgain } from "../../src/device/process/agent-settling.ts";
import type { ProcessEvent } from "../../src/device/process/index.ts";
import { goodsFiles } from "../../src/device/trade/goods-file.ts";
import { DeviceMarket } from "../support/device-market.ts";
import { Relay } from "../support/relay.ts";
import { until } from "./support.ts";

const ITEM = "photo.jpg";

/** Rounds in which something would be said, if it were not quiet. */
const ROUNDS = 3;

test("a settling says something at first, when it did something, when it fails and after that", async () => {
	await using market = await DeviceMarket.make(1, { [ITEM]: 1000 });
	const [ann] = market.customers;
	assert.ok(ann);
	await using toIssuer = await Relay.to(market.issuerAddress);
	await using toMerchant = await Relay.to(market.address);
	const events: ProcessEvent[] = [];
	const { agent, store, trading, folder } = ann;
	const work = new AgentAtWork(agent, store, (event) => events.push(event));
	const stop = new AbortController();
	const connect = agent.connect.bind(agent);
	let begun = 0;
	let gate = Promise.resolve();
	mock.method(agent, "connect", async (...args: Parameters<typeof connect>) => {
		if (args[1]?.signal === stop.signal) {
			begun++;
			await gate;
		}
		return connect(...args);
	});
	const rounds = async (what: string, number = ROUNDS) => {
		const before = begun;
		await until(() => begun >= before + number, what);
	};
	/** What was said since the last time, without the steps of its tetrad. */
	const said = () =>
		events
			.splice(0)
			.flatMap((event) =>
				event.event === "purchase"
					? [`${event.event} ${event.state}`]
					: ["settled", "refused"].includes(event.event)
						? [event.event]
						: [],
			);
	const at = { address: parseAddress(toIssuer.address), everyMs: 1 };
	const settling = settleAgain(
		work,
		{ store, goods: goodsFiles },
		at,
		stop.signal,
	);
	try {
		await rounds("rounds of nothing");
		const first = events.map(({ event }) => event);
		assert.deepEqual(first, ["bound", "confirmed", "settled", "ended"]);
		events.splice(0);

		// Who goes on with a purchase while it is paid may cancel it.
		const opening = Promise.withResolvers<void>();
		gate = opening.promise;
		await rounds("the round that was under way is over", 1);
		market.atMerchant = ({ kind }) => {
			if (kind === "received") toMerchant.cut();
		};
		const quote = await trading.quote(toMerchant.address, ITEM);
		const to = { path: join(folder, "photo") };
		await assert.rejects(async () => {
			for await (const _ of trading.buy(quote, { to }));
		});
		opening.resolve();
		await rounds("rounds after a purchase");
		assert.deepEqual(said(), ["settled", "purchase bought"]);

		await until(() => {
			toIssuer.cut();
			return events.some(({ event }) => event === "refused");
		}, "a settling fails");
		await rounds("rounds after a failure");
		const [failed, ...after] = said();
		assert.equal(failed, "refused");
		assert.equal(after.at(-1), "settled");
		assert.ok(after.slice(0, -1).every((event) => event === "refused"));
	} finally {
		stop.abort();
		await settling;
	}
});
