import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { schema, type Transaction } from "../../src/machine/index.ts";
import { WITNESSED, witnessing } from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import {
	parseRefundText,
	refundContract,
	refundText,
} from "../../src/trade/documents/index.ts";
import {
	AGENT_SCHEMA,
	beginMade,
	beginPurchase,
	concludePurchase,
	contractMade,
	forgetMade,
	gotRefund,
	MAX_UNPAID,
	type NewPurchase,
	oweRefund,
	oweRest,
	type PurchaseOutcome,
	payRefund,
	REFUNDS,
	readComeBack,
	readConcluded,
	readProvisional,
	readPurchase,
	readPurchaseOf,
	readRefund,
	recordSale,
	SALES,
} from "../../src/trade/records/index.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { enc } from "./merchandise-reference.ts";

const CONTRACT = utf8("contract");
const SALE = {
	contract: CONTRACT,
	time: 100n,
	buyer: "carol",
	buyer_agent: utf8("carol's"),
	item: "photo.jpg",
	issuer: utf8("issuer"),
	currency: "EUR",
	exponent: 2n,
	play: 1n,
	amount: 420n,
	receipt: utf8("receipt"),
	receipt_chain: utf8("chain"),
	rail: "own-notes",
	mint: "",
	unit: "",
};
const KEY = utf8("key");

function purchase(contract = CONTRACT, time = 100n): NewPurchase {
	return {
		contract,
		offer: utf8("offer"),
		time,
		document: utf8("document"),
		chain: utf8("chain"),
		issuer_chain: utf8("issuer chain"),
		salt: utf8("salt"),
		description: utf8("description"),
		exporter: utf8("exporter"),
		exponent: 2n,
		play: 1n,
		merchant: "shop",
		merchant_module: "till",
		address: "127.0.0.1:7000",
		target: "/tmp/photo.jpg",
		overwrite: 0n,
	};
}

const final: PurchaseOutcome = {
	kind: "final",
	key: KEY,
	receipt: utf8("receipt"),
	receiptChain: utf8("receipt chain"),
	evidence: undefined,
};
const aborted: PurchaseOutcome = {
	kind: "aborted",
	code: "offer-expired",
	reason: "too late",
};
const refunded: PurchaseOutcome = {
	kind: "refunded",
	credited: 420n,
	code: "purchase-void",
	reason: "void",
};

describe("a purchase in the store of its buyer's agent", () => {
	test("is provisional once, and stays as it was begun", async () => {
		const store = new MemoryStore();
		const first = await store.transact(beginPurchase(purchase()));
		assert.equal(first.state, "provisional");
		const again = await store.transact(
			beginPurchase({ ...purchase(), target: "/tmp/other" }),
		);
		assert.deepEqual(again, first);
		assert.equal(store.writes, 1);
	});

	const walks: readonly (readonly [readonly PurchaseOutcome[], string])[] = [
		[[final], "final"],
		[[aborted], "aborted"],
		[[refunded], "refunded"],
		[[final, refunded], "refunded"],
		[[final, aborted], "final"],
		[[aborted, final], "aborted"],
		[[refunded, final], "refunded"],
	];
	test("has what its mint has taken beside the price, once that is known", async () => {
		const store = new MemoryStore();
		const begun = await store.transact(beginPurchase(purchase()));
		assert.equal(begun.fee, 0n);
		const outcome = { ...final, fee: 2n } as const;
		const row = await store.transact(concludePurchase(CONTRACT, outcome, 200));
		assert.equal(row.fee, 2n);
		const concluded = await store.transact(readConcluded(CONTRACT));
		assert.deepEqual(concluded?.conclusion, outcome);
	});

	for (const [outcomes, state] of walks)
		test(`is ${state} after ${outcomes.map(({ kind }) => kind).join(", then ")}`, async () => {
			const store = new MemoryStore();
			await store.transact(beginPurchase(purchase()));
			for (const outcome of outcomes)
				await store.transact(concludePurchase(CONTRACT, outcome, 200));
			const row = await store.transact(readPurchase(CONTRACT));
			assert.equal(row?.state, state);
			assert.equal(row?.changed, 200n);
		});

	test("keeps its key and its receipt when it is refunded after it was final", async () => {
		const store = new MemoryStore();
		await store.transact(beginPurchase(purchase()));
		await store.transact(concludePurchase(CONTRACT, final, 200));
		const row = await store.transact(concludePurchase(CONTRACT, refunded, 300));
		assert.deepEqual(row.key, KEY);
		assert.equal(row.credited, 420n);
	});

	test("that was never begun has no end", async () => {
		const store = new MemoryStore();
		await assert.rejects(
			store.transact(concludePurchase(CONTRACT, final, 200)),
			{ code: "internal" },
		);
	});

	test("is found by its offer, the newest first", async () => {
		const store = new MemoryStore();
		await store.transact(beginPurchase(purchase(utf8("a"), 100n)));
		await store.transact(beginPurchase(purchase(utf8("b"), 200n)));
		const found = await store.transact(readPurchaseOf(utf8("offer")));
		assert.deepEqual(found?.contract, utf8("b"));
		assert.equal(await store.transact(readPurchaseOf(utf8("x"))), undefined);
	});

	test("is found among those that go on, the oldest first", async () => {
		const store = new MemoryStore();
		for (const [name, time] of [
			["c", 300n],
			["a", 100n],
			["b", 200n],
		] as const)
			await store.transact(beginPurchase(purchase(utf8(name), time)));
		await store.transact(concludePurchase(utf8("b"), aborted, 400));
		const open = await store.transact(readProvisional(10));
		assert.deepEqual(
			open.map(({ contract }) => contract),
			[utf8("a"), utf8("c")],
		);
	});
});

describe("what a merchant's agent keeps", () => {
	test("lets nothing more be made for a buyer who has left too much unpaid", async () => {
		const store = new MemoryStore();
		const make = (id: string, buyer: string) =>
			store.transact(
				beginMade({
					id: utf8(id),
					buyer: utf8(buyer),
					time: 100n,
					item: "translation",
					wanted: "this",
				}),
			);
		for (let i = 0; i < MAX_UNPAID; i++)
			assert.ok(await make(String(i), "carol"));
		assert.ok(!(await make("more", "carol")));
		assert.ok(await make("0", "carol"));
		assert.ok(await make("his", "dave"));
		await store.transact(contractMade(utf8("1"), CONTRACT));
		await store.transact(recordSale(SALE));
		assert.ok(await make("more", "carol"));
		assert.ok(!(await make("yet more", "carol")));
		await store.transact(recordSale({ ...SALE, contract: utf8("no such") }));
		await store.transact(contractMade(utf8("no such"), CONTRACT));
		assert.deepEqual(await store.transact(forgetMade(100, 9)), []);
		assert.equal((await store.transact(forgetMade(101, 9))).length, 5);
		assert.ok(await make("again", "carol"));
	});

	test("has each sale once", async () => {
		const store = new MemoryStore();
		await store.transact(recordSale(SALE));
		await store.transact(recordSale({ ...SALE, time: 200n }));
		const times: bigint[] = [];
		await store.snapshot(async (scan) => {
			for await (const { time } of scan({ table: SALES })) times.push(time);
		});
		assert.deepEqual(times, [100n]);
	});
});

describe("a refund", () => {
	const owe = (store: MemoryStore, amount: bigint) =>
		store.transact(
			oweRefund({
				sale: CONTRACT,
				paid: 420n,
				amount,
				now: 100,
				contractOf: (number) => utf8(`refund ${number}`),
			}),
		);

	test("is the same while it is owed, and another one when it was paid", async () => {
		const store = new MemoryStore();
		const first = await owe(store, 200n);
		assert.equal(first.number, 1n);
		assert.deepEqual(await owe(store, 200n), first);
		await store.transact(payRefund(first));
		const second = await owe(store, 200n);
		assert.equal(second.number, 2n);
		assert.deepEqual(second.contract, utf8("refund 2"));
	});

	test("gives back no more than was paid, what is owed included", async () => {
		const store = new MemoryStore();
		await owe(store, 400n);
		await assert.rejects(owe(store, 21n), { code: "invalid-argument" });
		assert.equal((await owe(store, 20n)).number, 2n);
	});

	test("of what is left is owed once, up to a number of refunds", async () => {
		const store = new MemoryStore();
		const rest = () =>
			store.transact(
				oweRest({
					sale: CONTRACT,
					paid: 420n,
					now: 100,
					contractOf: (number) => utf8(`refund ${number}`),
				}),
			);
		await store.transact(payRefund(await owe(store, 20n)));
		const owed = await rest();
		assert.deepEqual(
			owed.map(({ number, amount }) => [number, amount]),
			[[2n, 400n]],
		);
		assert.deepEqual(await rest(), owed);
		for (const one of owed) await store.transact(payRefund(one));
		assert.deepEqual(await rest(), []);
	});

	test("is not the one after the last that there may be", async () => {
		const store = new MemoryStore();
		const [paid, most] = [5_000n, 1_000];
		for (let number = 1; number <= most; number++)
			await store.transact(
				gotRefund({
					sale: CONTRACT,
					number: BigInt(number),
					contract: utf8(`refund ${number}`),
					time: 100n,
					amount: 1n,
				}),
			);
		const contractOf = () => utf8("refund");
		const asked = { sale: CONTRACT, paid, now: 100, contractOf };
		for (const one of [oweRest(asked), oweRefund({ ...asked, amount: 1n })])
			await assert.rejects(store.transact(one as Transaction<unknown>), {
				code: "limit-exceeded",
			});
	});

	test("that has come back counts, and the next one has the next number", async () => {
		const store = new MemoryStore();
		const come = () => store.transact(readComeBack(CONTRACT));
		assert.deepEqual(await come(), { amount: 0n, next: 1 });
		for (const number of [1n, 2n])
			await store.transact(
				gotRefund({
					...{ sale: CONTRACT, number, time: 100n, amount: 30n },
					contract: utf8(`refund ${number}`),
				}),
			);
		assert.deepEqual(await come(), { amount: 60n, next: 3 });
		const found = await store.transact(readRefund(CONTRACT, 2));
		assert.deepEqual(found?.contract, utf8("refund 2"));
		assert.equal(await store.transact(readRefund(CONTRACT, 3)), undefined);
	});

	test("that came is kept once, however often it is told", async () => {
		const store = new MemoryStore();
		const got = {
			sale: CONTRACT,
			number: 1n,
			contract: utf8("refund 1"),
			time: 100n,
			amount: 200n,
		};
		await store.transact(gotRefund(got));
		await store.transact(gotRefund({ ...got, time: 200n }));
		const rows: unknown[][] = [];
		await store.snapshot(async (scan) => {
			for await (const { side, state, time } of scan({ table: REFUNDS }))
				rows.push([side, state, time]);
		});
		assert.deepEqual(rows, [["gets", "paid", 100n]]);
	});

	test("is named by its sale and its number, and its text by nothing else", () => {
		const of = { contract: new Uint8Array(32).fill(0xc0), number: 2 };
		const text = `refund 2 of ${"c0".repeat(32)}`;
		assert.equal(refundText(of), text);
		assert.deepEqual(parseRefundText(text), {
			number: 2,
			contract: "c0".repeat(32),
		});
		for (const other of ["", `${text} `, text.replace("2", "0"), "refund"])
			assert.equal(parseRefundText(other), undefined);
		const hashed = createHash("sha256")
			.update(
				enc(utf8("tetrad/1 refund"), of.contract, Uint8Array.of(0, 0, 0, 2)),
			)
			.digest("hex");
		assert.equal(hex(refundContract(nodeCrypto, of)), hashed);
	});
});

test("a store of an agent from before there were purchases is brought over with its heads", async () => {
	await using folder = await temporaryFolder();
	const path = join(folder.path, "agent.db");
	const head = { number: 7n, hash: new Uint8Array(32).fill(7) };
	{
		await using old = await openSqliteStore({
			path,
			schema: schema("agent", [WITNESSED]),
		});
		await old.transact(witnessing(utf8("module"), head));
	}
	await using store = await openSqliteStore({ path, schema: AGENT_SCHEMA });
	const kept = await store.transact(
		witnessing(utf8("module"), { ...head, number: 6n }),
	);
	assert.deepEqual(kept, head);
	const row = await store.transact(beginPurchase(purchase()));
	assert.equal(row.state, "provisional");
});
