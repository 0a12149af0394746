/* What a home must not forget: lists, the time, and who has it open. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
	cp,
	mkdir,
	readdir,
	readFile,
	rename,
	rm,
	stat,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readRoots } from "../../src/device/authority/authority-home.ts";
import { SoftwareAuthority } from "../../src/device/authority/software-authority.ts";
import { type Home, readHome } from "../../src/device/home/home.ts";
import { importList, listStatus } from "../../src/device/home/home-lists.ts";
import { TrustedAgent } from "../../src/device/runtime/trusted-agent.ts";
import type { TetradError } from "../../src/errors.ts";
import { parsePemBlock, printPemBlock } from "../../src/identity/index.ts";
import { readSoftwareKey } from "../../src/keys/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { issueList, type NewList } from "./support.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let home: string;
let count = 0;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
});
after(() => folder[Symbol.asyncDispose]());
beforeEach(async () => {
	home = homes.at(`home-${++count}`);
	await cp(homes.of("A"), home, { recursive: true });
});

async function list(
	kind: "agency" | "bank",
	list: NewList,
): Promise<Uint8Array> {
	const [root = new Uint8Array()] = await readRoots(homes.at(kind));
	const key = await readSoftwareKey(homes.at(kind, "key.pem"));
	return issueList(new SoftwareAuthority(root, key), list);
}

/** Runs the device of the home for a moment. */
async function run(
	use: (agent: TrustedAgent, home: Home) => Promise<void> = async () => {},
	now: () => number = Date.now,
): Promise<void> {
	await using read = await readHome(home, "agent", { now });
	await using agent = new TrustedAgent(read);
	await use(agent, read);
}

async function refusal(now?: () => number): Promise<TetradError> {
	try {
		await run(async () => {}, now);
	} catch (thrown) {
		return thrown as TetradError;
	}
	return assert.fail("the home was opened");
}

const listFiles = () => readdir(join(home, "lists"));

describe("lists of a home", () => {
	test("that a running device learned are there the next time", async () => {
		await run((agent) =>
			list("bank", { number: 4n }).then((bundle) => agent.learnList(bundle)),
		);
		await run(async (agent) => {
			await assert.rejects(
				agent.learnList(await list("bank", { number: 3n })),
				{ code: "list-refused" },
			);
		});
		const status = await listStatus(home);
		assert.deepEqual(
			status.map(({ name, list: held }) => [name, held?.number]),
			[
				['"Test Agency"', undefined],
				['"Test Bank"', 4n],
			],
		);
	});

	test("are imported as a bundle, in DER and in PEM, and only newer ones", async () => {
		const first = await importList(home, await list("bank", { number: 1n }));
		assert.equal(first.list?.number, 1n);
		const bundle = await list("bank", { number: 2n });
		const length = new DataView(bundle.buffer, bundle.byteOffset).getUint32(0);
		const der = bundle.slice(4, 4 + length);
		assert.equal((await importList(home, der)).list?.number, 2n);
		const newest = await list("agency", { number: 8n, more: 3 });
		const newestDer = newest.slice(
			4,
			4 + new DataView(newest.buffer, newest.byteOffset).getUint32(0),
		);
		const pem = printPemBlock("X509 CRL", newestDer);
		assert.ok(parsePemBlock(pem, "X509 CRL"));
		const status = await importList(home, new TextEncoder().encode(pem));
		assert.deepEqual(
			[status.name, status.list?.number, status.list?.entries],
			['"Test Agency"', 8n, 3],
		);
		await assert.rejects(importList(home, await list("bank", { number: 1n })), {
			code: "list-refused",
			message: /older/,
		});
		assert.equal((await listFiles()).length, 2);
		await run();
	});

	test("put back to older ones refuse the start, until the newest is imported", async () => {
		const old = await list("bank", { number: 1n });
		const current = await list("bank", { number: 2n });
		await importList(home, old);
		const [file = ""] = await listFiles();
		const saved = await readFile(join(home, "lists", file));
		await importList(home, current);
		await writeFile(join(home, "lists", file), saved);
		const error = await refusal();
		assert.equal(error.code, "list-refused");
		assert.match(
			error.message,
			/seen list 2 of "Test Bank".*holds list 1, which is older; import the newest/,
		);
		await assert.rejects(importList(home, old), {
			code: "list-refused",
			message: /seen list 2/,
		});
		await importList(home, current);
		await run();
	});

	test("taken away, or exchanged for another's, refuse the start", async () => {
		await importList(home, await list("bank", { number: 1n }));
		const [file = ""] = await listFiles();
		const path = join(home, "lists", file);
		const saved = await readFile(path);
		await rm(path);
		assert.match((await refusal()).message, /does not hold it; import/);
		await writeFile(path, await list("agency", { number: 9n }));
		assert.match((await refusal()).message, /does not hold it; import/);
		await writeFile(path, saved.subarray(0, -1));
		assert.equal((await refusal()).code, "list-refused");
		await writeFile(path, saved);
		await run();
		await rm(join(home, "lists"), { recursive: true });
		assert.match((await refusal()).message, /does not hold it; import/);
	});

	test("without state.json are refused, and so is a state.json that is none", async () => {
		await importList(home, await list("bank", { number: 1n }));
		const path = join(home, "state.json");
		const text = await readFile(path, "utf8");
		await rm(path);
		assert.match((await refusal()).message, /state\.json is missing.*rm -r/);
		for (const [bad, expected] of [
			["{", /state\.json is not JSON/],
			[text.replace('"1"', '"one"'), /state\.json: lists\./],
			[text.replace('"version"', '"vers"'), /state\.json: /],
			[text.replace('"lists"', '"colour": 1, "lists"'), /"colour"/],
		] as const) {
			await writeFile(path, bad);
			const error = await refusal();
			assert.equal(error.code, "home-unusable");
			assert.match(error.message, expected);
		}
		await writeFile(path, text);
		await run();
	});

	test("that cannot be written are not said to be imported", async () => {
		// A folder where the draft would be written stands for a full disk, also for root.
		await importList(home, await list("bank", { number: 1n }));
		const [file = ""] = await listFiles();
		await mkdir(join(home, "lists", `${file}.new`));
		await assert.rejects(importList(home, await list("bank", { number: 2n })), {
			code: "home-unusable",
			message: /cannot write .* for good/,
		});
		await rm(join(home, "lists", `${file}.new`), { recursive: true });
		assert.equal((await listStatus(home))[1]?.list?.number, 1n);
		// A crash between the two files leaves a list that is newer than state.json says.
		await mkdir(join(home, "state.json.new"));
		await assert.rejects(importList(home, await list("bank", { number: 2n })), {
			code: "home-unusable",
		});
		await rm(join(home, "state.json.new"), { recursive: true });
		assert.equal((await listStatus(home))[1]?.list?.number, 2n);
		await run();
	});
});

describe("the time of a home", () => {
	test("only moves forward, also after a restart", async () => {
		const start = Date.now();
		await run(undefined, () => start);
		const { lastSeen } = JSON.parse(
			await readFile(join(home, "state.json"), "utf8"),
		);
		assert.equal(lastSeen, start);
		const error = await refusal(() => start - 301_000);
		assert.equal(error.code, "clock-wrong");
		assert.match(error.message, /take lastSeen out of state\.json/);
		await assert.rejects(
			importList(
				home,
				await list("bank", { number: 1n }),
				() => start - 301_000,
			),
			{ code: "clock-wrong" },
		);
		await run(undefined, () => start - 299_000);
		const after = JSON.parse(await readFile(join(home, "state.json"), "utf8"));
		assert.equal(after.lastSeen, start);
	});
});

/** Another process that holds a home until it is killed. */
async function holder(path: string): Promise<ChildProcess> {
	const module = fileURLToPath(
		new URL("../../src/device/home/home-lock.ts", import.meta.url),
	);
	const program = `
		import { HomeLock } from ${JSON.stringify(module)};
		globalThis.lock = await HomeLock.take(${JSON.stringify(path)});
		console.log("held");
		setInterval(() => {}, 1000);`;
	const child = spawn(
		process.execPath,
		["--input-type=module", "--eval", program],
		{ stdio: ["ignore", "pipe", "inherit"] },
	);
	after(() => child.kill("SIGKILL"));
	await once(child.stdout, "data");
	return child;
}

describe("a home that is open", () => {
	test("is not opened again in the same process, nor is a list imported", async () => {
		await run(async () => {
			const error = await refusal();
			assert.equal(error.code, "busy");
			assert.match(error.message, /in use by this very process/);
			await assert.rejects(
				importList(home, await list("bank", { number: 1n })),
				{ code: "busy" },
			);
			assert.equal((await listStatus(home)).length, 2);
		});
		await run();
	});

	test("is locked by files of its owner alone", async () => {
		await rm(join(home, "lock.db"), { force: true });
		const umask = process.umask(0o022);
		try {
			await run();
		} finally {
			process.umask(umask);
		}
		for (const name of ["lock.db", "lock.txt"])
			assert.equal((await stat(join(home, name))).mode & 0o777, 0o600, name);
	});

	test("is not opened by another process, which is named, and is free once that was killed", async () => {
		const child = await holder(home);
		const error = await refusal();
		assert.equal(error.code, "busy");
		assert.ok(error.message.includes(`process ${child.pid}`), error.message);
		child.kill("SIGKILL");
		await once(child, "exit");
		await run();
	});

	test("may have a path longer than a socket could", async () => {
		const long = join(folder.path, "a".repeat(200), "b".repeat(200));
		await mkdir(long, { recursive: true });
		await rename(home, join(long, "home"));
		home = join(long, "home");
		const child = await holder(home);
		assert.equal((await refusal()).code, "busy");
		child.kill("SIGKILL");
		await once(child, "exit");
		await run();
	});

	test("is free again after a start that failed", async () => {
		await rm(join(home, "chain.pem"));
		assert.equal((await refusal()).code, "home-unusable");
		await cp(join(homes.of("A"), "chain.pem"), join(home, "chain.pem"));
		await run();
	});
});
