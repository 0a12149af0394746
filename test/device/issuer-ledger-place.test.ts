import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import type { DatabaseLocation } from "../../src/device/home/index.ts";
import {
	placeLedger,
	readIssuerSettings,
} from "../../src/device/issuer/index.ts";
import { temporaryFolder } from "../support/folders.ts";

const SETTINGS = {
	version: 1,
	currency: "PLAY",
	exponent: 2,
	play: true,
	noteDays: 90,
	graceDays: 7,
};

const DEVICE = {
	version: 2,
	role: "module",
	name: "mint",
	key: { file: "key" },
};

async function issuerHome(database?: DatabaseLocation) {
	const folder = await temporaryFolder();
	const settings =
		database === undefined ? SETTINGS : { ...SETTINGS, database };
	for (const [file, content] of [
		["device.json", DEVICE],
		["issuer.json", settings],
	] as const)
		await writeFile(`${folder.path}/${file}`, JSON.stringify(content), {
			mode: 0o600,
		});
	return folder;
}

describe("where the ledger of an issuer is", () => {
	test("is said once: what runs it and what its operator does read the same place", async () => {
		await using home = await issuerHome();
		const database = { file: "/etc/mint/database" };
		const placed = await placeLedger(home.path, database);
		assert.deepEqual(placed.database, database);
		assert.deepEqual(await readIssuerSettings(home.path), placed);
		assert.deepEqual(await placeLedger(home.path, undefined), placed);
	});

	test("may be the same server under another file", async () => {
		await using home = await issuerHome({ file: "/etc/old" });
		const placed = await placeLedger(home.path, { file: "/etc/new" });
		assert.deepEqual(placed.database, { file: "/etc/new" });
		assert.deepEqual(await readIssuerSettings(home.path), placed);
	});

	test("waits for a standby from when that is said until the settings say otherwise", async () => {
		await using home = await issuerHome({ env: "LEDGER" });
		const placed = await placeLedger(home.path, { synchronous: true });
		assert.deepEqual(placed.database, { env: "LEDGER", synchronous: true });
		const file = "/etc/new";
		const moved = await placeLedger(home.path, { file });
		assert.deepEqual(moved.database, { file, synchronous: true });
		assert.deepEqual(await readIssuerSettings(home.path), moved);
	});

	test("waits for no standby in the home", async () => {
		await using home = await issuerHome();
		await assert.rejects(placeLedger(home.path, { synchronous: true }), {
			code: "invalid-argument",
			message: /--database-file/,
		});
		const { database } = await readIssuerSettings(home.path);
		assert.equal(database, undefined);
	});

	test("is not a server when there is a ledger in the home", async () => {
		await using home = await issuerHome();
		await writeFile(`${home.path}/ledger.db`, "", { mode: 0o600 });
		await assert.rejects(placeLedger(home.path, { file: "/etc/new" }), {
			code: "home-unusable",
			message: /ledger\.db/,
		});
		const { database } = await readIssuerSettings(home.path);
		assert.equal(database, undefined);
	});
});
