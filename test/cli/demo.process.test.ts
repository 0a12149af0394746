import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { WireAudit } from "../../src/show/stage/audit.ts";
import type { ClaimResult } from "../../src/show/stage/claims.ts";
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
	readonly file: { readonly sent: string; readonly received: string };
	readonly messages: readonly { session: number; to: Place; text: string }[];
	readonly flights: readonly { wire: string; from: string; name: string }[];
	readonly claims: readonly ClaimResult[];
	readonly wiretaps: readonly WireAudit[];
	readonly play: boolean;
	readonly balances: readonly ShownBalances[];
	readonly audit: { readonly balanced: boolean; readonly outstanding: string };
	readonly conserved: boolean;
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
		report.balances.map(({ purses, accounts, sum }) => [
			...[purses.X, purses.Y, accounts.X, accounts.Y, sum],
		]),
		[
			["0.00", "0.00", "100.00", "0.00", "100.00"],
			["40.00", "0.00", "60.00", "0.00", "100.00"],
			["27.50", "12.50", "60.00", "0.00", "100.00"],
			["27.50", "0.00", "60.00", "12.50", "100.00"],
		],
	);
	assert.equal(report.conserved, true);
	assert.equal(report.play, true);
	assert.deepEqual(
		[report.audit.balanced, report.audit.outstanding],
		[true, "27.50"],
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

const sha256 = (bytes: Uint8Array) =>
	createHash("sha256").update(bytes).digest("hex");

const found = ({ wiretaps }: Report, wire: string) =>
	wiretaps
		.filter((audit) => audit.wire === wire)
		.flatMap((audit) => audit.found.map(({ name }) => name));

describe("a stage of four processes", { concurrency: 3 }, () => {
	test("the demo with a file of 3 MB binds, uses every session, shows a wiretap nothing and leaves nothing", async () => {
		const bytes = randomBytes(3_000_000);
		const path = join(folder.path, "random.bin");
		await writeFile(path, bytes);
		const report = await demo("--file", path);
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

	test("the demo with crossed routing and another suite does the same, and shows claims 8 and 9", async () => {
		const report = await demo(
			...["--routing", "crossed", "--suite", "classical-chachapoly"],
		);
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

	test("the demo with open links and root xor finds R1 and R2 on the links, and nothing on the network", async () => {
		// An empty file with an odd name is a file too.
		const path = join(folder.path, "-odd\n name.txt");
		await writeFile(path, "");
		const report = await demo(
			...["--link", "open", "--root", "xor", `--file=${path}`],
		);
		assert.equal(report.link, "open");
		assert.equal(report.file.received, sha256(new Uint8Array()));
		assert.deepEqual(found(report, "network"), []);
		assert.ok(found(report, "link A–X").some((name) => /\bR1 of/.test(name)));
		assert.ok(found(report, "link B–Y").some((name) => /\bR2 of/.test(name)));
		// Sessions 3 and 4 are sealed under K, also on an open link.
		for (const wire of ["link A–X", "link B–Y"])
			assert.ok(!found(report, wire).some((name) => /greeting/.test(name)));
	});

	for (const moment of ["paired with its module", "become one conversation"])
		test(`the demo that is interrupted when ${moment === "paired with its module" ? "devices pair" : "they talk"} leaves no process and no file`, async () => {
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
