/*
 * Attacks on a purchase at the modules of buyer and merchant.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { makeWorld } from "../support/authority.ts";
import { Market } from "../trade/market.ts";

const world = await makeWorld({ algorithm: "Ed25519" });
const open = () => Market.make({ world });

describe("a buyer's module whose home was put back to before it paid", () => {
	const putBack = async () => {
		const market = await open();
		const { town, ann } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit);
		const backup = ann.store.copy();
		const { head } = ann;
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["bought"]);
		town.die(ann);
		ann.store = backup;
		return { market, contract, head };
	};

	for (const ask of ["cancel", "resolve", "final", "buy"] as const)
		test(`does not say that nothing was paid, when its agent knows of a later head: ${ask}`, async () => {
			const { market, contract } = await putBack();
			market.town.restart(market.ann);
			const visit = await market.meet();
			if (ask === "buy") market.buy(visit, contract);
			else market.about(ask, visit.tetrad, contract);
			await market.quiet();
			assert.deepEqual(market.brief(contract).slice(1), [
				"in-doubt 0: purse-behind",
			]);
		});

	test("along with that of its agent does not say so before it has met its issuer", async () => {
		const { market, contract, head } = await putBack();
		const { town, ann, mint } = market;
		ann.head = head;
		ann.wasPutBack = true;
		town.restart(ann);
		const visit = await market.meet();
		market.about("cancel", visit.tetrad, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract).slice(1), [
			"in-doubt 0: purse-behind",
		]);
		town.part(ann, visit.tetrad);
		await town.visit(ann, mint);
		const later = await market.meet();
		const other = await market.contract(later);
		market.about("cancel", later.tetrad, other);
		await market.quiet();
		assert.deepEqual(market.brief(other), ["aborted 0: aborted"]);
	});

	test("is sure of a contract of the tetrad that it is in", async () => {
		const { market } = await putBack();
		market.town.restart(market.ann);
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["aborted 0: purse-behind"]);
	});
});
