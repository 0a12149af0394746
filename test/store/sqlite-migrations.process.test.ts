import assert from "node:assert/strict";
import { realpathSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { compileDisk, Disk } from "../../crash/disk.ts";
import { dice } from "../support/dice.ts";
import { temporaryFolder } from "../support/folders.ts";
import { TroubledDisk } from "../support/troubled-disk.ts";
import { Script } from "./script.ts";
import {
	copies,
	filled,
	isBroughtOver,
	isThereStill,
	pathOf,
} from "./sqlite-migrations.ts";

const CONTRACT = new URL("migration-contract.ts", import.meta.url).href;
const BRING = `
	const { VERSIONS } = await import(${JSON.stringify(CONTRACT)});
	const opened = support.openSchema(place, VERSIONS[4]);
	await opened.then(
		(store) => store[Symbol.asyncDispose]().then(() => say("opened")),
		({ code, message }) => say(code + ": " + message));`;

describe("SQLite store: a migration that is killed", () => {
	const CRASH = fileURLToPath(
		new URL("../support/crash-statements.mjs", import.meta.url),
	);

	/** Kills it at each step; with a library, the power goes with it. */
	const walkAll = async (library?: string): Promise<void> => {
		let [killed, before, after] = [0, 0, 0];
		const walk = async (step: number): Promise<boolean> => {
			const { path } = await filled();
			const folder = realpathSync(dirname(path));
			const disk = library && new Disk(library, folder, `${folder}-disk`);
			await using script = new Script({ kind: "sqlite", path }, BRING, {
				NODE_OPTIONS: `--import=${CRASH}`,
				TETRAD_TEST_CRASH_AT: `${step}`,
				...(disk ? disk.env : {}),
			});
			await script.exited;
			const isOver = script.lines.includes("opened");
			if (!isOver) killed++;
			if (disk) {
				disk.cut(dice(step));
				await rm(`${folder}-disk`, { recursive: true });
			}
			const version = versionOf(path);
			if (version === "4") after++;
			else {
				before++;
				assert.equal(version, "1");
				assert.ok(!isOver, "it was said to be over");
				// An old program goes on with it, too.
				if (step % 2 === 0) await isThereStill(path);
			}
			await isBroughtOver(path);
			const place = { kind: "sqlite", path } as const;
			const [copy = "", ...more] = await copies.list(place);
			assert.deepEqual(more, [], `${step}`);
			const restored = await copies.restore(place, copy);
			await isThereStill(pathOf(restored));
			assert.deepEqual(
				(await readdir(dirname(path))).filter(
					(name) => name === `${basename(path)}.copying`,
				),
				[],
			);
			return isOver;
		};
		for (let step = 1; !(await walk(step)); step++)
			assert.ok(step < 200, "it comes to its end");
		assert.ok(
			killed > 40 && before > 40 && after > 0,
			`${killed} ${before} ${after}`,
		);
	};

	test("loses nothing at any of its steps, and the next open goes on with one copy", () =>
		walkAll());

	test("nor when the power goes at any of them, and what was not synced", async (t) => {
		await using folder = await temporaryFolder();
		const library = await compileDisk(folder.path);
		if (library === undefined) {
			assert.notEqual(process.env["CI"], "true", "there is no cc");
			return t.skip("there is no cc");
		}
		await walkAll(library);
	});
});

function versionOf(path: string): unknown {
	using database = new DatabaseSync(path);
	const row = database
		.prepare(`SELECT value FROM "store:meta" WHERE name = 'version'`)
		.get();
	return row?.["value"];
}

describe("SQLite store: a migration on a disk that fails", () => {
	let disk: TroubledDisk;
	before(async () => {
		disk = await TroubledDisk.make();
	});
	after(() => disk[Symbol.asyncDispose]());

	for (const [part, what, message] of [
		[".copying", "the copy", /no room for a copy .* nothing was changed/],
		["-wal", "what changes", /no room for .* nothing was written/],
	] as const)
		test(`no room for ${what} is store-full, and nothing is changed; with room it goes on`, async () => {
			const { path } = await filled();
			await disk.make("full");
			try {
				await using script = new Script(
					{ kind: "sqlite", path },
					BRING,
					disk.env(part),
				);
				await script.exited;
				assert.match(script.lines[0] ?? script.stderr, /^store-full/);
				assert.match(script.lines[0] ?? "", message);
			} finally {
				await disk.end("full");
			}
			await isThereStill(path);
			await isBroughtOver(path);
			assert.equal((await copies.list({ kind: "sqlite", path })).length, 1);
		});

	test("a copy that cannot be brought to the disk is none, and nothing is changed", async () => {
		const { path } = await filled();
		await disk.make("fsync");
		try {
			await using script = new Script(
				{ kind: "sqlite", path },
				BRING,
				disk.env(".copying"),
			);
			await script.exited;
			assert.match(script.lines[0] ?? script.stderr, /^store-failed/);
		} finally {
			await disk.end("fsync");
		}
		assert.deepEqual(await copies.list({ kind: "sqlite", path }), []);
		await isThereStill(path);
		await isBroughtOver(path);
	});
});
