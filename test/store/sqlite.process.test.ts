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
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { schema } from "../../src/machine/index.ts";
import { openSqliteSnapshot } from "../../src/store/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { TroubledDisk } from "../support/troubled-disk.ts";
import { assertThere, storeContract } from "./contract.ts";
import {
	both,
	left,
	openAt,
	type Place,
	Script,
	STREAM,
	TABLES,
	wholeNumbers,
} from "./support.ts";

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

	test("a file or a folder that may not be written to is refused", async () => {
		const directory = place().path;
		await mkdir(directory);
		const at = { kind: "sqlite", path: join(directory, "store") } as const;
		const script = `
			const { chmodSync } = await import("node:fs");
			const [file, folder] = [place.path, ${JSON.stringify(directory)}];
			const open = () => support.openAt(place).then(
				(store) => store[Symbol.asyncDispose]().then(() => "opened"),
				(why) => why.code);
			say(await open());
			chmodSync(file, 0o400);
			say(await open());
			chmodSync(file, 0o600);
			chmodSync(folder, 0o500);
			say(await open());
			chmodSync(folder, 0o700);
			say(await open());`;
		await using child = new Script(at, script, {}, OBEYING_MODES);
		await child.exited;
		assert.deepEqual(
			child.lines,
			["opened", "store-failed", "store-failed", "opened"],
			child.stderr,
		);
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

/** Root may write everything, unless it gives that up. */
const OBEYING_MODES =
	process.getuid?.() === 0
		? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
		: [];

describe("SQLite store: looking on", () => {
	const look = (path: string) =>
		openSqliteSnapshot({ path, schema: schema("test", TABLES) });

	test("a snapshot works while another process writes, and never sees half", async () => {
		const at = place();
		await using script = new Script(at, STREAM);
		await script.said(20);
		await using view = await look(at.path);
		let seen = 0;
		for (let round = 0; round < 5; round++) {
			const said = [...script.lines];
			const numbers = await wholeNumbers(view);
			for (const line of said) assert.ok(numbers.has(Number(line)));
			seen = numbers.size;
			await script.said(script.lines.length + 20);
		}
		assert.ok(seen >= 20);
	});

	test("it works where nobody writes, also after a crash, and changes nothing", async () => {
		const at = place();
		await using script = new Script(at, STREAM);
		await script.said(50);
		await script.kill();
		{
			await using view = await look(at.path);
			const numbers = await wholeNumbers(view);
			for (const line of script.lines) assert.ok(numbers.has(Number(line)));
		}
		{
			await using store = await openAt(at);
			await assertThere(store, script.lines);
		}
		const before = await readFile(at.path);
		await using view = await look(at.path);
		assert.ok((await wholeNumbers(view)).size >= 50);
		assert.deepEqual(await readFile(at.path), before);
	});

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

describe("SQLite store: a disk that fails", () => {
	let disk: TroubledDisk;
	before(async () => {
		disk = await TroubledDisk.make();
	});
	after(() => disk[Symbol.asyncDispose]());

	/** A script with `make(trouble)` and `end(trouble)`, and `code` of a promise. */
	const troubled = (at: Place, script: string) =>
		new Script(
			at,
			`
			const { rmSync, writeFileSync } = await import("node:fs");
			const file = (trouble) => ${JSON.stringify(disk.folder)} + "/" + trouble;
			const make = (trouble) => writeFileSync(file(trouble), "");
			const end = (trouble) => rmSync(file(trouble));
			const code = (promise) => promise.then(() => "done", (why) => why.code);
			${script}`,
			disk.env(folder.path),
		);

	test("a full disk is store-full for all that were to share it, and the store goes on when there is room", async () => {
		const at = place();
		await using script = troubled(
			at,
			`
			await using store = await support.openAt(place);
			for (let i = 0; i < 20; i++) await store.transact(support.both(i));
			for (const round of [100, 200, 300]) {
				make("full");
				const codes = await Promise.all([1, 2, 3].map(
					(i) => code(store.transact(support.both(round + i, i * 20_000)))));
				say(codes.join());
				say(await code(store.transact(support.both(round + 4))));
				end("full");
				say(await code(store.transact(support.both(round + 5, 50_000))));
			}
			say((await support.wholeNumbers(store)).size);`,
		);
		await script.exited;
		const round = ["store-full,store-full,store-full", "store-full", "done"];
		assert.deepEqual(
			script.lines,
			[...round, ...round, ...round, "23"],
			script.stderr,
		);
		await using store = await openAt(at);
		const numbers = await wholeNumbers(store);
		assert.deepEqual([...numbers].slice(-4), [19, 105, 205, 305]);
	});

	test("a store that there is no room for is store-full, and can be made later", async () => {
		const at = place();
		await using script = troubled(
			at,
			`
			make("full");
			say(await code(support.openAt(place)));
			end("full");
			await using store = await support.openAt(place);
			say(await store.transact(support.both(1)));`,
		);
		await script.exited;
		assert.deepEqual(script.lines, ["store-full", "1"], script.stderr);
	});

	for (const trouble of ["fsync", "write"] as const)
		for (const ending of ["is closed", "crashes"] as const)
			test(`after a ${trouble} that failed, a store that ${ending} has refused everything, and keeps what it acknowledged`, async () => {
				const at = place();
				await using script = troubled(
					at,
					`
					const store = await support.openAt(place);
					for (let i = 0; i < 20; i++) say(await store.transact(support.both(i, 5000)));
					make("${trouble}");
					const waiting = [100, 101].map((i) => code(store.transact(support.both(i, 5000))));
					say((await Promise.all(waiting)).join());
					say((await store.failed).code);
					end("${trouble}");
					say(await code(store.transact(support.both(102))));
					say(await code(store.snapshot(async () => {})));
					${ending === "crashes" ? 'process.kill(process.pid, "SIGKILL");' : "await store[Symbol.asyncDispose]();"}
					const again = await support.openAt(place);
					say((await support.wholeNumbers(again)).size);`,
				);
				await script.exited;
				assert.deepEqual(
					script.lines.slice(20, 24),
					[
						"store-failed,store-failed",
						...["store-failed", "store-failed", "store-failed"],
					],
					script.stderr,
				);
				if (ending === "is closed")
					assert.match(script.lines[24] ?? script.stderr, /^(20|22)$/);
				await using store = await openAt(at);
				await assertThere(store, script.lines.slice(0, 20));
				// The two shared one commit: both are there or neither is.
				const numbers = await wholeNumbers(store);
				assert.ok([20, 22].includes(numbers.size), `${numbers.size}`);
				assert.equal(await store.transact(both(500)), 500);
			});
});
