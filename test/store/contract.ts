/* What every store does, whatever it keeps its rows in. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { inspect } from "node:util";
import type { TetradError } from "../../src/errors.ts";
import {
	byKey,
	done,
	insert,
	MAX_READ_ROWS,
	put,
	type Row,
	reading,
	type Store,
	type Transaction,
	type Write,
} from "../../src/money/index.ts";
import { MAX_QUEUED, MAX_SNAPSHOTS } from "../../src/store/limits.ts";
import {
	both,
	counters,
	increment,
	left,
	openAt,
	type Place,
	right,
	rowsOf,
	TABLES,
	things,
	wholeNumbers,
} from "./support.ts";

export interface Contract {
	/** A new place. */
	readonly make: () => Place | Promise<Place>;
	readonly skip?: string | false;
	/** Whether it is gone when it is closed. */
	readonly inMemory?: boolean;
}

export function storeContract(
	name: string,
	{ make, skip = false, inMemory = false }: Contract,
): void {
	describe(`${name} store: rows`, { skip }, () => rowContract(make));
	describe(`${name} store: transactions`, { skip }, () =>
		transactionContract(make),
	);
	describe(`${name} store: snapshots`, { skip }, () => snapshotContract(make));
	if (inMemory) return;
	describe(`${name} store: opening and closing`, { skip }, () =>
		openingContract(make),
	);
}

type Make = Contract["make"];
type Thing = Row<(typeof things)["columns"]>;

const fresh = async (make: Make) => openAt(await make());
const write = (...writes: Write[]) => done(writes, undefined);

const internal = { code: "internal" };

/** So long, in milliseconds, that it has not passed when a test looks. */
const WAIT = 60_000;

const SMALLEST = -(2n ** 63n);
const LARGEST = 2n ** 63n - 1n;

function thing(given: Partial<Thing> = {}): Thing {
	return {
		owner: Uint8Array.of(1),
		number: 1n,
		label: "a",
		amount: 0n,
		body: new Uint8Array(),
		...given,
	};
}

function rowContract(make: Make): void {
	test("values of every type come back as they were, at their extremes too", async () => {
		await using store = await fresh(make);
		const rows = [
			thing({ number: SMALLEST, label: "", amount: LARGEST }),
			thing({
				number: -1n,
				label: "ü 🗝 \u{10ffff} '\"\\ \n",
				amount: SMALLEST,
			}),
			thing({
				number: 0n,
				body: Uint8Array.from({ length: 256 }, (_, i) => i),
			}),
			thing({
				number: LARGEST,
				label: "x".repeat(100),
				amount: 2n ** 53n + 1n,
			}),
			thing({ owner: Uint8Array.of(1, 0), body: new Uint8Array(300_000) }),
		];
		await store.transact(write(...rows.map((row) => insert(things, row))));
		const found = await store.transact(rowsOf({ table: things, limit: 10 }));
		assert.deepEqual(found, rows);
		for (const { owner, body } of found)
			for (const bytes of [owner, body])
				assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
	});

	test("an empty key is a key", async () => {
		await using store = await fresh(make);
		const row = thing({ owner: new Uint8Array(), label: "" });
		await store.transact(write(insert(things, row)));
		const { owner, number } = row;
		const found = await store.transact(
			rowsOf(byKey(things, { owner, number })),
		);
		assert.deepEqual(found, [row]);
	});

	test("a row is found by its key, and only there", async () => {
		await using store = await fresh(make);
		const row = thing({ owner: Uint8Array.of(7, 8), number: 5n });
		await store.transact(write(insert(things, row)));
		const find = (owner: Uint8Array, number: bigint) =>
			store.transact(rowsOf(byKey(things, { owner, number })));
		assert.deepEqual(await find(Uint8Array.of(7, 8), 5n), [row]);
		assert.deepEqual(await find(Uint8Array.of(7, 8), 6n), []);
		assert.deepEqual(await find(Uint8Array.of(7), 5n), []);
	});

	test("rows come in the order of the key or an index, both ways, within bounds", async () => {
		await using store = await fresh(make);
		const rows: Thing[] = [];
		for (const owner of [[], [0], [0, 0], [1], [127], [128], [255]])
			for (const number of [-5n, 0n, 3n, 200n])
				rows.push(
					thing({
						owner: Uint8Array.from(owner),
						number,
						// Bytewise these are in the order "B" "a" "b" "Ã" "ä" "€" "😀".
						label: ["a", "B", "ä", "b", "😀", "€", "Ã"][rows.length % 7] ?? "",
						amount: BigInt(rows.length % 3) - 1n,
					}),
				);
		await store.transact(write(...rows.map((row) => insert(things, row))));
		const orders = {
			key: ["owner", "number"],
			by_label: ["label", "owner", "number"],
			by_amount: ["amount", "label", "owner", "number"],
			by_owner_amount: ["owner", "amount", "number"],
		} as const;
		const bounds = [undefined, 0, 1, 2] as const;
		let compared = 0;
		for (const [index, order] of Object.entries(orders))
			for (const fixed of [0, 1, 2])
				for (const lower of bounds)
					for (const upper of bounds)
						for (const descending of [false, true]) {
							const next = order[fixed];
							if (next === undefined) continue;
							const sample = rows[9] as Thing;
							const equals = Object.fromEntries(
								order.slice(0, fixed).map((name) => [name, sample[name]]),
							);
							const matching = rows
								.filter((row) =>
									order
										.slice(0, fixed)
										.every((name) => compare(row[name], sample[name]) === 0),
								)
								.toSorted((a, b) => {
									const name = order.find((n) => compare(a[n], b[n]) !== 0);
									return name === undefined ? 0 : compare(a[name], b[name]);
								});
							const at = (part: number | undefined) =>
								part === undefined
									? undefined
									: matching[Math.floor((matching.length - 1) * (part / 2))]?.[
											next
										];
							const [above, below] = [at(lower), at(upper)];
							const expected = matching.filter(
								(row) =>
									(above === undefined || compare(row[next], above) > 0) &&
									(below === undefined || compare(row[next], below) < 0),
							);
							if (descending) expected.reverse();
							const read = {
								table: things,
								...(index === "key" ? {} : { index }),
								equals,
								...(above === undefined ? {} : { above }),
								...(below === undefined ? {} : { below }),
								...(descending ? { order: "descending" as const } : {}),
							};
							const found = await store.transact(
								rowsOf({ ...read, limit: MAX_READ_ROWS }),
							);
							assert.deepEqual(found, expected, inspect(read));
							const three = await store.transact(rowsOf({ ...read, limit: 3 }));
							assert.deepEqual(three, expected.slice(0, 3));
							const later = rowsOf({ ...read, skip: 2, limit: 3 });
							const behindTwo = await store.transact(later);
							assert.deepEqual(behindTwo, expected.slice(2, 5));
							compared++;
						}
		assert.ok(compared > 300, `${compared}`);
	});

	test("put replaces the whole row or adds it, and delete takes one away or nothing", async () => {
		await using store = await fresh(make);
		const first = thing({ label: "old", amount: 5n });
		const second = thing({ label: "new", amount: 6n, body: Uint8Array.of(9) });
		await store.transact(write(put(things, first)));
		await store.transact(write(put(things, second)));
		const all = rowsOf({ table: things, index: "by_label", limit: 9 });
		assert.deepEqual(await store.transact(all), [second]);
		const gone = (number: bigint): Write => ({
			kind: "delete",
			table: things as never,
			key: { owner: first.owner, number },
		});
		await store.transact(write(gone(2n)));
		assert.deepEqual(await store.transact(all), [second]);
		await store.transact(write(gone(1n)));
		assert.deepEqual(await store.transact(all), []);
		await store.transact(write(insert(things, first), gone(1n)));
		assert.deepEqual(await store.transact(all), []);
	});

	test("what no database can hold, or what is misspelt, is refused before it is sent", async () => {
		await using store = await fresh(make);
		const ask = (read: object) =>
			rowsOf({ table: things, limit: 1, ...read } as never);
		const wrong: [string, Transaction<unknown>][] = [
			["too large", write(insert(things, thing({ amount: LARGEST + 1n })))],
			["too small", write(put(things, thing({ amount: SMALLEST - 1n })))],
			["NUL", write(insert(things, thing({ label: "a\0b" })))],
			["half a character", write(insert(things, thing({ label: "\ud800" })))],
			[
				"long key",
				write(insert(things, thing({ owner: new Uint8Array(2041) }))),
			],
			["long index", write(insert(things, thing({ label: "x".repeat(2040) })))],
			["a number", write(insert(things, thing({ amount: 1 as never })))],
			["a text", write(insert(things, thing({ body: "a" as never })))],
			["missing", write(insert(things, { owner: Uint8Array.of(1) } as never))],
			["too much", write(insert(things, { ...thing(), more: 1n } as never))],
			["other table", write(insert({ ...things }, thing()))],
			[
				"read too large",
				ask({ equals: { owner: thing().owner, number: 2n ** 64n } }),
			],
			["not the first", ask({ equals: { number: 1n } })],
			["no index", ask({ index: "by_body" })],
			[
				"no column left",
				ask({ equals: { owner: thing().owner, number: 1n }, above: 1n }),
			],
			["bound of another type", ask({ above: 1n })],
			["limit 0", ask({ limit: 0 })],
			["limit", ask({ limit: MAX_READ_ROWS + 1 })],
		];
		for (const [what, transaction] of wrong)
			await assert.rejects(store.transact(transaction), internal, what);
		assert.deepEqual(await store.transact(ask({})), []);
		await store.transact(
			write(insert(things, thing({ owner: new Uint8Array(2030).fill(200) }))),
		);
	});
}

function compare(a: unknown, b: unknown): number {
	if (typeof a === "bigint")
		return a < (b as bigint) ? -1 : a > (b as bigint) ? 1 : 0;
	const bytes = (value: unknown) =>
		typeof value === "string" ? Buffer.from(value) : (value as Uint8Array);
	return Buffer.compare(bytes(a), bytes(b));
}

function transactionContract(make: Make): void {
	test("a read may depend on an earlier read", async () => {
		await using store = await fresh(make);
		const first = thing({ number: 1n, amount: 2n });
		const second = thing({ number: 2n, label: "found" });
		await store.transact(write(insert(things, first), insert(things, second)));
		const { owner } = first;
		const label = await store.transact(
			reading([byKey(things, { owner, number: 1n })], ([[row]]) =>
				reading(
					[
						byKey(things, { owner, number: row?.amount ?? 0n }),
						byKey(counters, { name: "none" }),
					],
					([[next], none]) => done([], [next?.label, none.length]),
				),
			),
		);
		assert.deepEqual(label, ["found", 0]);
	});

	test("200 increments at once count to 200, in the order in which they were asked for", async () => {
		await using store = await fresh(make);
		const counts = await Promise.all(
			Array.from({ length: 200 }, () => store.transact(increment("n"))),
		);
		assert.deepEqual(
			counts,
			Array.from({ length: 200 }, (_, i) => BigInt(i + 1)),
		);
		assert.equal(await store.transact(increment("n")), 201n);
	});

	test("promises settle in the order in which they were asked for", async () => {
		await using store = await fresh(make);
		const order: number[] = [];
		await Promise.all(
			Array.from({ length: 1000 }, async (_, i) => {
				if (i % 3 === 0)
					await store.transact(rowsOf({ table: left, limit: 1 }));
				else await store.transact(both(i));
				order.push(i);
			}),
		);
		assert.deepEqual(
			order,
			order.toSorted((a, b) => a - b),
		);
	});

	test("what can wait is carried out with what was asked for after it, and before that", async () => {
		await using store = await fresh(make);
		const order: string[] = [];
		const add = async (name: string, waitMs: number) => {
			const count = await store.transact(increment("n"), { waitMs });
			order.push(`${name} ${count}`);
		};
		const waiting = [add("first", WAIT), add("second", WAIT)];
		for (let turn = 0; turn < 10; turn++) await setImmediate();
		assert.deepEqual(order, []);
		await Promise.all([add("third", 0), add("fourth", WAIT), ...waiting]);
		assert.deepEqual(order, ["first 1", "second 2", "third 3", "fourth 4"]);
	});

	test("what can wait is carried out by itself when nothing comes after it, and when many wait", async () => {
		await using store = await fresh(make);
		const wait = () => store.transact(increment("n"), { waitMs: 50 });
		assert.equal(await wait(), 1n);
		const many = await Promise.all(Array.from({ length: 500 }, wait));
		assert.equal(many.at(-1), 501n);
	});

	test("what only looks is carried out before what can wait, and leaves it waiting", async () => {
		await using store = await fresh(make);
		let isAdded = false;
		const waiting = store.transact(increment("n"), { waitMs: WAIT });
		waiting.then(() => {
			isAdded = true;
		});
		const count = rowsOf(byKey(counters, { name: "n" }));
		const look = () => store.transact(count, { looks: true });
		assert.deepEqual(await Promise.all([look(), look()]), [[], []]);
		for (let turn = 0; turn < 10; turn++) await setImmediate();
		assert.equal(isAdded, false);
		assert.deepEqual(await look(), []);
		// Along with another one it has the place in which it was asked for.
		const [first, second, third] = await Promise.all([
			look(),
			store.transact(increment("n")),
			look(),
		]);
		assert.equal(await waiting, 1n);
		assert.deepEqual([first[0]?.count, second, third[0]?.count], [1n, 2n, 2n]);
	});

	test("a snapshot shows what can wait", async () => {
		await using store = await fresh(make);
		const waiting = store.transact(increment("n"), { waitMs: WAIT });
		await store.snapshot(async (scan) => {
			for await (const { count } of scan({ table: counters }))
				assert.equal(count, 1n);
		});
		assert.equal(await waiting, 1n);
	});

	test("what can wait is carried out when the store is closed", async () => {
		const store = await fresh(make);
		const waiting = store.transact(increment("n"), { waitMs: WAIT });
		await store[Symbol.asyncDispose]();
		assert.equal(await waiting, 1n);
	});

	test("an insert on a key that is there is rejected as a whole, and its neighbours are not", async () => {
		await using store = await fresh(make);
		await store.transact(both(5));
		const outcomes = await Promise.allSettled(
			[1, 2, 5, 3, 3, 4].map((number) => store.transact(both(number))),
		);
		assert.deepEqual(
			outcomes.map(({ status }) => status),
			[
				...["fulfilled", "fulfilled", "rejected"],
				...["fulfilled", "rejected", "fulfilled"],
			],
		);
		for (const outcome of outcomes)
			if (outcome.status === "rejected")
				assert.equal(outcome.reason.code, "internal");
		assert.deepEqual([...(await wholeNumbers(store))], [1, 2, 3, 4, 5]);
		// The second write of one is the first of another.
		await assert.rejects(
			store.transact(
				write(
					put(counters, { name: "x", count: 1n }),
					insert(left, { number: 1n }),
				),
			),
			internal,
		);
		const x = rowsOf(byKey(counters, { name: "x" }));
		assert.deepEqual(await store.transact(x), []);
	});

	test("what a transaction throws rejects it alone, as it was thrown, and nothing is written", async () => {
		await using store = await fresh(make);
		const thrown = new RangeError("not enough");
		const outcomes = await Promise.allSettled([
			store.transact(increment("n")),
			store.transact(
				reading([byKey(counters, { name: "n" })], () => {
					throw thrown;
				}),
			),
			store.transact(
				reading([byKey(counters, { name: "n" })], () =>
					reading([byKey(counters, { name: "m" })], () => {
						throw undefined;
					}),
				),
			),
			store.transact(increment("n")),
		]);
		assert.deepEqual(outcomes, [
			{ status: "fulfilled", value: 1n },
			{ status: "rejected", reason: thrown },
			{ status: "rejected", reason: undefined },
			{ status: "fulfilled", value: 2n },
		]);
	});

	test("a transaction without end is refused", async () => {
		await using store = await fresh(make);
		const again = (): Transaction<never> => reading([], again);
		await assert.rejects(store.transact(again()), internal);
		await store.transact(increment("n"));
	});

	test("a queue that is full says busy, and what waits goes on", async () => {
		await using store = await fresh(make);
		const waiting = Array.from({ length: MAX_QUEUED }, () =>
			store.transact(done([], 1)),
		);
		await assert.rejects(store.transact(done([], 1)), { code: "busy" });
		assert.equal((await Promise.all(waiting)).length, MAX_QUEUED);
	});

	test("a transaction of many rows is one", async () => {
		await using store = await fresh(make);
		const numbers = Array.from({ length: 2000 }, (_, i) => BigInt(i));
		await store.transact(
			write(...numbers.map((number) => insert(left, { number }))),
		);
		const found = await store.transact(
			rowsOf({ table: left, above: 1989n, limit: 100 }),
		);
		assert.equal(found.length, 10);
	});
}

function snapshotContract(make: Make): void {
	test("a sum over two tables is constant while writers move amounts", async () => {
		await using store = await fresh(make);
		const names = Array.from({ length: 600 }, (_, i) => `n${i}`);
		await store.transact(
			write(...names.map((name) => put(counters, { name, count: 10n }))),
		);
		// From a counter into the things and back.
		const move = (name: string, amount: bigint) =>
			reading([byKey(counters, { name })], ([[row]]) =>
				reading(
					[byKey(things, { owner: Uint8Array.of(1), number: 1n })],
					([[thingRow]]) =>
						done(
							[
								put(counters, { name, count: (row?.count ?? 0n) - amount }),
								put(
									things,
									thing({ amount: (thingRow?.amount ?? 0n) + amount }),
								),
							],
							undefined,
						),
				),
			);
		let stopped = false;
		let moves = 0;
		const writers = [1n, 2n, -1n, 3n].map(async (amount, at) => {
			for (let i = at; !stopped; i++) {
				await store.transact(move(names[(i * 7) % 600] as string, amount));
				moves++;
			}
		});
		for (let round = 0; round < 5; round++) {
			const before = moves;
			const sum = await store.snapshot(async (scan) => {
				let total = 0n;
				let rows = 0;
				for await (const { count } of scan({ table: counters })) {
					total += count;
					if (++rows === 300) while (moves < before + 8) await setImmediate();
				}
				assert.equal(rows, 600);
				for await (const { amount } of scan({ table: things })) total += amount;
				return total;
			});
			assert.equal(sum, 6000n);
			assert.ok(moves > before, "writers went on");
		}
		stopped = true;
		await Promise.all(writers);
	});

	test("a scan takes bounds, indexes and order over many batches, and two go on at once", async () => {
		await using store = await fresh(make);
		const rows = Array.from({ length: 1700 }, (_, i) =>
			thing({
				owner: Uint8Array.of(i % 2),
				number: BigInt(i),
				label: `${i % 5}`,
				amount: BigInt(i % 3),
			}),
		);
		await store.transact(write(...rows.map((row) => insert(things, row))));
		const order = (a: Thing, b: Thing) =>
			compare(a.label, b.label) ||
			compare(a.owner, b.owner) ||
			compare(a.number, b.number);
		await store.snapshot(async (scan) => {
			const all = async (read: object) => {
				const found: Thing[] = [];
				for await (const row of scan({ table: things, ...read }))
					found.push(row);
				return found;
			};
			const [down, up, bounded, downBounded] = await Promise.all([
				all({ index: "by_label", order: "descending" }),
				all({ index: "by_label" }),
				all({ equals: { owner: Uint8Array.of(1) }, above: 100n, below: 1690n }),
				all({ index: "by_label", above: "0", below: "4", order: "descending" }),
			]);
			assert.deepEqual(up, rows.toSorted(order));
			assert.deepEqual(
				down,
				rows.toSorted((a, b) => order(b, a)),
			);
			assert.deepEqual(
				bounded,
				rows.filter(
					({ number }) => number > 100n && number < 1690n && number % 2n === 1n,
				),
			);
			assert.deepEqual(
				downBounded,
				rows
					.filter(({ label }) => label > "0" && label < "4")
					.toSorted((a, b) => order(b, a)),
			);
		});
	});

	test("a snapshot shows what was acknowledged before it, and nothing after", async () => {
		await using store = await fresh(make);
		await store.transact(both(1));
		await store.snapshot(async (scan) => {
			await store.transact(both(2));
			const numbers: bigint[] = [];
			for await (const { number } of scan({ table: right }))
				numbers.push(number);
			assert.deepEqual(numbers, [1n]);
		});
		assert.deepEqual([...(await wholeNumbers(store))], [1, 2]);
	});

	test("a snapshot is over when the looking is, and what that throws comes through", async () => {
		await using store = await fresh(make);
		await store.transact(both(1));
		const scan = await store.snapshot(async (scan) => scan);
		await assert.rejects(
			async () => {
				for await (const _ of scan({ table: left }));
			},
			{ code: "invalid-argument", message: /over/ },
		);
		const thrown = new Error("seen enough");
		await assert.rejects(
			store.snapshot(async () => {
				throw thrown;
			}),
			thrown,
		);
	});

	test("so many snapshots at a time, and one more when one is over", async () => {
		await using store = await fresh(make);
		const over = Promise.withResolvers<void>();
		const open = Array.from({ length: MAX_SNAPSHOTS }, () =>
			store.snapshot(() => over.promise),
		);
		await assert.rejects(
			store.snapshot(async () => {}),
			{ code: "busy" },
		);
		over.resolve();
		await Promise.all(open);
		await store.snapshot(async () => {});
	});
}

function openingContract(make: Make): void {
	test("what was there is there when it is opened again, under the same tables in any order", async () => {
		const place = await make();
		{
			await using store = await openAt(place);
			for (let i = 0; i < 5; i++) await store.transact(both(i));
		}
		await using store = await openAt(place, TABLES.toReversed());
		assert.deepEqual([...(await wholeNumbers(store))], [0, 1, 2, 3, 4]);
	});

	test("other tables are refused with a sentence that names one", async () => {
		const place = await make();
		await (await openAt(place))[Symbol.asyncDispose]();
		for (const tables of [
			[counters, left, right],
			[...TABLES.slice(0, 3), { ...things, indexes: {} }],
			[...TABLES.slice(0, 3), { ...things, key: ["number", "owner"] }],
			[
				...TABLES.slice(0, 3),
				{ ...things, columns: { ...things.columns, more: "text" as const } },
			],
		])
			await assert.rejects(openAt(place, tables), {
				code: "store-failed",
				message: /things/,
			});
		await (await openAt(place))[Symbol.asyncDispose]();
	});

	test("names that a database would not take are refused", async () => {
		const place = await make();
		for (const tables of [
			[left, left],
			[{ ...left, name: "Left" }],
			[{ ...left, name: "x".repeat(31) }],
			[{ ...left, name: "sqlite_a" }],
			[{ ...left, columns: { xmin: "text" as const }, key: ["xmin"] }],
			[{ ...left, key: [] }],
			[{ ...left, key: ["other"] }],
			[{ ...left, indexes: { a: ["number", "number"] } }],
		])
			await assert.rejects(openAt(place, tables), internal);
	});

	test("words of SQL are names", async () => {
		const select = {
			name: "select",
			columns: { order: "text", group: "integer" },
			key: ["order"],
			indexes: { from: ["group"] },
		} as const;
		await using store = await openAt(await make(), [select]);
		const row = { order: "x", group: 1n };
		await store.transact(write(put(select as never, row as never)));
		const found = await store.transact(
			rowsOf({ table: select as never, index: "from", limit: 1 }),
		);
		assert.deepEqual(found, [row]);
	});

	test("closing carries out what waits, and then everything is refused", async () => {
		const place = await make();
		const store = await openAt(place);
		const waiting = Array.from({ length: 600 }, (_, i) =>
			store.transact(both(i)),
		);
		const closing = store[Symbol.asyncDispose]();
		const refused = store.transact(increment("n"));
		await assert.rejects(refused, { code: "invalid-argument" });
		assert.equal((await Promise.all(waiting)).length, 600);
		await closing;
		await store[Symbol.asyncDispose]();
		const failed = store.failed.then(() => "failed");
		assert.equal(
			await Promise.race([failed, setImmediate("closed")]),
			"closed",
		);
		await assert.rejects(
			store.snapshot(async () => {}),
			{ code: "invalid-argument" },
		);
		await using again = await openAt(place);
		assert.equal((await wholeNumbers(again)).size, 600);
	});

	test("closing ends a snapshot that is being looked at", async () => {
		const store = await fresh(make);
		await store.transact(both(1));
		const looking = Promise.withResolvers<void>();
		const closed = Promise.withResolvers<void>();
		const look = store.snapshot(async (scan) => {
			looking.resolve();
			await closed.promise;
			for await (const _ of scan({ table: left }));
		});
		await looking.promise;
		await store[Symbol.asyncDispose]();
		closed.resolve();
		await assert.rejects(look, { code: "invalid-argument" });
	});
}

/** Everything that a stream said is there, and nothing is half there. */
export async function assertThere(
	store: Store,
	lines: readonly string[],
): Promise<void> {
	const numbers = await wholeNumbers(store);
	for (const line of lines) assert.ok(numbers.has(Number(line)), line);
}

/** A store that has failed says so to everybody, for good. */
export async function assertFailed(store: Store): Promise<void> {
	const why = (await store.failed) as TetradError;
	assert.equal(why.code, "store-failed");
	await assert.rejects(store.transact(increment("n")), why);
	await assert.rejects(
		store.snapshot(async () => {}),
		why,
	);
}
