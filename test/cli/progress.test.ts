import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ProgressBar } from "../../src/cli/progress.ts";

/** What a terminal of that width was shown, line by line, without what moves its cursor. */
function shown(
	columns: number,
	use: (stream: NodeJS.WriteStream) => void,
	isTTY = true,
): string[] {
	let text = "";
	const write = (part: string) => {
		text += part;
		return true;
	};
	const terminal = { isTTY, columns, write };
	use(terminal as unknown as NodeJS.WriteStream);
	return (
		text
			// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
			.replace(/\u001b(\[[?\d;]*[A-Za-z]|\d)/g, "\r")
			.split(/[\r\n]/)
			.filter((line) => line !== "")
	);
}

describe("a bar of progress", () => {
	for (const columns of [20, 40, 60, 80, 200])
		test(`fits on a line of ${columns} columns, and says how much is done`, () => {
			const lines = shown(columns, (stream) => {
				const bar = new ProgressBar("tetrad 1", stream);
				bar.show(1_500_000, 2_000_000_000);
				bar.show(2_000_000_000, 2_000_000_000);
				bar.stop();
			});
			assert.ok(lines.length >= 2);
			for (const line of lines) {
				assert.match(line, /tetrad 1 {2}\[[=-]+\] \d+%/);
				if (columns >= 40) assert.ok(line.length < columns, line);
				assert.equal(line, line.trimEnd());
			}
			assert.match(lines.at(-1) ?? "", / 100%/);
			if (columns >= 80)
				assert.match(
					lines.at(-1) ?? "",
					/2,000,000,000 of 2,000,000,000 bytes/,
				);
		});

	test("is nothing where there is no terminal, and of nothing", () => {
		const use = (total: number) => (stream: NodeJS.WriteStream) => {
			const bar = new ProgressBar("tetrad 1", stream);
			bar.show(0, total);
			bar.stop();
		};
		assert.deepEqual(shown(80, use(5), false), []);
		assert.deepEqual(shown(80, use(0)), []);
	});

	test("is a new one after it was stopped", () => {
		const lines = shown(80, (stream) => {
			const bar = new ProgressBar("tetrad 1", stream);
			for (const total of [3, 7]) {
				bar.show(1, total);
				bar.stop();
			}
			bar.stop();
		});
		assert.match(lines[0] ?? "", /of 3 bytes/);
		assert.match(lines.at(-1) ?? "", /1 of 7 bytes/);
	});
});
