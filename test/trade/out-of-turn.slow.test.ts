/* Whatever comes out of turn, of drivers, merchants, buyers and modules, at every step of a purchase. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TetradError } from "../../src/errors.ts";
import { messages } from "../../src/money/index.ts";
import type { BuyingEvent } from "../../src/trade/agent/buying-events.ts";
import type { SellingEvent } from "../../src/trade/agent/selling-events.ts";
import {
	ABOUT_PURCHASES,
	BETWEEN_AGENTS,
} from "../../src/trade/documents/index.ts";
import { filled } from "../money/documents.ts";
import { Agents, notBought, type Stock } from "./agents.ts";
import { content } from "./merchandise-support.ts";
import { TradeWorld } from "./world.ts";

const world = await TradeWorld.make();
const { message } = messages;

const TEA: Stock = new Map([["tea", { content: content(900), kind: "file" }]]);
const ERROR = new TetradError("busy", "not now");

const fromModule = (bytes: Uint8Array) =>
	({ kind: "from-module", bytes }) as const;
const fromAgent = (bytes: Uint8Array) =>
	({ kind: "from-agent", bytes }) as const;
const REFUSAL = { code: "busy", reason: "so it is" };

/** Messages of the other agent, each in its smallest form. */
const OF_AGENTS: readonly Uint8Array[] = [
	message(BETWEEN_AGENTS.unavailable, REFUSAL),
	message(BETWEEN_AGENTS.items, { items: [], isLast: true }),
	message(BETWEEN_AGENTS.items, { items: [], isLast: false }),
	message(BETWEEN_AGENTS.cancel, {}),
	message(BETWEEN_AGENTS.where, { module: filled(41, 1) }),
	message(BETWEEN_AGENTS.there, { port: 7001 }),
	message(BETWEEN_AGENTS.there, { port: 0 }),
	...Object.values(BETWEEN_AGENTS).map(({ type }) => Uint8Array.of(type)),
	Uint8Array.of(0x99),
];

const OF_MODULES: readonly Uint8Array[] = [
	...["aborted", "refunded", "in-doubt"].map((outcome) =>
		notBought(filled(32, 7), outcome as "aborted", "busy", 0n),
	),
	message(ABOUT_PURCHASES.waiting, { contract: filled(32, 7), ...REFUSAL }),
	message(ABOUT_PURCHASES.closed, { contract: filled(32, 7) }),
	...Object.values(ABOUT_PURCHASES).map(({ type }) => Uint8Array.of(type)),
	Uint8Array.of(0x99),
];

/** What happens to the purchase under way. */
const AT_BUYER: readonly BuyingEvent[] = [
	...(["begun", "chunk-kept", "kept", "concluded"] as const).flatMap((kind) => [
		{ kind, ask: 2 },
		{ kind, ask: 77 },
	]),
	{ kind: "goods-opened", ask: 2, path: "elsewhere" },
	{ kind: "goods-wrong", ask: 2, evidence: filled(9, 1) },
	{ kind: "goods-missing", ask: 2, from: 0 },
	{
		...{ kind: "over-elsewhere", ask: 2, path: undefined },
		conclusion: { kind: "refunded", credited: 1n, code: "busy", reason: "" },
	},
	{ kind: "not-done", ask: 2, error: ERROR },
	{ kind: "give-up", ask: 1, error: ERROR },
	{ kind: "give-up", ask: 2, error: ERROR },
	{ kind: "give-up", ask: 77, error: ERROR },
	{ kind: "sent" },
	{ kind: "closed" },
	{ kind: "time" },
	{ kind: "abort", error: ERROR },
	...OF_AGENTS.map(fromAgent),
	...OF_MODULES.map(fromModule),
];

const AT_MERCHANT: readonly SellingEvent[] = [
	{ kind: "begin" },
	...[1, 2, 77].flatMap((answer): SellingEvent[] => [
		{ kind: "listed", answer, items: [], isLast: false },
		{ kind: "opened", answer, length: 900n },
		{ kind: "opened", answer, length: 0n },
		{ kind: "read", answer, bytes: content(9) },
		{ kind: "failed", answer, error: ERROR },
	]),
	{ kind: "signed", id: 1, signature: filled(64, 1) },
	{ kind: "not-signed", id: 1, error: ERROR },
	{ kind: "not-signed", id: 77, error: ERROR },
	{ kind: "sent" },
	{ kind: "closed" },
	{ kind: "time" },
	{ kind: "abort", error: ERROR },
	...OF_AGENTS.map(fromAgent),
	...OF_MODULES.map(fromModule),
	fromModule(message(ABOUT_PURCHASES.unsold, REFUSAL)),
];

/** A whole purchase, into which something comes after so many steps. Answers whether it got so far. */
async function disturbed(
	steps: number,
	disturb: (agents: Agents) => void,
): Promise<boolean> {
	const options = { stock: TEA, stopAfter: steps };
	const agents = new Agents(world, options);
	const asked: number[] = [];
	const { handle } = agents.buying;
	agents.buying.handle = (event, now) => {
		// Who is over hears of nothing that is asked then.
		if ("askOwner" in event || event.kind === "quote")
			if (!agents.buyerEffects.some(({ kind }) => kind === "ended"))
				asked.push(event.ask);
		return handle.call(agents.buying, event, now);
	};
	const quoted = agents.ask({ kind: "quote", name: "tea", order: "" });
	const buyIfOffered = async () => {
		const answer = agents.answers.get(quoted);
		if (answer?.kind !== "offer" || agents.asked > 1) return;
		agents.ask({ kind: "buy", offer: answer.offer, askOwner: false });
		await agents.run();
	};
	await agents.run();
	await buyIfOffered();
	const wasThere = agents.steps >= steps;
	options.stopAfter = Number.POSITIVE_INFINITY;
	disturb(agents);
	await agents.run();
	await buyIfOffered();
	for (const effects of [agents.buyerEffects, agents.merchantEffects]) {
		const ends = effects.filter(({ kind }) => kind === "ended");
		assert.ok(ends.length <= 1, "it ended twice");
		if (ends.length === 1) assert.equal(effects.at(-1)?.kind, "ended");
	}
	// A driver that hands over what was not asked for tells whoever waits itself.
	const last = agents.buyerEffects.at(-1);
	const isOver = last?.kind === "ended" && last.error?.code !== "internal";
	for (const [ask, times] of agents.told)
		assert.equal(times, 1, `who asked ${ask} was told ${times} times`);
	if (isOver)
		for (const ask of asked)
			assert.ok(agents.told.has(ask), `who asked ${ask} was not told`);
	assert.ok(
		agents.merchantEffects.filter(({ kind }) => kind === "contracted").length <=
			1,
		"it was sold twice",
	);
	return wasThere;
}

/** So many steps has no purchase. */
const MOST_STEPS = 400;

async function atEveryStep(disturb: (agents: Agents) => void): Promise<number> {
	let steps = 1;
	while (steps < MOST_STEPS && (await disturbed(steps, disturb))) steps++;
	return steps;
}

const said = (event: BuyingEvent | SellingEvent): string =>
	"bytes" in event
		? `${event.kind} ${Buffer.from(event.bytes.subarray(0, 1)).toString("hex")} of ${event.bytes.length} bytes`
		: event.kind;

describe("whatever comes out of turn at any step of a purchase", () => {
	for (const event of AT_BUYER)
		test(`to the buyer, ${said(event)}: everybody is told once`, async () => {
			assert.ok((await atEveryStep((agents) => agents.toBuying(event))) > 20);
		});
	for (const event of AT_MERCHANT)
		test(`to the merchant, ${said(event)}: everybody is told once`, async () => {
			assert.ok((await atEveryStep((agents) => agents.toSelling(event))) > 20);
		});
});
