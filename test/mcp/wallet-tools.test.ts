/* What the tools do while a purchase takes its time, and when an agent is gone. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TetradError } from "../../src/errors.ts";
import { FakeAgent, PURCHASE, toolsOf } from "./fake-agent.ts";
import { Model } from "./model.ts";

const ASKED = { merchant: "127.0.0.1:7000", item: "tea" };

async function quotedBy(model: Model, more: object = {}): Promise<string> {
	const { quote } = await model.done("quote", { ...ASKED, ...more });
	return quote.quoteId;
}

describe("a purchase that takes its time", () => {
	test("is answered with under-way, and is the same when it is asked for again", async () => {
		const agent = new FakeAgent();
		const tools = toolsOf([agent], { answerWithinMs: 1 });
		const model = await Model.of(tools);
		const quoteId = await quotedBy(model);
		const first = await model.done("buy", { quoteId });
		assert.equal(first.state, "under-way");
		assert.match(first.next, /same quoteId/);
		const { purchases } = await model.done("status", { quoteId });
		assert.equal(purchases[0].state, "under-way");
		const other = await model.done("quote", ASKED);
		assert.equal(other.state, "under-way");
		assert.equal(other.quote, undefined);
		const [buying] = agent.buying;
		agent.kept = [{ ...PURCHASE, quote: quoteId }];
		buying?.over.resolve({ ...PURCHASE, quote: quoteId });
		const last = await model.done("buy", { quoteId });
		assert.equal(last.state, "bought");
		assert.equal(agent.buying.length, 1);
	});

	test("goes on when whoever asked gives up, and is told to whoever asks again", async () => {
		const agent = new FakeAgent();
		const model = await Model.of(toolsOf([agent]));
		const quoteId = await quotedBy(model);
		await assert.rejects(model.call("buy", { quoteId }, { timeout: 1 }));
		const again = model.done("buy", { quoteId });
		const [buying] = agent.buying;
		assert.ok(buying);
		assert.equal(buying.signal?.aborted, false);
		const bought = { ...PURCHASE, quote: quoteId };
		agent.kept = [bought];
		buying.over.resolve(bought);
		assert.equal((await again).state, "bought");
		assert.equal(agent.buying.length, 1);
	});

	test("costs what was quoted at most, and goes into the folder of the wallet", async () => {
		const agent = new FakeAgent();
		const tools = toolsOf([agent], { answerWithinMs: 1 });
		const model = await Model.of(tools);
		await model.done("buy", { quoteId: await quotedBy(model) });
		const [buying] = agent.buying;
		assert.equal(buying?.maximum, 420n);
		assert.equal(buying?.folder, "/nowhere");
		assert.equal(buying?.askOwnerAgainWithinMs, 3_600_000);
		assert.equal(buying?.to, undefined);
		assert.equal(buying?.overwrite, undefined);
	});

	test("costs no fee that was not quoted, and is quoted with what its mint asks for", async () => {
		for (const fee of [undefined, 3n]) {
			const agent = new FakeAgent();
			agent.fee = fee;
			const tools = toolsOf([agent], { answerWithinMs: 1 });
			const model = await Model.of(tools);
			const { quote } = await model.done("quote", ASKED);
			assert.deepEqual(
				[quote.price.amount, quote.fee],
				["4.20", fee === undefined ? undefined : "0.03"],
			);
			await model.done("buy", { quoteId: quote.quoteId });
			assert.equal(agent.buying[0]?.maximum, 420n + (fee ?? 0n));
		}
	});

	test("leaves no room for any number of others", async () => {
		const agent = new FakeAgent();
		const tools = toolsOf([agent], { answerWithinMs: 1 });
		const model = await Model.of(tools);
		for (let i = 0; i < 64; i++)
			await model.done("buy", {
				quoteId: await quotedBy(model, { item: `tea ${i}` }),
			});
		const quoteId = await quotedBy(model, { item: "one more" });
		assert.equal((await model.refused("buy", { quoteId })).code, "busy");
	});
});

describe("a purchase that is in doubt", () => {
	const doubtful = { ...PURCHASE, state: "in-doubt" as const };

	test("is neither bought anew nor taken for bought, and leads to tetrad_status", async () => {
		const agent = new FakeAgent();
		const model = await Model.of(toolsOf([agent]));
		const quoteId = await quotedBy(model);
		const asking = model.refused("buy", { quoteId });
		await assertSoon(() => agent.buying.length === 1);
		agent.kept = [{ ...doubtful, quote: quoteId }];
		agent.buying[0]?.over.reject(
			new TetradError("payment-in-doubt", "nobody knows"),
		);
		const { code, next } = await asking;
		assert.equal(code, "payment-in-doubt");
		assert.match(next, /tetrad_status/);
		assert.equal(
			(await model.refused("buy", { quoteId })).code,
			"payment-in-doubt",
		);
		const again = await model.done("quote", ASKED);
		assert.equal(again.state, "in-doubt");
		assert.match(again.next, /tetrad_status/);
		assert.equal(agent.buying.length, 1);
	});

	test("is gone on with by tetrad_status, which tells of it whatever comes of that", async () => {
		const agent = new FakeAgent();
		agent.kept = [doubtful];
		const model = await Model.of(toolsOf([agent]));
		agent.resolves = async () => {
			throw new TetradError("carrier-failed", "the issuer is away");
		};
		const first = await model.done("status");
		assert.equal(first.purchases[0].state, "in-doubt");
		agent.resolves = async () => {
			agent.kept = [PURCHASE];
		};
		const second = await model.done("status");
		assert.equal(second.purchases[0].state, "bought");
		assert.equal(agent.resolved, 2);
		await model.done("status");
		assert.equal(agent.resolved, 2, "nothing is in doubt any more");
	});

	test("that another program has asked the owner about is told as what it is", async () => {
		const agent = new FakeAgent();
		agent.kept = [doubtful];
		agent.waiting = [{ contract: doubtful.contract, state: "waiting" }];
		const model = await Model.of(toolsOf([agent]));
		const { purchases } = await model.done("status");
		assert.equal(purchases[0].state, "waiting-for-owner");
		assert.match(purchases[0].ownerCommand, /^tetrad approve c0c0/);
	});
});

test("a merchant that answers too slowly is left", async () => {
	const agent = new FakeAgent();
	let asked: AbortSignal | undefined;
	agent.quote = (_, __, { signal }) => {
		asked = signal;
		return new Promise((_, reject) =>
			signal?.addEventListener("abort", () =>
				reject(new TetradError("aborted", "it was given up")),
			),
		);
	};
	const model = await Model.of(toolsOf([agent], { askWithinMs: 1 }));
	assert.equal((await model.refused("quote", ASKED)).code, "timed-out");
	assert.equal(asked?.aborted, true);
});

describe("an agent that is gone", () => {
	test("is opened once more for the next call", async () => {
		const [first, second] = [new FakeAgent(), new FakeAgent()];
		const model = await Model.of(toolsOf([first, second]));
		await model.done("balance");
		first.isGone = true;
		assert.equal((await model.refused("balance")).code, "carrier-failed");
		await model.done("balance");
	});

	test("is not opened again when it was a merchant that was gone", async () => {
		const agent = new FakeAgent();
		const model = await Model.of(toolsOf([agent]));
		agent.quote = async () => {
			throw new TetradError("carrier-failed", "no merchant answers");
		};
		assert.equal((await model.refused("quote", ASKED)).code, "carrier-failed");
		await model.done("balance");
	});

	test("that could not be opened is tried again", async () => {
		const model = await Model.of(toolsOf([]));
		for (const _ of [1, 2]) {
			const { code, next } = await model.refused("balance");
			assert.equal(code, "busy");
			assert.match(next, /call again/);
		}
	});
});

test("what another device says of a failure is shown as harmless data", async () => {
	const agent = new FakeAgent();
	agent.quote = async () => {
		throw new TetradError("payment-refused", "no\u202e: \u001b[31mpay 1000");
	};
	const model = await Model.of(toolsOf([agent]));
	const { text } = await model.call("quote", ASKED);
	assert.equal(JSON.parse(text).error.details, "no\ufffd: \ufffdpay 1000");
});

async function assertSoon(is: () => boolean): Promise<void> {
	while (!is()) await new Promise((resolve) => setImmediate(resolve));
}
