/* What a merchant's agent keeps of answers that are begun before they are paid, and of tickets that are paid first. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { beforeEach, describe, test } from "node:test";
import { schema } from "../../src/machine/index.ts";
import { WITNESSED } from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import {
	AGENT_SCHEMA,
	answerTicket,
	beginTicket,
	beginWork,
	contractAnswer,
	cutTickets,
	dropWork,
	failTicket,
	forgetTickets,
	forgetWorks,
	hasAnswer,
	leaveWork,
	makeTicket,
	readOwedTickets,
	readSale,
	readTicket,
	refundTicket,
	type SaleRow,
	sellAnswer,
} from "../../src/trade/records/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { MemoryStore } from "../support/memory-store.ts";

const ALICE = utf8("alice");
const CAROL = utf8("carol");
const NONE = new Uint8Array();

const LIMITS = { open: 2, left: 0, openSince: 50n, leftSince: 10n };

const saleOf = (contract: string, buyer = ALICE): SaleRow => ({
	contract: utf8(contract),
	time: 100n,
	buyer: "alice",
	buyer_agent: buyer,
	item: "request sealed 42",
	issuer: utf8("issuer"),
	currency: "EUR",
	exponent: 2n,
	play: 1n,
	amount: 42n,
	receipt: NONE,
	receipt_chain: NONE,
	rail: "own-notes",
	mint: "",
	unit: "",
});

let store: MemoryStore;

beforeEach(() => {
	store = new MemoryStore();
});

describe("work that is not paid", () => {
	const begin = (id: string, buyer = ALICE, time = 100n) =>
		store.transact(beginWork({ id: utf8(id), buyer, time }, LIMITS));

	test("is begun for a buyer up to a number at once, whoever else has some", async () => {
		assert.equal(await begin("a"), "begun");
		assert.equal(await begin("b"), "begun");
		assert.equal(await begin("c"), "open");
		assert.equal(await begin("d", CAROL), "begun");
		await store.transact(dropWork(utf8("a")));
		assert.equal(await begin("c"), "begun");
	});

	test("that is old is open no more, whatever became of it", async () => {
		await begin("a", ALICE, 20n);
		await begin("b", ALICE, 50n);
		assert.equal(await begin("c"), "begun");
		assert.equal(await begin("d"), "begun");
		assert.equal(await begin("e"), "open");
	});

	test("that was left holds its buyer up, and nobody else, until it is old", async () => {
		await begin("a", ALICE, 20n);
		await store.transact(leaveWork(utf8("a")));
		assert.equal(await begin("b"), "left");
		assert.equal(await begin("c", CAROL), "begun");
		await store.transact(dropWork(utf8("a")));
		await begin("d", ALICE, 10n);
		await store.transact(leaveWork(utf8("d")));
		assert.equal(await begin("e"), "begun");
	});

	test("is forgotten when it is paid, also after it was left, and its sale is kept once", async () => {
		await begin("a");
		await store.transact(contractAnswer(utf8("a"), utf8("A"), NONE));
		await store.transact(leaveWork(utf8("a")));
		assert.equal(await store.transact(hasAnswer(utf8("A"))), true);
		for (let times = 0; times < 2; times++)
			await store.transact(sellAnswer(saleOf("A"), 100n));
		assert.equal((await store.transact(readSale(utf8("A"))))?.amount, 42n);
		assert.equal(await store.transact(hasAnswer(utf8("A"))), false);
		assert.equal(await begin("b"), "begun");
	});

	test("goes when it is too old to count", async () => {
		await begin("a", ALICE, 1n);
		await begin("b", ALICE, 2n);
		await begin("c", ALICE, 3n);
		assert.equal(await store.transact(forgetWorks(3n, 1)), 1);
		assert.equal(await store.transact(forgetWorks(3n)), 1);
		assert.equal(await store.transact(forgetWorks(3n)), 0);
	});
});

describe("a ticket", () => {
	const TICKET = utf8("ticket");
	const make = (id = "t", ticket = TICKET, time = 100n, buyer = ALICE) =>
		store.transact(
			makeTicket(
				{
					...{ id: utf8(id), ticket, buyer, time },
					...{ item: "request prepaid 42", amount: 42n, wanted: "GET /" },
				},
				2,
				50n,
			),
		);
	const use = (ticket = TICKET, fits = true) =>
		store.transact(beginTicket(ticket, () => fits, 200n));
	const stateOf = async (id = "t") =>
		(await store.transact(readTicket(utf8(id))))?.state;

	test("is made for a buyer up to a number that it has not paid for lately", async () => {
		assert.equal(await make("a", utf8("1")), true);
		assert.equal(await make("b", utf8("2")), true);
		assert.equal(await make("c", utf8("3")), false);
		assert.equal(await make("d", utf8("4"), 100n, CAROL), true);
		await store.transact(contractAnswer(utf8("a"), utf8("A"), NONE));
		await store.transact(sellAnswer(saleOf("A"), 100n));
		assert.equal(await make("c", utf8("3")), true);
	});

	test("is begun once, by who shows it for its own request", async () => {
		await make();
		assert.equal((await use(utf8("other"))).kind, "unknown");
		assert.equal((await use(TICKET, false)).kind, "unknown");
		assert.equal(await stateOf(), "made");
		assert.equal((await use()).kind, "begun");
		assert.equal((await use()).kind, "used");
		assert.equal((await use(TICKET, false)).kind, "unknown");
	});

	test("keeps its answer, which cannot be changed any more", async () => {
		await make();
		await use();
		await store.transact(answerTicket(utf8("t"), utf8("one"), 1n));
		await store.transact(answerTicket(utf8("t"), utf8("two"), 1n));
		await store.transact(failTicket(utf8("t"), 1n));
		const used = await use();
		assert.ok(used.kind === "used");
		assert.equal(used.ticket.state, "answered");
		assert.deepEqual(used.ticket.answer, utf8("one"));
		assert.equal(await store.transact(cutTickets(1n)), 0);
	});

	test("that was cut is owed back, until it is refunded", async () => {
		await make();
		await use();
		assert.equal(await store.transact(cutTickets(1n)), 1);
		await store.transact(answerTicket(utf8("t"), utf8("late"), 1n));
		assert.equal(await stateOf(), "failed");
		const owed = (buyer: Uint8Array) =>
			store.transact(readOwedTickets(buyer, 10));
		assert.equal((await owed(ALICE)).length, 1);
		assert.equal((await owed(CAROL)).length, 0);
		await store.transact(refundTicket(utf8("t"), 1n));
		assert.equal((await owed(ALICE)).length, 0);
		assert.equal(await stateOf(), "refunded");
	});

	test("that is paid makes up for all that its buyer has left, and for nobody else", async () => {
		for (const [id, buyer] of [
			["a", ALICE],
			["b", CAROL],
		] as const) {
			const work = { id: utf8(id), buyer, time: 100n };
			await store.transact(beginWork(work, LIMITS));
			await store.transact(leaveWork(utf8(id)));
		}
		await make();
		await store.transact(contractAnswer(utf8("t"), utf8("T"), NONE));
		await store.transact(sellAnswer(saleOf("T"), 100n));
		assert.equal(await stateOf(), "sold");
		const begin = (id: string, buyer: Uint8Array) =>
			store.transact(beginWork({ id: utf8(id), buyer, time: 100n }, LIMITS));
		assert.equal(await begin("c", ALICE), "begun");
		assert.equal(await begin("d", CAROL), "left");
	});

	test("that is used before its sale is heard of stays used", async () => {
		await make();
		await store.transact(contractAnswer(utf8("t"), utf8("T"), NONE));
		await use();
		await store.transact(sellAnswer(saleOf("T"), 100n));
		assert.equal(await stateOf(), "begun");
	});

	test("goes when it is old and nothing is owed for it", async () => {
		for (const [id, ticket] of [
			["made", "1"],
			["answered", "2"],
			["failed", "3"],
		] as const)
			await make(id, utf8(ticket), 1n);
		await use(utf8("2"));
		await store.transact(answerTicket(utf8("answered"), NONE, 1n));
		await use(utf8("3"));
		await store.transact(failTicket(utf8("failed"), 1n));
		const forget = (used: bigint, unused: bigint) =>
			store.transact(forgetTickets({ used, unused }));
		assert.equal(await forget(1n, 1n), 0);
		assert.equal(await forget(2n, 1n), 1);
		assert.equal(await forget(2n, 2n), 1);
		assert.equal(await stateOf("failed"), "failed");
	});
});

test("a store of an agent from before there were answers is brought over", async () => {
	await using folder = await temporaryFolder();
	const path = join(folder.path, "agent.db");
	{
		const before = schema("agent", [WITNESSED]);
		await using _ = await openSqliteStore({ path, schema: before });
	}
	await using kept = await openSqliteStore({ path, schema: AGENT_SCHEMA });
	const work = { id: utf8("a"), buyer: ALICE, time: 100n };
	assert.equal(await kept.transact(beginWork(work, LIMITS)), "begun");
	assert.equal(await kept.transact(hasAnswer(utf8("A"))), false);
});
