/* How orders and requests meet, with the agent's side in memory. */
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import type { RequestDesk } from "../../src/device/service/index.ts";
import { TetradError } from "../../src/errors.ts";
import type { CertifiedDevice } from "../../src/identity/index.ts";
import { PaysFirst } from "../../src/paid/index.ts";
import { ItemNames } from "../../src/paid/item-name.ts";
import { OrderBook, type OrderLimits } from "../../src/paid/order-book.ts";
import { utf8 } from "../../src/wire/index.ts";
import { coded } from "./world.ts";

const HOUR = 3_600_000;

/** What is kept of works, in memory. */
class Records {
	readonly open = new Set<string>();
	readonly left = new Set<string>();
	/** Those of whom nothing is begun. */
	debtor = false;

	async begin({ id }: { readonly id: string }): Promise<"begun" | "left"> {
		if (this.debtor) return "left";
		this.open.add(id);
		return "begun";
	}
	async drop({ id }: { readonly id: string }): Promise<void> {
		this.open.delete(id);
	}
	async leave({ id }: { readonly id: string }): Promise<void> {
		this.open.delete(id);
		this.left.add(id);
	}
}

const buyerNamed = (name: string): CertifiedDevice =>
	({ name, deviceId: utf8(name) }) as unknown as CertifiedDevice;

const names = new ItemNames("request");
const price = { mode: "sealed", amount: 5n } as const;
const noAnswer = new TetradError("payment-refused", "no answer");
const never = new AbortController().signal;

describe("an order book", () => {
	let records: Records;
	let stop: AbortController;
	let book: OrderBook;
	let orders = 0;

	function opened(
		limits: Partial<OrderLimits> = {},
		terms: Partial<RequestDesk["terms"]> = {},
	): OrderBook {
		const desk = { records, terms, now: () => 0 } as unknown as RequestDesk;
		const all = { meetWithinMs: HOUR, answerWithinMs: HOUR };
		const most = { settleWithinMs: HOUR, maxOpen: 100, maxOpenOfBuyer: 10 };
		return new OrderBook(
			desk,
			names,
			{ ...all, ...most, ...limits },
			stop.signal,
		);
	}

	/** A quote, and the order that takes it. */
	function quoted(request: string, name = "alice") {
		const buyer = buyerNamed(name);
		const number = (++orders).toString(16).padStart(32, "0");
		const item = names.of(request, price);
		const quote = { id: number, item, order: request, buyer, until: HOUR };
		book.quoted(quote);
		return { quote, order: { ...quote, id: `o${number}`, quote: number } };
	}

	const admit = (quote: string, request: string) =>
		book.admit(quote, names.of(request, price), request, undefined);

	beforeEach(() => {
		records = new Records();
		stop = new AbortController();
		book = opened();
	});

	for (const first of ["order", "request"] as const)
		test(`brings the two together, the ${first} coming first`, async () => {
			const { quote, order } = quoted("GET /");
			const come = {
				order: () => book.answer(order, never),
				request: () => admit(quote.id, "GET /"),
			};
			let merchandise: Promise<Uint8Array>;
			let exchange: ReturnType<typeof admit>;
			if (first === "order") {
				merchandise = come.order();
				exchange = come.request();
			} else {
				exchange = come.request();
				merchandise = come.order();
			}
			const met = await exchange;
			assert.ok(records.open.has(order.id), "before anything is done");
			assert.ok(met.answer(utf8("rain")));
			assert.deepEqual(await merchandise, utf8("rain"));
			book.sold(order, "c0");
			assert.equal(await met.paid, "c0");
			await met.over;
			assert.equal(book.open, 0);
			assert.equal(records.left.size, 0);
		});

	test("lets an order wait for its request for a bounded time", async () => {
		book = opened({ meetWithinMs: 1 });
		const { order } = quoted("GET /");
		await assert.rejects(book.answer(order, never), coded("timed-out"));
		assert.equal(book.open, 0);
		assert.equal(records.open.size + records.left.size, 0);
	});

	test("lets a request wait for its order for a bounded time", async () => {
		book = opened({ meetWithinMs: 1 });
		const { quote } = quoted("GET /");
		await assert.rejects(admit(quote.id, "GET /"), coded("timed-out"));
		assert.equal(book.open, 0);
	});

	test("gives an order to one request", async () => {
		const { quote, order } = quoted("GET /");
		const first = admit(quote.id, "GET /");
		await assert.rejects(admit(quote.id, "GET /"), coded("payment-refused"));
		book.answer(order, never).catch(() => {});
		const met = await first;
		await assert.rejects(admit(quote.id, "GET /"), coded("payment-refused"));
		met.fail(noAnswer);
		await met.over;
		await assert.rejects(admit(quote.id, "GET /"), coded("payment-refused"));
	});

	test("gives a quote to one order", async () => {
		const { order } = quoted("GET /");
		book.answer(order, never).catch(() => {});
		const again = { ...order, id: "another" };
		await assert.rejects(book.answer(again, never), coded("payment-refused"));
		stop.abort();
	});

	test("takes no order of another buyer's quote, and none for something else", async () => {
		const { order } = quoted("GET /");
		for (const wrong of [
			{ ...order, buyer: buyerNamed("mallory") },
			{ ...order, order: "GET /b" },
			{ ...order, item: names.of("GET /", { ...price, amount: 1n }) },
		])
			await assert.rejects(book.answer(wrong, never), coded("payment-refused"));
		assert.equal(book.open, 0);
	});

	test("lets no request in with what was quoted for another, at another price, or never", async () => {
		const { quote } = quoted("GET /a");
		const wrong = coded("payment-refused", /another request/);
		await assert.rejects(admit(quote.id, "GET /b"), wrong);
		const dear = names.of("GET /a", { ...price, amount: 6n });
		await assert.rejects(book.admit(quote.id, dear, "GET /a", never), wrong);
		const first = names.of("GET /a", { ...price, mode: "prepaid" });
		await assert.rejects(book.admit(quote.id, first, "GET /a", never), wrong);
		await assert.rejects(admit("00", "GET /a"), coded("offer-expired"));
		assert.equal(book.open, 0);
	});

	test("begins nothing for who has left work unpaid, and says so to both", async () => {
		records.debtor = true;
		const { quote, order } = quoted("GET /");
		const merchandise = book.answer(order, never);
		merchandise.catch(() => {});
		const owes = (thrown: unknown) => thrown instanceof PaysFirst;
		await assert.rejects(admit(quote.id, "GET /"), owes);
		await assert.rejects(merchandise, owes);
	});

	test("tells nobody to pay first for ecash, which is never paid so", async () => {
		records.debtor = true;
		book = opened({}, { mint: { url: "https://mint.example", unit: "sat" } });
		const { quote, order } = quoted("GET /");
		const merchandise = book.answer(order, never);
		merchandise.catch(() => {});
		const refused = (thrown: unknown) =>
			!(thrown instanceof PaysFirst) &&
			coded("payment-refused", /or a day is over/)(thrown);
		await assert.rejects(admit(quote.id, "GET /"), refused);
		await assert.rejects(merchandise, refused);
	});

	test("counts as left what its buyer did not wait for or pay for, and nothing else", async () => {
		const cut = quoted("GET /cut");
		const leaving = new AbortController();
		const waiting = book.answer(cut.order, leaving.signal);
		const gone = await admit(cut.quote.id, "GET /cut");
		leaving.abort();
		await assert.rejects(waiting, coded("aborted"));
		await gone.over;
		assert.ok(gone.signal.aborted);
		assert.equal(gone.answer(utf8("late")), false);

		const unpaid = quoted("GET /unpaid");
		const made = book.answer(unpaid.order, never);
		const answered = await admit(unpaid.quote.id, "GET /unpaid");
		answered.answer(utf8("rain"));
		await made;
		book.left(unpaid.order);
		await assert.rejects(answered.paid, coded("payment-refused"));
		await answered.over;

		const failed = quoted("GET /failed");
		book.answer(failed.order, never).catch(() => {});
		const failing = await admit(failed.quote.id, "GET /failed");
		failing.fail(noAnswer);
		await failing.over;

		const ending = quoted("GET /ending");
		book.answer(ending.order, never).catch(() => {});
		const ended = await admit(ending.quote.id, "GET /ending");
		stop.abort();
		await ended.over;
		assert.deepEqual([...records.left], [cut.order.id, unpaid.order.id]);
	});

	test("holds against nobody what the merchant's own side has cut", async () => {
		const making = quoted("GET /making");
		const released = new AbortController();
		const waiting = book.answer(making.order, released.signal);
		const met = await admit(making.quote.id, "GET /making");
		book.cut(making.order);
		released.abort();
		await assert.rejects(waiting, coded("carrier-failed"));
		await met.over;
		assert.ok(met.signal.aborted);

		// What may be paid by then stays begun: it goes when its sale is heard of.
		const made = quoted("GET /made");
		book.answer(made.order, never).catch(() => {});
		const answered = await admit(made.quote.id, "GET /made");
		answered.answer(utf8("rain"));
		book.cut(made.order);
		await assert.rejects(answered.paid, coded("carrier-failed"));
		await answered.over;

		// They meet while the order is being cut.
		const meeting = quoted("GET /meeting");
		const leaving = new AbortController();
		const order = book.answer(meeting.order, leaving.signal);
		const admitted = admit(meeting.quote.id, "GET /meeting");
		book.cut(meeting.order);
		leaving.abort();
		await assert.rejects(order, coded("aborted"));
		await (await admitted).over;
		assert.deepEqual([...records.open], [made.order.id]);
		assert.equal(records.left.size, 0);
	});

	test("says of a quote that is taken again that nothing is paid for it", async () => {
		const { quote, order } = quoted("GET /");
		const waiting = book.answer(order, never);
		await assert.rejects(
			book.answer({ ...order, id: "again" }, never),
			coded("payment-refused", /being made; nothing was paid/),
		);
		const met = await admit(quote.id, "GET /");
		book.cut(order);
		await assert.rejects(waiting, coded("carrier-failed"));
		await met.over;
		await assert.rejects(
			book.answer({ ...order, id: "later" }, never),
			coded("offer-expired", /nothing was paid .*; ask again/),
		);
	});

	test("gives an answer, and its payment, a bounded time", async () => {
		book = opened({ answerWithinMs: 1, settleWithinMs: 1 });
		const slow = quoted("GET /slow");
		const merchandise = book.answer(slow.order, never);
		merchandise.catch(() => {});
		const met = await admit(slow.quote.id, "GET /slow");
		await met.over;
		await assert.rejects(merchandise, coded("timed-out"));
		assert.equal(records.left.size, 0);

		book = opened({ settleWithinMs: 1 });
		const unpaid = quoted("GET /unpaid");
		book.answer(unpaid.order, never).catch(() => {});
		const waits = await admit(unpaid.quote.id, "GET /unpaid");
		waits.answer(utf8("rain"));
		await assert.rejects(waits.paid, coded("timed-out"));
		await waits.over;
		assert.equal(records.left.size, 1);
	});

	test("bounds what waits at once: of one buyer, and in all", async () => {
		book = opened({ maxOpen: 20, maxOpenOfBuyer: 10 });
		const refused: unknown[] = [];
		const refuse = (thrown: unknown) => void refused.push(thrown);
		for (let i = 0; i < 1000; i++)
			book.answer(quoted(`GET /${i}`).order, never).catch(refuse);
		await Promise.resolve();
		assert.equal(book.open, 10);
		for (let i = 0; i < 1000; i++) {
			const { order } = quoted(`GET /${i}`, `buyer ${i}`);
			book.answer(order, never).catch(refuse);
		}
		assert.equal(book.open, 20);
		stop.abort();
		await new Promise((resolve) => setImmediate(resolve));
		assert.equal(refused.length, 2000);
		assert.ok(refused.slice(0, 990).every(coded("limit-exceeded")));
		assert.equal(book.open, 0);
	});

	test("forgets the oldest of a buyer's quotes, and never one that somebody waits for", async () => {
		const oldest = quoted("GET /oldest");
		const waits = quoted("GET /waits");
		const waiting = admit(waits.quote.id, "GET /waits");
		for (let i = 0; i < 300; i++) quoted(`GET /${i}`);
		await assert.rejects(
			admit(oldest.quote.id, "GET /oldest"),
			coded("offer-expired"),
		);
		book.answer(waits.order, never).catch(() => {});
		(await waiting).fail(noAnswer);
	});
});
