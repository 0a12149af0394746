/* What an owner is told of a token that is to be taken back, and is not. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readHome } from "../../../src/device/home/index.ts";
import { MintServer } from "../../../src/device/mint/mint-server.ts";
import { Purse } from "../../../src/device/purse/purse.ts";
import {
	createPurse,
	defaultUndeposited,
	purseStorePath,
} from "../../../src/device/purse/purse-home.ts";
import type { Owner } from "../../../src/device/purse/purse-owner.ts";
import { MoneyModule } from "../../../src/device/runtime/index.ts";
import { openModule } from "../../../src/device/service/index.ts";
import { purseTables } from "../../../src/money/index.ts";
import { openSqliteStore } from "../../../src/store/index.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { Homes } from "../../support/homes.ts";
import { moduleOf, termsOf } from "../purse-support.ts";

const owner = () => assert.fail("this purse has no owner's secret");
const noOwner = (): Owner => "unsafe-no-owner";

test("a token that is not taken back is not told as if that was done", async () => {
	await using folder = await temporaryFolder();
	const homes = await Homes.make(folder.path);
	const home = homes.of("X");
	await using mint = await MintServer.open({ path: homes.at("mint.db") });
	const terms = termsOf(await moduleOf("Y", "issuer.example"));
	const undeposited = defaultUndeposited(terms);
	await createPurse(home, [{ terms, undeposited }], noOwner, {
		mints: [{ url: mint.url, unit: "sat", isPlay: true }],
	});
	await using module = await openModule(home);
	await module.mintEcash(50n, { owner, waitMs: 60_000 });
	const { request } = await module.sendEcash(20n, { owner, waitMs: 60_000 });
	const takeBack = (waitMs = 60_000) =>
		module.takeBackEcash(request, { owner, waitMs });
	{
		// Somebody has the purse who takes no orders.
		const schema = purseTables.PURSE_SCHEMA;
		await using _ = await openSqliteStore({
			path: purseStorePath(home),
			schema,
		});
		await assert.rejects(takeBack(300), { code: "timed-out" });
	}
	{
		// A module that was started before its owner named the mint.
		const path = join(home, "purse.json");
		const settings = await readFile(path, "utf8");
		const named = { ...JSON.parse(settings), mints: [] };
		await writeFile(path, JSON.stringify(named), { mode: 0o600 });
		await using deviceHome = await readHome(home, "module");
		await using purse = await Purse.openHome(home);
		await using _ = new MoneyModule({ ...deviceHome, purse });
		await writeFile(path, settings, { mode: 0o600 });
		await assert.rejects(takeBack(), { code: "busy" });
	}
	const { state, returned } = await takeBack();
	assert.deepEqual({ state, returned }, { state: "taken-back", returned: 20n });
});
