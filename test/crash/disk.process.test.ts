/* The disk of the crash harness: what was synced stays at a power cut, and what was not is lost. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { compileDisk, Disk } from "../../crash/disk.ts";
import { dice } from "../support/dice.ts";
import { temporaryFolder } from "../support/folders.ts";
import { run } from "../support/processes.ts";

/** Dice by which all is lost that may be. */
const ALL_LOST = () => 0;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let library: string | undefined;
let disks = 0;

before(async () => {
	folder = await temporaryFolder();
	library = await compileDisk(folder.path);
	// With a compiler missing, the tests below skip, and in CI they fail.
	assert.ok(library !== undefined || process.env["CI"] !== "true", "no cc");
});
after(() => folder[Symbol.asyncDispose]());

/** Runs a program whose folder `at` is on a disk; it dies as if the power were cut at its end. */
async function onDisk(
	program: string,
	lies = false,
): Promise<{ readonly disk: Disk; readonly at: string }> {
	const root = join(realpathSync(folder.path), `disk-${++disks}`);
	const at = join(root, "files");
	mkdirSync(at, { recursive: true });
	const disk = new Disk(library ?? "", at, join(root, "notes"), lies);
	const file = join(root, "program.mjs");
	await writeFile(
		file,
		`import fs from "node:fs/promises";
import { rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
const at = ${JSON.stringify(at)};
${program}
process.kill(process.pid, "SIGKILL");`,
	);
	const { signal, stderr } = await run([], { program: file, env: disk.env });
	assert.equal(signal, "SIGKILL", stderr);
	return { disk, at };
}

const SYNC_FOLDER = `{ const folder = await fs.open(at); await folder.sync(); await folder.close(); }`;

const DATABASE = `
const database = new DatabaseSync(at + "/rows.db");
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
database.exec("CREATE TABLE rows (row)");
for (let row = 0; row < 100; row++)
	database.exec("INSERT INTO rows VALUES (randomblob(300))");
database.exec("BEGIN; INSERT INTO rows VALUES (randomblob(300000))");`;

function rowsAt(at: string): unknown {
	using database = new DatabaseSync(join(at, "rows.db"));
	return database.prepare("SELECT count(*) AS rows FROM rows").get()?.["rows"];
}

describe("a disk that loses its power", () => {
	const skip = (t: { skip(why: string): void }) => {
		if (library === undefined) t.skip("there is no cc");
		return library === undefined;
	};

	test("loses what was written and not synced", async (t) => {
		if (skip(t)) return;
		const { disk, at } = await onDisk(`
await fs.writeFile(at + "/file", "old");
const file = await fs.open(at + "/file", "r+");
await file.sync();
${SYNC_FOLDER}
await file.writeFile("new and longer");
await fs.writeFile(at + "/other", "nothing of this");`);
		const cut = disk.cut(ALL_LOST);
		assert.equal(cut.fate, "lost");
		assert.deepEqual(readdirSync(at), ["file"]);
		assert.equal(readFileSync(join(at, "file"), "utf8"), "old");
	});

	test("keeps what was synced, and its name with its folder", async (t) => {
		if (skip(t)) return;
		const { disk, at } = await onDisk(`
const file = await fs.open(at + "/draft", "w");
await file.writeFile("all of it");
await file.sync();
await file.close();
await fs.rename(at + "/draft", at + "/file");
${SYNC_FOLDER}
await fs.rename(at + "/file", at + "/elsewhere");`);
		disk.cut(ALL_LOST);
		assert.deepEqual(readdirSync(at), ["file"]);
		assert.equal(readFileSync(join(at, "file"), "utf8"), "all of it");
	});

	test("has back what was taken away, written over, emptied or made beside it", async (t) => {
		if (skip(t)) return;
		const { disk, at } = await onDisk(`
for (const name of ["one", "two", "three", "four"]) {
	const file = await fs.open(at + "/" + name, "w");
	await file.writeFile(name);
	await file.sync();
	await file.close();
}
${SYNC_FOLDER}
await fs.rm(at + "/one");
await fs.rename(at + "/two", at + "/three");
writeFileSync(at + "/four", "");
await fs.mkdir(at + "/folder");
await fs.symlink("nowhere", at + "/link");
rmSync(at + "/four");`);
		disk.cut(ALL_LOST);
		assert.deepEqual(readdirSync(at).sort(), ["four", "one", "three", "two"]);
		for (const name of readdirSync(at))
			assert.equal(readFileSync(join(at, name), "utf8"), name);
	});

	test("leaves a database with all that was committed, whatever is torn", async (t) => {
		if (skip(t)) return;
		for (let seed = 1; seed <= 6; seed++) {
			const { disk, at } = await onDisk(DATABASE);
			disk.cut(dice(seed));
			assert.equal(rowsAt(at), 100, `seed ${seed}`);
		}
	});

	test("that lies has lost it", async (t) => {
		if (skip(t)) return;
		const { disk, at } = await onDisk(DATABASE, true);
		disk.cut(ALL_LOST);
		// The index of the log is shared memory, and not noted.
		assert.deepEqual(readdirSync(at), ["rows.db-shm"]);
	});

	test("says so when something was changed past it", async (t) => {
		if (skip(t)) return;
		const { disk, at } = await onDisk(
			`await fs.writeFile(at + "/file", "noted");
${SYNC_FOLDER}`,
		);
		await writeFile(join(at, "file"), "not noted");
		assert.throws(() => disk.cut(ALL_LOST), /did not note/);
	});
});
