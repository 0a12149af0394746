import assert from "node:assert/strict";
import {
	appendFile,
	mkdir,
	rm,
	symlink,
	truncate,
	utimes,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FolderCatalogue } from "../../src/device/trade/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";

const EUR = { code: "EUR", exponent: 2 };
const PRICED = { currency: EUR, price: 420n };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let shop: string;

beforeEach(async () => {
	folder = await temporaryFolder();
	shop = join(folder.path, "shop");
	await mkdir(shop);
});
afterEach(() => folder[Symbol.asyncDispose]());

const file = (path: string, content: string | Uint8Array = path) =>
	writeFile(join(shop, path), content);

const catalogue = (items: unknown, more: object = {}) =>
	file("catalogue.json", JSON.stringify({ version: 1, ...more, items }));

const names = (of: FolderCatalogue) =>
	of.page(undefined, 1000).items.map(({ description }) => description.name);

function itemOf(of: FolderCatalogue, name: string) {
	const item = of.item(name);
	assert.ok(item);
	return item;
}

async function sourceOf(of: FolderCatalogue, name: string) {
	const source = await of.open(itemOf(of, name));
	assert.ok(source);
	return source;
}

describe("the catalogue of a folder without catalogue.json", () => {
	test("offers every file under its path at one price", async () => {
		await mkdir(join(shop, "music"));
		await file("b.txt");
		await file("a.txt");
		await file("music/c.ogg");
		const sold = await FolderCatalogue.read(shop, PRICED);
		assert.deepEqual(names(sold), ["a.txt", "b.txt", "music/c.ogg"]);
		assert.equal(itemOf(sold, "music/c.ogg").price, 420n);
		assert.equal(sold.size, 3);
	});

	test("says why a link and an unshowable name are not offered, and nothing of hidden files", async () => {
		await file(".hidden");
		await mkdir(join(shop, ".git"));
		await file(".git/config");
		await file("a\u001b[31m.txt");
		await file("good.txt");
		await symlink("/etc/passwd", join(shop, "passwd"));
		const sold = await FolderCatalogue.read(shop, PRICED);
		assert.deepEqual(names(sold), ["good.txt"]);
		assert.deepEqual(sold.notOffered.map(({ why }) => why).sort(), [
			'"a\\u001b[31m.txt" cannot be shown as the name of an item',
			'cannot sell "passwd": a link may lead out of the folder; copy what it leads to',
		]);
	});

	test("is refused without a price", async () => {
		await file("a.txt");
		await assert.rejects(FolderCatalogue.read(shop, { currency: EUR }), {
			code: "invalid-argument",
			message: /say what a file of .* costs: with --price/,
		});
	});

	test("is refused where there is no folder", async () => {
		await assert.rejects(FolderCatalogue.read(join(shop, "no"), PRICED), {
			code: "file-unusable",
		});
	});
});

describe("catalogue.json", () => {
	test("names files, texts and what is made on order, and alone is what is sold", async () => {
		await file("photo.jpg", "picture");
		await file("unnamed.txt");
		await catalogue(
			[
				{
					file: "photo.jpg",
					type: "image/jpeg",
					price: "4.20",
					description: "A harbour.",
				},
				{ name: "licence", text: "KEY-1", price: "9" },
				{ name: "translation", onOrder: true, price: "2.50" },
				{ name: "summary", onOrder: "summarise -", price: "1" },
			],
			{ currency: "EUR" },
		);
		const sold = await FolderCatalogue.read(shop, { currency: EUR });
		assert.deepEqual(names(sold), [
			"photo.jpg",
			"licence",
			"translation",
			"summary",
		]);
		assert.deepEqual(itemOf(sold, "photo.jpg"), {
			description: {
				name: "photo.jpg",
				mediaType: "image/jpeg",
				about: "A harbour.",
				order: "",
			},
			price: 420n,
			goods: { kind: "file", path: "photo.jpg" },
		});
		await using photo = await sourceOf(sold, "photo.jpg");
		assert.deepEqual(await photo.read(0, 100), utf8("picture"));
		await using licence = await sourceOf(sold, "licence");
		assert.equal(licence.length, 5);
		assert.deepEqual(await licence.read(4, 100), utf8("1"));
		assert.equal(await sold.open(itemOf(sold, "translation")), undefined);
		assert.deepEqual(
			await Promise.all(
				names(sold).map((name) => sold.lengthOf(itemOf(sold, name))),
			),
			[7n, 5n, undefined, undefined],
		);
		assert.deepEqual(itemOf(sold, "summary").goods, {
			kind: "on-order",
			command: "summarise -",
		});
	});

	test("has the price for all where an item has none", async () => {
		await catalogue([{ name: "licence", text: "KEY" }]);
		const sold = await FolderCatalogue.read(shop, PRICED);
		assert.equal(itemOf(sold, "licence").price, 420n);
	});

	const refused: readonly (readonly [string, unknown, RegExp])[] = [
		[
			"a way out of the folder",
			[{ file: "../a", price: "1" }],
			/no file below/,
		],
		[
			"an absolute path",
			[{ file: "/etc/passwd", price: "1" }],
			/no file below/,
		],
		["a hidden file", [{ file: ".env", price: "1" }], /hidden/],
		[
			"a file that is not there",
			[{ file: "no", price: "1" }],
			/does not exist/,
		],
		["a folder", [{ file: "sub", price: "1" }], /not a file/],
		[
			"a way through a link",
			[{ file: "out/a", price: "1" }],
			/a link may lead/,
		],
		["a link", [{ file: "link", price: "1" }], /a link may lead/],
		["no price", [{ file: "a" }], /item 1, "a": it has no "price"/],
		["a price of nothing", [{ file: "a", price: "0" }], /greater than zero/],
		["a price that is none", [{ file: "a", price: "4,20" }], /item 1, "a"/],
		["two kinds of goods", [{ file: "a", text: "b", price: "1" }], /items\.0/],
		["an unknown line", [{ file: "a", prise: "1" }], /items\.0/],
		["no name", [{ text: "KEY", price: "1" }], /item 1: it has no name/],
		[
			"a name that cannot be shown",
			[{ name: "\u202egpj.exe", text: "KEY", price: "1" }],
			/cannot be shown/,
		],
		[
			"one name twice",
			[
				{ name: "a", text: "1", price: "1" },
				{ name: "a", text: "2", price: "1" },
			],
			/two items are called "a"/,
		],
		[
			"a long name",
			[{ name: "x".repeat(256), text: "KEY", price: "1" }],
			/item 1/,
		],
	];
	for (const [what, items, why] of refused)
		test(`is refused with ${what}`, async () => {
			await file("a");
			await mkdir(join(shop, "sub"));
			await symlink("/etc", join(shop, "out"));
			await symlink("a", join(shop, "link"));
			await catalogue(items);
			await assert.rejects(FolderCatalogue.read(shop, { currency: EUR }), {
				code: "file-unusable",
				message: why,
			});
		});

	test("is refused in another currency, and when it is not JSON", async () => {
		await catalogue([], { currency: "USD" });
		await assert.rejects(FolderCatalogue.read(shop, PRICED), {
			message: /its prices are in USD, and what is taken is EUR/,
		});
		await file("catalogue.json", "items = []");
		await assert.rejects(FolderCatalogue.read(shop, PRICED), {
			code: "file-unusable",
			message: /is not JSON/,
		});
	});

	test("of thousands is handed out in pages, from any item on", async () => {
		const items = Array.from({ length: 5000 }, (_, i) => ({
			name: `licence ${i}`,
			text: `KEY-${i}`,
			price: "1",
		}));
		await catalogue(items);
		const sold = await FolderCatalogue.read(shop, PRICED);
		let after: string | undefined;
		let seen = 0;
		for (;;) {
			const page = sold.page(after, 300);
			seen += page.items.length;
			after = page.items.at(-1)?.description.name;
			if (!page.hasMore) break;
		}
		assert.equal(seen, 5000);
		assert.equal(after, "licence 4999");
		assert.equal(
			sold.page("no such item", 1).items[0]?.description.name,
			"licence 0",
		);
	});
});

describe("a file that is sold", () => {
	test("of 10 GB is read at any place, and never as a whole", async () => {
		await file("large", "");
		await truncate(join(shop, "large"), 10 * 2 ** 30);
		const sold = await FolderCatalogue.read(shop, PRICED);
		await using source = await sourceOf(sold, "large");
		assert.equal(source.length, 10 * 2 ** 30);
		assert.equal((await source.read(10 * 2 ** 30 - 5, 65_536)).length, 5);
		assert.equal((await source.read(10 * 2 ** 30, 65_536)).length, 0);
	});

	const changes: readonly (readonly [string, () => Promise<unknown>])[] = [
		["longer", () => appendFile(join(shop, "a"), "more")],
		["shorter", () => truncate(join(shop, "a"), 3)],
		["new at the same length", () => file("a", "ALPHA")],
		["younger", () => utimes(join(shop, "a"), 1, 1)],
	];
	for (const [what, change] of changes)
		test(`and becomes ${what} meanwhile has changed`, async () => {
			await file("a", "alpha");
			const sold = await FolderCatalogue.read(shop, PRICED);
			await using source = await sourceOf(sold, "a");
			assert.deepEqual(await source.read(0, 5), utf8("alpha"));
			await change();
			await assert.rejects(source.read(0, 5), { code: "merchandise-changed" });
		});

	test("and has become a link since it was listed is not opened", async () => {
		await file("a");
		const sold = await FolderCatalogue.read(shop, PRICED);
		await rm(join(shop, "a"));
		await symlink("/etc/passwd", join(shop, "a"));
		await assert.rejects(sold.open(itemOf(sold, "a")), {
			code: "file-unusable",
		});
	});
});
