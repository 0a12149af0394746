import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { checkLog } from "../../src/device/purse/log-check.ts";
import {
	type Columns,
	done,
	insert,
	put,
	type Row,
	remove,
	type Scan,
	type Table,
	type Transaction,
	type Write,
} from "../../src/machine/index.ts";
import {
	FIRST_HEAD,
	type Head,
	LOG,
	type LogRow,
	logBytes,
	nextHead,
	WITNESSED,
	witnessing,
} from "../../src/money/index.ts";
import {
	logged,
	MADE,
	PURCHASES,
	type PurchaseRow,
	REFUNDS,
	SALES,
} from "../../src/trade/records/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { filled, idOf } from "../money/documents.ts";
import { MemoryStore } from "../support/memory-store.ts";

const CONTRACT = filled(32, 7);
const NOTHING = new Uint8Array();

/** A whole row, with what the log does not look at left empty. */
function rowOf<Of extends Columns>(
	{ columns }: Table<Of>,
	changes: Partial<Row<Of>>,
): Row<Of> {
	const empty = { bytes: NOTHING, integer: 0n, text: "" };
	const row = Object.entries(columns).map(([name, type]) => [
		name,
		changes[name] ?? empty[type],
	]);
	return Object.fromEntries(row) as Row<Of>;
}

function purchase(changes: Partial<PurchaseRow>): Write {
	return put(PURCHASES, rowOf(PURCHASES, { contract: CONTRACT, ...changes }));
}

function write(store: MemoryStore, ...writes: readonly Write[]): void {
	store.run(logged(nodeCrypto, done(writes, undefined), 1000));
}

const words = (store: MemoryStore) => store.rows(LOG).map(({ what }) => what);

describe("an agent writes into its log", () => {
	const outcomes: readonly (readonly [string, Partial<PurchaseRow>])[] = [
		["provisional", { state: "provisional" }],
		["final", { state: "final" }],
		["evidence", { state: "final", evidence: utf8("a wrong chunk") }],
		["aborted", { state: "aborted" }],
		["refunded", { state: "refunded", credited: 420n }],
	];
	for (const [what, changes] of outcomes)
		test(`that a purchase is ${what}`, () => {
			const store = new MemoryStore();
			write(store, purchase(changes));
			const [entry] = store.rows(LOG);
			assert.equal(entry?.what, what);
			assert.deepEqual(entry?.subject, CONTRACT);
			assert.equal(entry?.amount, changes.credited ?? 0n);
			assert.equal(entry?.time, 1000n);
		});

	test("what its module sold, to whom and for how much", () => {
		const store = new MemoryStore();
		const buyer_agent = idOf("carol");
		const sale = { contract: CONTRACT, amount: 250n, buyer_agent };
		write(store, insert(SALES, rowOf(SALES, sale)));
		const [entry] = store.rows(LOG);
		assert.equal(entry?.what, "sold");
		assert.equal(entry?.amount, 250n);
		assert.deepEqual(entry?.peer, buyer_agent);
	});

	test("nothing of what it keeps no longer", () => {
		const store = new MemoryStore();
		write(store, purchase({}));
		write(
			store,
			remove(PURCHASES, { contract: CONTRACT }),
			remove(SALES, { contract: CONTRACT }),
			remove(REFUNDS, { sale: CONTRACT, number: 1n }),
		);
		assert.equal(words(store).length, 1);
	});

	test("what it made on order, and what became of that", () => {
		const store = new MemoryStore();
		const id = filled(16, 1);
		const row = rowOf(MADE, { id, buyer: idOf("carol"), state: "unpaid" });
		write(store, insert(MADE, row));
		write(store, put(MADE, row));
		write(store, put(MADE, { ...row, state: "sold" }));
		write(store, remove(MADE, { id }));
		assert.deepEqual(words(store), [
			"made",
			"made-offered",
			"made-sold",
			"made-forgotten",
		]);
	});

	test("what is given back", () => {
		const store = new MemoryStore();
		for (const state of ["owed", "paid"]) {
			const refund = { sale: CONTRACT, contract: CONTRACT, state, amount: 5n };
			write(store, put(REFUNDS, rowOf(REFUNDS, refund)));
		}
		assert.deepEqual(words(store), ["refund-owed", "refund-paid"]);
	});

	test("nothing of the heads that its module tells it", () => {
		const store = new MemoryStore();
		const head = { number: 1n, hash: filled(32, 1) };
		store.run(logged(nodeCrypto, witnessing(idOf("module"), head), 1000));
		assert.equal(store.rows(WITNESSED).length, 1);
		assert.deepEqual(words(store), []);
	});

	test("in one durable write with the change, and with neither when that is refused", () => {
		const store = new MemoryStore();
		write(store, purchase({ state: "provisional" }));
		assert.equal(store.writes, 1);
		store.refuse = 1;
		assert.throws(() => write(store, purchase({ state: "final" })), {
			code: "store-full",
		});
		assert.deepEqual(words(store), ["provisional"]);
		assert.equal(store.rows(PURCHASES)[0]?.state, "provisional");
		write(store, purchase({ state: "final" }));
		assert.deepEqual(words(store), ["provisional", "final"]);
	});

	test("of a transaction that reads first, when it decides", () => {
		const store = new MemoryStore();
		const reads: Transaction<undefined> = {
			kind: "read",
			reads: [],
			decide: () => done([purchase({ state: "aborted" })], undefined),
		};
		store.run(logged(nodeCrypto, reads, 1000));
		assert.deepEqual(words(store), ["aborted"]);
	});
});

/** A log of five purchases that began and ended. */
function written(): readonly LogRow[] {
	const store = new MemoryStore();
	for (let i = 1; i <= 5; i++)
		for (const state of ["provisional", "final"])
			write(store, purchase({ contract: filled(32, i), state }));
	return store.rows(LOG);
}

function scanOf(rows: readonly LogRow[]): Scan {
	async function* scan(): AsyncGenerator<LogRow> {
		yield* rows;
	}
	return scan as unknown as Scan;
}

function rechained(rows: readonly LogRow[]): LogRow[] {
	let head: Head = FIRST_HEAD;
	return rows.map((row) => {
		head = nextHead(nodeCrypto, head, logBytes(row, Number(row.time)));
		return { ...row, ...head };
	});
}

describe("the log of an agent", () => {
	const rows = written();
	const last = rows[9] ?? assert.fail();

	test("is the chain of its heads as it was written", async () => {
		const checked = await checkLog(scanOf(rows), []);
		assert.equal(checked.entries, 10);
		assert.deepEqual(checked.head.hash, last.hash);
		assert.equal(checked.loose, 10);
	});

	const changes: Record<string, LogRow[]> = {
		"an entry was taken away": rows.filter((_, i) => i !== 4),
		"an entry was changed": rows.map((row, i) =>
			i === 4 ? { ...row, what: "aborted" } : row,
		),
		"two entries changed places": rows.map((row, i) => {
			const other = i === 4 ? rows[5] : i === 5 ? rows[4] : row;
			return { ...(other ?? row), number: row.number };
		}),
	};
	for (const [what, changed] of Object.entries(changes)) {
		test(`is no chain when ${what}`, async () => {
			await assert.rejects(checkLog(scanOf(changed), []), {
				code: "store-failed",
			});
		});

		test(`does not lead to the head that somebody has when ${what} and the chain was made anew`, async () => {
			const { quotes } = await checkLog(scanOf(rechained(changed)), [
				{ by: "whoever looked", head: last },
			]);
			assert.notEqual(quotes[0]?.found, "there");
		});
	}
});
