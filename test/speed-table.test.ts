/* What documents say of speed is what the benches measured last: docs/speed.md, and the picture of what was to be reached. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { drawReach } from "../bench/draw-reach.ts";
import {
	keptResult,
	type ReadResult,
	reachCells,
	reachRows,
} from "../bench/reach.ts";
import { renewed } from "../bench/speed-page.ts";

const read = (path: string) =>
	readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

interface Scale {
	readonly purchases: { many_vs_few: { cpu: number } };
}

/** What is kept, but that purchases after a million cost so many times as much. */
function dearer(ratio: number): ReadResult {
	return (name) => {
		const text = keptResult(name);
		if (name !== "scale" || text === undefined) return text;
		const result: { readonly scale: Scale } = JSON.parse(text);
		result.scale.purchases.many_vs_few.cpu = ratio;
		return JSON.stringify(result);
	};
}

// `npm run bench -- reach --save` writes both anew.
describe("what was measured", () => {
	test("stands in docs/speed.md as it is kept", () => {
		const page = read("docs/speed.md");
		assert.equal(renewed(page, keptResult), page);
	});

	test("is drawn as it is kept, and the README shows it", () => {
		assert.equal(drawReach(reachRows()), read("docs/speed.svg"));
		assert.match(read("README.md"), /!\[[^\]]+\]\(docs\/speed\.svg\)/);
	});

	test("shows in both when it is another figure", () => {
		const page = read("docs/speed.md");
		assert.match(
			renewed(page, dearer(7.77)),
			/\| 7\.77 \| \*\*not kept\*\* \|/,
		);
		assert.notEqual(drawReach(reachRows(dearer(7.77))), read("docs/speed.svg"));
	});
});

describe("what was to be reached", () => {
	/** What is said of the one row with these words when that alone was measured. */
	const said = (words: string, name: string, report: object) =>
		reachCells(
			reachRows((other) =>
				other === name ? JSON.stringify({ [name]: report }) : undefined,
			).filter(({ what }) => what.includes(words)),
		)[0]?.at(-1);

	test("is kept up to its ratio and not beyond it, from either side", () => {
		const idle = (vs_nested_tls: number) =>
			said("idle", "idle", { vs_nested_tls });
		assert.deepEqual([idle(0.5), idle(0.51)], ["kept", "**not kept**"]);
		const file = (file_vs_tls: number) =>
			said("a file", "records", { file_vs_tls });
		assert.deepEqual([file(0.95), file(0.94)], ["kept", "**not kept**"]);
		const payment = (swap_vs_payment: number) =>
			said("a payment, one", "payments", {
				algorithms: { "P-256": { alone: { swap_vs_payment } } },
			});
		assert.deepEqual([payment(2.9), payment(2.8)], ["kept", "**not kept**"]);
		const heap = (is_flat: boolean) =>
			said("1,000,000 messages", "heap", {
				messages: { bytes_each: 0.1, is_flat },
			});
		assert.deepEqual([heap(true), heap(false)], ["kept", "**not kept**"]);
	});

	test("is said of nothing that was not measured", () => {
		const rows = reachRows(() => undefined);
		assert.ok(rows.length >= 18);
		for (const cells of reachCells(rows))
			assert.deepEqual(cells.slice(2), ["not measured", ""]);
	});
});
