/* What a client remembers of a list of tools, which is its server's word. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checked } from "../../src/mcp/bought-result.ts";
import { KnownTools } from "../../src/mcp/known-tools.ts";
import { MAX_KNOWN_TOOLS, MAX_PAGES } from "../../src/mcp/limits.ts";
import { parseResult } from "../../src/mcp/tool-result.ts";
import { utf8 } from "../../src/wire/index.ts";
import { coded } from "../paid/world.ts";
import { text } from "./paid-shop.ts";

const PRICE = {
	...{ mode: "sealed", amount: "5", currency: "EUR", exponent: 2 },
	...{ play: false, issuer: "mint" },
} as const;

const schema = {
	type: "object",
	properties: { sky: { const: "clear" } },
	required: ["sky"],
};

const priced = { name: "priced", _meta: { "tetrad/price": PRICE } };
const typed = { name: "typed", outputSchema: schema };

describe("what is known of tools", () => {
	test("is asked for once, page by page, and is what was listed last", async () => {
		const asked: (string | undefined)[] = [];
		const tools = new KnownTools(async (cursor) => {
			asked.push(cursor);
			return cursor === undefined
				? { tools: [priced], nextCursor: "more" }
				: { tools: [typed] };
		});
		assert.deepEqual((await tools.of("priced")).price, PRICE);
		assert.notEqual((await tools.of("typed")).validate, undefined);
		assert.deepEqual(asked, [undefined, "more"]);
		tools.learn({ tools: [{ name: "priced" }] });
		assert.equal((await tools.of("priced")).price, undefined);
		assert.deepEqual(asked, [undefined, "more"]);
	});

	test("is nothing of a tool that is not listed, also where a list has no end", async () => {
		let pages = 0;
		const tools = new KnownTools(async () => {
			pages++;
			return { tools: [], nextCursor: "more" };
		});
		const { price, validate } = await tools.of("unlisted");
		assert.deepEqual([price, validate], [undefined, undefined]);
		assert.equal(pages, MAX_PAGES);
	});

	test("is nothing where a list is none, or a price is none", async () => {
		const none = new KnownTools(async () => ({ tools: "all" }));
		assert.equal((await none.of("priced")).price, undefined);
		const wrong = { ...PRICE, amount: "-5" };
		const odd = new KnownTools(async () => ({
			tools: [{ ...priced, _meta: { "tetrad/price": wrong } }],
		}));
		assert.equal((await odd.of("priced")).price, undefined);
	});

	test("is bounded, and the oldest is forgotten", async () => {
		let isListed = false;
		const tools = new KnownTools(async () => {
			isListed = true;
			return { tools: [] };
		});
		tools.learn({ tools: [priced] });
		tools.learn({
			tools: Array.from({ length: MAX_KNOWN_TOOLS }, (_, i) => ({
				name: `${i}`,
			})),
		});
		await tools.of("0");
		assert.equal(isListed, false);
		await tools.of("priced");
		assert.equal(isListed, true);
	});

	test("refuses a schema that is none, before anything is paid", async () => {
		const outputSchema = { type: "object", properties: { sky: { type: 1 } } };
		const tools = new KnownTools(async () => ({
			tools: [{ ...typed, outputSchema }],
		}));
		await assert.rejects(tools.of("typed"), coded("malformed", /not|nothing/));
	});
});

describe("a result that was bought", () => {
	const known = new KnownTools(async () => ({ tools: [typed] }));

	test("is what its tool's schema allows", async () => {
		const tool = await known.of("typed");
		const right = { ...text("clear"), structuredContent: { sky: "clear" } };
		assert.deepEqual(checked(tool, right), right);
		for (const wrong of [
			text("clear"),
			{ ...text("clear"), structuredContent: { sky: "green" } },
			{ content: "clear" },
			undefined,
		])
			assert.throws(() => checked(tool, wrong), coded("malformed"));
		const error = { ...text("no such day"), isError: true };
		assert.deepEqual(checked(tool, error), error);
	});

	test("is JSON, in UTF-8", () => {
		assert.deepEqual(
			parseResult(utf8(JSON.stringify(text("clear")))),
			text("clear"),
		);
		for (const wrong of [
			...[utf8("clear"), utf8("{}"), utf8("null"), new Uint8Array()],
			Uint8Array.of(...utf8('{"content":[{"type":"text","text":"'), 0xff),
		])
			assert.throws(() => parseResult(wrong), coded("malformed"));
	});
});
