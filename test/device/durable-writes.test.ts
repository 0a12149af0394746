/* How often whole devices bring something to their disks for a payment and for a purchase: counted, and so the same on every machine. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WholePayments } from "../../bench/whole-payments.ts";
import { DurableWrites } from "../support/durable-writes.ts";
import { FileOperations } from "../support/file-operations.ts";
import { isOfHead, sorted, WatchedMarket } from "./watched-market.ts";

const AT_ONCE = 64;

describe("a payment of whole devices", () => {
	test("is a durable write of the payer's module and two of the payee's, lets the receipt wait for the next one, and keeps its heads at the agents", async () => {
		using writes = await DurableWrites.watch();
		const payments = await WholePayments.make("Ed25519");
		// The second one writes down the chain of the first receipt.
		for (let i = 0; i < 2; i++) await payments.pay();
		writes.reset();
		await payments.pay();
		assert.deepEqual(writes.commits("Y.db").map(sorted), [
			["promises"],
			["log", "promises", "receipts"],
		]);
		const ofPayer = writes.commits("X.db");
		const committed = ofPayer.filter((rows) => rows.has("notes"));
		assert.deepEqual(committed.map(sorted), [["log", "notes", "payments"]]);
		// The receipt of the payment before came with that one, unless the machine was slow, and then alone.
		for (const rows of ofPayer)
			if (!rows.has("notes"))
				assert.deepEqual(sorted(rows), ["log", "payments"]);
		assert.ok(ofPayer.length <= 3);
		assert.ok(writes.commits("agent.db").every(isOfHead));
		// Before the transfer goes out, and soon after its receipt is kept; each agent's at most.
		assert.ok(writes.commits("agent.db").length <= 6);
		assert.equal(writes.synced, 0);
		writes.reset();
		await payments.close();
		// What waited when all was over.
		const last = writes.commits("X.db").filter((rows) => rows.has("payments"));
		assert.ok(last.length <= 1);
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

	test("is 27 operations on files: of the goods that are sold and those that are bought", async () => {
		await using market = await WatchedMarket.make(1);
		using operations = new FileOperations();
		const counts: number[] = [];
		// Whatever else this process reads meanwhile is counted, too, and is in one of them at most.
		for (let purchase = 0; purchase < 4; purchase++) {
			operations.reset();
			await market.buy();
			counts.push(operations.count);
		}
		const fewest = Math.min(...counts);
		assert.ok(fewest <= 27, `${counts}`);
		// Fewer would be news, too: what is sealed and what is opened, their names, and four syncs.
		assert.ok(fewest > 16, `${counts}`);
	});
});
