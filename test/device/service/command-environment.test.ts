import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { commandEnvironment } from "../../../src/device/service/index.ts";
import type { Side } from "../../../src/device/side/index.ts";
import { temporaryFolder } from "../../support/folders.ts";

const environment = {
	PATH: "/bin",
	AGENT_PHRASE: "a",
	MODULE_PIN: "b",
	OTHER_PIN: "c",
	DATABASE: "postgres://shop:password@db/shop",
};

const module: Side["module"] = {
	home: "/shop/module",
	at: { kind: "unix", path: "/shop/run/link.sock" },
	runs: "inside-agent",
};

test("a command that makes goods finds no variable in which a secret of the side stands, nor where its store is", async () => {
	await using folder = await temporaryFolder();
	const { path: home } = folder;
	await writeFile(
		join(home, "store.json"),
		JSON.stringify({
			version: 1,
			database: { env: "DATABASE" },
			namespace: "shop",
		}),
		{ mode: 0o600 },
	);
	const side = {
		module,
		furtherModules: [
			{
				...module,
				home: "/shop/other",
				secrets: { pin: { env: "OTHER_PIN" } },
			},
		],
		secrets: {
			agent: { passphrase: { env: "AGENT_PHRASE" } },
			module: { passphrase: { file: "/phrase" }, pin: { env: "MODULE_PIN" } },
		},
	};
	assert.deepEqual(await commandEnvironment(home, side, environment), {
		PATH: "/bin",
	});
});

test("and finds all others", async () => {
	await using folder = await temporaryFolder();
	assert.deepEqual(
		await commandEnvironment(folder.path, undefined, environment),
		environment,
	);
});
