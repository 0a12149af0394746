import assert from "node:assert/strict";
import {
	chmod,
	mkdir,
	readFile,
	stat,
	symlink,
	writeFile,
} from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import { byKey, done, reading, schema } from "../../src/machine/index.ts";
import { openSqliteSnapshot } from "../../src/store/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { storeContract } from "./contract.ts";
import { both, left, openAt, TABLES, wholeNumbers } from "./support.ts";

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
let stores = 0;
const place = () =>
	({ kind: "sqlite", path: join(folder.path, `store-${++stores}`) }) as const;

storeContract("SQLite", { make: place });
storeContract("SQLite in memory", {
	make: () => ({ kind: "sqlite", path: ":memory:" }),
	inMemory: true,
});

describe("SQLite store: its files", () => {
	test("only their owner may read them", async () => {
		const at = place();
		await using store = await openAt(at);
		await store.transact(both(1));
		for (const end of ["", "-wal", "-shm", ".lock"])
			assert.equal((await stat(at.path + end)).mode & 0o777, 0o600, end);
	});

	test("a file that others may read is refused with the command that closes it", async () => {
		const { path } = place();
		await writeFile(path, "");
		await chmod(path, 0o640);
		await assert.rejects(openAt({ kind: "sqlite", path }), {
			code: "store-failed",
			message: /chmod 600/,
		});
	});

	test("its lock is one, however it is reached", async () => {
		const { path } = place();
		await using _ = await openAt({ kind: "sqlite", path });
		const link = `${place().path}-link`;
		await symlink(path, link);
		const around = join(folder.path, ".", "x", "..", basename(path));
		for (const other of [link, relative(process.cwd(), path), around])
			await assert.rejects(openAt({ kind: "sqlite", path: other }), {
				code: "busy",
			});
	});

	test("what is no store is refused with one sentence, and left as it was", async () => {
		const notes = place().path;
		await writeFile(notes, "dear diary, ".repeat(1000), { mode: 0o600 });
		const foreign = place().path;
		{
			using database = new DatabaseSync(foreign);
			database.exec("CREATE TABLE other (a)");
		}
		await chmod(foreign, 0o600);
		const newer = place().path;
		await (await openAt({ kind: "sqlite", path: newer }))[
			Symbol.asyncDispose
		]();
		{
			using database = new DatabaseSync(newer);
			database.exec(
				`UPDATE "store:meta" SET value = '2' WHERE name = 'version'`,
			);
		}
		const inside = join(place().path, "store");
		const directory = place().path;
		await mkdir(directory);
		const cases: [string, RegExp][] = [
			[notes, /not a database/],
			[foreign, /another program/],
			[newer, /version 2/],
			[inside, /its folder is there/],
			[directory, /not a file/],
			[join(notes, "store"), /cannot be used/],
		];
		for (const [path, message] of cases) {
			const before = await readFile(path).catch(() => undefined);
			const refusal = { code: "store-failed", message };
			await assert.rejects(openAt({ kind: "sqlite", path }), refusal);
			await assert.rejects(openAt({ kind: "sqlite", path }), refusal, "again");
			assert.deepEqual(await readFile(path).catch(() => undefined), before);
		}
	});

	test("tables that are not what the store says of itself are refused, and left as they are", async () => {
		const cases: [string, string][] = [
			['DROP INDEX "things:by_label"', "things"],
			[
				'DROP INDEX "things:by_label"; CREATE INDEX "things:by_label" ON things (label, number, owner)',
				"things",
			],
			[
				'DROP INDEX "things:by_label"; CREATE UNIQUE INDEX "things:by_label" ON things (label, owner, number)',
				"things",
			],
			["ALTER TABLE counters ADD COLUMN other INTEGER", "counters"],
			["ALTER TABLE right_half RENAME COLUMN bytes TO octets", "right_half"],
			["DROP TABLE left_half", "left_half"],
			[
				"DROP TABLE left_half; CREATE TABLE left_half (number INTEGER NOT NULL)",
				"left_half",
			],
			[
				"DROP TABLE left_half; CREATE TABLE left_half (number TEXT NOT NULL PRIMARY KEY)",
				"left_half",
			],
			["CREATE TABLE further (number INTEGER PRIMARY KEY)", "further"],
			[
				"CREATE TRIGGER spy AFTER INSERT ON left_half BEGIN DELETE FROM right_half; END",
				"left_half",
			],
		];
		for (const [change, table] of cases) {
			const at = place();
			{
				await using store = await openAt(at);
				await store.transact(both(1));
			}
			{
				using database = new DatabaseSync(at.path);
				database.exec(change);
			}
			const before = await readFile(at.path);
			const message = new RegExp(
				`has other tables than .*\\(${table} differs\\)`,
			);
			const refusal = { code: "store-failed", message };
			await assert.rejects(openAt(at), refusal, change);
			const schemaOf = schema("test", TABLES);
			await assert.rejects(
				openSqliteSnapshot({ path: at.path, schema: schemaOf }),
				refusal,
				change,
			);
			assert.deepEqual(await readFile(at.path), before, change);
		}
	});

	test("a damaged page is noticed when the store is opened", async () => {
		const at = place();
		{
			await using store = await openAt(at);
			for (let i = 0; i < 50; i++) await store.transact(both(i, 2000));
		}
		const bytes = await readFile(at.path);
		for (const page of [1, 5, 10]) {
			const damaged = Uint8Array.from(bytes);
			damaged.fill(0xa5, page * 4096, page * 4096 + 64);
			await writeFile(at.path, damaged);
			await assert.rejects(openAt(at), { code: "store-failed" }, `${page}`);
		}
		await writeFile(at.path, bytes);
		await using store = await openAt(at);
		assert.equal((await wholeNumbers(store)).size, 50);
	});

	test("another program that writes to the file makes it busy, and the store goes on", async () => {
		const at = place();
		await using store = await openAt(at);
		{
			using other = new DatabaseSync(at.path);
			other.exec("BEGIN IMMEDIATE");
			await assert.rejects(store.transact(both(1)), { code: "busy" });
		}
		await store.transact(both(1));
		assert.deepEqual([...(await wholeNumbers(store))], [1]);
	});
});

describe("SQLite store: looking on", () => {
	const look = (path: string) =>
		openSqliteSnapshot({ path, schema: schema("test", TABLES) });

	test("it stands in nobody's way", async () => {
		const at = place();
		await (await openAt(at))[Symbol.asyncDispose]();
		await using view = await look(at.path);
		await view.snapshot(async (scan) => {
			await using store = await openAt(at);
			for (let i = 0; i < 500; i++) await store.transact(both(i, 4000));
			for await (const _ of scan({ table: left })) assert.fail("not there");
		});
	});

	test("a store that is being made is waited for, and nothing is not taken for one", async () => {
		const { path } = place();
		await writeFile(path, "", { mode: 0o600 });
		const looking = look(path);
		await (await openAt({ kind: "sqlite", path }))[Symbol.asyncDispose]();
		await using view = await looking;
		await view.snapshot(async (scan) => {
			for await (const _ of scan({ table: left })) assert.fail("not there");
		});
		const nothing = place().path;
		await writeFile(nothing, "", { mode: 0o600 });
		await assert.rejects(look(nothing), {
			code: "store-failed",
			message: /has nothing in it yet/,
		});
	});

	test("where no store is, it says so and makes none", async () => {
		const { path } = place();
		await assert.rejects(look(path), { code: "store-failed" });
		await assert.rejects(stat(path), { code: "ENOENT" });
		await (await openAt({ kind: "sqlite", path }))[Symbol.asyncDispose]();
		await assert.rejects(
			openSqliteSnapshot({ path, schema: schema("test", [left]) }),
			{
				code: "store-failed",
			},
		);
	});
});

describe("SQLite store: what it reads by", () => {
	test("no statement has a parameter alone for its limit, which would have SQLite compile it again each time", async (t) => {
		const texts = new Set<string>();
		const { all } = StatementSync.prototype;
		t.after(() => {
			StatementSync.prototype.all = all;
		});
		StatementSync.prototype.all = function (
			this: StatementSync,
			...values: Parameters<typeof all>
		) {
			texts.add(this.sourceSQL);
			return all.apply(this, values);
		} as typeof all;
		await using store = await openAt(place());
		await store.transact(both(1));
		assert.deepEqual([...(await wholeNumbers(store))], [1]);
		await store.transact(
			reading([byKey(left, { number: 1n })], ([[row]]) => done([], row)),
		);
		assert.ok(texts.size > 1);
		for (const text of texts) assert.doesNotMatch(text, /LIMIT \?$/);
	});
});
