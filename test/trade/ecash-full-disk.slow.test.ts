/* A purchase with ecash while a disk is full at one of its transactions, or for a while. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket } from "./ecash-market.ts";
import { requireRest } from "./rail-contract.ts";

const world = await makeWorld({ algorithm: "Ed25519" });

describe("a purchase ends with the goods or the money", () => {
	for (const who of ["ann", "bob"] as const)
		for (let first = 1; first <= 8; first++)
			for (const times of [1, 5])
				test(`when ${who}'s disk is full ${times} times from transaction ${first}`, async () => {
					const ecash = await EcashMarket.make({ world });
					const { market, rail } = ecash;
					const visit = await market.meet();
					const contract = await market.contract(visit);
					let count = 0;
					market[who].refuses = (what) => {
						if (what !== "transaction") return false;
						count++;
						return count >= first && count < first + times;
					};
					market.buy(visit, contract);
					await market.quiet();
					await ecash.pass();
					market[who].refuses = undefined;
					await ecash.passDeadline();
					await requireRest(rail, contract);
					assert.equal(market[who].ended.length, 0);
				});
});
