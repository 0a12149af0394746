/* A purse that is backed up, lost and restored, by the commands that its owner gives, and what it then does with real devices around it. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { done, refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { type MintTown, mintTown } from "../support/mint-town.ts";
import { Command, run, startModule } from "../support/processes.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let town: MintTown;
let X: Command;
let Y: Command;
let shop: Command;
let shopAt: string;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	town = await mintTown(homes);
	[X, Y] = [await startModule(homes, "X"), await startModule(homes, "Y")];
	await done(["purse", "withdraw", "60", ...town.owner, ...town.at("X")]);
	await mkdir(homes.at("goods"));
	await writeFile(homes.at("goods", "photo.jpg"), "a harbour");
	shop = new Command([
		...["sell", homes.at("goods"), "--price", "4.20", "--json"],
		...["--home", homes.of("B"), "--module", homes.socket("Y")],
		...["--listen", "127.0.0.1:0", "--issuer-terms", town.terms],
		...["--settle-at", town.issuerAt, "--settle-every", "1"],
	]);
	({ address: shopAt } = await shop.expect("listening"));
	await shop.expect("settled");
});
after(async () => {
	for (const process of [shop, X, Y, town])
		await process?.[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

const buy = (to: string) =>
	run([
		...["buy", shopAt, "photo.jpg", "--max", "5 PLAY", "--out", homes.at(to)],
		...["--home", homes.of("A"), "--module", homes.socket("X")],
	]);

const backUp = (name: string) =>
	done([
		...["purse", "backup", "--home", homes.of("X"), "--out", homes.at(name)],
		...town.owner,
	]);

const restore = (name: string, home: string, ...flags: string[]) => [
	...["purse", "restore", homes.at(name), "--home", home, ...flags],
	...(flags.length === 0 ? town.owner : []),
];

const settle = () =>
	run([
		...["agent", "--home", homes.of("A"), "--module", homes.socket("X")],
		...["--connect", town.issuerAt, "--settle"],
	]);

async function held(): Promise<(string | undefined)[]> {
	const { balances } = await done([
		...["purse", "balance", "--home", homes.of("X")],
	]);
	const [{ spendable, held, heldBecause } = {}] = balances as {
		readonly [name: string]: string;
	}[];
	return [spendable, held, heldBecause];
}

/** As if the machine were gone, with all that is on it but the agent's. */
async function lose(): Promise<void> {
	await X.kill();
	await rename(homes.of("X"), homes.at("lost"));
}

/** Once the module runs: it takes the order down. */
async function override(): Promise<void> {
	await done([
		...["purse", "unsafe-override-behind", "--home", homes.of("X")],
		...town.owner,
	]);
	await settle();
}

async function bringBack(name: string): Promise<void> {
	await done(restore(name, homes.of("X")));
	X = await startModule(homes, "X");
}

describe("a purse that is backed up while its module runs", () => {
	test("is in one file that tells nobody anything without the owner's passphrase", async () => {
		const made = await backUp("first.backup");
		assert.ok(Number(made["changes"]) > 0);
		const bytes = readFileSync(homes.at("first.backup"));
		assert.equal(bytes.length, made["bytes"]);
		assert.doesNotMatch(bytes.toString("latin1"), /SQLite|alice|PLAY|device/);
		assert.deepEqual(
			readdirSync(homes.of("X")).filter((name) => /backing-up/.test(name)),
			[],
		);
		await refused(
			[
				...["purse", "backup", "--home", homes.of("X"), ...town.owner],
				...["--out", homes.at("first.backup")],
			],
			/is there already, and a backup is written over nothing/,
		);
		await writeFile(homes.at("thief"), "battery staple\n", { mode: 0o600 });
		const thief = ["--owner-passphrase-file", homes.at("thief")];
		await refused(
			[
				...["purse", "backup", "--home", homes.of("X"), ...thief],
				...["--out", homes.at("stolen.backup")],
			],
			/not the passphrase of the purse's owner/,
		);
		assert.ok(!existsSync(homes.at("stolen.backup")));
		await refused(
			restore("first.backup", homes.at("stolen"), ...thief),
			/could not be opened: the passphrase is not that/,
		);
		assert.ok(!existsSync(homes.at("stolen")));
	});

	test("is never restored over a purse, nor from what is no backup", async () => {
		await refused(
			restore("first.backup", homes.of("X")),
			/never written over: it may be the newest/,
		);
		const bytes = readFileSync(homes.at("first.backup"));
		for (const [name, changed] of [
			["cut.backup", bytes.subarray(0, -1)],
			["longer.backup", Buffer.concat([bytes, Buffer.from([0])])],
			["bent.backup", Buffer.from(bytes).fill(7, 200, 201)],
			["empty.backup", Buffer.alloc(0)],
			["other.backup", Buffer.from("something else")],
		] as const) {
			await writeFile(homes.at(name), changed);
			await refused(
				restore(name, homes.at("none")),
				/could not be opened|is no backup/,
			);
		}
		await refused(
			restore("first.backup", homes.of("B")),
			/is the home of an agent, and this command runs a module/,
		);
		await Y.kill();
		const away = homes.at("till-db");
		await mkdir(away);
		for (const name of readdirSync(homes.of("Y")))
			if (name.startsWith("purse.db"))
				await rename(`${homes.of("Y")}/${name}`, `${away}/${name}`);
		await refused(
			restore("first.backup", homes.of("Y")),
			/is of another module than that of/,
		);
		await cp(away, homes.of("Y"), { recursive: true });
		Y = await startModule(homes, "Y");
		assert.ok(!existsSync(homes.at("none")));
	});

	test("is held from the moment of its restore, and pays once its owner says that nothing was done since", async () => {
		await lose();
		await done(restore("first.backup", homes.of("X")));
		assert.deepEqual(await held(), ["0.00", "60.00", "behind"]);
		X = await startModule(homes, "X");
		const early = await buy("early.jpg");
		assert.equal(early.code, 1);
		assert.match(early.stderr, /purse-behind/);
		assert.match((await settle()).stderr, /restored from a backup/);
		assert.deepEqual(await held(), ["0.00", "60.00", "behind"]);
		await override();
		assert.equal((await settle()).code, 0);
		assert.deepEqual((await held())[0], "60.00");
		const bought = await buy("photo.jpg");
		assert.equal(bought.code, 0, bought.stderr);
		assert.equal(readFileSync(homes.at("photo.jpg"), "utf8"), "a harbour");
	});

	test("is lost in part, and comes back into the home that is there", async () => {
		await backUp("second.backup");
		await X.kill();
		for (const name of readdirSync(homes.of("X")))
			if (name.startsWith("purse.db")) await rm(`${homes.of("X")}/${name}`);
		await bringBack("second.backup");
		assert.deepEqual(await held(), ["0.00", "55.80", "behind"]);
		await override();
		assert.equal((await settle()).code, 0);
		assert.deepEqual((await held())[0], "55.80");
	});
});

describe("a purse that was restored to before what it has paid", () => {
	test("pays nobody, spends nothing twice, and is accused of nothing", async () => {
		await backUp("old.backup");
		await cp(homes.of("A"), homes.at("old-agent"), { recursive: true });
		const bought = await buy("later.jpg");
		assert.equal(bought.code, 0, bought.stderr);
		await rm(homes.at("lost"), { recursive: true });
		await lose();
		await bringBack("old.backup");
		// It holds what it has paid already, and says why it does not pay with it.
		assert.deepEqual(await held(), ["0.00", "55.80", "behind"]);
		assert.match((await settle()).stderr, /purse-behind/);
		assert.deepEqual(await held(), ["0.00", "55.80", "behind"]);
		for (const name of ["again.jpg", "and-again.jpg"]) {
			const again = await buy(name);
			assert.equal(again.code, 1);
			assert.match(again.stderr, /purse-behind/);
			assert.ok(!existsSync(homes.at(name)));
		}
		X.terminate();
		await X.exits(0);
		X = await startModule(homes, "X");
		assert.match((await buy("restarted.jpg")).stderr, /purse-behind/);
		// What the merchant was paid before is all booked.
		const booked = () =>
			town.issuer
				.all("request")
				.filter(
					({ asked, outcome }) => `${asked} ${outcome}` === "deposit booked",
				);
		await town.issuer.until(() => booked().length === 2, "both deposits");
		const { conflicts } = (await done([
			...["issuer", "conflicts", "--home", homes.at("mint")],
		])) as { readonly conflicts: readonly unknown[] };
		assert.deepEqual(conflicts, []);
		const { accounts } = (await done([
			...["issuer", "accounts", "--home", homes.at("mint")],
		])) as { accounts: { name: string; balance: string }[] };
		assert.deepEqual(
			accounts.map(({ name, balance }) => [name, balance]).toSorted(),
			[
				["alice-purse", "40.00"],
				["bob-till", "8.40"],
			],
		);
		const { balanced } = await done([
			...["issuer", "audit", "--home", homes.at("mint")],
		]);
		assert.equal(balanced, true);
	});

	test("neither when its agent was restored with it, and nobody else knows more", async () => {
		X.terminate();
		await X.exits(0);
		await rm(homes.of("X"), { recursive: true });
		await rename(homes.of("A"), homes.at("newest-agent"));
		await cp(homes.at("old-agent"), homes.of("A"), { recursive: true });
		await bringBack("old.backup");
		await settle();
		assert.deepEqual(await held(), ["0.00", "55.80", "behind"]);
		for (const name of ["twice.jpg", "and-twice.jpg"]) {
			const again = await buy(name);
			assert.equal(again.code, 1);
			assert.match(again.stderr, /purse-behind/);
			assert.ok(!existsSync(homes.at(name)));
			await settle();
		}
		assert.deepEqual(await held(), ["0.00", "55.80", "behind"]);
		const { conflicts } = (await done([
			...["issuer", "conflicts", "--home", homes.at("mint")],
		])) as { readonly conflicts: readonly unknown[] };
		assert.deepEqual(conflicts, []);
		const { balanced } = await done([
			...["issuer", "audit", "--home", homes.at("mint")],
		]);
		assert.equal(balanced, true);
		await rm(homes.of("A"), { recursive: true });
		await rename(homes.at("newest-agent"), homes.of("A"));
	});

	test("has kept a copy of nothing that the newest one has not", async () => {
		// The disk was not lost after all: the newest copy of the home ends it.
		X.terminate();
		await X.exits(0);
		await rm(homes.of("X"), { recursive: true });
		await cp(homes.at("lost"), homes.of("X"), { recursive: true });
		X = await startModule(homes, "X");
		assert.equal((await settle()).code, 0);
		assert.deepEqual((await held())[0], "51.60");
		assert.equal((await buy("newest.jpg")).code, 0);
	});
});
