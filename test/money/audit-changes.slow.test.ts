/* What an audit says of a busy ledger in which one cell or one row is another one: all of it, for each. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AUDITED, expectedChanges, whatChangesCome } from "./audit-changes.ts";
import { type BusyLedger, makeBusyLedger } from "./busy-ledger.ts";

let made: Promise<BusyLedger> | undefined;
const busyLedger = () => (made ??= makeBusyLedger());

test("an audit finds nothing in a ledger that was left alone, and its sums are exact", async () => {
	const ledger = await busyLedger();
	assert.deepEqual(ledger.audit(ledger.rows), {
		issued: 2_330n,
		outstanding: 590n,
		returned: 650n,
		expired: 1_090n,
		owed: 100n,
		balanced: true,
		problems: [],
	});
});

describe("an audit says what it has to of each change in", () => {
	for (const table of AUDITED)
		test(table, async () => {
			const ledger = await busyLedger();
			const expected = expectedChanges().get(table);
			assert.equal(whatChangesCome(ledger, table), expected);
		});
});
