import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { csv } from "../../src/cli/csv.ts";

describe("comma-separated values", () => {
	test("have a header, and end each line as RFC 4180 says", () => {
		assert.equal(csv(["a", "b"], [["1", ""]]), "a,b\r\n1,\r\n");
		assert.equal(csv(["a"], []), "a\r\n");
	});

	test("quote what would end a cell or a line, and double quotes in it", () => {
		for (const [text, written] of [
			["a,b", '"a,b"'],
			['say "yes"', '"say ""yes"""'],
			["two\nlines", '"two\nlines"'],
			["two\r\nlines", '"two\r\nlines"'],
			["a b", "a b"],
		] as const)
			assert.equal(csv(["x"], [[text]]), `x\r\n${written}\r\n`);
	});

	test("hold no formula, whoever wrote the text", () => {
		for (const first of ["=", "+", "-", "@", "\t"])
			assert.equal(
				csv(["x"], [[`${first}cmd|' /C calc'!A0`]]),
				`x\r\n'${first}cmd|' /C calc'!A0\r\n`,
			);
		assert.equal(
			csv(["x"], [['=HYPERLINK("http://a","b")']]),
			`x\r\n"'=HYPERLINK(""http://a"",""b"")"\r\n`,
		);
		assert.equal(csv(["x"], [["\r=1"]]), 'x\r\n"\'\r=1"\r\n');
		assert.equal(csv(["x"], [["a=1-2"]]), "x\r\na=1-2\r\n");
	});
});
