/* Money that goes the whole way round, by the commands that owners and operators give. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { done, refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { mintTown } from "../support/mint-town.ts";
import {
	failureIn,
	run,
	startCaller,
	startModule,
	startServer,
} from "../support/processes.ts";

const copied = promisify(execFile);

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
	await using here = await mintTown(homes);
	const { terms, owner, at } = here;
	await using X = await startModule(homes, "X");
	await using _ = await startModule(homes, "Y");

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
	const unsettled = JSON.parse(tooMuch.stdout);
	assert.equal(unsettled.settled, false);
	assert.match(unsettled.left, /not settled/);
	assert.equal(failureIn(tooMuch).code, "issuer-refused");
});

test("homes that were put back sign nothing twice, whether the issuer is met first or not, and after every restart", async () => {
	await using folder = await temporaryFolder();
	const homes = await Homes.make(folder.path);
	await using here = await mintTown(homes);
	const { terms, owner, at, issuerAt } = here;
	await using _ = await startModule(homes, "Y");
	const server = await startServer(
		homes,
		...(["B", homes.socket("Y"), "--take-payments"] as const),
		...["--issuer-terms", terms],
	);
	await using __ = server.agent;
	const agent = (...flags: string[]) =>
		run([
			...["agent", "--home", homes.of("A"), "--module", homes.socket("X")],
			...flags,
		]);
	const pay = () =>
		agent(
			...["--connect", server.address],
			...["--pay", "12.50", "--issuer-terms", terms],
		);
	const settle = () => agent("--connect", issuerAt, "--settle");
	const pays = async (code: number) => {
		const { stderr, ...paid } = await pay();
		assert.equal(paid.code, code, stderr);
		if (code !== 0) assert.match(stderr, /purse-behind/);
	};
	const places = ["A", "X"] as const;
	const backUp = async () => {
		for (const place of places)
			await copied("cp", ["-a", homes.of(place), `${homes.of(place)}.backup`]);
	};
	const putBack = async () => {
		for (const place of places)
			await copied("cp", [
				...["-a", `${homes.of(place)}.backup/.`, homes.of(place)],
			]);
	};

	{
		await using X = await startModule(homes, "X");
		await done(["purse", "withdraw", "60", ...owner, ...at("X")]);
		await backUp();
		await pays(0);
		assert.equal((await settle()).code, 0);
		// While it runs, killed, and put back over the same files.
		await X.kill();
	}
	await putBack();
	const shown = async () => {
		const { balances } = await done([
			...["purse", "balance", "--home", homes.of("X")],
		]);
		const [{ spendable, held, heldBecause } = {}] = balances as Record<
			string,
			string
		>[];
		return [spendable, held, heldBecause];
	};
	{
		await using X = await startModule(homes, "X");
		assert.deepEqual(await shown(), ["0.00", "60.00", "issuer-not-met"]);
		await pays(1);
		assert.match((await settle()).stderr, /purse-behind/);
		assert.deepEqual(await shown(), ["0.00", "60.00", "behind"]);
		await pays(1);
		X.terminate();
		await X.exits(0);
	}
	for (let i = 0; i < 2; i++) {
		await using X = await startModule(homes, "X");
		await pays(1);
		X.terminate();
		await X.exits(0);
	}
	const history = await done([
		...["purse", "history", "--home", homes.of("X"), "--limit", "1"],
	]);
	assert.equal((history["history"] as { what: string }[])[0]?.what, "behind");
	const override = ["purse", "unsafe-override-behind", "--home", homes.of("X")];
	await writeFile(homes.at("thief"), "battery staple\n", { mode: 0o600 });
	await refused(
		[...override, "--owner-passphrase-file", homes.at("thief")],
		/not the passphrase of the purse's owner/,
	);
	await refused(
		["purse", "unsafe-override-behind", "--home", homes.of("Y"), ...owner],
		/is not behind anything/,
		2,
	);
	// The owner may be sure that the witnesses are wrong; here they are right, and the module is found out.
	await done([...override, ...owner]);
	{
		await using X = await startModule(homes, "X");
		await X.until(
			() => X.all("purse").some(({ kind }) => kind === "overridden"),
			"that it has overridden",
		);
		assert.equal((await settle()).code, 0);
		await pays(0);
		X.terminate();
		await X.exits(0);
	}
	server.agent.terminate();
	await server.agent.exits(0);
	// Until then nothing was signed twice: one payment came, and the one after the override is in conflict with it.
	const { stdout } = await run(["purse", "deposit", ...at("Y"), "--json"]);
	assert.equal(JSON.parse(stdout).settled, true);
	const { balanced } = await done([
		...["issuer", "audit", "--home", homes.at("mint")],
	]);
	assert.equal(balanced, true);
	const { conflicts } = await done([
		...["issuer", "conflicts", "--home", homes.at("mint")],
	]);
	assert.equal((conflicts as unknown[]).length, 1);
});

test("a note that was made out to the key before is held, and becomes money once the module settles with its new key", async () => {
	await using folder = await temporaryFolder();
	const homes = await Homes.make(folder.path);
	await using here = await mintTown(homes);
	const { owner, at } = here;
	const balance = async () => {
		const { balances } = await done([
			...["purse", "balance", "--home", homes.of("X")],
		]);
		const [{ spendable, held, heldBecause } = {}] = balances as Record<
			string,
			string
		>[];
		return [spendable, held, heldBecause];
	};
	{
		await using X = await startModule(homes, "X");
		const [renewal, chain] = [homes.at("x.renewal"), homes.at("x.chain")];
		await done(["recertify", "--home", homes.of("X"), "--out", renewal]);
		await done([
			...["authority", "issue", "--home", homes.at("bank")],
			...["--renewal", renewal, "--out", chain],
		]);
		await done(["recertify", "--home", homes.of("X"), "--certificate", chain]);
		// This process still has the old key.
		await done(["purse", "withdraw", "60", ...owner, ...at("X")]);
		X.terminate();
		await X.exits(0);
	}
	assert.deepEqual(await balance(), ["0.00", "60.00", "earlier-key"]);
	const shown = await run(["purse", "balance", "--home", homes.of("X")]);
	assert.match(shown.stdout, /spendable\s+held\s+to deposit/);
	assert.match(shown.stdout, /mint\s+PLAY\s+0\.00\s+60\.00/);
	assert.match(shown.stdout, /held, of mint: it was made out to a key/);
	await refused(
		["recertify", "--home", homes.of("X"), "--forget-old"],
		/holds 1 notes .*deposit first/,
	);
	{
		await using X = await startModule(homes, "X");
		await done(["purse", "deposit", ...at("X")]);
		X.terminate();
		await X.exits(0);
	}
	assert.deepEqual(await balance(), ["60.00", "0.00", undefined]);
});
