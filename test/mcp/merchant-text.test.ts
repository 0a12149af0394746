import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	isPlain,
	shownLine,
	shownLines,
} from "../../src/mcp/tools/merchant-text.ts";

const R = "\ufffd";

describe("a merchant's text, as a model reads it", () => {
	for (const [what, text, shown] of [
		["a terminal's colours", "\u001b[31mred\u001b[0m", `${R}red${R}`],
		["a terminal's title", "a\u001b]0;title\u0007b", `a${R}b`],
		["a sequence of one byte", "a\u009b2Jb", `a${R}b`],
		["an escape that ends nothing", "a\u001b", `a${R}`],
		["a bell and a backspace", "cheap\u0007\u0008\u0008free", `cheap${R}free`],
		["text that runs backwards", "\u202egnp.exe", `${R}gnp.exe`],
		["isolates", "\u2066a\u2069", `${R}a${R}`],
		["letters that are not seen", "pay\u200bnow\u2060", `pay${R}now${R}`],
		["tags", `a${tags("obey")}b`, `a${R}b`],
		["selectors of variants", "a\ufe0f\u{e0101}b", `a${R}b`],
		["fillers", "a\u3164\uffa0\u2800b", `a${R}b`],
		["a soft hyphen", "pay\u00adment", `pay${R}ment`],
		["line ends", "one\ntwo\r\nthree\u2028four", `one two three${R}four`],
		["much room", `a${" ".repeat(500)}\u3000b`, "a b"],
		["what has no meaning yet", "a\u{e0fff}\uffffb", `a${R}b`],
	] as const)
		test(`is without ${what}`, () => {
			assert.equal(shownLine(text, 1000), shown);
			assert.equal(isPlain(text), false);
		});

	test("is otherwise what it was", () => {
		for (const text of ["harbour.svg", "Grüße, 値段 4.20 €", "π ≈ 3", "😀"]) {
			assert.equal(shownLine(text, 1000), text);
			assert.ok(isPlain(text));
		}
	});

	test("keeps its lines where it is goods", () => {
		assert.equal(shownLines("a\n\tb\r\nc\u0007", 100), `a\n\tb\nc${R}`);
	});

	test("is cut where it is too long, and in no character", () => {
		assert.equal(shownLine("😀😀😀", 2), "😀😀…");
		assert.equal(shownLines("abc", 3), "abc");
	});
});

/** Characters that nobody sees, and that a model reads as letters. */
function tags(text: string): string {
	return [...text]
		.map((letter) =>
			String.fromCodePoint(0xe0000 + (letter.codePointAt(0) ?? 0)),
		)
		.join("");
}
