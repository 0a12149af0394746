/* docs/stores.md, held against what is declared. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PLAY_MINT_SCHEMA } from "../../src/device/mint/mint-table.ts";
import { schema, versionOf } from "../../src/machine/index.ts";
import { LEDGER_SCHEMA, purseTables } from "../../src/money/index.ts";
import { History } from "../../src/store/history.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { MAX_COPIES } from "../../src/store/limits.ts";
import { newestMeta } from "../../src/store/meta.ts";
import { AGENT_SCHEMA } from "../../src/trade/records/index.ts";
import { cell, parseTables, tableIn } from "../protocol/document.ts";

const DOCUMENT = readFileSync(
	new URL("../../docs/stores.md", import.meta.url),
	"utf8",
);
const PAGE = parseTables(DOCUMENT);
const SCHEMAS = [
	purseTables.PURSE_SCHEMA,
	LEDGER_SCHEMA,
	AGENT_SCHEMA,
	PLAY_MINT_SCHEMA,
];
const rowsUnder = (heading: string, ...columns: string[]) =>
	tableIn(PAGE, "docs/stores.md", heading, columns).rows;

test("the page names each schema, its version and its tables", () => {
	assert.deepEqual(
		rowsUnder("What there is", "schema", "file in a home").map((row) => [
			cell(row, "schema"),
			Number(cell(row, "version")),
			cell(row, "tables").split(", "),
		]),
		SCHEMAS.map((of) => [
			of.name,
			versionOf(of),
			of.tables.map(({ name }) => name),
		]),
	);
});

test("the page says what led to each version, and each schema is brought there", async () => {
	assert.deepEqual(
		rowsUnder("What there is", "schema", "to version").map((row) => [
			cell(row, "schema"),
			Number(cell(row, "to version")),
		]),
		SCHEMAS.flatMap(({ name, migrations }) =>
			migrations.map(({ to }) => [name, to]),
		),
	);
	for (const of of SCHEMAS) {
		const path = ":memory:";
		await (await openSqliteStore({ path, schema: of }))[Symbol.asyncDispose]();
	}
});

test("the page names what a store says of itself", () => {
	const history = new History(schema("x", AGENT_SCHEMA.tables));
	assert.deepEqual(
		rowsUnder("Versions", "`store:meta`").map((row) =>
			cell(row, "`store:meta`"),
		),
		[...newestMeta(history).keys()],
	);
	assert.equal(MAX_COPIES, 8);
	assert.match(DOCUMENT, /and so on up to eight/);
});
