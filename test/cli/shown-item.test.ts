import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { shownItem } from "../../src/cli/trade/shown-item.ts";

const hash = `sha256:${"e3".repeat(32)}`;
const item = `request sealed 5 ${"7d".repeat(16)}`;

describe("what was bought, as a person knows it", () => {
	test("is the request, of one that was paid", () => {
		const order = `GET https://api.example/weather?day=1 ${hash}`;
		const asked = "GET https://api.example/weather?day=1";
		assert.equal(shownItem({ item, order }), asked);
		const first = `calls prepaid 500 ${"7d".repeat(16)}`;
		const tool = `tool "weather" "forecast" ${hash}`;
		assert.equal(
			shownItem({ item: first, order: tool }),
			'tool "weather" "forecast"',
		);
	});

	test("is cut where it is long", () => {
		const order = `GET https://api.example/${"a".repeat(4000)} ${hash}`;
		const shown = shownItem({ item, order });
		assert.match(shown, /^GET https:\/\/api\.example\/a+…$/);
		assert.equal(shown.length, 61);
	});

	test("is the item, of all else", () => {
		assert.equal(shownItem({ item: "photo.jpg" }), "photo.jpg");
		const order = `in capitals ${hash}`;
		assert.equal(shownItem({ item: "capitals", order }), "capitals");
		assert.equal(shownItem({ item }), item);
	});
});
