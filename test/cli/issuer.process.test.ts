/* An issuer from its making to the revocation of a module that spent twice, as separate processes. */
import assert from "node:assert/strict";
import {
	existsSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { readBanks } from "../../src/device/authority/evidence-file.ts";
import { createAuthorityHome } from "../../src/device/authority/issue-device-home.ts";
import { readHome } from "../../src/device/home/home.ts";
import { validateChain } from "../../src/identity/index.ts";
import { LEDGER_SCHEMA } from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { enc, hex, utf8 } from "../../src/wire/index.ts";
import {
	deposit,
	Mint,
	type Module,
	noteIn,
	pay,
	piece,
	requestId,
	withdraw,
} from "../money/mint.ts";
import { makeWorld } from "../support/authority.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import {
	Command,
	run,
	startCaller,
	startModule,
	startServer,
} from "../support/processes.ts";

let homes: Homes;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let mint: string;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	mint = homes.of("Y");
});

after(() => folder[Symbol.asyncDispose]());

async function json(...args: string[]) {
	const { code, stdout, stderr } = await run([...args, "--json"]);
	assert.equal(code, 0, stderr);
	return JSON.parse(stdout);
}

function startIssuer(): Command {
	return new Command([
		...["issuer", "run", "--home", mint, "--json"],
		...["--listen", homes.socket("mint"), "--http", "127.0.0.1:0"],
	]);
}

describe("an issuer", () => {
	test("is made once, of play money unless it is told otherwise, for its owner only", async () => {
		const { code, stdout, stderr } = await run([
			...["issuer", "init", "--home", mint],
		]);
		assert.equal(code, 0, stderr);
		assert.match(stdout, /made the issuer bob-till of PLAY/);
		assert.match(stderr, /PLAY is play money, which nobody exchanges/);
		const terms = JSON.parse(readFileSync(`${mint}/issuer.terms.json`, "utf8"));
		assert.deepEqual(Object.keys(terms), [
			...["version", "issuer", "name", "currency", "exponent", "play"],
		]);
		assert.equal(terms.play, true);
		for (const file of ["issuer.json", "operator.token"])
			assert.equal(statSync(`${mint}/${file}`).mode & 0o077, 0, file);
		const again = await run(["issuer", "init", "--home", mint]);
		assert.equal(again.code, 1);
		assert.match(again.stderr, /there is an issuer in/);
		const purse = await run([
			...["purse", "create", "--home", mint, "--unsafe-no-owner"],
			...["--issuer", `${mint}/issuer.terms.json`],
		]);
		assert.equal(purse.code, 1);
		assert.match(
			purse.stderr,
			/is an issuer; a purse needs a module of its own/,
		);
		const audit = await run(["issuer", "audit", "--home", mint]);
		assert.equal(audit.code, 1);
		assert.match(audit.stderr, /has no ledger yet/);
	});

	test("credits an account while it does not run, once for each reference", async () => {
		const credit = ["issuer", "credit", "--home", mint, "--amount", "100"];
		const flags = ["--account", "alice-purse", "--reference", "first"];
		const first = await json(...credit, ...flags, "--open");
		assert.deepEqual([first.isNew, first.account.balance], [true, "100.00"]);
		const again = await json(...credit, ...flags);
		assert.deepEqual([again.isNew, again.account.balance], [false, "100.00"]);
	});

	test("whose answer to a credit is lost says that its outcome is not known, and asked again with its reference it credits once", async () => {
		await using issuer = startIssuer();
		const { url } = await issuer.expect("serving");
		// What stalls: it passes on what is asked, and keeps the answer to a credit.
		const stalling = createServer(async (request, response) => {
			const body = Buffer.concat(await request.toArray());
			const answer = await fetch(`${url}${request.url}`, {
				method: request.method ?? "GET",
				headers: {
					Authorization: request.headers.authorization ?? "",
					"Content-Type": "application/json",
				},
				...(request.method === "POST" ? { body } : {}),
			});
			const text = await answer.text();
			if (request.url?.endsWith("/credits")) request.socket.destroy();
			else response.end(text);
		});
		await new Promise<void>((resolve) =>
			stalling.listen(0, "127.0.0.1", resolve),
		);
		const address = stalling.address();
		assert.ok(typeof address === "object" && address !== null);
		const announced = readFileSync(`${mint}/http.json`, "utf8");
		const elsewhere = `http://127.0.0.1:${address.port}`;
		writeFileSync(`${mint}/http.json`, announced.replace(url, elsewhere));
		const credit = [
			...["issuer", "credit", "--home", mint, "--amount", "3"],
			...["--account", "alice-purse"],
		];
		const lost = await run(credit);
		stalling.closeAllConnections();
		stalling.close();
		writeFileSync(`${mint}/http.json`, announced);
		assert.equal(lost.code, 1);
		assert.equal(lost.stdout, "");
		const [, reference = ""] =
			/^the reference of this credit is (\S+)\n/.exec(lost.stderr) ?? [];
		assert.match(reference, /^[0-9a-f-]{36}$/, lost.stderr);
		assert.match(lost.stderr, /whether the account was credited is not known/);
		assert.ok(lost.stderr.includes(`again with --reference "${reference}"`));
		const again = await json(...credit, "--reference", reference);
		assert.deepEqual([again.isNew, again.account.balance], [false, "103.00"]);
		const other = await run([...credit, "--reference", "first"]);
		assert.equal(other.code, 2);
		assert.doesNotMatch(other.stderr, /not known/);
		issuer.terminate();
		await issuer.exits(0);
	});

	test("issues to a purse through a tetrad, while its operator looks, and goes on after it was killed", async () => {
		const purse = homes.of("X");
		await json(
			...["purse", "create", "--home", purse, "--unsafe-no-owner"],
			...["--issuer", `${mint}/issuer.terms.json`],
		);
		await json("purse", "withdraw", "25.50", "--home", purse);
		const settle = async () => {
			await using issuer = startIssuer();
			await issuer.expect("listening");
			const { agent, address } = await startServer(
				homes,
				"B",
				homes.socket("mint"),
			);
			await using _ = agent;
			await using module = await startModule(homes, "X");
			const caller = startCaller(
				homes,
				"A",
				homes.socket("X"),
				address,
				"--settle",
			);
			await using __ = caller;
			await caller.exits(0);
			const audit = await json("issuer", "audit", "--home", mint);
			const { accounts } = await json("issuer", "accounts", "--home", mint);
			await issuer.kill();
			module.terminate();
			await module.exits(0);
			return { audit, accounts, requests: issuer.all("request") };
		};
		const first = await settle();
		const [request] = first.requests;
		assert.deepEqual(
			[request?.asked, request?.outcome, request?.amount, request?.play],
			["withdraw", "issued", "25.50", true],
		);
		const sums = {
			issued: "25.50",
			outstanding: "25.50",
			returned: "0.00",
			expired: "0.00",
			owed: "0.00",
			balanced: true,
		};
		const { currency, play, problems, ...found } = first.audit;
		assert.deepEqual(
			[found, currency, play, problems],
			[sums, "PLAY", true, []],
		);
		assert.equal(first.accounts[0].balance, "77.50");
		assert.match(first.accounts[0].note, /play money/);
		// It was killed, and still says where it was.
		assert.ok(existsSync(`${mint}/http.json`));
		const again = await json("issuer", "accounts", "--home", mint);
		assert.deepEqual(again.accounts, first.accounts);
	});

	test("shows what was sold to its operator: nothing yet", async () => {
		const sales = ["issuer", "sales", "--home", mint];
		assert.deepEqual(await json(...sales), { sales: [] });
		const { stdout } = await run(sales);
		assert.match(stdout, /nobody has handed in a sale/);
		const none = await run([...sales, "--contract", "x"]);
		assert.equal(none.code, 2);
	});

	test("does not start without the master secret that its ledger knows, nor with another one", async () => {
		const path = `${mint}/selling.secret`;
		assert.equal(statSync(path).mode & 0o077, 0);
		const secret = readFileSync(path);
		rmSync(path);
		const start = async (why: RegExp) => {
			await using issuer = startIssuer();
			const { stderr } = await issuer.exits(1);
			assert.match(stderr, why);
		};
		await start(/home-unusable.*selling\.secret is gone/);
		assert.ok(!existsSync(path));
		writeFileSync(path, "ab".repeat(32), { mode: 0o600 });
		await start(/home-unusable.*another one than its ledger knows/);
		writeFileSync(path, secret);
		await using issuer = startIssuer();
		await issuer.expect("listening");
		issuer.terminate();
		await issuer.exits(0);
	});

	test("stops by itself, with exit code 1 and why, when its store fails for good", async () => {
		await using issuer = startIssuer();
		await issuer.expect("listening");
		const held = new DatabaseSync(`${mint}/ledger.db`);
		held.exec("DROP TABLE accounts");
		held.close();
		await run([
			...["issuer", "credit", "--home", mint, "--account", "alice-purse"],
			...["--amount", "1"],
		]);
		const { stderr } = await issuer.exits(1);
		assert.match(stderr, /store-failed/);
	});
});

describe("a module that spends twice", () => {
	let evidence: string;

	/** What two copies of X would do, at the ledger of Y. */
	async function spendTwice(): Promise<void> {
		const banks = await readBanks([homes.at("bank")]);
		const { agency } = await makeWorld();
		const now = Date.now();
		const world = { policy: { agencies: [agency.anchor], banks }, now };
		await using stack = new AsyncDisposableStack();
		const moduleAt = async (place: "X" | "Y"): Promise<Module> => {
			const { identity } = stack.use(await readHome(homes.of(place), "module"));
			const { chain, signer } = identity;
			const device = validateChain(nodeCrypto, chain, "module", banks, now);
			return { device, signer };
		};
		const [payer, issuer] = [await moduleAt("X"), await moduleAt("Y")];
		const store = stack.use(
			await openSqliteStore({
				path: `${mint}/ledger.db`,
				schema: LEDGER_SCHEMA,
			}),
		);
		const machine = new Mint(world, issuer, store, { now });
		const note = noteIn(
			await machine.once(payer, withdraw(requestId(), 1_000n)),
		);
		const tills = ["till-1", "till-2"].map((name) => ({
			...payer,
			device: { ...issuer.device, name, deviceId: idOf(payer, name) },
		})) as unknown as Module[];
		for (const [i, till] of tills.entries()) {
			const pieces = [piece(note, BigInt(i) * 100n, 300n)];
			const transfer = await pay(payer, till, pieces, issuer);
			await machine.once(till, deposit(requestId(), transfer, [note], issuer));
		}
	}

	function idOf({ device }: Module, name: string): Uint8Array {
		const id = Buffer.concat([
			device.deviceId.subarray(0, 36),
			Buffer.from([0, 0, 0, name.length]),
			Buffer.from(name),
		]);
		return new Uint8Array(id);
	}

	before(async () => {
		for (const file of readdirSync(mint))
			if (file.startsWith("ledger.db")) rmSync(`${mint}/${file}`);
		await json(
			...["issuer", "credit", "--home", mint, "--account", "alice-purse"],
			...["--amount", "100", "--open"],
		);
		await spendTwice();
	});

	test("is told apart, with evidence that anybody can judge", async () => {
		const out = homes.at("evidence");
		const { conflicts } = await json(
			...["issuer", "conflicts", "--home", mint, "--evidence", out],
		);
		assert.equal(conflicts.length, 1);
		assert.equal(conflicts[0].name, "alice-purse");
		evidence = conflicts[0].file;
		for (const [path, problem] of [
			[evidence, /cannot make .*: it exists already \(file-unusable\)/],
			["/proc/evidence", /cannot make .* \(file-unusable\)/],
			[homes.at("no", "such"), /it does not exist \(file-unusable\)/],
		] as const) {
			const flags = ["--home", mint, "--evidence", path];
			const refused = await run(["issuer", "conflicts", ...flags]);
			assert.equal(refused.code, 1);
			assert.match(refused.stderr, problem);
		}
		const bank = ["--bank", `${homes.at("bank")}/root.pem`];
		const proved = await json("verify", evidence, ...bank);
		assert.equal(proved.proved, true);
		assert.equal(proved.name, "alice-purse");
		assert.deepEqual(proved.range, { offset: "1.00", amount: "2.00" });
		assert.notEqual(proved.first.contract, proved.second.contract);
	});

	test("is not proved by evidence that was changed, or under another root", async () => {
		const bytes = readFileSync(evidence);
		const changed = homes.at("changed.evidence");
		bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
		writeFileSync(changed, bytes);
		const bank = `${homes.at("bank")}/root.pem`;
		const { code, stdout } = await run([
			...["verify", changed, "--bank", bank, "--json"],
		]);
		assert.equal(code, 1);
		assert.equal(JSON.parse(stdout).proved, false);
		const revoke = ["authority", "revoke", "--home", homes.at("bank")];
		const refused = await run([...revoke, "--evidence", changed]);
		assert.equal(refused.code, 1);
	});

	test("is revoked by the bank that certified it, and by no other", async () => {
		const other = homes.at("other-bank");
		await createAuthorityHome(other, "bank", "Other Bank", "P-256");
		const elsewhere = await run([
			...["authority", "revoke", "--home", other, "--evidence", evidence],
			...["--trust", `${homes.at("bank")}/root.pem`],
		]);
		assert.equal(elsewhere.code, 1);
		assert.match(elsewhere.stderr, /certified by another bank/);
		const bank = homes.at("bank");
		const { revoked } = await json(
			...["authority", "revoke", "--home", bank, "--evidence", evidence],
		);
		assert.deepEqual(
			revoked.map(({ name }: { name: string }) => name),
			["alice-purse"],
		);
		const both = await run([
			...["authority", "revoke", "--home", bank, "--evidence", evidence],
			...["--name", "alice-purse"],
		]);
		assert.equal(both.code, 2);
		const list = await json(
			...["authority", "publish", "--home", bank, "--out", homes.at("list")],
		);
		assert.equal(list.entries, 1);
	});
});

describe("a name that is credited", () => {
	test("is that of a module of the issuer's own bank, whoever else is called the same", async () => {
		const credit = ["issuer", "credit", "--home", mint, "--amount", "1"];
		// Anybody who pays with the issuer's notes opens an account for a payee of any bank.
		const namesake = hex(enc(new Uint8Array(32).fill(9), utf8("carol-purse")));
		await json(...credit, "--account", namesake);
		const byName = await run([...credit, "--account", "carol-purse"]);
		assert.equal(byName.code, 2);
		assert.match(byName.stderr, /say the module's device id/);
		const opened = await json(
			...credit,
			...["--account", "carol-purse", "--open"],
		);
		assert.notEqual(opened.account.id, namesake);
		const again = await json(...credit, "--account", "carol-purse");
		assert.deepEqual(
			[again.account.id, again.account.balance],
			[opened.account.id, "2.00"],
		);
	});
});
