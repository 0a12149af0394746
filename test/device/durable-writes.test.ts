/* How often whole devices bring something to their disks for a payment and for a purchase: counted, and so the same on every machine. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WholePayments } from "../../bench/whole-payments.ts";
import { DurableWrites } from "../support/durable-writes.ts";
import { isOfHead, sorted, WatchedMarket } from "./watched-market.ts";

const AT_ONCE = 64;

describe("a payment of whole devices", () => {
	test("is four durable writes of the modules, two of each, and keeps its heads at the agents", async () => {
		using writes = await DurableWrites.watch();
		const payments = await WholePayments.make("Ed25519");
		await payments.pay();
		writes.reset();
		await payments.pay();
		const counted = [writes.commits("X.db"), writes.commits("Y.db")];
		assert.deepEqual(
			counted.map((commits) => commits.map(sorted)),
			[
				[
					["log", "notes", "payments"],
					["log", "payments"],
				],
				[["promises"], ["log", "promises", "receipts"]],
			],
		);
		assert.ok(writes.commits("agent.db").every(isOfHead));
		// Before the transfer goes out, and soon after its receipt has come; each agent's at most.
		assert.ok(writes.commits("agent.db").length <= 4);
		assert.equal(writes.synced, 0);
		await payments.close();
	});

	test(`takes a quarter of a durable write of each module when ${AT_ONCE} are under way: those that wait together become durable together`, async () => {
		using writes = await DurableWrites.watch();
		const payments = await WholePayments.make("Ed25519");
		await payments.payMany(AT_ONCE, AT_ONCE);
		writes.reset();
		await payments.payMany(4 * AT_ONCE, AT_ONCE);
		for (const module of ["X.db", "Y.db"])
			assert.ok(writes.commits(module).length <= AT_ONCE, module);
		await payments.close();
	});
});

describe("a purchase of whole devices", () => {
	test("is two durable writes of the buyer's module, two of its agent, four syncs of its goods, and one write of each of the merchant's devices", async () => {
		await using market = await WatchedMarket.make(1);
		await market.buy();
		const { writes } = market;
		assert.deepEqual(writes.commits("buyer-0/purse.db").map(sorted), [
			["log", "notes", "payments", "purchases"],
			["log", "payments", "purchases"],
		]);
		assert.deepEqual(writes.commits("merchant/purse.db").map(sorted), [
			["log", "promises", "receipts"],
		]);
		const kept = ["log", "purchases"];
		assert.deepEqual(market.ofTrade("buyer-0"), [kept, kept]);
		assert.deepEqual(market.ofTrade("merchant"), [["log", "sales"]]);
		assert.ok(writes.commits("agent.db").length <= 8);
		// What is sealed and what is opened, and the folder of each name.
		assert.equal(writes.synced, 4);
	});
});
