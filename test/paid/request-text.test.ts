/* What a purchase is of, in words, and what a merchant says that it costs. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	canonicalJson,
	type PaidTerms,
	parseTerms,
	requestText,
	toolText,
	writeTerms,
} from "../../src/paid/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { coded } from "./world.ts";

const EMPTY =
	"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const invalid = coded("invalid-argument");

describe("the text of a request", () => {
	test("names method, address and body", () => {
		assert.equal(
			requestText({
				method: "get",
				url: "HTTPS://API.example:443/a b?q=ü#top",
			}),
			`GET https://api.example/a%20b?q=%C3%BC ${EMPTY}`,
		);
		const post = { method: "POST", url: "http://localhost:3000/" };
		assert.equal(
			requestText({ ...post, body: "abc" }),
			"POST http://localhost:3000/ sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		);
		assert.equal(
			requestText({ ...post, body: utf8("abc") }),
			requestText({ ...post, body: "abc" }),
		);
	});

	test("is another one for another method, address or body", () => {
		const of = { method: "POST", url: "https://api.example/a", body: "1" };
		const texts = [
			of,
			{ ...of, method: "PUT" },
			{ ...of, url: "https://api.example/b" },
			{ ...of, url: "https://api.example/a?" },
			{ ...of, url: "https://api.example/a/" },
			{ ...of, url: "http://api.example/a" },
			{ ...of, body: "2" },
			{ ...of, body: undefined },
		].map(requestText);
		assert.equal(new Set(texts).size, texts.length);
	});

	for (const [what, url, method = "GET"] of [
		["no address", "weather"],
		["a relative address", "/weather"],
		["an address of something else", "ftp://api.example/"],
		["a password in the address", "https://me:secret@api.example/"],
		["a method that is none", "https://api.example/", "GET /b"],
		["a method with nothing in it", "https://api.example/", ""],
	] as const)
		test(`is refused for ${what}, and shows no password`, () =>
			assert.throws(
				() => requestText({ method, url }),
				(thrown) =>
					invalid(thrown) && !/secret/.test((thrown as Error).message),
			));

	test("is refused when it is too long for a contract, with what to do", () => {
		const url = `https://api.example/${"x".repeat(4096)}`;
		assert.throws(
			() => requestText({ method: "GET", url }),
			coded("invalid-argument", /4096.*body/),
		);
	});
});

describe("the text of a tool", () => {
	const of = { server: "weather", tool: "forecast" };

	test("names server, tool and arguments, in whichever order these stand", () => {
		const text = toolText({ ...of, arguments: { b: [1, null], a: "ü" } });
		assert.match(text, /^tool "weather" "forecast" sha256:[0-9a-f]{64}$/);
		assert.equal(
			toolText({ ...of, arguments: { a: "ü", b: [1, null], c: undefined } }),
			text,
		);
		assert.equal(toolText(of), toolText({ ...of, arguments: {} }));
	});

	test("cannot be taken for another, whatever its names have in them", () => {
		const texts = [
			{ server: "a", tool: "b" },
			{ server: 'a" "b', tool: "" },
			{ server: "a b", tool: "" },
			{ server: "", tool: "a b" },
			{ server: "a\n", tool: "b" },
		].map(toolText);
		assert.equal(new Set(texts).size, texts.length);
		for (const text of texts) assert.doesNotMatch(text, /[\p{Cc}]/u);
	});

	for (const [what, value] of [
		["a function", { f: () => {} }],
		["a number that is none", { n: Number.NaN }],
		["a large integer", { n: 1n }],
		["half a character", { s: "\ud800" }],
		["nothing in a list", [undefined]],
	] as const)
		test(`is refused for arguments with ${what}`, () =>
			assert.throws(() => toolText({ ...of, arguments: value }), invalid));

	test("is refused for arguments that are too deep or too long, or that never end", () => {
		let deep: unknown = 1;
		for (let i = 0; i < 100; i++) deep = [deep];
		assert.throws(() => canonicalJson(deep), invalid);
		assert.throws(() => canonicalJson("x".repeat(2 ** 20)), invalid);
		const endless: Record<string, unknown> = {};
		endless["self"] = endless;
		assert.throws(() => canonicalJson(endless), invalid);
	});

	test("writes JSON as RFC 8785 does", () => {
		const value = { "\u20ac": 1, "\r": 2, "1": 3, "\ud83d\ude00": 4, b: 1e21 };
		assert.equal(
			canonicalJson(value),
			'{"\\r":2,"1":3,"b":1e+21,"\u20ac":1,"\ud83d\ude00":4}',
		);
	});
});

describe("terms", () => {
	const terms: PaidTerms = {
		mode: "sealed",
		address: "shop.example:7000",
		agent: "ab".repeat(41),
		module: "cd".repeat(41),
		item: `request sealed 42 ${"0".repeat(32)}`,
		amount: 42n,
		currency: "EUR",
		exponent: 2,
		play: false,
		issuer: "Mint",
		request: "GET https://api.example/",
	};
	const written = writeTerms(terms);

	test("are JSON, and are read back", () => {
		assert.equal(written["amount"], "42");
		assert.deepEqual(parseTerms(JSON.parse(JSON.stringify(written))), terms);
	});

	for (const [field, value] of [
		["mode", "free"],
		["address", ""],
		["address", "shop\u202e.example"],
		["agent", "AB".repeat(41)],
		["module", "00"],
		["item", "x".repeat(256)],
		["item", "a\u001b[2J"],
		["amount", "0"],
		["amount", "-1"],
		["amount", "042"],
		["amount", 42],
		["amount", "99999999999999999999"],
		["currency", "eur"],
		["exponent", 9],
		["play", "maybe"],
		["issuer", "\n"],
		["request", "x".repeat(5000)],
		["tip", "1"],
	] as const)
		test(`are refused with ${field} ${JSON.stringify(value).slice(0, 30)}, which is not repeated`, () =>
			assert.throws(
				() => parseTerms({ ...written, [field]: value }),
				(thrown) =>
					coded("malformed")(thrown) &&
					!(thrown as Error).message.includes(`${value}` || "\0"),
			));

	test("are refused when something is missing, or when they are no terms", () => {
		const { mode: _, ...rest } = written;
		for (const said of [rest, null, "sealed", [], 1])
			assert.throws(() => parseTerms(said), coded("malformed"));
	});
});
