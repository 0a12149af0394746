/* How requests that show a ticket are answered, over a store in memory. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { AgentStore } from "../../src/device/purse/index.ts";
import { RequestRecords } from "../../src/device/trade/index.ts";
import type { CertifiedDevice } from "../../src/identity/index.ts";
import type { IssuerTerms } from "../../src/money/index.ts";
import { NotAnswered } from "../../src/paid/index.ts";
import { ItemNames } from "../../src/paid/item-name.ts";
import { TicketDesk, type TicketLimits } from "../../src/paid/ticket-desk.ts";
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
		const records = await RequestRecords.open(store, clock, terms);
		const desk = { records, now: clock } as unknown as ConstructorParameters<
			typeof TicketDesk
		>[0];
		const most = { maxAnswerBytes: 10, answerWithinMs: HOUR, ...limits };
		return new TicketDesk(desk, names, most, stop.signal);
	}

	/** A ticket that somebody has bought. */
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
		now += 23 * HOUR;
		const later = await opened();
		assert.deepEqual((await later.admit(ticket, REQUEST, PREPAID)).kept, RAIN);
		now += 2 * HOUR;
		await assert.rejects(
			(await opened()).admit(ticket, REQUEST, PREPAID),
			coded("offer-expired", /forgotten/),
		);
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
		const records = await RequestRecords.open(store, () => now, terms);
		const [refund, ...more] = await records.owed(buyer);
		assert.equal(more.length, 0);
		assert.equal(refund?.payment.amount, PREPAID.amount);
		assert.equal(refund.payment.currency, "EUR");
		await refund.paid();
		assert.deepEqual(await records.owed(buyer), []);
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
