import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { AgentStore } from "../../src/device/purse/agent-store.ts";
import {
	checkLog,
	verifyLog,
	viewLog,
} from "../../src/device/purse/log-check.ts";
import { done, remove, type Scan } from "../../src/machine/index.ts";
import {
	FIRST_HEAD,
	type Head,
	LOG,
	nextHead,
	purseTables,
} from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { AGENT_SCHEMA, beginMade } from "../../src/trade/records/index.ts";
import { filled, idOf } from "../money/documents.ts";
import { TEST_NOW } from "../support/authority.ts";
import { temporaryFolder } from "../support/folders.ts";

/** A log of so many entries, as a purse writes it. */
function logOf(count: number): purseTables.LogRow[] {
	const rows: purseTables.LogRow[] = [];
	let head: Head = FIRST_HEAD;
	for (let i = 1; i <= count; i++) {
		const entry = {
			what: "committed" as const,
			subject: filled(32, i),
			amount: BigInt(i),
			peer: idOf("bob"),
		};
		const now = TEST_NOW + i;
		head = nextHead(nodeCrypto, head, purseTables.logBytes(entry, now));
		rows.push({ ...head, time: BigInt(now), ...entry });
	}
	return rows;
}

/** The log that an attacker left. */
function scanOf(rows: readonly purseTables.LogRow[]): Scan {
	async function* scan(): AsyncGenerator<purseTables.LogRow> {
		yield* rows;
	}
	return scan as unknown as Scan;
}

/** Makes the chain fit again behind what was changed, as whoever has the database can. */
function rechained(rows: readonly purseTables.LogRow[]): purseTables.LogRow[] {
	let head: Head = FIRST_HEAD;
	return rows.map((row) => {
		const entry = { ...row, what: row.what as purseTables.What };
		head = nextHead(
			nodeCrypto,
			head,
			purseTables.logBytes(entry, Number(row.time)),
		);
		return { ...row, ...head };
	});
}

const rows = logOf(10);
const headAt = (number: number): Head => {
	const row = rows[number - 1] ?? assert.fail();
	return { number: row.number, hash: row.hash };
};
const quoted = [
	{ by: "a receipt", head: headAt(7) },
	{ by: "an older one", head: headAt(3) },
];

describe("a log is held to the heads that others were told", () => {
	test("as it was written, up to the newest of them", async () => {
		const checked = await checkLog(scanOf(rows), quoted);
		assert.deepEqual(
			checked.quotes.map(({ found }) => found),
			["there", "there"],
		);
		const { entries, heldTo, loose } = checked;
		assert.deepEqual(
			{ entries, heldTo, loose },
			{
				entries: 10,
				heldTo: 7n,
				loose: 3,
			},
		);
	});

	test("the head of an empty log is everybody's", async () => {
		const { quotes } = await checkLog(scanOf([]), [
			{ by: "first", head: FIRST_HEAD },
		]);
		assert.deepEqual(
			quotes.map(({ found }) => found),
			["there"],
		);
	});

	for (let at = 0; at < 7; at++) {
		const changes: Record<string, purseTables.LogRow[]> = {
			"taken away": rows.toSpliced(at, 1),
			changed: rows.with(at, { ...(rows[at] ?? assert.fail()), amount: 99n }),
			"put elsewhere": rows
				.with(at, rows[at + 1] ?? assert.fail())
				.with(at + 1, rows[at] ?? assert.fail()),
		};
		for (const [what, changed] of Object.entries(changes))
			test(`entry ${at + 1} was ${what}`, async () => {
				await assert.rejects(checkLog(scanOf(changed), quoted), {
					code: "store-failed",
				});
				const { quotes, heldTo } = await checkLog(
					scanOf(rechained(changed)),
					quoted,
				);
				assert.notEqual(quotes[0]?.found, "there");
				assert.ok(heldTo <= BigInt(at));
			});
	}

	test("one that was cut off after them is not told from one that never went on", async () => {
		const { loose, quotes } = await checkLog(scanOf(rows.slice(0, 7)), quoted);
		assert.equal(loose, 0);
		assert.equal(quotes[0]?.found, "there");
	});

	test("one that was cut off before them is", async () => {
		const { quotes } = await checkLog(scanOf(rows.slice(0, 5)), quoted);
		assert.deepEqual(
			quotes.map(({ found }) => found),
			["beyond", "there"],
		);
	});
});

describe("the log in the home of an agent", () => {
	async function agentHome(folder: { readonly path: string }): Promise<string> {
		const home = folder.path;
		const device = { version: 2, role: "agent", name: "alice" };
		const key = { unsafeUnsealedFile: "key.pem" };
		await writeFile(
			join(home, "device.json"),
			JSON.stringify({ ...device, key }),
			{ mode: 0o600 },
		);
		return home;
	}

	async function keep(home: string, ids: readonly number[]): Promise<void> {
		await using store = await AgentStore.open(home);
		for (const id of ids)
			await store.transact(
				beginMade({
					...{ id: filled(16, id), buyer: idOf("carol"), time: 1n },
					...{ item: "a poem", wanted: "of roses" },
				}),
			);
	}

	test("goes on where it ended when the agent starts again", async () => {
		await using folder = await temporaryFolder();
		const home = await agentHome(folder);
		await keep(home, [1, 2]);
		await keep(home, [2, 3]);
		const { entries, loose } = await verifyLog(home, {
			receipts: [],
			agents: [],
		});
		assert.deepEqual([entries, loose], [3, 3]);
		const log = await viewLog(home, 2);
		assert.deepEqual(
			log.map(({ number, subject }) => [number, subject]),
			[
				[3n, filled(16, 3)],
				[2n, filled(16, 2)],
			],
		);
	});

	test("is no chain when an entry was taken out of its database", async () => {
		await using folder = await temporaryFolder();
		const home = await agentHome(folder);
		await keep(home, [1, 2, 3]);
		const path = join(home, "agent.db");
		{
			await using store = await openSqliteStore({ path, schema: AGENT_SCHEMA });
			await store.transact(done([remove(LOG, { number: 2n })], undefined));
		}
		await assert.rejects(verifyLog(home, { receipts: [], agents: [] }), {
			code: "store-failed",
		});
	});

	test("is quoted by nobody", async () => {
		await using folder = await temporaryFolder();
		const home = await agentHome(folder);
		await keep(home, [1]);
		await assert.rejects(
			verifyLog(home, { receipts: ["a.receipt"], agents: [] }),
			{ code: "invalid-argument" },
		);
	});

	test("is not there before the agent has kept anything", async () => {
		await using folder = await temporaryFolder();
		const home = await agentHome(folder);
		await assert.rejects(verifyLog(home, { receipts: [], agents: [] }), {
			code: "home-unusable",
		});
	});
});
