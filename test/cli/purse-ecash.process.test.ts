/* An owner's commands for the ecash of a purse, with a mint in this process, while the module runs and while it does not. */
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Wallet } from "@cashu/cashu-ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { Authority } from "../../src/device/authority/authority.ts";
import { readRoots } from "../../src/device/authority/authority-home.ts";
import { issueDeviceHome } from "../../src/device/authority/issue-device-home.ts";
import { readCertificates } from "../../src/device/home/files.ts";
import { readPolicy } from "../../src/device/home/policy-file.ts";
import { MintServer } from "../../src/device/mint/mint-server.ts";
import { writeIssuerTerms } from "../../src/device/purse/issuer-terms.ts";
import { encodeChain, validateChain } from "../../src/identity/index.ts";
import { readSoftwareKey } from "../../src/keys/index.ts";
import { termsOf } from "../device/purse-support.ts";
import { done, doneInLines, refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { startModule } from "../support/processes.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let mint: MintServer;
let wallet: Wallet;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	mint = await MintServer.open({ path: join(folder.path, "mint.db") });
	wallet = new Wallet(mint.url, { unit: "sat" });
	await wallet.loadMint();
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
	const identity = { signer, chain };
	const terms = homes.at("issuer.terms.json");
	await writeIssuerTerms(terms, termsOf({ device, identity }));
	await writeFile(homes.at("owner"), "correct horse\n", { mode: 0o600 });
	await writeFile(homes.at("thief"), "battery staple\n", { mode: 0o600 });
	const home = homes.of("X");
	await done([
		...["purse", "create", "--home", home, "--issuer", terms],
		...owner(),
	]);
	// As its owner names a mint.
	const path = join(home, "purse.json");
	const file = JSON.parse(await readFile(path, "utf8"));
	file.mints = [{ url: mint.url, unit: "sat", play: true }];
	await writeFile(path, JSON.stringify(file), { mode: 0o600 });
});
after(async () => {
	await mint[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

// biome-ignore lint/suspicious/noExplicitAny: answers are what the test looks into
type Json = any;

/** What a command says in JSON. */
async function say(args: readonly string[]): Promise<Json> {
	return done(args);
}

/** The same of one that says more than one thing. */
async function lines(args: readonly string[]): Promise<Json[]> {
	return doneInLines(args);
}

const owner = (who = "owner") => ["--owner-passphrase-file", homes.at(who)];

/** A command of the purse, for ecash. */
const purse = (...words: readonly string[]) => [
	...["purse", ...words, "--home", homes.of("X"), "--rail", "cashu"],
];

async function spendable(): Promise<string | undefined> {
	const { balances } = await say([
		...["purse", "balance", "--home", homes.of("X")],
	]);
	return balances.find(
		({ currency }: { currency: string }) => currency === "SAT",
	)?.spendable;
}

/** What an owner does, one thing after another, from a purse that has so much. */
async function walk(has: number): Promise<number> {
	const minted = (await lines([...purse("mint", "100"), ...owner()])).at(-1);
	assert.equal(minted.state, "minted");
	assert.match(minted.invoice, /^lnplaysat100/);
	assert.equal(await spendable(), String(has + 100));

	const sent = await say([...purse("send", "30"), ...owner()]);
	assert.equal(sent.state, "sent");
	const { orders } = await say([...purse("pending", "--tokens")]);
	assert.equal(orders.length, 1);
	assert.equal(orders[0].token, sent.token);
	const hidden = await say(purse("pending"));
	assert.equal(hidden.orders[0].token, undefined);
	await wallet.receive(sent.token);

	const back = await say([...purse("send", "20"), ...owner()]);
	const taken = await say([
		...purse("take-back", back.request.slice(0, 12)),
		...owner(),
	]);
	assert.equal(taken.state, "taken-back");
	assert.equal(taken.returned, "20");
	await assert.rejects(wallet.receive(back.token));

	const quote = await wallet.createMintQuoteBolt11(25);
	await refused(
		[...purse("melt", quote.request, "--max-fee", "0"), ...owner()],
		/may take 1 beside the 25 of the invoice/,
	);
	const paid = await say([
		...purse("melt", quote.request, "--max-fee", "1"),
		...owner(),
	]);
	assert.equal(paid.state, "paid");
	assert.equal(paid.fee, undefined);
	assert.ok(paid.preimage);

	const restored = await say([...purse("restore"), ...owner()]);
	assert.equal(restored.amount, "0");
	assert.equal(await spendable(), String(has + 45));
	assert.deepEqual(await readdir(join(homes.of("X"), "orders")), []);
	return has + 45;
}

describe("tetrad purse, for ecash", () => {
	test("carries out what its owner orders while no module runs", async () => {
		assert.equal(await walk(0), 45);
	});

	test("has the module carry it out that runs", async () => {
		await using module = await startModule(homes, "X");
		void module;
		assert.equal(await walk(45), 90);
	});

	test("puts a token of a stock wallet into the purse, once", async () => {
		const quote = await wallet.createMintQuoteBolt11(10);
		await wallet.checkMintQuoteBolt11(quote.quote);
		await wallet.mintProofsBolt11(10, quote);
		const sent = await say([...purse("send", "10"), ...owner()]);
		const received = await say(purse("receive", sent.token));
		assert.equal(received.state, "received");
		await refused(purse("receive", sent.token), /spent before/);
		assert.equal(await spendable(), "90");
	});

	test("says what is wrong, and does nothing", async () => {
		await refused(
			[...purse("send", "1000"), ...owner()],
			/less than 1000 of this mint's ecash/,
		);
		await refused(
			[...purse("send", "10"), ...owner("thief")],
			/not the passphrase of the purse's owner/,
		);
		await refused([...purse("send", "1.5"), ...owner()], /decimals/, 2);
		await refused(purse("receive", "nonsense"), /cashuA or cashuB/);
		await refused(
			[...purse("send", "10", "--mint", "https://other.example"), ...owner()],
			/has not named the mint/,
			2,
		);
		await refused(
			[...purse("take-back", "ffff"), ...owner()],
			/no token begins with/,
			2,
		);
		await refused(["purse", "restore", "--home", homes.of("X")], /--rail/, 2);
		assert.equal(await spendable(), "90");
	});

	test("shows an invoice at once, and waits for it no longer than it is told", async () => {
		await using slow = await MintServer.open({
			path: join(folder.path, "slow.db"),
			payment: "by-hand",
		});
		const path = join(homes.of("X"), "purse.json");
		const file = JSON.parse(await readFile(path, "utf8"));
		file.mints.push({ url: slow.url, unit: "sat", play: true });
		await writeFile(path, JSON.stringify(file), { mode: 0o600 });
		const at = ["--mint", slow.url, "--wait", "3"];
		const [first, last] = await lines([
			...[...purse("mint", "7"), ...at, ...owner()],
		]);
		assert.deepEqual([first.event, first.state], ["invoiced", "unpaid"]);
		assert.match(first.invoice, /^lnplaysat7/);
		assert.deepEqual([last.state, last.invoice], ["unpaid", first.invoice]);
	});
});
