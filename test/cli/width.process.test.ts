/* What is read on a terminal fits on it: nothing is broken inside a word, and no line ends with blanks. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Command } from "commander";
import { HELP } from "../../src/cli/help.ts";
import { plainTable } from "../../src/cli/table.ts";
import { columnsOf, fitting, wrapped } from "../../src/cli/wrap.ts";
import { square } from "../../src/show/draw.ts";
import { knowledge } from "../../src/show/draw-sale.ts";
import type { DoubtfulSale } from "../../src/show/stage/sale.ts";
import { commandsOf } from "../support/program-commands.ts";

/** Every command, with the help that it has at that width. */
async function helpsAt(width: number): Promise<Map<string, string>> {
	let text = "";
	const program = new Command("tetrad").configureHelp(HELP).configureOutput({
		getOutHelpWidth: () => width,
		writeOut: (part) => {
			text += fitting(part, width);
		},
	});
	const helps = new Map<string, string>();
	for (const [name, command] of await commandsOf(program)) {
		text = "";
		command.outputHelp();
		helps.set(name, text);
	}
	return helps;
}

const wordsOf = (text: string): string[] =>
	text.split(/\s+/).filter((word) => word !== "\\" && word !== "");

function fits(text: string, width: number): void {
	for (const line of text.split("\n")) {
		assert.equal(line, line.trimEnd(), JSON.stringify(line));
		if (columnsOf(line) <= width) continue;
		// An address or a path that is wider than the terminal cannot be helped.
		assert.equal(wordsOf(line).length, 1, line);
		assert.ok(width < 80, line);
	}
}

describe("the help of every command", () => {
	for (const width of [40, 80, 120])
		test(`fits into ${width} columns, word for word`, async () => {
			const wide = await helpsAt(10_000);
			const helps = await helpsAt(width);
			assert.ok(helps.size > 30);
			for (const [name, help] of helps) {
				fits(help, width);
				assert.deepEqual(wordsOf(help), wordsOf(wide.get(name) ?? ""), name);
			}
		});
});

describe("a table", () => {
	const head = ["", "when", "what", "with"];
	const rows = [
		["12", "2026-05-01 12:00:00 UTC", "received", "bob-till"],
		["3", "2026-05-01 12:00:00 UTC", "withdrawn", ""],
	];

	test("has columns where they fit, and no blanks at the ends of lines", () => {
		const lines = plainTable(head, rows, { width: 80, right: [0] });
		assert.equal(lines.length, 3);
		assert.match(lines[1] ?? "", /^ {2}12 {2}2026-.* {2}received {3}bob-till$/);
		assert.match(lines[2] ?? "", /^ {3}3 {2}2026-.* {2}withdrawn$/);
		assert.deepEqual(
			plainTable(head, rows, { width: undefined, right: [0] }),
			lines,
		);
	});

	test("has a paragraph for each row where they do not", () => {
		const lines = plainTable(head, rows, { width: 30 });
		assert.deepEqual(lines.slice(0, 6), [
			"  12",
			"  when: 2026-05-01 12:00:00",
			"    UTC",
			"  what: received",
			"  with: bob-till",
			"",
		]);
		assert.deepEqual(lines.at(-1), "  what: withdrawn");
		fits(lines.join("\n"), 30);
	});
});

describe("the square of the demonstration", () => {
	const pids = { A: 1, B: 22, X: 333, Y: 4_194_304 };

	for (const width of [40, 80])
		test(`fits into ${width} columns, and names each process`, () => {
			const lines = square(pids, width);
			fits(lines.join("\n"), width);
			for (const pid of Object.values(pids))
				assert.ok(lines.some((line) => line.includes(`process ${pid}`)));
		});
});

describe("a purchase in doubt", () => {
	const sale: DoubtfulSale = {
		...{
			file: "",
			item: "README.md",
			price: "12.50",
			rail: "own-notes",
			currency: "PLAY",
		},
		pids: { A: 1, B: 2, X: 3, Y: 4 },
		steps: [],
		contract: "",
		gaveUp: undefined,
		doubt: {
			killed: undefined,
			buyer: { inDoubt: "12.50", spendable: "27.50" },
			merchant: { toDeposit: "12.50" },
			agent: { state: "in-doubt", until: "2026-12-28T18:00:00.000Z" },
			hasGoods: false,
			isBooked: false,
		},
	};

	for (const what of ["module", "issuer", "agent"] as const)
		test(`fits into 80 columns when the ${what} is killed, and says who it was`, () => {
			const killed = { what, name: "", pid: 1, signal: "SIGKILL", at: "" };
			const lines = knowledge(
				{ ...sale, doubt: { ...sale.doubt, killed } },
				80,
			);
			fits(lines.join("\n"), 80);
			const isKilled = lines.some((line) => line.includes("KILLED"));
			assert.equal(isKilled, what !== "issuer");
			assert.equal(lines.join("").includes("╳"), what !== "issuer");
		});
});

describe("a line", () => {
	test("is broken between words, and its next lines hang", () => {
		assert.deepEqual(wrapped("  one two three", 9, { hanging: "    " }), [
			"  one two",
			"    three",
		]);
		assert.deepEqual(wrapped("one two  ", 20), ["one two"]);
		assert.deepEqual(wrapped("a unix:/very/long/path b", 8), [
			"a",
			"unix:/very/long/path",
			"b",
		]);
	});
});
