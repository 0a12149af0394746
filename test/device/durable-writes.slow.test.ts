/* What many buyers at once cost a merchant's disks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { WatchedMarket } from "./watched-market.ts";

const AT_ONCE = 64;

test(`${AT_ONCE} purchases at once are a quarter as many durable writes of the merchant's module, and of its agent, or fewer, and so is handing them in at both ends`, async () => {
	await using market = await WatchedMarket.make(AT_ONCE);
	await market.buy();
	const { writes } = market;
	assert.ok(writes.commits("merchant/purse.db").length <= AT_ONCE / 4);
	const ofMerchant = market.ofTrade("merchant").length;
	assert.ok(ofMerchant <= AT_ONCE / 4);
	// Each buyer has disks of its own.
	assert.equal(writes.synced, 4 * AT_ONCE);
	assert.equal(market.ofTrade("").length - ofMerchant, 2 * AT_ONCE);

	await market.deposit();
	const handedIn = writes
		.commits("ledger.db")
		.reduce((sum, rows) => sum + (rows.get("transfers") ?? 0), 0);
	// Each buyer has bought twice.
	assert.equal(handedIn, 2 * AT_ONCE);
	// Sixteen are on their way at once: asked for in one write, booked in one, and kept in one.
	assert.ok(writes.commits("ledger.db").length <= handedIn / 8);
	assert.ok(writes.commits("merchant/purse.db").length <= handedIn / 4);
});
