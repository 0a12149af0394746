/* A purchase with ecash of a mint that does everything wrong that a mint can, once or until it is well again. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket } from "./ecash-market.ts";
import { faultsAt, nameOf } from "./mint-faults.ts";
import { requireRest } from "./rail-contract.ts";

const world = await makeWorld({ algorithm: "Ed25519" });

// What strikes everywhere strikes what is asked first, and what moves money.
const FAULTS = faultsAt("info", "swap", "checkstate");

describe("a purchase from a mint that is wrong ends with the goods or the money", () => {
	// Once is another thing only where money moves.
	for (const fault of FAULTS)
		for (const times of fault.at === "swap" ? [1, undefined] : [undefined]) {
			const wrong = { ...fault, ...(times === undefined ? {} : { times }) };
			test(nameOf(wrong), async () => {
				const ecash = await EcashMarket.make({ world });
				const { market, mint, rail } = ecash;
				mint.add(wrong);
				const visit = await market.meet();
				const contract = await market.contract(visit);
				market.buy(visit, contract);
				await market.quiet();
				await ecash.pass();
				mint.clear();
				await ecash.pass();
				await ecash.passDeadline();
				await requireRest(rail, contract);
				assert.equal(market.ann.ended.length, 0);
			});
		}
});
