/* A test of a program that buys, to be copied: `node --test buying-agent.test.ts`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestBuyer, type TestShop, TestTown } from "tetrad/testing";

/** What is tested: it buys an item unless that is too dear. */
async function buyUpTo(
	most: bigint,
	buyer: TestBuyer,
	shop: TestShop,
	item: string,
): Promise<string | undefined> {
	const quote = await buyer.quote(shop, item);
	if (quote.offer.amount > most) return undefined;
	return new TextDecoder().decode(await buyer.bought(quote));
}

const items = [{ name: "poem", price: "4.20", goods: "Roses are red" }];

test("it buys what is not too dear", async () => {
	await using town = await TestTown.open();
	const shop = await town.shop("bob", { items });
	const buyer = await town.buyer("alice", { balance: "20.00" });
	assert.equal(await buyUpTo(400n, buyer, shop, "poem"), undefined);
	assert.equal(await buyUpTo(500n, buyer, shop, "poem"), "Roses are red");
	assert.equal((await buyer.balance()).spendable, "15.80");
	assert.equal(await town.conserved(), true);
});

test("it pays once when the shop's answer is lost", async () => {
	await using town = await TestTown.open();
	const shop = await town.shop("bob", { items });
	const buyer = await town.buyer("alice", { balance: "20.00" });
	const quote = await buyer.quote(shop, "poem");
	const lost = town.faults.loseAnswer(shop.module);
	await assert.rejects(buyer.bought(quote), { code: "payment-in-doubt" });
	await lost;
	const goods = await buyer.bought(quote);
	assert.equal(new TextDecoder().decode(goods), "Roses are red");
	assert.equal((await buyer.balance()).spendable, "15.80");
});

test("it waits for its owner", async () => {
	await using town = await TestTown.open();
	const shop = await town.shop("bob", { items });
	const buyer = await town.buyer("alice", { balance: "20.00" });
	await buyer.limit({ approvalAbove: "1.00" });
	const quote = await buyer.quote(shop, "poem");
	for await (const step of buyer.buy(quote))
		if (step.kind === "waiting")
			for (const payment of await buyer.waiting()) await buyer.approve(payment);
	assert.equal(shop.sales.length, 1);
});
