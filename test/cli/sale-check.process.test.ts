/* Whether a purchase is called delivered and its books balanced follows from files and balances, and from nothing else. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parseAmount } from "../../src/money/index.ts";
import { checkBooks, checkDelivery } from "../../src/show/stage/sale-check.ts";
import type { ShownBalances } from "../../src/show/stage/teller.ts";
import { saleProblems } from "../../src/show/verdict.ts";
import { temporaryFolder } from "../support/folders.ts";

describe("a file that was bought", () => {
	test("is delivered when it has the bytes of the one that is sold, and not otherwise", async () => {
		await using folder = await temporaryFolder();
		const file = async (name: string, text: string) => {
			const path = join(folder.path, name);
			await writeFile(path, text);
			return path;
		};
		const sold = await file("sold", "a harbour");
		const is = async (bought: string) =>
			(await checkDelivery(sold, bought)).delivered;
		assert.equal(await is(await file("same", "a harbour")), true);
		assert.equal(await is(await file("other", "a Harbour")), false);
		assert.equal(await is(await file("short", "a harbou")), false);
		assert.equal(await is(await file("empty", "")), false);
		const missing = join(folder.path, "missing");
		assert.equal(await is(missing), false);
		assert.equal((await checkDelivery(missing, missing)).delivered, false);
		assert.equal((await checkDelivery(missing, sold)).delivered, false);
	});
});

const CURRENCY = { code: "PLAY", exponent: 2 };
const parser = {
	parse: (text: string) => (text === "0.00" ? 0n : parseAmount(text, CURRENCY)),
};

type Columns = readonly [
	purseX: string,
	purseY: string,
	accountX: string,
	accountY: string,
	sum: string,
];

const balances = ([x, y, accountX, accountY, sum]: Columns): ShownBalances => ({
	when: "",
	purses: { X: x, Y: y },
	accounts: { X: accountX, Y: accountY },
	sum,
});

const BEFORE: Columns = ["40.00", "0.00", "60.00", "0.00", "100.00"];
const AFTER: Columns = ["27.50", "0.00", "60.00", "12.50", "100.00"];
const AUDIT = {
	issued: "40.00",
	outstanding: "27.50",
	returned: "12.50",
	expired: "0.00",
	owed: "0.00",
	balanced: true,
	currency: "PLAY",
	play: true,
	problems: [],
};

const books = (after: Columns, audit: Partial<typeof AUDIT> = {}) =>
	checkBooks(parser, "12.50", balances(BEFORE), balances(after), {
		...AUDIT,
		...audit,
	});

describe("the books of a purchase", () => {
	test("balance when the price has changed hands and nothing else", () => {
		assert.equal(books(AFTER).conserved, true);
	});

	for (const [what, after, audit] of [
		["a cent is lost", ["27.49", "0.00", "60.00", "12.50", "99.99"], {}],
		["a cent is added", ["27.50", "0.00", "60.00", "12.51", "100.01"], {}],
		["nothing was paid", BEFORE, { outstanding: "40.00" }],
		[
			"it was paid twice",
			["15.00", "0.00", "60.00", "25.00", "100.00"],
			{ outstanding: "15.00" },
		],
		["the issuer owes more than purses have", AFTER, { outstanding: "27.51" }],
		["the audit fails", AFTER, { balanced: false }],
	] as const)
		test(`do not when ${what}`, () => {
			assert.equal(books(after, audit).conserved, false);
		});
});

const GOOD: Parameters<typeof saleProblems>[0] = {
	sale: {
		price: "12.50",
		doubt: {
			killed: {
				...{ what: "module", name: "bob-till", pid: 1, signal: "SIGKILL" },
				at: "",
			},
			buyer: { inDoubt: "12.50", spendable: "27.50" },
			merchant: { toDeposit: "12.50" },
			agent: { state: "in-doubt", until: "" },
			hasGoods: false,
			isBooked: false,
		},
	},
	delivery: { sold: "a", bought: "a", delivered: true },
	receipt: { valid: true, said: {} },
	books: books(AFTER),
	kill: "module",
};

const doubting = (doubt: Partial<(typeof GOOD)["sale"]["doubt"]>) => ({
	sale: { ...GOOD.sale, doubt: { ...GOOD.sale.doubt, ...doubt } },
});

describe("a purchase is as promised", () => {
	test("when everything is as it should be", () => {
		assert.deepEqual([...saleProblems(GOOD)], []);
		const none = { ...GOOD, ...doubting({ killed: undefined }) };
		assert.deepEqual([...saleProblems({ ...none, kill: "none" })], []);
	});

	const { killed } = GOOD.sale.doubt;
	assert.ok(killed);
	for (const [what, change] of Object.entries<Partial<typeof GOOD>>({
		"the file is another": { delivery: { ...GOOD.delivery, delivered: false } },
		"the receipt proves nothing": { receipt: { valid: false, said: {} } },
		"the books do not balance": { books: books(BEFORE) },
		"nobody was killed": doubting({ killed: undefined }),
		"somebody else was killed": doubting({
			killed: { ...killed, what: "issuer" },
		}),
		"it ended by itself": doubting({ killed: { ...killed, signal: null } }),
		"the buyer's module had not committed": doubting({
			buyer: { inDoubt: "0.00", spendable: "40.00" },
		}),
		"the merchant's module had not accepted": doubting({
			merchant: { toDeposit: "0.00" },
		}),
		"the buyer's agent was in no doubt": doubting({
			agent: { state: "bought", until: "" },
		}),
		"the goods were there before": doubting({ hasGoods: true }),
		"the issuer had booked it": doubting({ isBooked: true }),
	}))
		test(`and not when ${what}`, () => {
			assert.equal([...saleProblems({ ...GOOD, ...change })].length, 1);
		});
});
