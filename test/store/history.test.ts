/* A schema whose migrations do not lead to its tables is a mistake, and noticed before anything is opened. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
	addColumn,
	type MigrationStep,
	rewrite,
	type Schema,
	schema,
	table,
} from "../../src/machine/index.ts";
import { History } from "../../src/store/history.ts";
import { VERSIONS } from "./migration-contract.ts";

const first = table("first", { id: "bytes", more: "text" }, ["id"], {
	by_more: ["more"],
});
const second = table("second", { id: "bytes" }, ["id"]);

test("the tables of each version are those of the program that knew no other", () => {
	const history = new History(VERSIONS[4]);
	for (const version of [1, 2, 3, 4] as const)
		assert.equal(
			history.tablesOf(version)?.describe(),
			new History(VERSIONS[version]).newest.describe(),
		);
	assert.equal(history.tablesOf(0), undefined);
	assert.equal(history.tablesOf(5), undefined);
});

test("migrations that cannot have led to the tables are refused", () => {
	const wrong: Readonly<Record<string, MigrationStep>> = {
		"a table that is not there": { kind: "add-table", table: second },
		"a table that is another": {
			kind: "add-table",
			table: { ...first, indexes: {} },
		},
		"a table that is there still": { kind: "drop-table", table: first },
		"a column that is not there": addColumn("first", "none", "text", ""),
		"a column of another type": addColumn("first", "id", "text", ""),
		"a column of a table that is not there": addColumn("x", "id", "text", ""),
		"a column that is there still": {
			kind: "drop-column",
			table: "first",
			column: "more",
			type: "text",
		},
		"a column of the key": addColumn("first", "id", "bytes", new Uint8Array()),
		"an index that is not there": {
			kind: "add-index",
			table: "first",
			index: "by_id",
			columns: ["id"],
		},
		"an index of other columns": {
			kind: "add-index",
			table: "first",
			index: "by_more",
			columns: ["id"],
		},
		"an index that is there still": {
			kind: "drop-index",
			table: "first",
			index: "by_more",
			columns: ["more"],
		},
		"rows into what is not there": rewrite(first, second, ({ id }) => ({ id })),
	};
	for (const [what, step] of Object.entries(wrong))
		assert.throws(
			() => new History(schema("x", [first], { to: 2, steps: [step] })),
			{ code: "internal" },
			what,
		);
});

test("versions without a gap, and a name of small letters", () => {
	const refused: readonly Schema[] = [
		schema("x", [first], { to: 3, steps: [] }),
		schema("x", [first], { to: 2, steps: [] }, { to: 2, steps: [] }),
		schema("X", [first]),
		schema("", [first]),
	];
	for (const one of refused)
		assert.throws(() => new History(one), { code: "internal" });
	assert.equal(
		new History(schema("x", [first], { to: 2, steps: [] })).version,
		2,
	);
});
