/* The seed of a purse's ecash on paper, and what a new home has of it, by the commands that an owner gives. */
import assert from "node:assert/strict";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Wallet } from "@cashu/cashu-ts";
import { validateMnemonic } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { Authority } from "../../src/device/authority/authority.ts";
import { readRoots } from "../../src/device/authority/authority-home.ts";
import { issueDeviceHome } from "../../src/device/authority/issue-device-home.ts";
import { readCertificates } from "../../src/device/home/files.ts";
import { readPolicy } from "../../src/device/home/policy-file.ts";
import { MintServer } from "../../src/device/mint/mint-server.ts";
import { writeIssuerTerms } from "../../src/device/purse/issuer-terms.ts";
import { purseStorePath } from "../../src/device/purse/purse-home.ts";
import { readSeed } from "../../src/device/purse/seed-text.ts";
import { encodeChain, validateChain } from "../../src/identity/index.ts";
import { readSoftwareKey } from "../../src/keys/index.ts";
import { purseTables, takeEcashSeed } from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { termsOf } from "../device/purse-support.ts";
import { done, doneInLines, refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { Command, run, startModule } from "../support/processes.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let mint: MintServer;
let old: string;
let fresh: string;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	mint = await MintServer.open({ path: join(folder.path, "mint.db") });
	const bank = await Authority.open(homes.at("bank"));
	await issueDeviceHome(bank, {
		home: homes.at("issuer"),
		name: "issuer",
		algorithm: "P-256",
		trust: await readRoots(homes.at("agency")),
	});
	const chain = encodeChain(
		await readCertificates(homes.at("issuer", "chain.pem")),
	);
	const { banks } = await readPolicy(homes.at("issuer"));
	const device = validateChain(nodeCrypto, chain, "module", banks, Date.now());
	const signer = await readSoftwareKey(homes.at("issuer", "key.pem"));
	await writeIssuerTerms(
		homes.at("issuer.terms.json"),
		termsOf({ device, identity: { signer, chain } }),
	);
	await secretFile("owner", "correct horse\n");
	await secretFile("thief", "battery staple\n");
	old = homes.of("X");
	fresh = homes.of("Y");
	await newPurse(old);
	await newPurse(fresh);
});
after(async () => {
	await mint[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

function secretFile(name: string, text: string): Promise<void> {
	return writeFile(homes.at(name), text, { mode: 0o600 });
}

/** One that names the mint. */
async function newPurse(home: string): Promise<void> {
	await done([
		...["purse", "create", "--home", home],
		...["--issuer", homes.at("issuer.terms.json"), ...owner()],
	]);
	const path = join(home, "purse.json");
	const file = JSON.parse(await readFile(path, "utf8"));
	file.mints = [{ url: mint.url, unit: "sat", play: true }];
	await writeFile(path, JSON.stringify(file), { mode: 0o600 });
}

const owner = (who = "owner") => ["--owner-passphrase-file", homes.at(who)];

const ecash = (home: string, ...words: readonly string[]) => [
	...["purse", ...words, "--home", home, "--rail", "cashu", ...owner()],
];

const show = (home: string, ...flags: readonly string[]) => [
	...["purse", "unsafe-show-seed", "--home", home, ...flags],
];

const restore = (file: string) => ecash(fresh, "restore", "--words", file);

async function spendable(home: string): Promise<string | undefined> {
	const { balances } = await done(["purse", "balance", "--home", home]);
	return (balances as { currency: string; spendable: string }[]).find(
		({ currency }) => currency === "SAT",
	)?.spendable;
}

/** One order in sixteen has a checksum that fits by chance: one that has none. */
function outOfOrder(words: readonly string[]): string {
	const texts = words.map((_, first) =>
		[...words.slice(first + 1), ...words.slice(0, first + 1)].join(" "),
	);
	const text = texts.find((order) => !validateMnemonic(order, wordlist));
	assert.ok(text !== undefined);
	return text;
}

describe("the seed of a purse's ecash", () => {
	test("is not there before the purse was opened with a mint", async () => {
		await refused(
			[...show(old, "--out", homes.at("none")), ...owner()],
			/no seed yet/,
		);
	});

	test("is shown to its owner, at a terminal or in a file that was not there, and nowhere else", async () => {
		await doneInLines(ecash(old, "mint", "100"));
		const paper = homes.at("paper");
		await refused([...show(old), ...owner()], /at a terminal only/, 2);
		await refused([...show(old, "--json"), ...owner()], /unknown option/, 2);
		await refused(
			[...show(old, "--out", paper), ...owner("thief")],
			/not the passphrase of the purse's owner/,
		);
		const shown = await run([...show(old, "--out", paper), ...owner()]);
		assert.equal(shown.code, 0, shown.stderr);
		const { mode } = await stat(paper);
		assert.equal(mode & 0o777, 0o600);
		const text = await readFile(paper, "utf8");
		const words = text.trim().split(" ");
		assert.equal(words.length, 12);
		for (const said of [shown.stdout, shown.stderr])
			assert.ok(!said.includes(words.slice(0, 2).join(" ")));
		await refused(
			[...show(old, "--out", paper), ...owner()],
			/is there already/,
		);
		assert.equal(await readFile(paper, "utf8"), text);

		await using terminal = Command.atTerminal([...show(old), ...owner()]);
		const { stdout } = await terminal.exits(0);
		for (const [at, word] of words.entries())
			assert.match(stdout, new RegExp(`\\b${at + 1} ${word}\\b`));
		assert.match(stdout, /words of BIP 39/);
	});

	test("is refused where it is none, or the purse has ecash, and nothing changes", async () => {
		const words = (await readFile(homes.at("paper"), "utf8")).trim().split(" ");
		await secretFile("short", words.slice(1).join(" "));
		await secretFile("swapped", outOfOrder(words));
		await secretFile("unknown", words.with(2, "tetrad").join(" "));
		await refused(restore(homes.at("short")), /there are 11 words/);
		await refused(restore(homes.at("swapped")), /checksum does not fit/);
		await refused(restore(homes.at("unknown")), /word 3 is none of the 2048/);
		await writeFile(homes.at("open"), words.join(" "), { mode: 0o644 });
		await refused(restore(homes.at("open")), /open to other users/);
		await refused(
			[
				"purse",
				"restore",
				"--words",
				homes.at("paper"),
				homes.at("paper"),
				"--home",
				fresh,
			],
			/--words goes with --rail/,
			2,
		);
		await refused(
			[
				...["purse", "restore", "--mint", "https://mint.example"],
				...[homes.at("paper"), "--home", fresh],
			],
			/--mint goes with --rail/,
			2,
		);
		await secretFile(
			"other",
			"zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
		);
		await refused(
			ecash(old, "restore", "--words", homes.at("other")),
			/has had ecash of its own/,
		);
		assert.equal(await spendable(old), "100");
		await using module = await startModule(homes, "Y");
		void module;
		await refused(restore(homes.at("paper")), /busy/);
	});

	test("brings all of it into a new home when the old one is gone", async () => {
		await doneInLines(ecash(old, "mint", "50"));
		await done(ecash(old, "send", "30"));
		assert.equal(await spendable(old), "120");
		await rm(old, { recursive: true });

		const restored = await done(restore(homes.at("paper")));
		assert.equal(restored["state"], "restored");
		// A token that is out follows from the seed as well, while nobody has redeemed it.
		assert.equal(restored["amount"], "150");
		assert.equal(await spendable(fresh), "150");
		const again = await done(restore(homes.at("paper")));
		assert.equal(again["amount"], "0");
		const sent = await done(ecash(fresh, "send", "70"));
		const wallet = new Wallet(mint.url, { unit: "sat" });
		await wallet.loadMint();
		await wallet.receive(String(sent["token"]));
		await doneInLines(ecash(fresh, "mint", "5"));
		assert.equal(await spendable(fresh), "85");
	});

	test("is in nothing that a home has beside its store, nor in what commands and the module say", async () => {
		const text = await readFile(homes.at("paper"), "utf8");
		const { seed, entropy } = await readSeed(text);
		assert.ok(entropy);
		const secrets = [
			...[text.trim().split(" ").slice(0, 3).join(" ")],
			...[seed, entropy].flatMap((bytes) =>
				(["hex", "base64", "latin1"] as const).map((form) =>
					Buffer.from(bytes).toString(form),
				),
			),
		];
		const requireNone = (said: string, where: string) => {
			for (const secret of secrets) assert.ok(!said.includes(secret), where);
		};
		await using module = await startModule(homes, "Y");
		await doneInLines(ecash(fresh, "mint", "1"));
		const pending = await run(ecash(fresh, "pending").slice(0, -2));
		module.terminate();
		for (const { stdout, stderr } of [pending, await module.exited])
			requireNone(stdout + stderr, "what is said");
		for (const name of await readdir(fresh, { recursive: true })) {
			const path = join(fresh, name);
			if (path === purseStorePath(fresh) || !(await stat(path)).isFile())
				continue;
			requireNone((await readFile(path)).toString("latin1"), path);
		}
	});

	test("is typed where nobody sees it, and never said on the command line", async () => {
		const text = (await readFile(homes.at("paper"), "utf8")).trim();
		const said = await refused(restore(text), /--words names a file/, 2);
		assert.ok(!said.stderr.includes(text.split(" ").slice(0, 2).join(" ")));
		const one = await refused(
			[...restore(text.split(" ")[0] ?? ""), ...text.split(" ").slice(1)],
			/too many|say the file/,
			2,
		);
		assert.ok(!one.stderr.includes(text.split(" ").slice(1, 3).join(" ")));
		await refused(restore("tetradseed.txt"), /no file with the seed/);
		// Nothing is piped in here.
		await refused(restore("-"), /there is nothing in it/);
		await using typing = Command.atTerminal(restore("-"));
		const question = "words of the seed, in one line: ";
		await typing.until(() => typing.stdout.includes(question), "the question");
		typing.type(`${text}\r`);
		const { stdout } = await typing.exits(0);
		assert.ok(
			!stdout.includes(text.split(" ").slice(0, 2).join(" ")),
			"unseen",
		);
		assert.match(stdout, /restored that the purse did not have/);
	});

	test("brings it into a stock wallet, too", async () => {
		const { seed } = await readSeed(await readFile(homes.at("paper"), "utf8"));
		const wallet = new Wallet(mint.url, { unit: "sat", bip39seed: seed });
		await wallet.loadMint();
		const { proofs } = await wallet.restore(0, 200);
		const states = await wallet.checkProofsStates(proofs);
		const left = proofs
			.filter((_, at) => states[at]?.state === "UNSPENT")
			.reduce((sum, { amount }) => sum + Number(amount), 0);
		assert.equal(left, 86);
	});
});

test("the seed of a purse from before there were words is shown in a form of its own, and comes back", async () => {
	const home = homes.at("X-before");
	const bank = await Authority.open(homes.at("bank"));
	await issueDeviceHome(bank, {
		home,
		name: "before",
		algorithm: "P-256",
		trust: await readRoots(homes.at("agency")),
	});
	await newPurse(home);
	const seed = nodeCrypto.random(64);
	{
		await using store = await openSqliteStore({
			path: purseStorePath(home),
			schema: purseTables.PURSE_SCHEMA,
		});
		await store.transact(takeEcashSeed({ seed, entropy: undefined }));
	}
	await using terminal = Command.atTerminal([...show(home), ...owner()]);
	const { stdout } = await terminal.exits(0);
	assert.match(stdout, /no BIP 39/);
	const [text = ""] = /^tetradse[\s\S]*?(?=this is)/m.exec(stdout) ?? [];
	assert.deepEqual((await readSeed(text)).seed, seed);
	const said = await refused(restore(text), /--words names a file/, 2);
	assert.ok(!said.stderr.includes("tetrads"));
});
