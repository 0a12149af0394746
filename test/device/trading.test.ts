/* Agents that trade, with their modules and an issuer in one process, and all they keep on the disk. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { TetradError } from "../../src/errors.ts";
import { type Customer, DeviceMarket } from "../support/device-market.ts";
import { Relay } from "../support/relay.ts";

const ITEM = "photo.jpg";
const BYTES = 100_000;

let market: DeviceMarket;
let ann: Customer;
before(async () => {
	market = await DeviceMarket.make(1, { [ITEM]: BYTES });
	[ann] = market.customers as [Customer];
});
after(() => market[Symbol.asyncDispose]());

/** The connection breaks when the merchant's module has the money and has not said so. */
async function loseTheAnswer(path: string): Promise<void> {
	await using relay = await Relay.to(market.address);
	market.atMerchant = ({ kind }) => {
		if (kind === "received") relay.cut();
	};
	const quote = await ann.trading.quote(relay.address, ITEM);
	const buying = async () => {
		for await (const _ of ann.trading.buy(quote, { to: { path } }));
	};
	await assert.rejects(
		buying,
		(thrown) =>
			thrown instanceof TetradError && thrown.code === "payment-in-doubt",
	);
	market.atMerchant = () => {};
}

for (const from of ["merchant", "issuer"] as const)
	test(`goods that are paid and whose key was lost are there after one meeting with the ${from}`, async () => {
		const path = join(ann.folder, from);
		await loseTheAnswer(path);
		const isIssuer = from === "issuer";
		const address = isIssuer ? market.issuerAddress : market.address;
		const resumed = await ann.trading.resume(address, { isIssuer });
		assert.deepEqual(
			resumed.map(({ purchase, error }) => [purchase.state, error]),
			[["final", undefined]],
		);
		const goods = await readFile(path);
		assert.ok(goods.equals(await readFile(market.soldFile(ITEM))));
	});
