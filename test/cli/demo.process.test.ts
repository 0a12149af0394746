import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { WireAudit } from "../../src/show/stage/audit.ts";
import type { ClaimResult } from "../../src/show/stage/claims.ts";
import type { Doubt, Kill } from "../../src/show/stage/doubt.ts";
import type { StrangerTrial } from "../../src/show/stage/impostors.ts";
import { checkReceipt } from "../../src/show/stage/sale-check.ts";
import { Stage } from "../../src/show/stage/stage.ts";
import type { ShownBalances } from "../../src/show/stage/teller.ts";
import { PLACES, type Place } from "../../src/tetrad/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Command, isAlive, run } from "../support/processes.ts";

/** What `demo --json` prints, as far as it is looked at. */
interface Report {
	readonly ok: boolean;
	readonly problems: readonly string[];
	readonly routing: string;
	readonly root: string;
	readonly link: string;
	readonly processes: Readonly<Record<Place, number>>;
	readonly pairingCodes: readonly string[];
	readonly safetyCodes: Readonly<Record<Place, string>>;
	readonly delivered: boolean;
	readonly receiptValid: boolean;
	readonly conserved: boolean;
	readonly killed: (Kill & { readonly when: string }) | null;
	readonly purchase: {
		readonly item: string;
		readonly amount: string;
		readonly contract: string;
		readonly processes: Readonly<Record<Place, number>>;
		readonly restarted: readonly number[];
		readonly doubt: Omit<Doubt, "killed">;
		readonly steps: readonly { readonly who: string }[];
	};
	readonly receipt: { readonly contract: string; readonly merchant: string };
	readonly file: { readonly sent: string; readonly received: string };
	readonly messages: readonly { session: number; to: Place; text: string }[];
	readonly flights: readonly { wire: string; from: string; name: string }[];
	readonly claims: readonly ClaimResult[];
	readonly strangers: readonly StrangerTrial[];
	readonly wiretaps: readonly WireAudit[];
	readonly play: boolean;
	readonly balances: Readonly<Record<"before" | "after", ShownBalances>>;
	readonly audit: { readonly balanced: boolean; readonly outstanding: string };
}

/** What needs devices that keys cannot be copied from. */
const NEEDS_TOKENS = [6, 7, 10, 11];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let runs = 0;

before(async () => {
	folder = await temporaryFolder();
});
after(() => folder[Symbol.asyncDispose]());

/** Runs a command whose temporary files go into a folder of its own, which must be empty afterwards. */
async function stage(...args: string[]): Promise<string> {
	const temporary = join(folder.path, `run-${++runs}`);
	await mkdir(temporary);
	const { code, stdout, stderr } = await run([...args, "--json"], {
		env: { TMPDIR: temporary },
		patienceMs: 120_000,
	});
	assert.equal(code, 0, stderr || stdout);
	assert.equal(stderr, "");
	assert.deepEqual(await readdir(temporary), [], "nothing is left on the disk");
	assert.equal(stdout.trimEnd().split("\n").length, 1);
	return stdout;
}

test("without a place for temporary files it says so", async () => {
	for (const command of ["demo", "claims"]) {
		const env = { TMPDIR: join(folder.path, "nowhere") };
		const { code, stdout, stderr } = await run([command], { env });
		assert.equal(code, 1);
		assert.equal(stdout, "");
		assert.match(
			stderr,
			/^tetrad: cannot make a folder in .*nowhere .*TMPDIR \(file-unusable\)\n$/,
		);
	}
});

async function demo(...flags: string[]): Promise<Report> {
	const report = JSON.parse(await stage("demo", ...flags)) as Report;
	assert.deepEqual(report.problems, []);
	assert.equal(report.ok, true);
	const pids = Object.values(report.processes);
	assert.equal(new Set(pids).size, 4);
	for (const pid of pids) assert.equal(isAlive(pid), false);
	const codes = new Set(PLACES.map((place) => report.safetyCodes[place]));
	assert.equal(codes.size, 1);
	assert.match([...codes][0] ?? "", /^([a-z]+ ){5}[a-z]+$/);
	assert.equal(report.pairingCodes.length, 2);
	assert.deepEqual(
		report.strangers.map(({ place, refused }) => [place, refused?.by]),
		[
			["X", "A"],
			["Y", "B"],
		],
	);
	const { purchase, balances, audit } = report;
	const all = [...Object.values(purchase.processes), ...purchase.restarted];
	for (const pid of all) assert.equal(isAlive(pid), false);
	assert.deepEqual(
		[balances.before, balances.after].map(({ purses, accounts, sum }) => [
			...[purses.X, purses.Y, accounts.X, accounts.Y, sum],
		]),
		[
			["40.00", "0.00", "60.00", "0.00", "100.00"],
			["27.50", "0.00", "60.00", "12.50", "100.00"],
		],
	);
	assert.deepEqual([audit.balanced, audit.outstanding], [true, "27.50"]);
	const { delivered, receiptValid, conserved, play } = report;
	assert.deepEqual(
		{ delivered, receiptValid, conserved, play },
		{ delivered: true, receiptValid: true, conserved: true, play: true },
	);
	assert.equal(report.receipt.contract, purchase.contract);
	assert.equal(report.receipt.merchant, "bob");
	assert.deepEqual(
		{ ...purchase.doubt, agent: purchase.doubt.agent.state },
		{
			buyer: { inDoubt: "12.50", spendable: "27.50" },
			merchant: { toDeposit: "12.50" },
			agent: "in-doubt",
			hasGoods: false,
			...(report.killed?.what === "issuer" ? {} : { isBooked: false }),
		},
	);
	for (const session of [1, 2, 3, 4])
		assert.ok(report.messages.some((message) => message.session === session));
	assert.deepEqual(
		report.wiretaps.map(({ wire }) => wire),
		["network", "link A–X", "link B–Y"],
	);
	for (const { bytes, secrets, plaintexts } of report.wiretaps) {
		assert.ok(bytes > 1000);
		assert.ok(secrets > 10);
		assert.ok(plaintexts >= 9);
	}
	return report;
}

/** The device that was killed was so, and whoever is started again was. */
function killed(report: Report, what: Kill["what"], name: string): void {
	assert.equal(report.killed?.what, what);
	assert.equal(report.killed.name, name);
	assert.equal(report.killed.signal, "SIGKILL");
	assert.match(report.killed.when, /had committed/);
	assert.ok(!Number.isNaN(Date.parse(report.killed.at)));
	assert.equal(isAlive(report.killed.pid), false);
	assert.ok(report.purchase.restarted.length > 0);
	assert.ok(!report.purchase.restarted.includes(report.killed.pid));
}

const sha256 = (bytes: Uint8Array) =>
	createHash("sha256").update(bytes).digest("hex");

const found = ({ wiretaps }: Report, wire: string) =>
	wiretaps
		.filter((audit) => audit.wire === wire)
		.flatMap((audit) => audit.found.map(({ name }) => name));

describe("a stage of four processes", { concurrency: 3 }, () => {
	test("the demo sells a file of 3 MB although the merchant's module dies, shows a wiretap nothing and leaves nothing", async () => {
		const bytes = randomBytes(3_000_000);
		const path = join(folder.path, "random.bin");
		await writeFile(path, bytes);
		const report = await demo("--file", path);
		killed(report, "module", "bob-till");
		assert.equal(report.killed?.pid, report.purchase.processes.Y);
		assert.equal(report.purchase.item, "random.bin");
		assert.equal(report.file.sent, sha256(bytes));
		assert.equal(report.file.received, sha256(bytes));
		for (const { found } of report.wiretaps) assert.deepEqual(found, []);
		const network = report.wiretaps[0] as WireAudit;
		assert.ok(network.bytes > bytes.length);
		assert.equal(network.plaintexts, 5 + 4 + 256);
		const flights = report.flights
			.filter(({ wire }) => wire === "network")
			.map(({ from, name }) => `${from} ${name.slice(0, 2)}`);
		assert.deepEqual(flights.slice(0, 2), ["A F1", "B F2"]);
		const nameless = report.flights.filter(({ name }) => /^type /.test(name));
		assert.deepEqual(nameless, []);
		const held = report.claims.filter(({ holds }) => holds);
		assert.deepEqual(
			held.map(({ claim }) => claim),
			[1, 2, 3, 4, 5],
		);
	});

	for (const kill of ["issuer", "agent"] as const)
		test(`the demo that is paid with ecash of a mint sells although the ${kill === "issuer" ? "mint" : "buyer's agent"} dies`, async () => {
			const flags = ["--rail", "cashu", "--kill", kill];
			const report = JSON.parse(await stage("demo", ...flags)) as Report;
			assert.deepEqual(report.problems, []);
			assert.equal(report.killed?.what, kill);
			const { purchase, balances, audit } = report;
			assert.equal(isAlive(report.killed.pid), false);
			for (const pid of purchase.restarted) assert.equal(isAlive(pid), false);
			assert.deepEqual(
				{ ...purchase.doubt, agent: purchase.doubt.agent.state },
				{
					buyer: { inDoubt: "12", spendable: "28" },
					merchant: { claimed: "12" },
					agent: "in-doubt",
					hasGoods: false,
				},
			);
			assert.deepEqual(
				[balances.before, balances.after].map(({ purses, sum }) => [
					...[purses.X, purses.Y, sum],
				]),
				[
					["40", "0", "40"],
					["28", "12", "40"],
				],
			);
			assert.deepEqual([audit.balanced, audit.outstanding], [true, "40"]);
			assert.ok(report.delivered && report.receiptValid && report.conserved);
			for (const { found } of report.wiretaps) assert.deepEqual(found, []);
		});

	test("the demo with crossed routing and another suite does so although the buyer's agent dies, and shows claims 8 and 9", async () => {
		const report = await demo(
			...["--routing", "crossed", "--suite", "classical-chachapoly"],
			...["--kill", "agent"],
		);
		killed(report, "agent", "alice");
		assert.equal(report.killed?.pid, report.purchase.processes.A);
		assert.equal(report.routing, "crossed");
		for (const { found } of report.wiretaps) assert.deepEqual(found, []);
		const held = report.claims.filter(({ holds }) => holds);
		assert.deepEqual(
			held.map(({ claim }) => claim),
			[8, 9],
		);
		const readme = await readFile(new URL("../../README.md", import.meta.url));
		assert.equal(report.file.received, sha256(readme));
	});

	test("the demo with open links and root xor finds R1 and R2 on the links and nothing on the network, and needs no issuer to sell", async () => {
		// An empty file with an odd name is a file too.
		const path = join(folder.path, "-odd\n name.txt");
		await writeFile(path, "");
		const report = await demo(
			...["--link", "open", "--root", "xor", `--file=${path}`],
			...["--kill", "issuer"],
		);
		killed(report, "issuer", "mint");
		const whose = report.purchase.steps.map(({ who }) => who);
		assert.ok(whose.indexOf("A") < whose.lastIndexOf("mint"));
		assert.equal(report.link, "open");
		assert.equal(report.file.received, sha256(new Uint8Array()));
		assert.deepEqual(found(report, "network"), []);
		assert.ok(found(report, "link A–X").some((name) => /\bR1 of/.test(name)));
		assert.ok(found(report, "link B–Y").some((name) => /\bR2 of/.test(name)));
		// Sessions 3 and 4 are sealed under K, also on an open link.
		for (const wire of ["link A–X", "link B–Y"])
			assert.ok(!found(report, wire).some((name) => /greeting/.test(name)));
	});

	test("a file that is another one by the end was not delivered, and what is shown has no control characters", async () => {
		const path = join(folder.path, "changing.txt");
		await writeFile(path, "as it was sold");
		await using command = new Command(["demo", "--file", path], {
			patienceMs: 120_000,
		});
		await command.until(
			() => command.stderr.includes("it goes on"),
			"the moment after the file was sold",
		);
		await writeFile(path, "As it was sold");
		const { stdout, stderr } = await command.exits(1);
		assert.match(stdout, /^ {10}not the same file/m);
		assert.match(
			stdout,
			/^ {2}not as promised: the file that was bought is not the one that is sold$/m,
		);
		assert.equal(stdout.match(/not as promised/g)?.length, 1);
		for (const text of [stdout, stderr])
			assert.doesNotMatch(text, /[^\n\P{Cc}]/u);
		for (const line of stdout.split("\n")) assert.ok([...line].length <= 160);
	});

	test("a receipt is valid for its purchase under the two roots, and not when one byte, the price or a root is another", async () => {
		const { signal } = new AbortController();
		await using stage = await Stage.set({ suite: "classical-aesgcm", signal });
		const teller = await stage.openTeller();
		await teller.credit("X", "10.00");
		await teller.withdraw("X", "10.00");
		const sale = await stage.sell({
			...{ routing: "direct", root: "transcript", link: "paired" },
			...{ teller, file: import.meta.filename, price: "3.00", kill: "none" },
		});
		assert.equal(sale.doubt.killed, undefined);
		assert.deepEqual(sale.restarted, []);
		const { roots } = stage;
		const isValid = async (
			path: string,
			of: Partial<typeof sale> = {},
			under = roots,
		) => {
			const options = { teller, roots: under, signal };
			const judged = { ...sale, ...of };
			return (await checkReceipt(path, judged, options)).valid;
		};
		assert.equal(await isValid(sale.receipt), true);
		assert.equal(await isValid(sale.receipt, { price: "3.01" }), false);
		assert.equal(await isValid(sale.receipt, { file: sale.receipt }), false);
		const { agency } = roots;
		const oneRoot = { agency, bank: agency };
		assert.equal(await isValid(sale.receipt, {}, oneRoot), false);
		const bytes = await readFile(sale.receipt);
		bytes.writeUInt8(bytes.readUInt8(200) ^ 1, 200);
		const altered = join(folder.path, "altered.receipt");
		await writeFile(altered, bytes, { mode: 0o600 });
		assert.equal(await isValid(altered), false);
	});

	for (const [when, moment] of [
		["devices pair", "paired with its module"],
		["they talk", "become one conversation"],
		["they trade", "it goes on"],
	] as const)
		test(`the demo that is interrupted when ${when} leaves no process and no file`, async () => {
			const temporary = join(folder.path, `interrupted-${++runs}`);
			await mkdir(temporary);
			await using command = new Command(["demo"], {
				env: { TMPDIR: temporary },
				patienceMs: 120_000,
			});
			await command.until(
				() => command.stderr.includes(moment),
				"what it is interrupted at",
			);
			const children = await childrenOf(command.pid);
			command.terminate();
			const { stderr } = await command.exits(1);
			assert.match(stderr, /interrupted; nothing is left running \(aborted\)/);
			assert.deepEqual(await readdir(temporary), []);
			for (const pid of children) assert.equal(isAlive(pid), false);
		});

	test("the claims are eleven, with evidence, and those hold that keys in software can show", async () => {
		const results = JSON.parse(await stage("claims")) as ClaimResult[];
		assert.deepEqual(
			results.map(({ claim }) => claim),
			[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
		);
		for (const { claim, holds, evidence } of results) {
			assert.equal(holds, !NEEDS_TOKENS.includes(claim), `claim ${claim}`);
			assert.ok(evidence.length > 50);
			if (!holds) assert.match(evidence, /missing: keys in tokens/);
		}
		const evidence = (claim: number) => results[claim - 1]?.evidence ?? "";
		assert.match(evidence(1), /four processes \(\d+, \d+, \d+, \d+\)/);
		assert.match(evidence(3), /with root xor/);
		assert.match(evidence(3), /with root transcript/);
		assert.match(evidence(5), /each opened first with a key of session 1/);
		const mentioned =
			/four processes \(([\d, ]+)\)/.exec(evidence(1))?.[1] ?? "";
		for (const pid of mentioned.split(", "))
			assert.equal(isAlive(Number(pid)), false);
	});
});

async function childrenOf(pid: number): Promise<number[]> {
	const list = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
	return list.trim().split(" ").filter(Boolean).map(Number);
}
