/* Money that goes the whole way round, by the commands that owners and operators give. */
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { Authority } from "../../src/device/authority/authority.ts";
import { readRoots } from "../../src/device/authority/authority-home.ts";
import { issueDeviceHome } from "../../src/device/authority/issue-device-home.ts";
import { readCertificates } from "../../src/device/home/files.ts";
import { writePairing } from "../../src/device/home/home.ts";
import { readPolicy } from "../../src/device/home/policy-file.ts";
import { moduleIdOf } from "../../src/device/purse/purse-home.ts";
import { encodeChain, validateChain } from "../../src/identity/index.ts";
import { hex } from "../../src/wire/index.ts";
import { done } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import {
	Command,
	run,
	startCaller,
	startModule,
	startServer,
} from "../support/processes.ts";

/** An issuer's module and its agent, paired. */
async function makeMint(homes: Homes): Promise<void> {
	for (const [authority, other, name] of [
		["agency", "bank", "clerk"],
		["bank", "agency", "mint"],
	] as const)
		await issueDeviceHome(await Authority.open(homes.at(authority)), {
			home: homes.at(name),
			name,
			algorithm: "P-256",
			trust: await readRoots(homes.at(other)),
		});
	const { agencies } = await readPolicy(homes.at("clerk"));
	const chain = encodeChain(
		await readCertificates(homes.at("clerk", "chain.pem")),
	);
	const clerk = validateChain(nodeCrypto, chain, "agent", agencies, Date.now());
	const key = nodeCrypto.random(32);
	const mintId = await moduleIdOf(homes.at("mint"));
	await writePairing(homes.at("clerk"), { peerDeviceId: mintId, key }, "mint");
	await writePairing(
		homes.at("mint"),
		{ peerDeviceId: clerk.deviceId, key },
		"clerk",
	);
}

interface Shown {
	readonly settled: boolean;
	readonly balances: readonly {
		spendable: string;
		toDeposit: string;
		play: boolean;
	}[];
}

test("an owner withdraws, agents pay, and the payee deposits: each in one command", async () => {
	await using folder = await temporaryFolder();
	const homes = await Homes.make(folder.path);
	await makeMint(homes);
	await writeFile(homes.at("owner"), "correct horse\n", { mode: 0o600 });
	const { terms } = await done(["issuer", "init", "--home", homes.at("mint")]);
	await using issuer = new Command([
		...["issuer", "run", "--json", "--home", homes.at("mint")],
		...["--listen", homes.socket("mint"), "--http", "127.0.0.1:0"],
	]);
	await issuer.expect("listening");
	await using clerk = new Command([
		...["agent", "--json", "--home", homes.at("clerk")],
		...["--module", homes.socket("mint"), "--listen", "127.0.0.1:0"],
	]);
	const { address: issuerAt } = await clerk.expect("listening");
	await done([
		...["issuer", "credit", "--home", homes.at("mint"), "--amount", "100.00"],
		...["--account", hex(await moduleIdOf(homes.of("X")))],
	]);
	const owner = ["--owner-passphrase-file", homes.at("owner")];
	for (const place of ["X", "Y"] as const)
		await done([
			...["purse", "create", "--home", homes.of(place)],
			...["--issuer", String(terms), ...owner],
		]);
	await using X = await startModule(homes, "X");
	await using _ = await startModule(homes, "Y");
	const at = (place: "X" | "Y") => [
		...["--home", homes.of(place)],
		...["--agent", homes.of(place === "X" ? "A" : "B")],
		...["--module", homes.socket(place), "--issuer-at", issuerAt],
	];

	const { settled, balances } = (await done([
		...["purse", "withdraw", "60", ...owner, ...at("X")],
	])) as unknown as Shown;
	assert.equal(settled, true);
	const [mine] = balances;
	assert.equal(mine?.spendable, "60.00");
	assert.equal(mine?.play, true);
	assert.deepEqual(await readdir(`${homes.of("X")}/orders`), []);
	await X.until(
		() => X.all("purse").some(({ kind }) => kind === "withdrawn"),
		"that it has withdrawn",
	);

	{
		const { agent: B, address } = await startServer(
			homes,
			...(["B", homes.socket("Y"), "--take-payments"] as const),
			...["--issuer-terms", String(terms)],
		);
		await using __ = B;
		await using A = startCaller(
			homes,
			...(["A", homes.socket("X"), address] as const),
			...["--pay", "12.50", "--issuer-terms", String(terms)],
		);
		await A.exits(0);
		await B.expect("received");
	}
	const deposited = await done(["purse", "deposit", ...at("Y")]);
	const [theirs] = (deposited as unknown as Shown).balances;
	assert.equal(theirs?.toDeposit, "0.00");
	const back = await done(["purse", "deposit", "--all", ...at("X")]);
	assert.equal((back as unknown as Shown).balances[0]?.spendable, "0.00");

	const { accounts } = (await done([
		...["issuer", "accounts", "--home", homes.at("mint")],
	])) as unknown as { accounts: { name: string; balance: string }[] };
	assert.deepEqual(
		Object.fromEntries(accounts.map(({ name, balance }) => [name, balance])),
		{ "alice-purse": "87.50", "bob-till": "12.50" },
	);
	const { balanced } = await done([
		...["issuer", "audit", "--home", homes.at("mint")],
	]);
	assert.equal(balanced, true);

	const tooMuch = await run([
		...["purse", "withdraw", "500", ...owner, ...at("X"), "--json"],
	]);
	assert.equal(tooMuch.code, 1, tooMuch.stdout);
	assert.equal(JSON.parse(tooMuch.stdout).settled, false);
	assert.match(tooMuch.stderr, /not settled/);
});
