/* An owner's limits and approvals, by the commands of real processes. */
import assert from "node:assert/strict";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { Authority } from "../../src/device/authority/authority.ts";
import { readRoots } from "../../src/device/authority/authority-home.ts";
import { issueDeviceHome } from "../../src/device/authority/issue-device-home.ts";
import { readCertificates } from "../../src/device/home/files.ts";
import { readPolicy } from "../../src/device/home/policy-file.ts";
import { writeIssuerTerms } from "../../src/device/purse/issuer-terms.ts";
import { purseStorePath } from "../../src/device/purse/purse-home.ts";
import {
	type CertifiedDevice,
	encodeChain,
	validateChain,
} from "../../src/identity/index.ts";
import { readSoftwareKey } from "../../src/keys/index.ts";
import { mintNote, putNotes, termsOf } from "../device/purse-support.ts";
import { done, refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import {
	type Command,
	run,
	startCaller,
	startModule,
	startServer,
} from "../support/processes.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let terms: string;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	const bank = await Authority.open(homes.at("bank"));
	await issueDeviceHome(bank, {
		home: homes.at("mint"),
		name: "mint",
		algorithm: "P-256",
		trust: await readRoots(homes.at("agency")),
	});
	const device = await certified("mint");
	const signer = await readSoftwareKey(homes.at("mint", "key.pem"));
	const mint = { device, identity: { signer, chain: device.encodedChain } };
	terms = homes.at("issuer.terms.json");
	await writeIssuerTerms(terms, termsOf(mint));
	await writeFile(homes.at("owner"), "correct horse\n", { mode: 0o600 });
	await writeFile(homes.at("thief"), "battery staple\n", { mode: 0o600 });
	for (const place of ["X", "Y"] as const)
		await done([
			...["purse", "create", "--home", homes.of(place), "--issuer", terms],
			...OWNER(),
		]);
	const purse = await certified("alice-purse");
	const note = await mintNote(mint, purse, 50_000n, Date.now());
	await putNotes(purseStorePath(homes.of("X")), mint, [note]);
});
after(() => folder[Symbol.asyncDispose]());

async function certified(name: string): Promise<CertifiedDevice> {
	const chain = await readCertificates(homes.at(name, "chain.pem"));
	const { banks } = await readPolicy(homes.at(name));
	const encoded = encodeChain(chain);
	return validateChain(nodeCrypto, encoded, "module", banks, Date.now());
}

const OWNER = () => ["--owner-passphrase-file", homes.at("owner")];
const home = () => ["--home", homes.of("X")];
const limits = (...flags: string[]) => ["limits", ...home(), ...flags];

async function until(isSo: () => Promise<boolean>): Promise<void> {
	while (!(await isSo())) await wait(20);
}

interface Shown {
	readonly inForce: boolean;
	readonly number?: string;
	readonly money: readonly {
		readonly limits: Record<string, string>;
		readonly used: { readonly perDay: string; readonly inAll: string };
	}[];
	readonly merchants: "all" | readonly { readonly name: string }[];
	readonly approveNewMerchants: boolean;
}

interface Approval {
	readonly contract: string;
	readonly amount: string;
	readonly payee: { readonly name: string };
	readonly because: string;
	readonly state: string;
}

async function shown(...flags: string[]): Promise<Shown> {
	return (await done(limits(...flags))) as unknown as Shown;
}

async function approvals(): Promise<readonly Approval[]> {
	const { approvals } = await done(["approvals", ...home()]);
	return approvals as readonly Approval[];
}

describe("tetrad limits", () => {
	test("says that there are none, until the owner sets some", async () => {
		const { stdout } = await run(limits());
		assert.match(stdout, /PLAY of mint: no limits, all of it is paid/);
		assert.match(stdout, /any merchant may be paid/);
		const none = await shown();
		assert.deepEqual([none.inForce, none.number], [true, undefined]);
		await refused(
			limits(
				"--per-payment",
				"1",
				"--owner-passphrase-file",
				homes.at("thief"),
			),
			/not the passphrase of the purse's owner; nothing was ordered/,
		);
		await refused(
			limits("--per-payment", "1.001", ...OWNER()),
			/2 decimals/,
			2,
		);
		await refused(
			limits("--per-day", "1", "--issuer", "nobody", ...OWNER()),
			/known are: mint/,
			2,
		);
		await refused(
			limits("--merchant", "a", "--all-merchants", ...OWNER()),
			/and not both/,
			2,
		);
		assert.equal((await shown()).number, undefined);
	});

	test("waits for the module, which puts the newest in force when it starts", async () => {
		const first = await shown(
			"--per-payment",
			"5",
			"--per-day",
			"20",
			...OWNER(),
		);
		assert.deepEqual([first.inForce, first.number], [false, "1"]);
		const second = await shown(
			"--per-day",
			"none",
			"--in-all",
			"0",
			...OWNER(),
		);
		assert.deepEqual(
			[second.number, second.money[0]?.limits],
			["2", { perPayment: "5.00", inAll: "0.00" }],
		);
		assert.equal((await readdir(`${homes.of("X")}/orders`)).length, 2);
		await using module = await startModule(homes, "X");
		await module.until(
			() =>
				module.all("purse").filter(({ kind }) => kind === "limits").length ===
				2,
			"both limits",
		);
		await until(
			async () => (await readdir(`${homes.of("X")}/orders`)).length === 0,
		);
		const now = await shown();
		assert.deepEqual([now.inForce, now.number], [true, "2"]);
		const third = await shown(
			...[
				"--in-all",
				"none",
				"--merchant",
				"bob-till",
				"--approve-new-merchants",
			],
			...OWNER(),
		);
		assert.deepEqual([third.inForce, third.number], [true, "3"]);
		assert.deepEqual(third.money[0]?.limits, { perPayment: "5.00" });
		assert.ok(third.merchants !== "all");
		assert.deepEqual(
			third.merchants.map(({ name }) => name),
			["bob-till"],
		);
		assert.equal(third.approveNewMerchants, true);
	});

	test("handed in again after newer ones, an order changes nothing; one by somebody else is put aside", async () => {
		const orders = `${homes.of("X")}/orders`;
		await shown("--per-payment", "100", ...OWNER());
		const [name = ""] = await readdir(orders);
		const wide = await readFile(`${orders}/${name}`);
		await shown("--per-payment", "6", ...OWNER());
		{
			await using _ = await startModule(homes, "X");
			await until(async () => (await readdir(orders)).length === 0);
		}
		await writeFile(`${orders}/${name}`, wide, { mode: 0o600 });
		const forged = `${"0".repeat(32)}.limits`;
		await writeFile(`${orders}/${forged}`, wide, { mode: 0o600 });
		await using _ = await startModule(homes, "X");
		await until(
			async () => (await readdir(orders)).join() === `${forged}.refused`,
		);
		assert.deepEqual((await shown()).money[0]?.limits, { perPayment: "6.00" });
		await rename(`${orders}/${forged}.refused`, homes.at("forged"));
	});
});

describe("payments under limits", () => {
	const CONTRACT = "5f".repeat(32);
	const pay = (address: string, amount: string, contract: string): Command =>
		startCaller(
			homes,
			...(["A", homes.socket("X"), address] as const),
			...["--issuer-terms", terms, "--pay", amount, "--contract", contract],
		);

	test("wait for their owner, pass once approved, and keep to the limits", async () => {
		await using X = await startModule(homes, "X");
		await using _ = await startModule(homes, "Y");
		const { agent: B, address } = await startServer(
			homes,
			"B",
			homes.socket("Y"),
			...["--issuer-terms", terms, "--take-payments"],
		);
		await using __ = B;
		{
			await using A = pay(address, "4", CONTRACT);
			assert.match((await A.exits(1)).stderr, /approval-needed/);
		}
		const asked = X.all("purse").find(({ kind }) => kind === "approval-needed");
		assert.deepEqual(
			[asked?.contract, asked?.amount, asked?.name, asked?.reason],
			[CONTRACT, "4.00", "bob-till", "nothing was ever paid to that module"],
		);
		const [waiting, ...more] = await approvals();
		assert.equal(more.length, 0);
		assert.deepEqual(
			[waiting?.contract, waiting?.amount, waiting?.payee.name, waiting?.state],
			[CONTRACT, "4.00", "bob-till", "waiting"],
		);
		const { stdout } = await run(["approvals", ...home()]);
		assert.match(
			stdout,
			/5f5f5f5f5f5f5f5f +4\.00 PLAY .*bob-till .*nothing was ever paid/,
		);

		await refused(
			[
				"approve",
				"5f",
				...home(),
				"--owner-passphrase-file",
				homes.at("thief"),
			],
			/not the passphrase of the purse's owner/,
		);
		await refused(
			["approve", "60", ...home(), ...OWNER()],
			/no contract that waits begins with/,
			2,
		);
		const denied = await done(["deny", "5f", ...home(), ...OWNER()]);
		assert.deepEqual([denied["state"], denied["inForce"]], ["denied", true]);
		{
			await using A = pay(address, "4", CONTRACT);
			assert.match((await A.exits(1)).stderr, /owner of this purse denied it/);
		}
		const approved = await done(["approve", "5f5f", ...home(), ...OWNER()]);
		assert.equal(approved["inForce"], true);
		{
			await using A = pay(address, "4", CONTRACT);
			await A.exits(0);
		}
		assert.deepEqual(await approvals(), []);
		{
			await using A = pay(address, "7", "60".repeat(32));
			assert.match(
				(await A.exits(1)).stderr,
				/6\.00 PLAY at once.*tetrad limits --per-payment/,
			);
		}
		{
			await using A = pay(address, "6", "61".repeat(32));
			await A.exits(0);
		}
		assert.equal((await shown()).money[0]?.used.perDay, "10.00");
	});
});
