/* How requests that show a ticket are answered, over a store in memory. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { AgentStore } from "../../src/device/purse/index.ts";
import { RequestRecords } from "../../src/device/trade/index.ts";
import { MAX_REFUNDED_AT_ONCE } from "../../src/device/trade/limits.ts";
import { TetradError } from "../../src/errors.ts";
import type { CertifiedDevice } from "../../src/identity/index.ts";
import type { IssuerTerms } from "../../src/money/index.ts";
import { NotAnswered } from "../../src/paid/index.ts";
import { ItemNames } from "../../src/paid/item-name.ts";
import { TicketDesk, type TicketLimits } from "../../src/paid/ticket-desk.ts";
import { oweRefund, payRefund } from "../../src/trade/records/index.ts";
import { enc, hex, utf8 } from "../../src/wire/index.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { coded, PREPAID } from "./world.ts";

const HOUR = 3_600_000;
const RAIN = utf8("rain");
const REQUEST = "GET https://api.example/";
const buyer = {
	name: "alice",
	deviceId: enc(new Uint8Array(32), utf8("alice")),
} as unknown as CertifiedDevice;

const terms: IssuerTerms = {
	issuer: enc(new Uint8Array(32), utf8("mint")),
	name: "mint",
	currency: { code: "EUR", exponent: 2 },
	isPlay: true,
};

/** The merchant's module. */
const MODULE = new Uint8Array(41).fill(7);
let modules: readonly Uint8Array[] = [MODULE];

describe("a desk for tickets", () => {
	const names = new ItemNames("request");
	let store: AgentStore;
	let stop: AbortController;
	let now: number;
	let orders = 0;

	/** As a process opens it that has just begun. */
	async function opened(
		limits: Partial<TicketLimits> = {},
	): Promise<TicketDesk> {
		const clock = () => now;
		const records = await RequestRecords.open(
			store,
			clock,
			terms,
			() => modules,
		);
		const desk = { records, now: clock } as unknown as ConstructorParameters<
			typeof TicketDesk
		>[0];
		const most = { maxAnswerBytes: 10, answerWithinMs: HOUR, ...limits };
		return new TicketDesk(desk, names, most, stop.signal);
	}

	/** A ticket that somebody has bought. */
	/** Its answer, which it has just been given, is given again until a day is over. */
	async function keepsForADay(ticket: string): Promise<void> {
		now += 23 * HOUR;
		const later = await opened();
		assert.deepEqual((await later.admit(ticket, REQUEST, PREPAID)).kept, RAIN);
		now += 2 * HOUR;
		await assert.rejects(
			(await opened()).admit(ticket, REQUEST, PREPAID),
			coded("offer-expired", /forgotten/),
		);
	}

	async function bought(desk: TicketDesk): Promise<string> {
		const id = (++orders).toString(16).padStart(32, "0");
		const item = names.of(REQUEST, PREPAID);
		const order = { id, quote: id, item, order: REQUEST, buyer };
		return hex(await desk.answer(order));
	}

	beforeEach(async () => {
		store = await AgentStore.over(new MemoryStore());
		stop = new AbortController();
		now = 10 * 24 * HOUR;
	});
	// What is being answered is cut, as by the end of a process.
	afterEach(() => stop.abort());

	test("lets a ticket be answered once, and gives its answer again until a day is over", async () => {
		const desk = await opened();
		const ticket = await bought(desk);
		const admitted = await desk.admit(ticket, REQUEST, PREPAID);
		await admitted.answer(RAIN);
		await assert.rejects(admitted.answer(RAIN), NotAnswered);
		assert.deepEqual((await desk.admit(ticket, REQUEST, PREPAID)).kept, RAIN);
		await keepsForADay(ticket);
	});

	test("keeps the answer to a ticket that was shown late for as long as to any other", async () => {
		const ticket = await bought(await opened());
		now += 25 * HOUR;
		await (await (await opened()).admit(ticket, REQUEST, PREPAID)).answer(RAIN);
		await keepsForADay(ticket);
	});

	test("is used by a ticket that an earlier process has sold, and answers nothing anew that one has begun", async () => {
		const desk = await opened();
		const [unused, begun] = [await bought(desk), await bought(desk)];
		await desk.admit(begun, REQUEST, PREPAID);
		stop.abort();
		stop = new AbortController();
		const later = await opened();
		await (await later.admit(unused, REQUEST, PREPAID)).answer(RAIN);
		await assert.rejects(later.admit(begun, REQUEST, PREPAID), NotAnswered);
	});

	for (const [what, limits, fail] of [
		["is refused", {}, (one: Admitted) => one.fail(new Error("no"))],
		[
			"is too long",
			{},
			(one: Admitted) =>
				assert.rejects(one.answer(new Uint8Array(11)), coded("limit-exceeded")),
		],
		[
			"never comes",
			{ answerWithinMs: 1 },
			async (one: Admitted) => {
				while (!one.signal.aborted)
					await new Promise((resolve) => setTimeout(resolve, 1));
				await assert.rejects(one.answer(RAIN), NotAnswered);
			},
		],
	] as const)
		test(`owes back the price of an answer that ${what}`, async () => {
			const desk = await opened(limits);
			const ticket = await bought(desk);
			await fail(await desk.admit(ticket, REQUEST, PREPAID));
			await assert.rejects(desk.admit(ticket, REQUEST, PREPAID), NotAnswered);
		});

	test("owes the price of a ticket whose sale was not heard of before the end of the process", async () => {
		const desk = await opened();
		const ticket = await bought(desk);
		await desk.admit(ticket, REQUEST, PREPAID);
		stop.abort();
		const records = await RequestRecords.open(
			store,
			() => now,
			terms,
			() => modules,
		);
		const [refund, ...more] = await records.owed(buyer, MODULE);
		assert.equal(more.length, 0);
		assert.equal(refund?.payment.amount, PREPAID.amount);
		assert.equal(refund.payment.currency, "EUR");
		await refund.paid();
		assert.deepEqual(await records.owed(buyer, MODULE), []);
	});

	/** A ticket whose request has failed, under a contract: what is kept of it. */
	async function failed(
		hash: Uint8Array,
		sellerModule = MODULE,
	): Promise<RequestRecords> {
		const desk = await opened();
		const ticket = await bought(desk);
		const records = await RequestRecords.open(
			store,
			() => now,
			terms,
			() => modules,
		);
		const name = orders.toString(16).padStart(32, "0");
		const id = new Uint8Array(Buffer.from(name, "hex"));
		await records.contracted({ id, hash, sellerModule });
		await (await desk.admit(ticket, REQUEST, PREPAID)).fail(new Error("no"));
		return records;
	}

	test("owes what is left of a price of which its owner has given back a part", async () => {
		const sale = new Uint8Array(32).fill(7);
		const records = await failed(sale);
		const part = await store.transact(
			oweRefund({
				...{ sale, paid: PREPAID.amount, amount: 10n, now },
				contractOf: (number) => new Uint8Array(32).fill(number),
			}),
		);
		await store.transact(payRefund(part));
		for (let times = 0; times < 2; times++) {
			const [rest, ...more] = await records.owed(buyer, MODULE);
			assert.equal(more.length, 0);
			assert.equal(rest?.payment.amount, PREPAID.amount - 10n);
			assert.match(rest.text, /refund 2 of/);
		}
		const [rest] = await records.owed(buyer, MODULE);
		await rest?.paid();
		assert.deepEqual(await records.owed(buyer, MODULE), []);
	});

	test("comes to each refund that it owes a buyer, whichever of them that one asks for", async () => {
		for (let sale = 1; sale < MAX_REFUNDED_AT_ONCE; sale++)
			await failed(new Uint8Array(32).fill(sale));
		const [other] = modules;
		assert.ok(other);
		modules = [other, other.with(0, 8)];
		// What another module gives back keeps no place either.
		await failed(new Uint8Array(32).fill(90), other.with(0, 8));
		const records = await failed(new Uint8Array(32).fill(91));
		const all = new Set<string>();
		for (let times = 0; times < 4; times++) {
			const owed = await records.owed(buyer, MODULE);
			assert.ok(owed.length > 0 && owed.length <= MAX_REFUNDED_AT_ONCE);
			for (const { payment } of owed) all.add(hex(payment.contract));
		}
		modules = [other];
		assert.equal(all.size, MAX_REFUNDED_AT_ONCE);
	});

	test("owes nothing of a price that its owner has given back in parts", async () => {
		const sale = new Uint8Array(32).fill(8);
		const records = await failed(sale);
		for (const amount of [10n, PREPAID.amount - 10n]) {
			const contractOf = (number: number) => new Uint8Array(32).fill(number);
			const wanted = { sale, paid: PREPAID.amount, amount, now, contractOf };
			await store.transact(payRefund(await store.transact(oweRefund(wanted))));
		}
		assert.deepEqual(await records.owed(buyer, MODULE), []);
	});

	test("owes a refund by one of several modules alone: whichever owed it first, as long as it is there", async () => {
		const records = await failed(new Uint8Array(32).fill(10));
		const [other, third] = [MODULE.with(0, 8), MODULE.with(0, 9)];
		const [refund, ...more] = await records.owed(buyer, MODULE);
		assert.ok(refund);
		assert.equal(more.length, 0);
		assert.deepEqual(await records.owed(buyer, other), []);
		assert.equal((await records.owed(buyer, MODULE)).length, 1);
		modules = [other, third];
		// It may be known no more what the one that is gone has paid: the next one that is asked owes it.
		assert.equal((await records.owed(buyer, third)).length, 1);
		assert.deepEqual(await records.owed(buyer, other), []);
		modules = [MODULE];
	});

	test("owes a refund by the module that was paid, also where that was not heard of, whichever its buyer meets first", async () => {
		const paid = MODULE.with(0, 8);
		modules = [MODULE, paid];
		const records = await failed(new Uint8Array(32).fill(11), paid);
		assert.deepEqual(await records.owed(buyer, MODULE), []);
		const [refund, ...more] = await records.owed(buyer, paid);
		assert.equal(refund?.payment.amount, PREPAID.amount);
		assert.equal(more.length, 0);
		assert.deepEqual(await records.owed(buyer, MODULE), []);
		modules = [MODULE];
	});

	test("says once of a refund why it cannot be paid", async () => {
		const records = await failed(new Uint8Array(32).fill(9));
		const poor = new TetradError("insufficient-funds", "nothing is there");
		const said: unknown[] = [];
		for (let times = 0; times < 3; times++)
			for (const { refused } of await records.owed(buyer, MODULE))
				said.push(refused(poor));
		const [first, ...more] = said;
		assert.ok(
			coded(
				"insufficient-funds",
				/^a refund of 0\.42 EUR is owed to alice and cannot be paid now: nothing is there$/,
			)(first),
		);
		assert.deepEqual(more, [undefined, undefined]);
		const [refund] = await records.owed(buyer, MODULE);
		const other = new TetradError("approval-needed", "its owner is asked");
		assert.ok(coded("approval-needed")(refund?.refused(other)));
	});

	test("knows no ticket that it has not made", async () => {
		const desk = await opened();
		const wrong = coded("malformed");
		for (const id of ["", "00", "0".repeat(63), "G".repeat(64)])
			await assert.rejects(desk.admit(id, REQUEST, PREPAID), wrong);
		await assert.rejects(
			desk.admit("0".repeat(64), REQUEST, PREPAID),
			coded("offer-expired"),
		);
	});
});

type Admitted = Awaited<ReturnType<TicketDesk["admit"]>>;
