/* The messages and labels of docs/cashu.md are those of the code. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { ABOUT_LOCKS } from "../../../src/money/documents/index.ts";
import { enc, REGISTRY } from "../../../src/wire/index.ts";
import {
	cell,
	parseLayout,
	parseTables,
	tableIn,
} from "../../protocol/document.ts";
import { filled } from "../documents.ts";

const DOCUMENT = readFileSync(
	new URL("../../../docs/cashu.md", import.meta.url),
	"utf8",
);

describe("messages between the modules", () => {
	const { rows } = tableIn(
		parseTables(DOCUMENT),
		"docs/cashu.md",
		"Between the modules",
		["message", "type"],
	);

	test("all of them, with their type bytes", () => {
		assert.deepEqual(
			rows.map((row) => [cell(row, "message"), Number(cell(row, "type"))]),
			Object.entries(ABOUT_LOCKS).map(([name, { type }]) => [name, type]),
		);
		for (const [name, { type }] of Object.entries(ABOUT_LOCKS))
			assert.deepEqual(
				REGISTRY.filter(
					({ byte, places }) => byte === type && places.includes("session 2"),
				).map((entry) => entry.name),
				[name],
			);
	});

	for (const row of rows) {
		const name = cell(row, "message") as keyof typeof ABOUT_LOCKS;
		test(`${name} has the fields that the page says`, () => {
			const layout = parseLayout(row["fields, in order"] ?? "");
			const { body } = ABOUT_LOCKS[name];
			assert.ok(layout);
			assert.deepEqual(
				layout.map((field) => field.name),
				Object.keys(body.fields),
			);
			assert.equal(
				body.maxBytes,
				layout.reduce((sum, { max }) => sum + 4 + max, 0),
			);
			const least = layout.map(({ min }) => filled(min, 1));
			assert.throws(() => body.decode(enc(...least.slice(0, -1))), {
				code: "malformed",
			});
		});
	}
});

test("each label of the code is on the page", () => {
	const folder = new URL("../../../src/money/cashu/", import.meta.url);
	for (const file of readdirSync(folder))
		for (const [, label = ""] of readFileSync(
			new URL(file, folder),
			"utf8",
		).matchAll(/"(tetrad\/1 [^"]*)"/g))
			assert.ok(DOCUMENT.includes(`"${label}"`), label);
});
