import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
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

	test("loses nothing at any of its steps, and the next open goes on with one copy", async () => {
		let [killed, before, after] = [0, 0, 0];
		const walk = async (step: number): Promise<boolean> => {
			const { path } = await filled();
			await using script = new Script({ kind: "sqlite", path }, BRING, {
				NODE_OPTIONS: `--import=${CRASH}`,
				TETRAD_TEST_CRASH_AT: `${step}`,
			});
			await script.exited;
			const isOver = script.lines.includes("opened");
			if (!isOver) killed++;
			const version = versionOf(path);
			if (version === "4") after++;
			else {
				before++;
				assert.equal(version, "1");
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
