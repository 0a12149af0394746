import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	encodeAnswer,
	parseAnswer,
	responseOf,
} from "../../../src/http/x402/answer.ts";
import { utf8 } from "../../../src/wire/index.ts";

const ANSWER = {
	status: 201,
	fields: [
		["content-type", "text/plain"],
		["link", "</next>; rel=next"],
	],
	body: utf8("a harbour"),
} as const;

const WRITTEN =
	"HTTP/1.1 201 \r\ncontent-type: text/plain\r\nlink: </next>; rel=next\r\n\r\na harbour";

describe("an answer that is sold", () => {
	test("is a response message of HTTP/1.1", () => {
		assert.equal(Buffer.from(encodeAnswer(ANSWER)).toString(), WRITTEN);
		assert.deepEqual(parseAnswer(utf8(WRITTEN)), ANSWER);
	});

	test("has a body of any bytes, or none", () => {
		for (const body of [
			new Uint8Array(),
			utf8("\r\n\r\n"),
			Buffer.of(0, 255),
		]) {
			const answer = { ...ANSWER, body: new Uint8Array(body) };
			assert.deepEqual(parseAnswer(encodeAnswer(answer)), answer);
		}
	});

	test("is a response again, with how it was paid", async () => {
		const response = responseOf(ANSWER, "paid");
		assert.equal(response.status, 201);
		assert.equal(response.headers.get("link"), "</next>; rel=next");
		assert.equal(response.headers.get("payment-response"), "paid");
		assert.equal(await response.text(), "a harbour");
		const empty = { ...ANSWER, status: 204, body: new Uint8Array() };
		assert.equal(responseOf(empty, "paid").body, null);
	});

	for (const [what, answer] of [
		["a status that is a failure", { ...ANSWER, status: 500 }],
		["an interim status", { ...ANSWER, status: 101 }],
		["content where none may be", { ...ANSWER, status: 204 }],
		["a field of two lines", { ...ANSWER, fields: [["a", "b\r\nc: d"]] }],
		["a name that is none", { ...ANSWER, fields: [["a b", "c"]] }],
		[
			"more fields than are sold",
			{ ...ANSWER, fields: Array(33).fill(["a", "b"]) },
		],
		[
			"a head that is too long",
			{ ...ANSWER, fields: [["a", "b".repeat(9000)]] },
		],
	] as const)
		test(`has not ${what}`, () =>
			assert.throws(() => encodeAnswer(answer), { code: "invalid-argument" }));

	for (const [what, text] of [
		["nothing", ""],
		["no head", "HTTP/1.1 200 \r\ncontent-type: text/plain"],
		["a reason", WRITTEN.replace("201 ", "201 Created")],
		["another version", WRITTEN.replace("1.1", "1.0")],
		["a name in capitals", WRITTEN.replace("link", "Link")],
		["no space", WRITTEN.replace("link: ", "link:")],
		["more spaces", WRITTEN.replace("link: ", "link:  ")],
		["a folded line", WRITTEN.replace("rel=next", "\r\n rel=next")],
	] as const)
		test(`is not ${what}`, () =>
			assert.throws(() => parseAnswer(utf8(text)), { code: "malformed" }));
});
