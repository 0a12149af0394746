/* A purchase with ecash of a mint that does everything wrong that a mint can, once or until it is well again. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MINT_FAULTS, type MintFault } from "../../src/mint/index.ts";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket } from "./ecash-market.ts";
import { requireRest } from "./rail-contract.ts";

const world = await makeWorld({ algorithm: "Ed25519" });

const DETAILS: Readonly<Record<string, readonly object[]>> = {
	slow: [{ ms: 40_000 }],
	"huge-answer": [{ bytes: 10_000_000 }],
	"clock-skewed": [{ seconds: 3600 }, { seconds: -3600 }],
	"state-lied": [
		{ state: "UNSPENT" },
		{ state: "PENDING" },
		{ state: "SPENT" },
	],
	"locks-ignored": [{ isAnnounced: true }, { isAnnounced: false }],
};

const FAULTS: readonly MintFault[] = Object.entries(MINT_FAULTS).flatMap(
	([kind, all]) =>
		all
			.filter((at) => ["info", "swap", "checkstate"].includes(at))
			// What strikes everywhere strikes what is asked first, and what moves money.
			.flatMap((at) =>
				(DETAILS[kind] ?? [{}]).map(
					(details) => ({ kind, at, ...details }) as MintFault,
				),
			),
);

function nameOf(fault: MintFault): string {
	const { kind, at, times, ...details } = fault;
	const said = Object.entries(details).map(
		([name, value]) => `${name} ${value}`,
	);
	const often = times === undefined ? "until it is well" : "once";
	return [`${kind} at ${at}`, ...said, often].join(", ");
}

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
