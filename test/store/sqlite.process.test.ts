import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { schema } from "../../src/machine/index.ts";
import { openSqliteSnapshot } from "../../src/store/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { TroubledDisk } from "../support/troubled-disk.ts";
import { assertThere } from "./contract.ts";
import { processesContract } from "./contract-of-processes.ts";
import { Script, STREAM } from "./script.ts";
import { both, openAt, type Place, TABLES, wholeNumbers } from "./support.ts";

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
let stores = 0;
const place = () =>
	({ kind: "sqlite", path: join(folder.path, `store-${++stores}`) }) as const;

processesContract("SQLite", { make: place });

/** Root may write everything, unless it gives that up. */
const OBEYING_MODES =
	process.getuid?.() === 0
		? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
		: [];

describe("SQLite store: its files", () => {
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
});

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

	test("a store that was closed is store-full while its disk has no room to open it, and not changed", async () => {
		const at = place();
		await using script = troubled(
			at,
			`
			{
				await using store = await support.openAt(place);
				await store.transact(support.both(1));
			}
			make("full");
			try {
				await support.openAt(place);
			} catch (why) {
				say(why.code + " " + why.message);
			}
			end("full");
			await using store = await support.openAt(place);
			say((await support.wholeNumbers(store)).size);`,
		);
		await script.exited;
		const [said = "", numbers] = script.lines;
		assert.match(said, /^store-full there is no room for .*: make room/);
		assert.equal(numbers, "1", script.stderr);
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
