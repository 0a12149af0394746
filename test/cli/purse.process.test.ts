/* Purses of real processes: their owner's commands, payments, and modules that are killed. */
import assert from "node:assert/strict";
import { readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Address, parseAddress } from "../../src/carrier/index.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { Authority } from "../../src/device/authority/authority.ts";
import { readRoots } from "../../src/device/authority/authority-home.ts";
import { issueDeviceHome } from "../../src/device/authority/issue-device-home.ts";
import { readCertificates } from "../../src/device/home/files.ts";
import { readPolicy } from "../../src/device/home/policy-file.ts";
import { runAgentProcess } from "../../src/device/process/agent-process.ts";
import { runModuleProcess } from "../../src/device/process/module-process.ts";
import type { Report } from "../../src/device/process/process-events.ts";
import { writeIssuerTerms } from "../../src/device/purse/issuer-terms.ts";
import {
	type PurseBalance,
	viewBalances,
} from "../../src/device/purse/owner-view.ts";
import {
	purseStorePath,
	viewPurse,
} from "../../src/device/purse/purse-home.ts";
import {
	type CertifiedDevice,
	encodeChain,
	validateChain,
} from "../../src/identity/index.ts";
import { readSoftwareKey } from "../../src/keys/index.ts";
import { WITNESSED } from "../../src/money/index.ts";
import { openSqliteSnapshot } from "../../src/store/index.ts";
import { AGENT_SCHEMA } from "../../src/trade/records/index.ts";
import {
	type Module,
	mintNote,
	putNotes,
	termsOf,
} from "../device/purse-support.ts";
import { done, refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import {
	Command,
	run,
	startCaller,
	startModule,
	startServer,
} from "../support/processes.ts";
import { TroubledDisk } from "../support/troubled-disk.ts";

const PRELOAD = fileURLToPath(
	new URL("../support/kill-at-commit.mjs", import.meta.url),
);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let mint: Module;
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
	mint = { device, identity: { signer, chain: device.encodedChain } };
	terms = homes.at("issuer.terms.json");
	await writeIssuerTerms(terms, termsOf(mint));
	await writeFile(homes.at("owner"), "correct horse\n", { mode: 0o600 });
	await writeFile(homes.at("thief"), "battery staple\n", { mode: 0o600 });
});
after(() => folder[Symbol.asyncDispose]());

async function certified(name: string): Promise<CertifiedDevice> {
	const chain = await readCertificates(homes.at(name, "chain.pem"));
	const { banks } = await readPolicy(homes.at(name));
	const encoded = encodeChain(chain);
	return validateChain(nodeCrypto, encoded, "module", banks, Date.now());
}

async function give(place: "X" | "Y", ...values: bigint[]): Promise<void> {
	const name = place === "X" ? "alice-purse" : "bob-till";
	const device = await certified(name);
	const now = Date.now();
	const notes = await Promise.all(
		values.map((value, at) => mintNote(mint, device, value, now + at)),
	);
	await putNotes(purseStorePath(homes.of(place)), mint, notes);
}

const OWNER = () => ["--owner-passphrase-file", homes.at("owner")];
const create = (home: string, ...flags: string[]) => [
	...["purse", "create", "--home", home, "--issuer", terms, ...flags],
];

async function balance(place: "X" | "Y"): Promise<PurseBalance> {
	await using view = await viewPurse(homes.of(place));
	const [first] = await viewBalances(view.store, view.issuers, Date.now());
	assert.ok(first !== undefined);
	return first;
}

describe("tetrad purse", () => {
	test("is made with an owner's secret, and says whose money it takes", async () => {
		await refused(["purse", "balance", "--home", homes.of("X")], /no purse/);
		const { issuers } = await done([...create(homes.of("X")), ...OWNER()]);
		assert.deepEqual(issuers, [
			{
				issuer: "mint",
				currency: "PLAY",
				play: true,
				undeposited: { software: "100.00", token: "1000.00", tpm: "1000.00" },
			},
		]);
		const file = await readFile(`${homes.of("X")}/purse.json`, "utf8");
		assert.doesNotMatch(file, /correct horse/);
		await refused([...create(homes.of("X")), ...OWNER()], /never overwritten/);
		await refused(
			[...create(homes.of("A")), ...OWNER()],
			/is the home of an agent/,
		);
		await refused(
			[...create(homes.of("Y")), "--undeposited", "software=1.001", ...OWNER()],
			/PLAY has 2 decimals/,
			2,
		);
		await refused(
			[...create(homes.of("Y")), "--undeposited", "glass=1"],
			/Say software/,
			2,
		);
		await refused(
			[...create(homes.of("Y")), "--unsafe-no-owner", ...OWNER()],
			/and not both/,
			2,
		);
		const limits = ["--undeposited", "software=1000"];
		await done([...create(homes.of("Y")), "--unsafe-no-owner", ...limits]);
	});

	test("takes a withdrawal from its owner alone, and says what happens next", async () => {
		const order = (amount: string, ...flags: string[]) => [
			...["purse", "withdraw", amount, "--home", homes.of("X"), ...flags],
		];
		const folder = `${homes.of("X")}/orders`;
		await refused(order("1.001", ...OWNER()), /PLAY has 2 decimals/, 2);
		await refused(order("0", ...OWNER()), /greater than zero/, 2);
		await refused(order("1e3", ...OWNER()), /is no amount/, 2);
		await refused(
			order("1", "--owner-passphrase-file", homes.at("thief")),
			/not the passphrase of the purse's owner; nothing was ordered/,
		);
		await refused(
			order("1"),
			new RegExp(`passphrase of the owner of the purse in ${homes.of("X")};`),
		);
		await refused(
			order("1", ...OWNER(), "--issuer", "nobody"),
			/known are: mint/,
			2,
		);
		await refused(
			order("1", ...OWNER(), "--agent", homes.of("A")),
			/all three/,
			2,
		);
		const { ordered, settled, command } = await done(order("12.5", ...OWNER()));
		assert.equal(settled, false);
		assert.match(String(command), /^tetrad agent .*--settle$/);
		const { request, amount, play } = ordered as Record<string, unknown>;
		assert.deepEqual([amount, play], ["12.50", true]);
		assert.deepEqual(await readdir(folder), [`${request}.order`]);
		const placed = await readFile(`${folder}/${request}.order`);
		assert.equal(placed.includes("correct horse"), false);
		// Nobody has taken it down yet, and what is not the owner's is not counted.
		await writeFile(`${folder}/${"0".repeat(32)}.order`, placed);
		const { balances } = await done([
			...["purse", "balance", "--home", homes.of("X")],
		]);
		const [balance] = balances as { ordered: string }[];
		assert.equal(balance?.ordered, "12.50");
		await rm(`${folder}/${"0".repeat(32)}.order`);
		const unsettled = await run([
			...["purse", "deposit", "--home", homes.of("X")],
			...["--agent", homes.of("A"), "--module", homes.socket("nobody")],
			...["--issuer-at", "127.0.0.1:1"],
		]);
		assert.equal(unsettled.code, 1);
		assert.match(unsettled.stderr, /do not order it again, but settle: tetrad/);
	});

	test("takes an order back from its owner alone, and shows which orders there are", async () => {
		const home = ["--home", homes.of("X")];
		const orders = async () =>
			(await done(["purse", "orders", ...home]))["orders"] as {
				request: string;
				amount: string;
				state: string;
				cancelled: boolean;
			}[];
		const { ordered } = await done([
			...["purse", "withdraw", "7", ...home, ...OWNER()],
		]);
		const { request } = ordered as { request: string };
		const said = (of: string) => (order: { request: string }) =>
			order.request === of;
		const before = await orders();
		assert.equal(before.length, 2);
		const waiting = before.find(said(request));
		assert.deepEqual(
			[waiting?.amount, waiting?.state, waiting?.cancelled],
			["7.00", "waiting", false],
		);
		const cancel = (name: string) => ["purse", "cancel", name, ...home];
		await refused(
			[...cancel(request), "--owner-passphrase-file", homes.at("thief")],
			/not the passphrase of the purse's owner/,
		);
		await refused([...cancel("q"), ...OWNER()], /no order begins with "q"/, 2);
		await done([...cancel(request.slice(0, 12)), ...OWNER()]);
		const after = (await orders()).find(said(request));
		assert.equal(after?.cancelled, true);
		const { balances } = await done(["purse", "balance", ...home]);
		assert.equal((balances as { ordered: string }[])[0]?.ordered, "12.50");
		const { stdout } = await run(["purse", "orders", ...home]);
		assert.match(stdout, /12\.50 PLAY \(play money\) +waits until/);
		assert.match(stdout, /7\.00 PLAY \(play money\) +cancelled/);

		await using module = await startModule(homes, "X");
		await module.until(
			() => module.all("purse").some(({ kind }) => kind === "cancelled"),
			"the cancellation",
		);
		// The other order may be taken down after it.
		for (let tries = 0; ; tries++) {
			const waiting = await readdir(`${homes.of("X")}/orders`);
			if (waiting.length === 0) break;
			assert.ok(tries < 500, `not taken down: ${waiting.join()}`);
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
		module.terminate();
		await module.exits(0);
		const left = await orders();
		assert.deepEqual(
			left.map(({ amount, state }) => [amount, state]),
			[["12.50", "taken-down"]],
		);
		const { history } = await done(["purse", "history", ...home]);
		assert.ok(
			(history as { what: string; subject: string }[]).some(
				({ what, subject }) => what === "cancelled" && subject === request,
			),
		);
		assert.deepEqual(await readdir(`${homes.of("X")}/orders`), []);
	});

	test("shows balance, notes and history in words and in JSON", async () => {
		await give("X", 50_000n, 2_500n);
		const shown = new Command(["purse", "balance", "--home", homes.of("X")]);
		const { stdout } = await shown.exits(0);
		assert.match(stdout, /mint\s+PLAY\s+525\.00\s+0\.00/);
		assert.match(stdout, /play money/);
		const { notes } = await done(["purse", "notes", "--home", homes.of("X")]);
		assert.equal((notes as unknown[]).length, 2);
		const history = async (...flags: string[]) => {
			const home = ["--home", homes.of("X")];
			const said = await done(["purse", "history", ...home, ...flags]);
			return said["history"] as readonly unknown[];
		};
		const all = await history();
		assert.ok(all.length > 1);
		assert.deepEqual(await history("--limit", "1"), all.slice(0, 1));
		await refused(
			["purse", "history", "--home", homes.of("X"), "--limit", "0"],
			/Say a number/,
			2,
		);
	});

	test("archives nothing while nothing is over, and says so", async () => {
		const archive = ["purse", "archive", "--home", homes.of("X")];
		const { files, payments } = await done(archive);
		assert.deepEqual([files, payments], [0, 0]);
		const { stdout } = await run(archive);
		assert.match(stdout, /nothing to archive/);
		await refused([...archive, "--expired-for", "soon"], /days/, 2);
	});

	test("tells what a deposit will do", async () => {
		const { givingBack } = await done([
			...["purse", "deposit", "--all", "--home", homes.of("Y")],
		]);
		assert.deepEqual(givingBack, ["mint"]);
		const [name = ""] = await readdir(`${homes.of("Y")}/orders`);
		assert.match(name, /\.give-back$/);
	});

	test("keeps its module from a new key while it holds notes", async () => {
		await refused(
			[
				...["recertify", "--home", homes.of("X")],
				...["--out", homes.at("x.renewal")],
			],
			/holds 2 notes .*deposit first/,
		);
	});
});

describe("agents that pay", () => {
	const paying = (...flags: string[]) => [...flags, "--issuer-terms", terms];

	test("agree, pay, and take, in words that say play money", async () => {
		await using X = await startModule(homes, "X");
		await using Y = await startModule(homes, "Y");
		const { agent: B, address } = await startServer(
			homes,
			"B",
			homes.socket("Y"),
			...paying("--take-payments"),
		);
		await using _ = B;
		await using A = new Command([
			...["agent", "--home", homes.of("A"), "--module", homes.socket("X")],
			...["--connect", address, ...paying("--pay", "12.5", "--for", "a book")],
		]);
		const { stdout } = await A.exits(0);
		assert.match(
			stdout,
			/paid 12\.50 PLAY \(play money\) for "a book", and the other module has it/,
		);
		const received = await B.expect("received");
		const { amount, currency, play, issuer, text } = received;
		assert.deepEqual(
			{ amount, currency, play, issuer, text },
			{
				amount: "12.50",
				currency: "PLAY",
				play: true,
				issuer: "mint",
				text: "a book",
			},
		);
		const said = () => X.all("purse").some(({ kind }) => kind === "paid");
		await X.until(said, "that it has paid");
		assert.ok(Y.all("purse").some(({ kind }) => kind === "received"));
		const { spendable, inDoubt } = await balance("X");
		assert.deepEqual([spendable, inDoubt], [51_250n, 0n]);
		assert.equal((await balance("Y")).toDeposit, 1_250n);
		{
			await using view = await openSqliteSnapshot({
				path: `${homes.of("A")}/agent.db`,
				schema: AGENT_SCHEMA,
			});
			const numbers: bigint[] = [];
			await view.snapshot(async (scan) => {
				for await (const { number } of scan({ table: WITNESSED }))
					numbers.push(number);
			});
			assert.ok(numbers.length === 1 && numbers[0] !== 0n);
		}

		await using poor = startCaller(
			homes,
			...(["A", homes.socket("X"), address] as const),
			...paying("--pay", "9999"),
		);
		const broke = await poor.exits(1);
		assert.match(broke.stderr, /insufficient-funds|payment-refused/);
		await using wrong = startCaller(
			homes,
			...(["A", homes.socket("X"), address] as const),
			...paying("--pay", "1.234"),
		);
		assert.match((await wrong.exits(2)).stderr, /PLAY has 2 decimals/);
	});

	test("say that nothing was paid, and for which contract, when either module is down", async () => {
		const nobody = homes.socket("nobody");
		const contract = "cd".repeat(32);
		const before = (await balance("X")).spendable;
		await using X = await startModule(homes, "X");
		const merchant = await startModule(homes, "Y");
		const server = await startServer(
			homes,
			"B",
			homes.socket("Y"),
			...paying("--take-payments"),
		);
		await using _ = server.agent;
		merchant.terminate();
		await merchant.exits(0);
		const call = (module: string, ...flags: string[]) => [
			...["agent", "--home", homes.of("A"), "--module", module],
			...["--connect", server.address, ...paying("--pay", "2", ...flags)],
		];
		for (const module of [homes.socket("X"), nobody]) {
			const { code, stdout } = await run(call(module));
			assert.equal(code, 1);
			assert.match(
				stdout,
				/nothing was paid: 2\.00 PLAY .* came to nothing: .*\n {2}to try again: --pay 2\.00 --contract [0-9a-f]{64}\n/,
			);
			const again = await run(call(module, "--contract", contract));
			assert.match(again.stdout, /nothing was paid now: /);
			assert.match(again.stdout, new RegExp(`--contract ${contract}\n`));
		}
		X.terminate();
		await X.exits(0);
		assert.equal((await balance("X")).spendable, before);
	});

	test("are in the history of both with whom and for what, and for a spreadsheet", async () => {
		const history = ["purse", "history", "--home", homes.of("X")];
		const { history: changes } = await done(history);
		const paid = (
			changes as Record<"what" | "with" | "text" | "subject" | "peer", string>[]
		).find(({ what }) => what === "paid");
		assert.equal(paid?.with, "bob-till");
		assert.equal(paid.text, "a book");
		const { stdout } = await run(history);
		const shown = `paid +12\\.50 +PLAY +bob-till +a book +${paid.subject.slice(0, 16)}`;
		assert.match(stdout, new RegExp(shown));
		const csv = await run([...history, "--csv"]);
		assert.equal(csv.code, 0, csv.stderr);
		const [head, ...rows] = csv.stdout.split("\r\n");
		assert.equal(
			head,
			"number,time,what,amount,currency,play,issuer,with,text,subject,peer",
		);
		assert.equal(rows.pop(), "");
		assert.equal(rows.length, (changes as unknown[]).length);
		const row = rows.find((row) => row.includes(",paid,")) ?? "";
		const { subject, peer } = paid;
		assert.ok(
			row.endsWith(
				`,paid,12.50,PLAY,true,mint,bob-till,a book,${subject},${peer}`,
			),
			row,
		);
		const { stdout: atPayee } = await run([
			...["purse", "history", "--home", homes.of("Y")],
		]);
		assert.match(atPayee, /received +12\.50 +PLAY +alice-purse +a book /);
		await refused([...history, "--csv", "--json"], /'--csv' cannot be used/, 2);
	});

	test("tell what they paid when their disk is full, and which contract it is before they ask", async () => {
		await using _ = await startModule(homes, "X");
		await using __ = await startModule(homes, "Y");
		const { agent: B, address } = await startServer(
			homes,
			"B",
			homes.socket("Y"),
			...paying("--take-payments"),
		);
		await using ___ = B;
		await using disk = await TroubledDisk.make();
		await disk.make("full");
		const home = homes.of("A");
		for (const end of ["", "-wal", "-shm"])
			await rm(`${home}/agent.db${end}`, { force: true });
		await rm(`${home}/log.jsonl`, { force: true });
		await symlink("/dev/full", `${home}/log.jsonl`);
		const before = (await balance("X")).spendable;
		const contract = "ab".repeat(32);
		try {
			for (const flags of [["--json"], []]) {
				await using A = new Command(
					[
						...["agent", "--home", home, "--module", homes.socket("X")],
						...["--connect", address, ...flags],
						...paying("--pay", "1", "--contract", contract),
					],
					{ env: disk.env("agent.db") },
				);
				const { stdout, stderr } = await A.exits(0);
				assert.match(stderr, /cannot write .*log\.jsonl.*ENOSPC/);
				assert.equal(stderr.split("log.jsonl, and").length, 2, "said once");
				assert.doesNotMatch(stderr, /\bat .*:\d+:\d+/);
				assert.match(stdout, /purse has come.*no room|store-full/);
				if (flags.length === 0) {
					assert.match(stdout, /pays 1\.00[^\n]*\n {2}contract (ab){32}\n/);
					assert.match(stdout, /paid 1\.00/);
				} else {
					const said = A.events.map(({ event }) => event);
					assert.ok(said.indexOf("paying") >= 0, stdout);
					assert.ok(said.indexOf("paying") < said.indexOf("paid"), stdout);
					assert.equal((await A.expect("paying")).contract, contract);
				}
			}
			assert.equal((await balance("X")).spendable, before - 100n);
		} finally {
			await rm(`${home}/log.jsonl`);
		}
	});

	test("are told that nothing was paid while the module's disk is full, and paid by the same process when it has room", async () => {
		await using disk = await TroubledDisk.make();
		const home = homes.of("X");
		const args = [
			...["module", "--json", "--home", home],
			...["--listen", homes.socket("X")],
		];
		const env = disk.env(home);
		// Its lock needs no room, and its database says what it lacks.
		await disk.make("full");
		await rm(`${home}/lock.db`);
		{
			await using X = new Command(args, { env });
			const { stderr } = await X.exits(1);
			assert.match(stderr, /there is no room for .*purse\.db.*make room/);
			assert.match(stderr, /store-full/);
		}
		await disk.end("full");
		await using X = new Command(args, { env });
		await X.expect("listening");
		await using _ = await startModule(homes, "Y");
		const { agent: B, address } = await startServer(
			homes,
			"B",
			homes.socket("Y"),
			...paying("--take-payments"),
		);
		await using __ = B;
		const pay = () =>
			startCaller(
				homes,
				...(["A", homes.socket("X"), address] as const),
				...paying("--pay", "1"),
			);
		const { spendable } = await balance("X");
		await disk.make("full");
		{
			await using A = pay();
			const { stderr } = await A.exits(1);
			assert.match(stderr, /store-full|no room/);
			assert.doesNotMatch(stderr, /\bat .*:\d+:\d+/);
		}
		await disk.end("full");
		assert.equal((await balance("X")).spendable, spendable);
		await using A = pay();
		await A.exits(0);
		assert.equal((await balance("X")).spendable, spendable - 100n);
		assert.equal(X.all("stopped").length, 0);
	});

	test("are refused by an agent that takes no payments", async () => {
		await using _ = await startModule(homes, "X");
		await using __ = await startModule(homes, "Y");
		const { agent: B, address } = await startServer(
			homes,
			"B",
			homes.socket("Y"),
		);
		await using ___ = B;
		await using A = startCaller(
			homes,
			...(["A", homes.socket("X"), address] as const),
			...paying("--pay", "1"),
		);
		assert.match((await A.exits(1)).stderr, /payment-refused/);
		assert.match((await B.expect("refused")).reason, /--take-payments/);
	});
});

/** Devices in this process, until the scope ends. */
class Running implements AsyncDisposable {
	readonly #stop = new AbortController();
	readonly #runs: Promise<void>[] = [];

	async module(place: "X" | "Y"): Promise<void> {
		await this.#start((report) =>
			runModuleProcess(
				{
					home: homes.of(place),
					listen: parseAddress(homes.socket(place)),
					link: "paired",
					signal: this.#stop.signal,
				},
				report,
			),
		);
	}

	/** Takes payments, and resolves with the address. */
	taker(): Promise<Address> {
		return this.#start((report) =>
			runAgentProcess(
				{
					...agentAt("B", "Y", this.#stop.signal),
					listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
					take: [termsOf(mint)],
				},
				report,
			),
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await Promise.all(this.#runs);
	}

	#start(run: (report: Report) => Promise<void>): Promise<Address> {
		const { promise, resolve, reject } = Promise.withResolvers<Address>();
		const running = run((event) => {
			if (event.event === "listening") resolve(parseAddress(event.address));
		});
		this.#runs.push(running.catch(reject));
		return promise;
	}
}

function agentAt(agent: "A" | "B", module: "X" | "Y", signal: AbortSignal) {
	return {
		home: homes.of(agent),
		module: parseAddress(homes.socket(module)),
		link: "paired",
		routing: "direct",
		root: "transcript",
		signal,
	} as const;
}

const AMOUNT = 250n;

/** Has X pay Y for that contract; resolves with what A reported. */
async function pay(connect: Address, contract: Uint8Array): Promise<string[]> {
	const events: string[] = [];
	const wanted = { terms: termsOf(mint), amount: AMOUNT, text: "", contract };
	const { signal } = new AbortController();
	await runAgentProcess(
		{ ...agentAt("A", "X", signal), connect, pay: wanted },
		({ event }) => events.push(event),
	).catch(() => {});
	return events;
}

/**
 * Pays with a module that is killed at its nth write, starts it again, and asks again. Value is
 * neither lost nor doubled at any of these points, and what is in doubt is shown.
 */
async function walk(killed: "X" | "Y"): Promise<number> {
	const start = (env: Record<string, string> = {}) =>
		new Command(
			[
				...["module", "--json", "--home", homes.of(killed)],
				...["--listen", homes.socket(killed)],
			],
			{ env },
		);
	await using others = new Running();
	if (killed === "X") await others.module("Y");
	await using first = start();
	await first.expect("listening");
	const address = await others.taker();
	if (killed === "Y") await others.module("X");
	await first.kill();
	for (let points = 0; ; points++) {
		const write = `${1 + (points >> 1)} ${points % 2 === 0 ? "before" : "after"}`;
		const at = `${killed} is killed at write ${write}`;
		const contract = nodeCrypto.random(32);
		const [payer, payee] = [await balance("X"), await balance("Y")];
		await using module = start({
			NODE_OPTIONS: `--import=${PRELOAD}`,
			TETRAD_TEST_COMMIT: write,
		});
		await module.until(
			() => module.gone || module.all("listening").length > 0,
			"its start or its end",
		);
		if (!module.gone) {
			await pay(address, contract);
			// What it reports comes after its last write, which may still be on its way.
			const last = killed === "X" ? "paid" : "received";
			await module.until(
				() =>
					module.gone || module.all("purse").some(({ kind }) => kind === last),
				"its end, or that it has nothing more to write",
			);
		}
		if (!module.gone) {
			const [x, y] = [await balance("X"), await balance("Y")];
			assert.equal(x.spendable, payer.spendable - AMOUNT, at);
			assert.equal(y.toDeposit, payee.toDeposit + AMOUNT, at);
			return points;
		}
		{
			const [x, y] = [await balance("X"), await balance("Y")];
			const left = payer.spendable - x.spendable;
			const came = y.toDeposit - payee.toDeposit;
			assert.ok(left === 0n || left === AMOUNT, at);
			assert.ok(came === 0n || came === left, `${at}: ${came} of ${left} came`);
			assert.ok(x.inDoubt === left || came === left, `${at}: not in doubt`);
		}
		await using again = new Running();
		await again.module(killed);
		assert.ok((await pay(address, contract)).includes("paid"), at);
		const [x, y] = [await balance("X"), await balance("Y")];
		assert.equal(x.spendable, payer.spendable - AMOUNT, at);
		assert.equal(y.toDeposit, payee.toDeposit + AMOUNT, at);
	}
}

test("a paying module that is killed at any of its durable writes pays once", async () => {
	const points = await walk("X");
	assert.ok(points >= 8, `${points} points`);
});

test("a paid module that is killed at any of its durable writes is credited once", async () => {
	const points = await walk("Y");
	assert.ok(points >= 6, `${points} points`);
});
