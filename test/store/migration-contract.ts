/* What every store does when its program knows a newer version of its tables, or an older one. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
	addColumn,
	byKey,
	type Columns,
	done,
	insert,
	type Migration,
	put,
	type Row,
	reading,
	rewrite,
	type Schema,
	type Store,
	schema,
	type Table,
	table,
	type Write,
} from "../../src/machine/index.ts";
import { hex } from "../../src/wire/index.ts";
import { openSchema, type Place } from "./place.ts";

/** Copies of a store that were put aside. */
export interface Copies {
	/** Their names. */
	list(place: Place): Promise<readonly string[]>;
	/** Puts something else where the first copy of version 1 would be. */
	occupy(place: Place): Promise<void>;
	/** Whether it is there as it was. */
	isOccupied(place: Place): Promise<boolean>;
	/** A place at which one can be opened as a store; it is no copy any more. */
	restore(place: Place, copy: string): Promise<Place>;
}

/*
 * One schema in four versions, which come about by every kind of step: what people owe, and a
 * diary. The diary has rows that SQLite keeps in the tree of their key, until it holds bytes.
 */
const debtsFirstColumns = {
	id: "bytes",
	name: "text",
	amount: "integer",
	paper: "bytes",
} as const;

export const debtsFirst: Table<typeof debtsFirstColumns> = table(
	"debts",
	debtsFirstColumns,
	["id"],
	{ by_name: ["name"] },
);
const diaryFirstColumns = {
	number: "integer",
	what: "text",
	mood: "text",
} as const;

export const diaryFirst: Table<typeof diaryFirstColumns> = table(
	"diary",
	diaryFirstColumns,
	["number"],
);
const debtsSecond = table(
	"debts",
	{ ...debtsFirst.columns, since: "integer", remark: "text" },
	["id"],
	{ by_name: ["name"], by_amount: ["amount", "name"] },
);
const extras = table("extras", { name: "text", value: "bytes" }, ["name"]);
const debtsThirdColumns = {
	name: "text",
	id: "bytes",
	whole: "integer",
	cents: "integer",
} as const;

export const debtsThird: Table<typeof debtsThirdColumns> = table(
	"owed",
	debtsThirdColumns,
	["name", "id"],
	{ by_whole: ["whole"] },
);
const diaryThird = table("diary", { number: "integer", what: "text" }, [
	"number",
]);
const diaryFourthColumns = {
	number: "integer",
	what: "text",
	seal: "bytes",
} as const;

export const diaryFourth: Table<typeof diaryFourthColumns> = table(
	"diary",
	diaryFourthColumns,
	["number"],
	{ by_what: ["what"] },
);

export const REMARK = "it's \"so\" \\ '' \u{1f5dd}\n";
export const SEAL: Uint8Array = Uint8Array.of(0, 39, 92, 255);
const SMALLEST = -(2n ** 63n);

const TO_SECOND: Migration = {
	to: 2,
	steps: [
		addColumn("debts", "since", "integer", SMALLEST),
		addColumn("debts", "remark", "text", REMARK),
		{ kind: "add-table", table: extras },
		{
			kind: "add-index",
			table: "debts",
			index: "by_amount",
			columns: ["amount", "name"],
		},
	],
};
const TO_THIRD: Migration = {
	to: 3,
	steps: [
		{ kind: "drop-index", table: "debts", index: "by_name", columns: ["name"] },
		rewrite({ ...debtsSecond, indexes: byAmountOnly() }, debtsThird, owed),
		{ kind: "drop-column", table: "diary", column: "mood", type: "text" },
	],
};
const TO_FOURTH: Migration = {
	to: 4,
	steps: [
		{ kind: "drop-table", table: extras },
		addColumn("diary", "seal", "bytes", SEAL),
		{
			kind: "add-index",
			table: "diary",
			index: "by_what",
			columns: ["what"],
		},
	],
};

function byAmountOnly() {
	return { by_amount: debtsSecond.indexes["by_amount"] as readonly never[] };
}

/** Who owes nothing is left out. */
function owed({
	name,
	id,
	amount,
}: Pick<Row<typeof debtsFirst.columns>, "name" | "id" | "amount">):
	| Row<typeof debtsThird.columns>
	| undefined {
	return amount === 0n
		? undefined
		: { name, id, whole: amount / 100n, cents: amount % 100n };
}

export const VERSIONS: Readonly<Record<1 | 2 | 3 | 4, Schema>> = {
	1: schema("debts", [debtsFirst, diaryFirst]),
	2: schema("debts", [debtsSecond, diaryFirst, extras], TO_SECOND),
	3: schema("debts", [debtsThird, diaryThird, extras], TO_SECOND, TO_THIRD),
	4: schema("debts", [debtsThird, diaryFourth], TO_SECOND, TO_THIRD, TO_FOURTH),
};

type Debt = Row<typeof debtsFirst.columns>;
type Entry = Row<typeof diaryFirst.columns>;

export interface Before {
	readonly debts: readonly Debt[];
	readonly diary: readonly Entry[];
}

/** More rows than are read at a time. */
export function manyRows(count = 1100): Before {
	return {
		debts: Array.from({ length: count }, (_, i) => ({
			id: Uint8Array.of(i % 256, i >> 8),
			name: `name ${i % 7}`,
			amount: BigInt(i % 5) * 1_234_567_890_123n - 1_234_567_890_123n,
			paper: new Uint8Array(i % 50).fill(i),
		})),
		diary: Array.from({ length: count }, (_, i) => ({
			number: BigInt(i) - 3n,
			what: `day ${i}`,
			mood: "fine",
		})),
	};
}

export async function fill(
	store: Store,
	{ debts, diary }: Before,
): Promise<void> {
	await write(
		store,
		...debts.map((row) => insert(debtsFirst, row)),
		...diary.map((row) => insert(diaryFirst, row)),
	);
}

/** All rows of tables, in the order of their keys. */
export async function contents(
	store: Pick<Store, "snapshot">,
	...tables: readonly unknown[]
): Promise<readonly (readonly Row[])[]> {
	return store.snapshot(async (scan) => {
		const all: Row[][] = [];
		for (const of of tables as readonly Table[]) {
			const rows: Row[] = [];
			for await (const row of scan({ table: of })) rows.push(row);
			all.push(rows);
		}
		return all;
	});
}

/** What version 4 must make of these. */
export function expected({
	debts,
	diary,
}: Before): readonly (readonly Row[])[] {
	return [
		inOrder(
			debtsThird,
			debts.flatMap((row) => owed(row) ?? []),
		),
		inOrder(
			diaryFourth,
			diary.map(({ number, what }) => ({ number, what, seal: SEAL })),
		),
	];
}

/** The same as they stand in version 1. */
export function unchanged({
	debts,
	diary,
}: Before): readonly (readonly Row[])[] {
	return [inOrder(debtsFirst, debts), inOrder(diaryFirst, diary)];
}

function inOrder<Of extends Columns>(
	{ key }: Table<Of>,
	rows: readonly Row<Of>[],
): Row[] {
	const compare = (a: Row[string], b: Row[string]): number => {
		if (typeof a === "bigint") return a < (b as bigint) ? -1 : a === b ? 0 : 1;
		const bytes = (value: unknown) =>
			typeof value === "string" ? Buffer.from(value) : (value as Uint8Array);
		return Buffer.compare(bytes(a), bytes(b));
	};
	return (rows as readonly Row[]).toSorted((a, b) => {
		for (const name of key) {
			const order = compare(a[name] as never, b[name] as never);
			if (order !== 0) return order;
		}
		return 0;
	});
}

async function write(store: Store, ...writes: Write[]): Promise<void> {
	await store.transact(done(writes, undefined));
}

/** As rows come back. */
const PLAIN = { noNullPrototype: true } as const;

export function migrationContract(
	name: string,
	{
		make,
		copies,
		runs,
		forget,
		skip = false,
	}: {
		/** A new place. */
		readonly make: () => Place;
		readonly copies: Copies;
		/** How often a property is tried. */
		readonly runs: number;
		/** Deletes what a store says of itself under that name, as SQL. */
		readonly forget: (place: Place, name: string) => Promise<void>;
		readonly skip?: string | false;
	},
): void {
	const filled = async (rows: Before): Promise<Place> => {
		const place = make();
		await using store = await openSchema(place, VERSIONS[1]);
		await fill(store, rows);
		return place;
	};
	const isThereStill = async (place: Place, rows: Before) => {
		await using store = await openSchema(place, VERSIONS[1]);
		assert.deepEqual(
			await contents(store, debtsFirst, diaryFirst),
			unchanged(rows),
		);
	};
	const close = (store: Store) => store[Symbol.asyncDispose]();

	describe(`${name} store: another version`, { skip }, () => {
		test("every kind of step takes every row to the newest version at once", async () => {
			const rows = manyRows();
			const place = await filled(rows);
			await using store = await openSchema(place, VERSIONS[4]);
			assert.deepEqual(
				await contents(store, debtsThird, diaryFourth),
				expected(rows),
			);
		});

		test("one version after the other comes to the same, with a copy of each", async () => {
			const rows = manyRows(20);
			const place = await filled(rows);
			{
				await using store = await openSchema(place, VERSIONS[2]);
				const [debts = []] = await contents(store, debtsSecond);
				assert.deepEqual(
					debts,
					inOrder(
						debtsSecond,
						rows.debts.map((row) => ({
							...row,
							since: SMALLEST,
							remark: REMARK,
						})),
					),
				);
				await write(store, put(extras, { name: "x", value: SEAL }));
			}
			await close(await openSchema(place, VERSIONS[3]));
			{
				await using store = await openSchema(place, VERSIONS[4]);
				assert.deepEqual(
					await contents(store, debtsThird, diaryFourth),
					expected(rows),
				);
			}
			const kept = await copies.list(place);
			assert.equal(kept.length, 3);
			const second = await copies.restore(place, kept[1] as string);
			await using store = await openSchema(second, VERSIONS[2]);
			assert.deepEqual(await contents(store, extras), [
				[{ name: "x", value: SEAL }],
			]);
		});

		test("what was brought there works as what was made new", async () => {
			const place = await filled(manyRows(10));
			await close(await openSchema(place, VERSIONS[4]));
			await using store = await openSchema(place, VERSIONS[4]);
			const row = { name: "z", id: SEAL, whole: 99n, cents: 1n };
			await write(
				store,
				insert(debtsThird, row),
				put(debtsThird, { ...row, cents: 2n }),
				insert(diaryFourth, { number: 50n, what: "zzz", seal: row.id }),
			);
			const found = await store.transact(
				reading(
					[
						{
							table: debtsThird,
							index: "by_whole",
							equals: { whole: 99n },
							limit: 2,
						},
						{ table: diaryFourth, index: "by_what", above: "zz", limit: 2 },
						byKey(debtsThird, { name: "z", id: SEAL }),
					],
					(rows) => done([], rows),
				),
			);
			assert.deepEqual(found, [
				[{ ...row, cents: 2n }],
				[{ number: 50n, what: "zzz", seal: SEAL }],
				[{ ...row, cents: 2n }],
			]);
			await assert.rejects(write(store, insert(debtsThird, row)), {
				code: "internal",
			});
		});

		test("a copy of the old version is kept, which the old program opens", async () => {
			const rows = manyRows(30);
			const place = await filled(rows);
			await close(await openSchema(place, VERSIONS[4]));
			const [copy, ...more] = await copies.list(place);
			assert.ok(copy !== undefined && more.length === 0);
			await isThereStill(await copies.restore(place, copy), rows);
			await close(await openSchema(place, VERSIONS[4]));
			assert.deepEqual(await copies.list(place), [], "and no other is made");
		});

		test("what has the name of a copy already is left as it is, and the copy has another", async () => {
			const rows = manyRows(5);
			const place = await filled(rows);
			await copies.occupy(place);
			await close(await openSchema(place, VERSIONS[2]));
			assert.ok(await copies.isOccupied(place));
			const [, copy = "", ...more] = await copies.list(place);
			assert.deepEqual(more, []);
			await isThereStill(await copies.restore(place, copy), rows);
		});

		test("an older program refuses a newer store, says both versions, and changes nothing", async () => {
			const rows = manyRows(3);
			const place = await filled(rows);
			await close(await openSchema(place, VERSIONS[4]));
			for (const version of [1, 2, 3] as const)
				await assert.rejects(openSchema(place, VERSIONS[version]), {
					code: "store-failed",
					message: new RegExp(
						`version 4 of the schema debts.*knows version ${version}.*newer`,
					),
				});
			await using store = await openSchema(place, VERSIONS[4]);
			assert.deepEqual(
				await contents(store, debtsThird, diaryFourth),
				expected(rows),
			);
		});

		test("a store whose tables do not fit its version is refused with the one that differs, and nothing is changed", async () => {
			const place = make();
			const { indexes: _, ...debts } = debtsFirst;
			const other = schema("debts", [{ ...debts, indexes: {} }, diaryFirst]);
			await close(await openSchema(place, other));
			for (const version of [1, 4] as const)
				await assert.rejects(openSchema(place, VERSIONS[version]), {
					code: "store-failed",
					message: /version 1 .*debts differs/,
				});
			assert.deepEqual(await copies.list(place), []);
			await close(await openSchema(place, other));
		});

		test("a store of another schema is refused, also with the same tables", async () => {
			const place = await filled(manyRows(1));
			const other = schema("loans", VERSIONS[1].tables);
			await assert.rejects(openSchema(place, other), {
				code: "store-failed",
				message: /of the schema debts, and loans/,
			});
		});

		test("one that does not say of which schema it is, is of version 1 if its tables are", async () => {
			const rows = manyRows(4);
			const place = await filled(rows);
			await forget(place, "schema");
			await isThereStill(place, rows);
			await assert.rejects(
				openSchema(place, schema("debts", [debtsFirst])),
				/diary differs/,
			);
			await using store = await openSchema(place, VERSIONS[4]);
			assert.deepEqual(
				await contents(store, debtsThird, diaryFourth),
				expected(rows),
			);
		});

		test("a row that cannot be brought over leaves everything as it was", async () => {
			const rows = manyRows(600);
			const place = await filled(rows);
			const cases: readonly ((
				row: Debt,
			) => Row<typeof debtsThird.columns> | undefined)[] = [
				// What it throws, two rows of one key, and what does not fit.
				(row) => {
					if (row.id[1] === 2) throw new RangeError("not this one");
					return owed(row);
				},
				({ amount }) => ({ name: "one", id: SEAL, whole: amount, cents: 0n }),
				(row) =>
					({ ...owed({ ...row, amount: 1n }), whole: 2n ** 63n }) as never,
			];
			for (const row of cases) {
				const wrong = schema("debts", [debtsThird, diaryFirst], {
					to: 2,
					steps: [rewrite(debtsFirst, debtsThird, row)],
				});
				await assert.rejects(openSchema(place, wrong), { code: "internal" });
				await isThereStill(place, rows);
			}
			await using store = await openSchema(place, VERSIONS[4]);
			assert.deepEqual(
				await contents(store, debtsThird, diaryFourth),
				expected(rows),
			);
		});

		test("of two that come at once one brings it over, and the other is told that it is busy", async () => {
			const rows = manyRows(200);
			const place = await filled(rows);
			const outcomes = await Promise.allSettled(
				[1, 2, 3].map(() => openSchema(place, VERSIONS[4])),
			);
			const opened = outcomes.filter(({ status }) => status === "fulfilled");
			assert.equal(opened.length, 1);
			for (const outcome of outcomes)
				if (outcome.status === "rejected")
					assert.equal(outcome.reason.code, "busy");
				else {
					assert.deepEqual(
						await contents(outcome.value, debtsThird, diaryFourth),
						expected(rows),
					);
					await close(outcome.value);
				}
			assert.equal((await copies.list(place)).length, 1);
		});

		test("whatever the rows were, they are what the steps make of them", async () => {
			const integer = fc.bigInt({ min: SMALLEST, max: 2n ** 63n - 1n });
			const text = fc
				.string({ unit: "grapheme", maxLength: 20 })
				.filter((value) => value.isWellFormed() && !value.includes("\0"));
			const bytes = fc
				.uint8Array({ maxLength: 40 })
				.map((value) => Uint8Array.from(value));
			const debts = fc.uniqueArray(
				fc.record(
					{ id: bytes, name: text, amount: integer, paper: bytes },
					PLAIN,
				),
				{ selector: ({ id }) => hex(id), maxLength: 30 },
			);
			const diary = fc.uniqueArray(
				fc.record({ number: integer, what: text, mood: text }, PLAIN),
				{ selector: ({ number }) => number, maxLength: 30 },
			);
			await fc.assert(
				fc.asyncProperty(fc.record({ debts, diary }), async (rows) => {
					const place = await filled(rows);
					{
						await using store = await openSchema(place, VERSIONS[4]);
						assert.deepEqual(
							await contents(store, debtsThird, diaryFourth),
							expected(rows),
						);
					}
					const [copy = ""] = await copies.list(place);
					await isThereStill(await copies.restore(place, copy), rows);
				}),
				{ numRuns: runs },
			);
		});
	});
}
