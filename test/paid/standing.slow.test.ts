/* Tetrads that stand: what is asked and bought at a merchant needs one establishment, and a dead one is replaced. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import type { AgentEvent, Quote } from "../../src/device/service/index.ts";
import { type Catalogue, ItemCatalogue } from "../../src/device/trade/index.ts";
import { requestText } from "../../src/paid/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { PaidWorld, PRICE } from "./world.ts";

/** When prices are told. */
let answered: Promise<void> = Promise.resolve();

async function catalogue(): Promise<Catalogue> {
	const items = [{ name: "word", price: "0.10", goods: "sesame" }];
	const listed = await ItemCatalogue.of(items, { code: "PLAY", exponent: 2 });
	return {
		size: listed.size,
		page: (after, limit) => listed.page(after, limit),
		items: () => listed.items(),
		item: (name) => listed.item(name),
		open: (item) => listed.open(item),
		async lengthOf(item) {
			await answered;
			return listed.lengthOf(item);
		},
	};
}

/** How many tetrads an agent has made since it was opened, counted as they are confirmed. */
class Counted {
	count = 0;

	readonly step = ({ event }: AgentEvent): void => {
		if (event === "confirmed") this.count++;
	};
}

describe("a buyer's agent whose tetrads stand", () => {
	let world: PaidWorld;
	let made: Counted;
	let beside: { readonly catalogue: Catalogue };
	let bought = 0;

	const shopAt = () => world.requests.address;
	const word = (step = made.step): Promise<Quote> =>
		world.buyer.quote(shopAt(), "word", { step });
	const buy = (quote: Quote, step = made.step) => {
		const to = join(world.town.homes.at("bought"), `word ${++bought}`);
		return world.buyer.buy(quote, { to, step });
	};

	before(async () => {
		beside = { catalogue: await catalogue() };
		world = await PaidWorld.open({ beside });
	});
	after(() => world?.[Symbol.asyncDispose]());
	beforeEach(async () => {
		await world.restartBuyer();
		made = new Counted();
	});

	test("asks, lists and buys in one of them", async () => {
		const { step } = made;
		const quote = await word();
		const names: string[] = [];
		for await (const { item } of world.buyer.catalogue(shopAt(), { step }))
			names.push(item);
		assert.deepEqual(names, ["word"]);
		assert.equal((await buy(quote)).state, "bought");
		assert.equal((await buy(await word())).state, "bought");
		assert.equal(made.count, 1);
	});

	test("pays for requests in one of them", async () => {
		const { requests } = world;
		const answers = world.answers();
		for (let number = 1; number <= 3; number++) {
			const url = `https://api.example/standing/${number}`;
			const request = requestText({ method: "GET", url });
			const price = { mode: "sealed", amount: PRICE } as const;
			const terms = requests.terms(request, price);
			const paying = await answers.pay(terms, request, { step: made.step });
			assert.ok(paying.mode === "sealed");
			const admitted = await requests.admit(paying.id, request, price);
			await admitted.answer(utf8("rain"));
			await paying.answer;
			await paying.taken();
		}
		assert.equal(made.count, 1);
	});

	test("uses one for one thing at a time", async () => {
		const quotes = await Promise.all([word(), word(), word()]);
		assert.equal(made.count, 3);
		const purchases = await Promise.all(quotes.map((quote) => buy(quote)));
		assert.deepEqual(
			purchases.map(({ state }) => state),
			["bought", "bought", "bought"],
		);
		assert.equal(made.count, 3);
	});

	test("replaces one that has ended, and what was asked there is none the wiser", async () => {
		await word();
		await world.restartShop({ beside, listen: shopAt() });
		assert.equal((await buy(await word())).state, "bought");
		assert.equal(made.count, 2);
	});

	test("replaces one in which nothing is answered any more", async () => {
		await world.restartBuyer({ standingAnswerMs: 50 });
		await word();
		// As of a host that has vanished: whatever is asked there stays unanswered, until another tetrad is made.
		const silent = Promise.withResolvers<void>();
		answered = silent.promise;
		const quote = await word((event) => {
			made.step(event);
			if (made.count === 2) silent.resolve();
		});
		assert.equal(quote.item, "word");
		assert.equal(made.count, 2);
	});

	test("does not keep one in which something has failed", async () => {
		const quote = await word();
		await assert.rejects(world.buyer.quote(shopAt(), "nothing", made));
		assert.equal((await buy(quote)).state, "bought");
		assert.equal(made.count, 2);
	});
});
