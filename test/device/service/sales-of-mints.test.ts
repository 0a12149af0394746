/* Sales for notes and for ecash of several mints in one unit, as their merchant sees them. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { AgentStore } from "../../../src/device/purse/index.ts";
import { salesIn } from "../../../src/device/service/index.ts";
import {
	FolderCatalogue,
	FolderShop,
} from "../../../src/device/trade/index.ts";
import { inListing } from "../../../src/device/trade/shop-money.ts";
import {
	parseTaken,
	takenMoneys,
} from "../../../src/device/trade/taken-money.ts";
import { enc, utf8 } from "../../../src/wire/index.ts";
import { filled } from "../../money/documents.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { Homes } from "../../support/homes.ts";

const CURRENCY = { code: "EUR", exponent: 2 } as const;
const NOTES = {
	issuer: enc(filled(32, 1), utf8("issuer.example")),
	name: "issuer.example",
	...{ currency: CURRENCY, isPlay: false },
};

test("say over which rail they were paid, and at which mint", async () => {
	await using folder = await temporaryFolder();
	const home = (await Homes.make(folder.path)).of("B");
	await using store = await AgentStore.open(home);
	const goods = join(home, "goods");
	await mkdir(goods);
	const taken = "notes, https://one.example sat, https://other.example sat";
	const [terms, ...others] = takenMoneys(parseTaken(taken), NOTES);
	const left = takenMoneys(parseTaken("https://left.example sat"), NOTES);
	const shop = await FolderShop.open({
		...{ home, store, terms, others },
		catalogue: await FolderCatalogue.read(goods, {
			currency: CURRENCY,
			price: 1n,
		}),
	});
	for (const [at, money] of [terms, ...others, ...left].entries()) {
		const { amount, mint: _, ...ecash } = inListing(money, 42n);
		await shop.sold({
			...{ contract: filled(32, at), amount },
			...{ receipt: filled(9, 1), chain: filled(9, 2) },
			buyer: { deviceId: filled(41, 3), name: "alice" },
			...(money === terms ? {} : { ecash }),
		});
	}
	const sales = await salesIn(home, 10);
	assert.deepEqual(
		sales
			.map(({ contract, rail, mint, unit, issuer }) => [
				...[contract.slice(0, 2), rail, mint, unit],
				issuer,
			])
			.toSorted(),
		[
			["00", "own-notes", undefined, undefined, "issuer.example"],
			["01", "cashu", "https://one.example", "sat", "one.example"],
			["02", "cashu", "https://other.example", "sat", "other.example"],
			// The shop does not take it any more.
			["03", "cashu", undefined, undefined, "mint"],
		],
	);
});
