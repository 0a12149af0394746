/*
 * What counts against the owner's limits: what was committed within a day, by issuer and merchant,
 * and in all. It is summed up as it comes, a minute at a time, and never over all payments.
 *
 * The clock by which it goes is the module's, as far as that goes forward: set back, it frees
 * nothing. Set ahead, it frees what is a day old by then. The owner's next order of limits tells it
 * the time anew.
 */
import {
	byKey,
	MAX_READ_ROWS,
	put,
	type Read,
	type Row,
	remove,
	type Write,
} from "../../machine/index.ts";
import { enc, formOf, hex, sameBytes, u64 } from "../../wire/index.ts";
import { OLD_SPENT_AT_ONCE } from "./purse-limits.ts";
import {
	SPENT,
	SPENT_IN_ALL,
	type SpentInAllRow,
	type SpentRow,
} from "./spending-tables.ts";

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24n * 60n;

/** What was or is to be spent. */
export interface Spent {
	/** Device ids of the issuer and of the module that is paid. */
	readonly issuer: Uint8Array;
	readonly payee: Uint8Array;
	readonly amount: bigint;
}

/** How much of an issuer's money counts. */
export interface Sums {
	readonly inDay: bigint;
	/** To the merchant that was asked about. */
	readonly toMerchant: bigint;
	readonly inAll: bigint;
}

/** What a transaction reads and writes besides, to count or to give back. */
export interface Counting {
	readonly reads: readonly Read[];
	/** `rows` are those of each read. */
	writes(rows: readonly (readonly Row[])[]): readonly Write[];
}

/** What was committed in one minute, by issuer and merchant. */
type Minute = Map<string, SpentRow>;

export class SpendingSums {
	readonly #minutes: Map<bigint, Minute>;
	/** Sums over the minutes, by issuer, and by issuer and merchant, in hexadecimal. */
	readonly #inDay = new Map<string, bigint>();
	readonly #inAll: Map<string, SpentInAllRow>;
	/** Ids of rows that count no more and are still in the store, by their hexadecimal. */
	readonly #over = new Map<string, Uint8Array>();
	/** Milliseconds since the epoch; never set back but by the owner. */
	#latest = 0;

	constructor(spent: readonly SpentRow[], inAll: readonly SpentInAllRow[]) {
		this.#minutes = new Map();
		const inOrder = spent.toSorted((a, b) => Number(a.minute - b.minute));
		for (const row of inOrder) this.#add(row);
		const last = inOrder.at(-1);
		if (last !== undefined) this.#latest = Number(last.minute) * MINUTE_MS;
		this.#inAll = new Map(inAll.map((row) => [hex(row.issuer), row]));
	}

	/** The time by which it is counted, in milliseconds since the epoch. What is a day old by then counts no more. */
	advance(now: number): number {
		this.#latest = Math.max(this.#latest, now);
		const over = minuteOf(this.#latest) - DAY_MINUTES;
		// In the order of time.
		for (const [minute, rows] of this.#minutes) {
			if (minute >= over) break;
			this.#minutes.delete(minute);
			for (const row of rows.values()) {
				this.#sum(row, -row.amount);
				this.#over.set(hex(row.id), row.id);
			}
		}
		return this.#latest;
	}

	of({ issuer, payee }: Pick<Spent, "issuer" | "payee">): Sums {
		const id = hex(issuer);
		return {
			inDay: this.#inDay.get(id) ?? 0n,
			toMerchant: this.#inDay.get(`${id} ${hex(payee)}`) ?? 0n,
			inAll: this.#inAll.get(id)?.amount ?? 0n,
		};
	}

	/** For the transaction that commits it at `at`, a time that `advance` has told. */
	counting({ issuer, payee, amount }: Spent, at: number): Counting {
		const fresh = rowOf({ issuer, payee, amount: 0n }, at);
		// The clock was ahead, and that minute has come again: its row counts from nothing.
		const isOver = this.#over.delete(hex(fresh.id));
		const old = this.#takeOver();
		return countingOf(fresh, ({ spent = fresh, inAll }) => [
			...old.map((id) => remove(SPENT, { id })),
			put(SPENT, { ...fresh, amount: (isOver ? 0n : spent.amount) + amount }),
			...(inAll === undefined
				? []
				: [put(SPENT_IN_ALL, { ...inAll, amount: inAll.amount + amount })]),
		]);
	}

	#takeOver(): readonly Uint8Array[] {
		const old = [...this.#over].slice(0, OLD_SPENT_AT_ONCE);
		for (const [key] of old) this.#over.delete(key);
		return old.map(([, id]) => id);
	}

	/** It was committed and counted at that time, or the owner has dated it anew while it was. */
	counted(spent: Spent, at: number): void {
		this.#add(rowOf(spent, Math.min(at, this.#latest)));
		this.#addInAll(spent, at, spent.amount);
	}

	/** Nothing of it counts any more. */
	givenBack(spent: Spent, at: number): void {
		const { id, minute } = rowOf(spent, at);
		const rows = this.#minutes.get(minute);
		const row = rows?.get(hex(id));
		if (rows !== undefined && row !== undefined) {
			const amount = spent.amount < row.amount ? spent.amount : row.amount;
			rows.set(hex(id), { ...row, amount: row.amount - amount });
			this.#sum(row, -amount);
		}
		this.#addInAll(spent, at, -spent.amount);
	}

	/** An owner's order that came `at` that time is durable: what is limited in all counts from nothing since then, unless it was limited before. */
	limited(issuers: readonly Uint8Array[], at: number): void {
		const before = new Map(this.#inAll);
		this.#inAll.clear();
		for (const row of limitedInAll([...before.values()], issuers, at))
			this.#inAll.set(hex(row.issuer), row);
	}

	/** An owner's order has come and tells the time: what was dated ahead is dated anew. */
	dateAnew(now: number): void {
		this.#latest = now;
		for (const [minute, rows] of [...this.#minutes]) {
			if (minute <= minuteOf(now)) continue;
			this.#minutes.delete(minute);
			for (const row of rows.values()) {
				this.#sum(row, -row.amount);
				this.#add(rowOf({ ...row, payee: row.merchant }, now));
			}
		}
	}

	#add(row: SpentRow): void {
		const rows: Minute = this.#minutes.get(row.minute) ?? new Map();
		const amount = (rows.get(hex(row.id))?.amount ?? 0n) + row.amount;
		rows.set(hex(row.id), { ...row, amount });
		this.#minutes.set(row.minute, rows);
		this.#sum(row, row.amount);
	}

	#sum({ issuer, merchant }: SpentRow, amount: bigint): void {
		const id = hex(issuer);
		for (const key of [id, `${id} ${hex(merchant)}`]) {
			const sum = (this.#inDay.get(key) ?? 0n) + amount;
			if (sum === 0n) this.#inDay.delete(key);
			else this.#inDay.set(key, sum);
		}
	}

	#addInAll({ issuer }: Spent, at: number, amount: bigint): void {
		const row = this.#inAll.get(hex(issuer));
		if (row !== undefined && row.since <= BigInt(at))
			this.#inAll.set(hex(issuer), {
				...row,
				amount: less(row.amount, -amount),
			});
	}
}

/** Those rows that count at `now`, or when the last of them was written, if that was later. */
export function countingRows(
	spent: readonly SpentRow[],
	now: number,
): readonly SpentRow[] {
	let latest = minuteOf(now);
	for (const { minute } of spent) if (minute > latest) latest = minute;
	return spent.filter(({ minute }) => minute >= latest - DAY_MINUTES);
}

/** For the transaction that ends a payment which was counted then and was not made; nothing when it was not counted. */
export function givingBack(
	payment: (Spent & { readonly counted: bigint }) | undefined,
): Counting {
	if (payment === undefined || payment.counted === 0n)
		return { reads: [], writes: () => [] };
	const { counted, amount } = payment;
	const row = rowOf(payment, Number(counted));
	return countingOf(row, ({ spent, inAll }) => [
		...(spent === undefined
			? []
			: [put(SPENT, { ...spent, amount: less(spent.amount, amount) })]),
		...(inAll === undefined || inAll.since > counted
			? []
			: [put(SPENT_IN_ALL, { ...inAll, amount: less(inAll.amount, amount) })]),
	]);
}

/** For the transaction that puts limits in force, as `SpendingSums` has it in memory. */
export function limiting(
	issuers: readonly Uint8Array[],
	now: number,
): {
	readonly reads: readonly [
		Read<typeof SPENT.columns>,
		Read<typeof SPENT.columns>,
		Read<typeof SPENT_IN_ALL.columns>,
	];
	writes(
		rows: readonly [
			readonly SpentRow[],
			readonly SpentRow[],
			readonly SpentInAllRow[],
		],
	): readonly Write[];
} {
	const minute = minuteOf(now);
	const ofMinute = { table: SPENT, index: "by_minute", limit: MAX_READ_ROWS };
	return {
		reads: [
			{ ...ofMinute, above: minute },
			{ ...ofMinute, equals: { minute } },
			{ table: SPENT_IN_ALL, limit: MAX_READ_ROWS },
		],
		writes([ahead, here, inAll]) {
			const dated = new Map(here.map((row) => [hex(row.id), row]));
			for (const { issuer, merchant: payee, amount } of ahead) {
				const row = rowOf({ issuer, payee, amount }, now);
				const known = dated.get(hex(row.id))?.amount ?? 0n;
				dated.set(hex(row.id), { ...row, amount: known + amount });
			}
			return [
				...ahead.map(({ id }) => remove(SPENT, { id })),
				...(ahead.length === 0
					? []
					: [...dated.values()].map((row) => put(SPENT, row))),
				...inAll.map(({ issuer }) => remove(SPENT_IN_ALL, { issuer })),
				...limitedInAll(inAll, issuers, now).map((row) =>
					put(SPENT_IN_ALL, row),
				),
			];
		},
	};
}

/** What counts in all for those issuers from now on: what did, and else nothing. */
function limitedInAll(
	before: readonly SpentInAllRow[],
	issuers: readonly Uint8Array[],
	now: number,
): SpentInAllRow[] {
	return issuers.map((issuer) => {
		const known = before.find((row) => sameBytes(row.issuer, issuer));
		const since = BigInt(now);
		return known === undefined
			? { issuer, since, amount: 0n }
			: { ...known, since: known.since < since ? known.since : since };
	});
}

function countingOf(
	{ id, issuer }: SpentRow,
	writes: (rows: {
		readonly spent?: SpentRow;
		readonly inAll?: SpentInAllRow;
	}) => readonly Write[],
): Counting {
	return {
		reads: [
			byKey(SPENT, { id }),
			byKey(SPENT_IN_ALL, { issuer }),
		] as readonly unknown[] as readonly Read[],
		writes: ([spent, inAll]) =>
			writes({ spent: spent?.[0], inAll: inAll?.[0] } as {
				readonly spent?: SpentRow;
				readonly inAll?: SpentInAllRow;
			}),
	};
}

function rowOf(
	{ issuer, payee: merchant, amount }: Spent,
	at: number,
): SpentRow {
	const minute = minuteOf(at);
	const id = enc(issuer, merchant, formOf(u64, minute));
	return { id, issuer, merchant, minute, amount };
}

function minuteOf(time: number): bigint {
	return BigInt(Math.floor(time / MINUTE_MS));
}

/** At least nothing is left. */
function less(amount: bigint, by: bigint): bigint {
	return amount > by ? amount - by : 0n;
}
