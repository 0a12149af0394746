/* What every way to reach an agent has to do alike. */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { AgentService } from "../../../src/device/service/index.ts";
import { libraryOf, providing } from "../../../src/provider/index.ts";
import { owner, ServiceTown } from "./town.ts";

/** Opens the buyer's agent of a town in one of the ways. */
export type OpenAgent = (
	town: ServiceTown,
) => Promise<{ readonly agent: AgentService } & AsyncDisposable>;

const GOODS = "a harbour";

async function all<Of>(list: AsyncIterable<Of>): Promise<Of[]> {
	const rows: Of[] = [];
	for await (const row of list) rows.push(row);
	return rows;
}

/** The tests of one way. */
export function agentContract(way: string, open: OpenAgent): void {
	describe(`an agent that is reached ${way}`, () => {
		let town: ServiceTown;
		let opened: Awaited<ReturnType<OpenAgent>>;
		let agent: AgentService;
		let shop: string;

		before(async () => {
			town = await ServiceTown.open();
			await mkdir(town.homes.at("goods"));
			for (const name of ["harbour.txt", "photo.jpg"])
				await writeFile(town.homes.at("goods", name), GOODS);
			shop = await town.startShop(town.homes.at("goods"), {
				onOrder: "tr a-z A-Z",
			});
			opened = await open(town);
			({ agent } = opened);
		});
		after(async () => {
			await opened?.[Symbol.asyncDispose]();
			await town?.[Symbol.asyncDispose]();
		});

		test("says who it is", async () => {
			assert.equal(agent.name, "alice");
			const status = await agent.status();
			assert.equal(status.name, "alice");
			assert.equal(status.isLinked, true);
			assert.equal(status.crypto, libraryOf(providing()));
		});

		test("lists what a merchant sells", async () => {
			const [other, item, ...more] = await all(agent.catalogue(shop));
			assert.deepEqual(more, []);
			assert.equal(other?.item, "harbour.txt");
			assert.equal(item?.item, "photo.jpg");
			assert.equal(item?.amount, 420n);
			assert.equal(item?.exponent, 2);
			assert.equal(item?.currency, "PLAY");
			assert.equal(item?.play, true);
			assert.equal(item?.size, GOODS.length);
		});

		test("takes back nothing of what was never bought", () =>
			assert.rejects(agent.takeRefund("00".repeat(32)), {
				code: "invalid-argument",
			}));

		test("quotes, buys, and has it once", async () => {
			const quote = await agent.quote(shop, "photo.jpg");
			assert.equal(quote.merchant, "bob");
			assert.equal(quote.module, "bob-till");
			const steps: string[] = [];
			const to = town.homes.at("bought", "photo.jpg");
			const bought = await agent.buy(quote, {
				to,
				maximum: 420n,
				step: (event) =>
					steps.push(event.event === "purchase" ? event.state : event.event),
			});
			assert.equal(bought.state, "bought");
			assert.equal(bought.path, to);
			assert.equal(bought.amount, 420n);
			assert.equal(bought.quote, quote.id);
			assert.equal(bought.receipted, true);
			assert.equal(await readFile(to, "utf8"), GOODS);
			assert.deepEqual(
				steps.filter((step) => step !== "progress"),
				["bound", "confirmed", "paying", "paid", "ended", "bought"],
			);
			assert.deepEqual(await agent.buy(quote.id), bought);
			const [balance] = await agent.balance();
			assert.equal(balance?.spendable, 5000n - 420n);
			const [purchase] = await all(agent.purchases({ limit: 1 }));
			assert.deepEqual(purchase, bought);
			assert.ok((await agent.receipt(bought.contract)).length > 0);
		});

		test("asks for no more than it may cost, and pays nothing for a quote that nobody knows", async () => {
			const [before] = await agent.balance();
			const quote = await agent.quote(shop, "photo.jpg");
			await assert.rejects(agent.buy(quote, { maximum: 419n }), {
				code: "payment-refused",
				message: /nothing was paid/,
			});
			await assert.rejects(agent.buy("00".repeat(16)), {
				code: "offer-expired",
			});
			await assert.rejects(agent.buy("photo.jpg"), {
				code: "invalid-argument",
			});
			await assert.rejects(agent.quote(shop, "nothing"), {
				code: "payment-refused",
			});
			await assert.rejects(agent.quote("nowhere", "photo.jpg"), {
				code: "invalid-argument",
			});
			assert.deepEqual((await agent.balance())[0], before);
		});

		test("makes one purchase of one quote, however many ask for it at once", async () => {
			const quote = await agent.quote(shop, "photo.jpg");
			const [before] = await agent.balance();
			const bought = await Promise.all([
				agent.buy(quote),
				agent.buy(quote.id),
				agent.buy(quote, { to: town.homes.at("bought", "elsewhere") }),
			]);
			assert.deepEqual(bought[1], bought[0]);
			assert.deepEqual(bought[2], bought[0]);
			const [after] = await agent.balance();
			assert.equal(after?.spendable, (before?.spendable ?? 0n) - 420n);
		});

		test("finds a free name for goods whose buyer names none", async () => {
			const quotes = await Promise.all([
				agent.quote(shop, "photo.jpg"),
				agent.quote(shop, "photo.jpg"),
			]);
			const bought = await Promise.all(quotes.map((quote) => agent.buy(quote)));
			const [first, second] = bought.map(({ path }) => path);
			assert.notEqual(first, second);
			for (const { path } of bought) {
				assert.equal(dirname(path), town.homes.at("bought"));
				assert.equal(await readFile(path, "utf8"), GOODS);
			}
		});

		test("puts goods into the folder that is named, under a harmless name", async () => {
			const folder = town.homes.at("elsewhere");
			await mkdir(folder);
			const quote = await agent.quote(shop, "photo.jpg");
			const { path, merchantId } = await agent.buy(quote, { folder });
			assert.equal(path, join(folder, "photo.jpg"));
			assert.equal(merchantId, quote.merchantId);
		});

		test("does not write over a file unless that is asked for", async () => {
			const to = town.homes.at("bought", "mine");
			await writeFile(to, "mine");
			const quote = await agent.quote(shop, "photo.jpg");
			await assert.rejects(agent.buy(quote, { to }), { code: "file-unusable" });
			assert.equal(await readFile(to, "utf8"), "mine");
			await agent.buy(quote, { to, overwrite: true });
			assert.equal(await readFile(to, "utf8"), GOODS);
		});

		test("pays nothing for what was stopped before", async () => {
			const quote = await agent.quote(shop, "photo.jpg");
			const [before] = await agent.balance();
			const stop = new AbortController();
			stop.abort();
			await assert.rejects(agent.buy(quote, { signal: stop.signal }), {
				code: "aborted",
			});
			assert.deepEqual((await agent.balance())[0], before);
			assert.equal((await agent.buy(quote)).state, "bought");
		});

		test("buys no goods that are longer than was asked for", async () => {
			const quote = await agent.quote(shop, "photo.jpg");
			const [before] = await agent.balance();
			await assert.rejects(agent.buy(quote, { maxBytes: 1 }), {
				code: "limit-exceeded",
			});
			assert.deepEqual((await agent.balance())[0], before);
		});

		test("waits for the owner only when that is asked for", async () => {
			await town.limit({ approvalAbove: 100n });
			try {
				const quote = await agent.quote(shop, "photo.jpg");
				await assert.rejects(agent.buy(quote), { code: "approval-needed" });
				const again = await agent.quote(shop, "photo.jpg");
				const waiting = Promise.withResolvers<void>();
				const buying = agent.buy(again, {
					waits: true,
					step: (event) => {
						if (event.event === "purchase" && event.state === "waiting")
							waiting.resolve();
					},
				});
				await Promise.race([waiting.promise, buying]);
				const [approval] = (await agent.approvals()).filter(
					({ state }) => state === "waiting",
				);
				assert.equal(approval?.amount, 420n);
				assert.equal(approval?.payee, "bob-till");
				const wrong = async () => new TextEncoder().encode("wrong");
				await assert.rejects(
					agent.approve(approval?.contract ?? "", { owner: wrong }),
					{ code: "key-store-failed" },
				);
				const taken = await agent.approve(approval?.contract ?? "", { owner });
				const { inForce, state, amount } = taken;
				assert.deepEqual([inForce, state, amount], [true, "approved", 420n]);
				assert.equal((await buying).state, "bought");
			} finally {
				await town.limit({});
			}
		});

		test("has the owner asked where a program wants that, and keeps what waits", async () => {
			const quote = await agent.quote(shop, "photo.jpg");
			await assert.rejects(agent.buy(quote, { askOwner: true }), {
				code: "approval-needed",
			});
			const again = await agent.quote(shop, "photo.jpg");
			const waiting = Promise.withResolvers<void>();
			const buying = agent.buy(again, {
				askOwner: true,
				waits: true,
				step: (event) => {
					if (event.event === "purchase" && event.state === "waiting")
						waiting.resolve();
				},
			});
			await Promise.race([waiting.promise, buying]);
			const [approval] = (await agent.approvals()).filter(
				({ state }) => state === "waiting",
			);
			assert.equal(approval?.because, "asked");
			// Meanwhile others go on with what is not over, which this is not.
			await agent.settle();
			assert.deepEqual(await agent.resolve(), []);
			await agent.approve(approval?.contract ?? "", { owner });
			assert.equal((await buying).state, "bought");
		});

		test("has the owner asked about another copy where a program wants that, of several at once, too", async () => {
			const quoted = () => agent.quote(shop, "harbour.txt");
			const again = { askOwnerAgainWithinMs: 3_600_000 };
			const quotes = [await quoted(), await quoted()];
			const bought = await Promise.allSettled(
				quotes.map((quote) => agent.buy(quote, again)),
			);
			const outcomes = bought.map((one) =>
				one.status === "fulfilled" ? one.value.state : one.reason.code,
			);
			assert.deepEqual(outcomes.toSorted(), ["approval-needed", "bought"]);
			await assert.rejects(agent.buy(await quoted(), again), {
				code: "approval-needed",
			});
			const [first] = bought.flatMap((one) =>
				one.status === "fulfilled" ? [one.value] : [],
			);
			assert.deepEqual(await agent.buy(first?.quote ?? "", again), first);
		});

		test("tells what it does to whoever listens", async () => {
			const stop = new AbortController();
			const heard: string[] = [];
			const told = Promise.withResolvers<void>();
			const listening = (async () => {
				for await (const event of agent.events({ signal: stop.signal })) {
					heard.push(event.event);
					if (event.event === "quoted") told.resolve();
				}
			})();
			// Whoever listens over a socket begins when it is connected.
			const asking = setInterval(
				() => void agent.quote(shop, "photo.jpg").catch(() => {}),
				500,
			);
			await told.promise;
			clearInterval(asking);
			stop.abort();
			await listening;
			assert.ok(heard.includes("confirmed"));
		});

		test("meets its issuer, and goes on with what is not over", async () => {
			await agent.settle();
			const { settled } = await agent.status();
			assert.equal(settled?.issuer, "mint");
			assert.deepEqual(await agent.resolve(), []);
			const entries = await all(agent.history({ limit: 3 }));
			assert.equal(entries.length, 3);
			assert.equal(typeof entries[0]?.number, "bigint");
			const changes = await all(agent.history({ limit: 100 }));
			const paid = changes.find(({ what }) => what === "committed");
			assert.equal(paid?.text, "harbour.txt");
		});

		test("has no receipt and no dispute of what is not", async () => {
			await assert.rejects(agent.receipt("00".repeat(32)), {
				code: "invalid-argument",
			});
			await assert.rejects(agent.dispute("00".repeat(32)), {
				code: "invalid-argument",
			});
		});

		test("does nothing more once it is closed", async () => {
			await agent.close();
			await assert.rejects(agent.quote(shop, "photo.jpg"), {
				code: "tetrad-closed",
			});
		});
	});
}
