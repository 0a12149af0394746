/* docs/paid.md says the limits that the code has. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import * as ofTrade from "../../src/device/trade/limits.ts";
import * as ofPaid from "../../src/paid/limits.ts";

test("the document of paid requests has each limit as it is", async () => {
	const url = new URL("../../docs/paid.md", import.meta.url);
	const text = await readFile(url, "utf8");
	const rows = new Map(
		[...text.matchAll(/^\| ([^|]+) \| ([0-9]+(?:; [0-9]+)*) \|$/gm)].map(
			([, what = "", values = ""]) => [what, values.split("; ").map(Number)],
		),
	);
	const { MAX_OPEN, MAX_OPEN_OF_BUYER, MAX_QUOTES, MAX_QUOTES_OF_BUYER } =
		ofPaid;
	assert.deepEqual(Object.fromEntries(rows), {
		"request text, bytes": [ofPaid.MAX_REQUEST_BYTES],
		"a merchant that begins to sell waits for its issuer, ms": [
			ofPaid.SELLS_WITHIN_MS,
		],
		"order and request wait for each other, ms": [ofPaid.MEET_WITHIN_MS],
		"an answer may take, ms": [ofPaid.ANSWER_WITHIN_MS],
		"its payment may take, ms": [ofPaid.SETTLE_WITHIN_MS],
		"a sealed answer, bytes": [ofPaid.MAX_ANSWER_BYTES],
		"a kept answer, bytes": [ofPaid.MAX_KEPT_ANSWER_BYTES],
		"orders and requests that wait or are answered, in all; of one agent": [
			...[MAX_OPEN, MAX_OPEN_OF_BUYER],
		],
		"quotes that are remembered, in all; of one agent": [
			...[MAX_QUOTES, MAX_QUOTES_OF_BUYER],
		],
		"answers begun and not paid, of one agent": [ofTrade.MAX_OPEN_WORKS],
		"answers left, of one agent, before it pays first": [
			ofTrade.MAX_LEFT_WORKS,
		],
		"tickets ordered in an hour and not paid for, of one agent": [
			ofTrade.MAX_UNPAID_TICKETS,
		],
		"purchases that one buyer's program makes at once at one merchant": [
			ofPaid.MAX_PAID_AT_ONCE,
		],
		"requests that it has under way, those that wait included": [
			ofPaid.MAX_PAYING,
		],
	});
});
