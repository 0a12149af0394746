/* What modules and their agents say to each other beside money. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TetradError } from "../../src/errors.ts";
import {
	ModuleGreeting,
	parseText,
	textMessage,
} from "../../src/talk/index.ts";
import { concat, hex, utf8 } from "../../src/wire/index.ts";
import { GOLDEN } from "./golden.ts";
import { Run, unhex } from "./support.ts";

const HI = hex(textMessage("hi"));
const from = (who: "agent" | "module", text: string) =>
	({ kind: `from-${who}`, bytes: textMessage(text) }) as const;

function module(greeting?: string) {
	return new Run(new ModuleGreeting(greeting), (effect) =>
		effect.kind === "text" ? `${effect.from}: ${effect.text}` : undefined,
	);
}

describe("a module", () => {
	test("greets the other module at once, and its agent when both have spoken", () => {
		for (const [first, second] of [
			["agent", "module"],
			["module", "agent"],
		] as const) {
			const self = module("hi");
			assert.deepEqual(self.does({ kind: "begin" }), [`to-module ${HI}`]);
			assert.deepEqual(self.does(from(first, "one"), from(first, "two")), [
				`${first}: one`,
				`${first}: two`,
			]);
			assert.deepEqual(self.does(from(second, "three")), [
				`${second}: three`,
				`to-agent ${HI}`,
			]);
			assert.deepEqual(self.does(from(first, "four"), from(second, "five")), [
				`${first}: four`,
				`${second}: five`,
			]);
		}
	});

	test("without a greeting only listens", () => {
		const self = module();
		assert.deepEqual(
			self.does({ kind: "begin" }, from("agent", "a"), from("module", "b")),
			["agent: a", "module: b"],
		);
	});

	test("ends the tetrad for what is no text", () => {
		const cases: [Uint8Array, string, RegExp][] = [
			[unhex(GOLDEN.pay), "unexpected-message", /has no purse/],
			[unhex(GOLDEN.fileOffer), "unexpected-message", /does not know/],
			[new Uint8Array(), "unexpected-message", /does not know/],
			[Uint8Array.of(0x10, 0xc3), "malformed", /UTF-8/],
		];
		for (const [bytes, code, message] of cases)
			for (const kind of ["from-agent", "from-module"] as const) {
				const [end, ...more] = new ModuleGreeting("hi").handle({ kind, bytes });
				assert.ok(end?.kind === "ended" && more.length === 0);
				assert.equal(end.error?.code, code);
				assert.match(end.error?.message ?? "", message);
			}
	});

	test("says nothing more after the tetrad has ended", () => {
		const self = module("hi");
		const error = new TetradError("carrier-failed", "cut");
		assert.deepEqual(self.does({ kind: "abort", error }), [
			"ended: carrier-failed",
		]);
		assert.deepEqual(self.does({ kind: "begin" }, from("agent", "a")), []);
	});
});

describe("a text", () => {
	test("is what its bytes say in UTF-8, also nothing", () => {
		for (const text of ["", "hello", "注文 ü 😀", "\u0000"])
			assert.equal(parseText(textMessage(text)), text);
	});

	test("is none with another first byte, or with none", () => {
		assert.equal(parseText(new Uint8Array()), undefined);
		assert.equal(parseText(concat(Uint8Array.of(0x11), utf8("hi"))), undefined);
	});
});
