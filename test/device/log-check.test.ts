import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { checkLog } from "../../src/device/purse/log-check.ts";
import type { Scan } from "../../src/machine/index.ts";
import {
	FIRST_HEAD,
	type Head,
	nextHead,
	purseTables,
} from "../../src/money/index.ts";
import { filled, idOf } from "../money/documents.ts";
import { TEST_NOW } from "../support/authority.ts";

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
