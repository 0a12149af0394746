/* For which money a shop sells, and what its things cost in each. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { FolderCatalogue } from "../../src/device/trade/folder-catalogue.ts";
import { ItemCatalogue } from "../../src/device/trade/item-catalogue.ts";
import {
	inListing,
	priceOf,
	pricingOf,
	requireMoneys,
	type ShopMoney,
} from "../../src/device/trade/shop-money.ts";
import {
	parseTaken,
	requireNamed,
	takenMoneys,
} from "../../src/device/trade/taken-money.ts";
import { filled } from "../money/documents.ts";
import { temporaryFolder } from "../support/folders.ts";

const NOTES: ShopMoney = {
	...{ issuer: filled(41, 1), name: "issuer.example" },
	...{ currency: { code: "EUR", exponent: 2 }, isPlay: false },
};
const AT_MINT = "https://mint.example sat";
const BOTH = takenMoneys(parseTaken(`notes, ${AT_MINT}`), NOTES);

describe("what a shop takes", () => {
	test("is read as settings have it", () => {
		assert.deepEqual(parseTaken("notes"), ["notes"]);
		assert.deepEqual(
			parseTaken(
				"https://mint.example sat,notes, http://127.0.0.1:3338 usd play",
			),
			[
				{ mint: "https://mint.example", unit: "sat", isPlay: false },
				"notes",
				{ mint: "http://127.0.0.1:3338", unit: "usd", isPlay: true },
			],
		);
		for (const wrong of [
			"",
			"note",
			"notes sat",
			"https://mint.example",
			"https://mint.example SAT",
			"https://mint.example auth",
			"https://mint.example sat real",
			"https://mint.example sat play again",
			"ftp://mint.example sat",
		])
			assert.throws(() => parseTaken(wrong), { code: "invalid-argument" });
	});

	test("is an issuer's notes and a mint's ecash, by an address written in one way", () => {
		assert.deepEqual(BOTH[0], NOTES);
		const [, ecash] = BOTH;
		assert.deepEqual(ecash?.mint, { url: "https://mint.example", unit: "sat" });
		assert.deepEqual(ecash?.currency, { code: "SAT", exponent: 0 });
		const [other] = takenMoneys(
			parseTaken("HTTPS://MINT.example:443/ sat"),
			undefined,
		);
		assert.deepEqual(other, ecash);
		assert.throws(() => takenMoneys(["notes"], undefined), {
			code: "invalid-argument",
		});
		assert.throws(
			() => takenMoneys(parseTaken("https://user@mint.example sat"), undefined),
			{ code: "invalid-argument" },
		);
	});

	test("is named once, is not too much, and no code of it has two numbers of decimals", () => {
		assert.throws(() => requireMoneys([]), { code: "invalid-argument" });
		assert.throws(() => requireMoneys([NOTES, NOTES]), /twice/);
		assert.throws(
			() => takenMoneys(parseTaken(`${AT_MINT}, ${AT_MINT}`), undefined),
			/twice/,
		);
		const many = Array.from(
			{ length: 17 },
			(_, at) => `https://m${at}.example sat`,
		);
		assert.throws(
			() => takenMoneys(parseTaken(many.join()), undefined),
			/at most 16/,
		);
		const otherSat = { ...NOTES, currency: { code: "SAT", exponent: 8 } };
		assert.throws(
			() => takenMoneys(parseTaken(`notes, ${AT_MINT}`), otherSat),
			/other decimals/,
		);
	});

	test("has to be known to the module whose home is here", async () => {
		await using folder = await temporaryFolder();
		// Where there is no purse, nothing can be said.
		await requireNamed(folder.path, BOTH);
	});
});

describe("prices in several currencies", () => {
	test("are read with the code of each but the first", () => {
		const pricing = pricingOf(BOTH, "4.20, 5000 SAT");
		assert.equal(pricing.price, 420n);
		assert.deepEqual(pricing.prices, new Map([["SAT", 5000n]]));
		assert.deepEqual(pricing.others, [{ code: "SAT", exponent: 0 }]);
		assert.deepEqual(pricingOf(BOTH, "4.20 EUR").price, 420n);
		assert.equal(pricingOf(BOTH, "5000 SAT").price, undefined);
		for (const wrong of [
			"4.20, 5 SAT, 6 SAT",
			"4.20, 1.00",
			"4.20, 5.5 SAT",
			"4.20, 5 USD",
			"4.20,",
			"",
		])
			assert.throws(() => pricingOf(BOTH, wrong), { code: "invalid-argument" });
	});

	test("are those of an item, and it is sold for no other money", async () => {
		const items = await ItemCatalogue.of(
			[
				{ name: "a", price: "1.00", prices: { SAT: "7" }, goods: "a" },
				{ name: "b", price: "2.00", goods: "b" },
			],
			NOTES.currency,
			[{ code: "SAT", exponent: 0 }],
		);
		const prices = [...items.items()].map((item) =>
			BOTH.map((money) => priceOf(item, money, BOTH)),
		);
		assert.deepEqual(prices, [
			[100n, 7n],
			[200n, undefined],
		]);
	});

	test("are those of catalogue.json, beside those for all", async () => {
		await using folder = await temporaryFolder();
		const shop = join(folder.path, "shop");
		await mkdir(shop);
		const write = (prices: unknown) =>
			writeFile(
				join(shop, "catalogue.json"),
				JSON.stringify({
					...{ version: 1, currency: "EUR" },
					items: [{ name: "a", text: "a", price: "1.00", prices }],
				}),
			);
		const read = async (price?: string) => {
			const sold = await FolderCatalogue.read(shop, pricingOf(BOTH, price));
			return sold.item("a")?.prices;
		};
		await write({ SAT: "7" });
		assert.deepEqual(await read(), new Map([["SAT", 7n]]));
		assert.deepEqual(await read("4.20, 9 SAT"), new Map([["SAT", 7n]]));
		await write(undefined);
		assert.equal(await read(), undefined);
		assert.deepEqual(await read("4.20, 9 SAT"), new Map([["SAT", 9n]]));
		for (const wrong of [
			{ USD: "7" },
			{ EUR: "7" },
			{ SAT: "0.5" },
			{ SAT: 7 },
			{ SAT: "" },
		]) {
			await write(wrong);
			await assert.rejects(read(), { code: "file-unusable" });
		}
	});

	test("are listed as what they are", () => {
		const [, ecash = NOTES] = BOTH;
		assert.deepEqual(inListing(ecash, 5n), {
			...{ issuer: ecash.issuer, currency: "SAT", amount: 5n },
			money: { exponent: 0, isPlay: false },
			mint: { url: "https://mint.example", unit: "sat" },
		});
		assert.ok(!("mint" in inListing(NOTES, 5n)));
	});
});
