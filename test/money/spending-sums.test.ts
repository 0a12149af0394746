/* What counts against limits, in memory and in the store, beside a reference that adds everything up each time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { done, reading } from "../../src/money/index.ts";
import { OLD_SPENT_AT_ONCE } from "../../src/money/purse/purse-limits.ts";
import {
	type Counting,
	countingRows,
	givingBack,
	limiting,
	SpendingSums,
	type Spent,
} from "../../src/money/purse/spending-sums.ts";
import { SPENT, SPENT_IN_ALL } from "../../src/money/purse/spending-tables.ts";
import { sameBytes } from "../../src/wire/index.ts";
import { dice } from "../support/dice.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { filled } from "./documents.ts";

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const ISSUERS = [1, 2].map((id) => filled(32, id));
const SHOPS = [11, 12].map((id) => filled(32, id));

const minuteOf = (time: number) => Math.floor(time / MINUTE);

function carryOut(store: MemoryStore, { reads, writes }: Counting): void {
	store.run(reading(reads as never, (rows) => done(writes(rows), undefined)));
}

/** A payment that counts in one minute, and since when it counts in all. */
interface Counted {
	readonly spent: Spent;
	readonly at: number;
	minute: number;
	amount: bigint;
}

/** The same, slowly: every payment is remembered. */
class Reference {
	counted: Counted[] = [];
	readonly inAll = new Map<Uint8Array, { since: number; amount: bigint }>();

	advance(latest: number): void {
		this.counted = this.counted.filter(
			({ minute }) => minute >= minuteOf(latest) - 1440,
		);
	}

	count(spent: Spent, at: number, latest: number): void {
		const minute = minuteOf(Math.min(at, latest));
		this.counted.push({ spent, at, minute, amount: spent.amount });
		this.#addInAll(spent, at, spent.amount);
	}

	/** Out of that minute's payments to that merchant, whichever it was. */
	giveBack(spent: Spent, at: number): void {
		let left = spent.amount;
		for (const one of this.counted) {
			if (one.minute !== minuteOf(at) || !isAlike(one.spent, spent)) continue;
			const taken = one.amount < left ? one.amount : left;
			one.amount -= taken;
			left -= taken;
		}
		this.#addInAll(spent, at, -spent.amount);
	}

	limit(issuers: readonly Uint8Array[], now: number): void {
		for (const one of this.counted)
			one.minute = Math.min(one.minute, minuteOf(now));
		for (const issuer of ISSUERS) {
			const { since = now, amount = 0n } = this.inAll.get(issuer) ?? {};
			if (!issuers.includes(issuer)) this.inAll.delete(issuer);
			else this.inAll.set(issuer, { since: Math.min(since, now), amount });
		}
	}

	of({ issuer, payee }: Pick<Spent, "issuer" | "payee">) {
		const sum = (which: (spent: Spent) => boolean) =>
			this.counted
				.filter(({ spent }) => which(spent))
				.reduce((all, { amount }) => all + amount, 0n);
		return {
			inDay: sum((spent) => spent.issuer === issuer),
			toMerchant: sum((spent) => isAlike(spent, { issuer, payee })),
			inAll: this.inAll.get(issuer)?.amount ?? 0n,
		};
	}

	#addInAll({ issuer }: Spent, at: number, amount: bigint): void {
		const known = this.inAll.get(issuer);
		if (known === undefined || known.since > at) return;
		known.amount += amount;
		if (known.amount < 0n) known.amount = 0n;
	}
}

const isAlike = (
	one: Pick<Spent, "issuer" | "payee">,
	other: Pick<Spent, "issuer" | "payee">,
) => one.issuer === other.issuer && one.payee === other.payee;

/** Some hundred payments, orders and hours; `isHonest` when the clock is never wrong. */
function walk(seed: number, isHonest: boolean): void {
	const throwDie = dice(seed);
	const one = <Of>(of: readonly Of[]) => of[throwDie(of.length)] as Of;
	const store = new MemoryStore();
	const reference = new Reference();
	let sums = new SpendingSums([], []);
	let now = 1_000 * DAY;
	let latest = 0;
	let made: { readonly spent: Spent; readonly at: number }[] = [];
	const advance = () => {
		latest = Math.max(latest, now);
		assert.equal(sums.advance(now), latest);
		reference.advance(latest);
	};
	const order = () => {
		const issuers = ISSUERS.filter(() => throwDie(3) > 0);
		latest = now;
		sums.dateAnew(now);
		carryOut(store, limiting(issuers, now) as never);
		sums.limited(issuers, now);
		reference.limit(issuers, now);
	};
	const rows = () => [store.rows(SPENT), store.rows(SPENT_IN_ALL)] as const;
	for (let step = 0; step < 120; step++) {
		now += one([0, 1, MINUTE - 1, MINUTE, 20 * MINUTE, DAY / 3]);
		if (!isHonest && throwDie(6) === 0) now += one([-DAY, -MINUTE, 2 * DAY]);
		advance();
		switch (throwDie(isHonest ? 8 : 7)) {
			case 0:
				order();
				break;
			case 1:
			case 2: {
				const back = one(made);
				if (back === undefined) break;
				made = made.filter((other) => other !== back);
				const { spent, at } = back;
				carryOut(store, givingBack({ ...spent, counted: BigInt(at) }));
				sums.givenBack(spent, at);
				reference.giveBack(spent, at);
				break;
			}
			case 7:
				sums = new SpendingSums(...rows());
				advance();
				break;
			default: {
				const spent = {
					issuer: one(ISSUERS),
					payee: one(SHOPS),
					amount: BigInt(1 + throwDie(100)),
				};
				const at = latest;
				carryOut(store, sums.counting(spent, at));
				// An order may come before it is known to be durable.
				if (!isHonest && throwDie(4) === 0) order();
				sums.counted(spent, at);
				reference.count(spent, at, latest);
				made.push({ spent, at });
			}
		}
		const [spent] = rows();
		const counting = countingRows(spent, latest);
		for (const issuer of ISSUERS)
			for (const payee of SHOPS) {
				const expected = reference.of({ issuer, payee });
				const where = `seed ${seed}, step ${step}`;
				assert.deepEqual(sums.of({ issuer, payee }), expected, where);
				if (!isHonest) continue;
				const stored = counting
					.filter((row) => sameBytes(row.issuer, issuer))
					.reduce((sum, { amount }) => sum + amount, 0n);
				assert.equal(stored, expected.inDay, where);
			}
	}
}

test("counts the same as a reference does, again and again from its store", () => {
	for (let seed = 1; seed <= 12; seed++) walk(seed, true);
});

test("counts the same as a reference does when the clock is wrong, and set right by an order", () => {
	for (let seed = 1; seed <= 12; seed++) walk(seed, false);
});

test("forgets so many old minutes with each payment, and counts a minute that comes again from nothing", () => {
	const store = new MemoryStore();
	const [issuer, payee] = [ISSUERS[0], SHOPS[0]] as [Uint8Array, Uint8Array];
	const spent = { issuer, payee, amount: 5n };
	const sums = new SpendingSums([], []);
	const pay = (at: number) => {
		carryOut(store, sums.counting(spent, sums.advance(at)));
		sums.counted(spent, at);
		return store
			.rows(SPENT)
			.map(({ minute, amount }) => [Number(minute), amount] as const)
			.toSorted(([a], [b]) => a - b);
	};
	const minutes = OLD_SPENT_AT_ONCE + 2;
	for (let minute = 0; minute < minutes; minute++) pay(minute * MINUTE);
	const ahead = minutes + 1440;
	assert.deepEqual(pay(ahead * MINUTE), [
		[minutes - 2, 5n],
		[minutes - 1, 5n],
		[ahead, 5n],
	]);
	// Its clock was wrong: all counts that was dated ahead, in the minute that it is now.
	const now = (minutes - 1) * MINUTE + 7;
	sums.dateAnew(now);
	carryOut(store, limiting([], now) as never);
	assert.deepEqual(
		store.rows(SPENT).map(({ minute }) => Number(minute)),
		[minutes - 2, minutes - 1],
	);
	assert.deepEqual(sums.of(spent), { inDay: 5n, toMerchant: 5n, inAll: 0n });
});

/** One payment in each of these minutes, in another order than that of time. */
function paidIn(...minutes: readonly number[]): MemoryStore {
	const store = new MemoryStore();
	for (const minute of minutes)
		carryOut(
			store,
			new SpendingSums([], []).counting(SPENT_ONCE, minute * MINUTE),
		);
	return store;
}

const SPENT_ONCE: Spent = {
	issuer: filled(32, 1),
	payee: filled(32, 11),
	amount: 5n,
};

const dated = (store: MemoryStore) =>
	store.rows(SPENT).map(({ minute, amount }) => [Number(minute), amount]);

test("begins with the last minute of its store, however its clock was set back meanwhile", () => {
	const rows = paidIn(1500, 60, 1501).rows(SPENT);
	const sums = new SpendingSums(rows, []);
	assert.equal(sums.of(SPENT_ONCE).inDay, 15n);
	assert.equal(sums.advance(0), 1501 * MINUTE);
	assert.equal(sums.of(SPENT_ONCE).inDay, 10n);
	assert.equal(new SpendingSums([], []).advance(-1), 0);
	assert.deepEqual(
		countingRows(rows, 0).map(({ minute }) => minute),
		[1500n, 1501n],
	);
	assert.deepEqual(
		countingRows(rows, 1500 * MINUTE + 1),
		rows.filter(({ minute }) => minute > 60n),
	);
	assert.deepEqual(countingRows(rows, 3000 * MINUTE), []);
});

test("an order of limits dates what is ahead of it anew, together with what is of that minute", () => {
	const now = 100 * MINUTE + 59_999;
	const order = (store: MemoryStore) => {
		carryOut(store, limiting([], now) as never);
		return dated(store);
	};
	const asItIs = [
		[99, 5n],
		[100, 5n],
	];
	assert.deepEqual(order(paidIn(99, 100)), asItIs);
	assert.deepEqual(order(paidIn(99, 101)), asItIs);
	assert.deepEqual(order(paidIn(99, 100, 101)), [
		[99, 5n],
		[100, 10n],
	]);
	assert.deepEqual(order(paidIn(99, 101, 102)), [
		[99, 5n],
		[100, 10n],
	]);
});

test("a minute that comes again counts from nothing, and once it does is not forgotten as an old one", () => {
	const store = paidIn(10);
	const sums = new SpendingSums(store.rows(SPENT), []);
	sums.advance(2000 * MINUTE);
	sums.dateAnew(10 * MINUTE);
	for (const sum of [5n, 10n]) {
		carryOut(store, sums.counting(SPENT_ONCE, 10 * MINUTE));
		sums.counted(SPENT_ONCE, 10 * MINUTE);
		assert.deepEqual(dated(store), [[10, sum]]);
		assert.equal(sums.of(SPENT_ONCE).inDay, sum);
	}
});

test("what was given back, and was dated anew before, takes nothing from another merchant", () => {
	const sums = new SpendingSums([], []);
	const other = { ...SPENT_ONCE, payee: filled(32, 12) };
	sums.counted(SPENT_ONCE, sums.advance(10 * MINUTE));
	sums.dateAnew(5 * MINUTE);
	sums.counted(other, sums.advance(10 * MINUTE));
	sums.givenBack(SPENT_ONCE, 10 * MINUTE);
	assert.equal(sums.of(other).toMerchant, 5n);
	assert.equal(sums.of(SPENT_ONCE).toMerchant, 5n);
});

test("what was not counted gives nothing back", () => {
	const [issuer, payee] = [ISSUERS[0], SHOPS[0]] as [Uint8Array, Uint8Array];
	const payment = { issuer, payee, amount: 5n };
	for (const none of [undefined, { ...payment, counted: 0n }]) {
		const { reads, writes } = givingBack(none);
		assert.deepEqual([reads, writes([])], [[], []]);
	}
});
