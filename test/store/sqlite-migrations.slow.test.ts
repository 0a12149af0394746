import assert from "node:assert/strict";
import {
	chmod,
	copyFile,
	link,
	readFile,
	stat,
	symlink,
	writeFile,
} from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { openSqliteSnapshot } from "../../src/store/index.ts";
import { MAX_COPIES } from "../../src/store/limits.ts";
import {
	diaryFirst,
	migrationContract,
	VERSIONS,
} from "./migration-contract.ts";
import { openSchema } from "./place.ts";
import {
	copies,
	filled,
	isBroughtOver,
	isThereStill,
	make,
	NOTES,
	pathOf,
	ROWS,
} from "./sqlite-migrations.ts";

migrationContract("SQLite", {
	make,
	copies,
	runs: 60,
	async forget(place, name) {
		using database = new DatabaseSync(pathOf(place));
		database.prepare(`DELETE FROM "store:meta" WHERE name = ?`).run(name);
	},
});

test("a store that has as many copies as there may be is not changed", async () => {
	const { path } = await filled();
	for (let number = 1; number <= MAX_COPIES; number++)
		await writeFile(
			`${path}.version-1${number === 1 ? "" : `-${number}`}`,
			NOTES,
			{ mode: 0o600 },
		);
	await assert.rejects(openSchema({ kind: "sqlite", path }, VERSIONS[4]), {
		code: "store-failed",
		message: /move the oldest away/,
	});
	await isThereStill(path);
});

test("a copy that others may read is not taken for one", async () => {
	const { path } = await filled();
	const place = { kind: "sqlite", path } as const;
	await (await openSchema(place, VERSIONS[2]))[Symbol.asyncDispose]();
	const [copy = ""] = await copies.list(place);
	const old = make();
	await copyFile(copy, old.path);
	await copyFile(copy, `${old.path}.version-1`);
	await chmod(`${old.path}.version-1`, 0o644);
	await isBroughtOver(old.path);
	assert.equal((await copies.list(old)).length, 2);
});

for (const [what, put] of [
	["a link to the store itself", symlink],
	["another name of the store itself", link],
	["a link to nothing", (path: string, at: string) => symlink(`${path}-`, at)],
] as const)
	test(`${what} is not taken for its copy`, async () => {
		const { path } = await filled();
		const place = { kind: "sqlite", path } as const;
		await put(path, `${path}.version-1`);
		await isBroughtOver(path);
		const copy = `${path}.version-1-2`;
		assert.notEqual((await stat(copy)).ino, (await stat(path)).ino);
		await isThereStill(pathOf(await copies.restore(place, copy)));
	});

test("a store of another version is not taken for a copy, though its rows are the same", async () => {
	const { path } = await filled();
	const place = { kind: "sqlite", path } as const;
	await (await openSchema(place, VERSIONS[2]))[Symbol.asyncDispose]();
	const [copy = ""] = await copies.list(place);
	const old = make();
	await copyFile(copy, old.path);
	await copyFile(copy, `${old.path}.version-1`);
	{
		using database = new DatabaseSync(`${old.path}.version-1`);
		database.exec(`UPDATE "store:meta" SET value = '2' WHERE name = 'version'`);
	}
	await isBroughtOver(old.path);
	assert.equal((await copies.list(old)).length, 2);
});

describe("SQLite store: looking on at another version", () => {
	test("an older one is refused with what brings it over, and is not changed", async () => {
		const { path } = await filled();
		const before = await readFile(path);
		for (const version of [2, 4] as const)
			await assert.rejects(
				openSqliteSnapshot({ path, schema: VERSIONS[version] }),
				{
					code: "store-failed",
					message: /version 1 .*reads version \d.*for writing once/,
				},
			);
		assert.deepEqual(await readFile(path), before);
		await isBroughtOver(path);
		await assert.rejects(openSqliteSnapshot({ path, schema: VERSIONS[1] }), {
			code: "store-failed",
			message: /version 4 .*version 1/,
		});
	});

	test("who looked on before goes on seeing what was there", async () => {
		const { path } = await filled();
		await using view = await openSqliteSnapshot({ path, schema: VERSIONS[1] });
		await view.snapshot(async (scan) => {
			const entries = scan({ table: diaryFirst })[Symbol.asyncIterator]();
			await entries.next();
			await isBroughtOver(path);
			let rest = 0;
			while ((await entries.next()).done !== true) rest++;
			assert.equal(rest, ROWS.diary.length - 1);
		});
		await assert.rejects(
			view.snapshot(async () => {}),
			{ code: "store-failed", message: /version 4/ },
		);
	});
});
