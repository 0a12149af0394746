/* What an owner orders of a mint that does everything wrong that a mint can, once or until it is well again. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MintEndpoint } from "../../src/mint/faults.ts";
import { makeWorld } from "../support/authority.ts";
import { Owner } from "./ecash-owner-orders.ts";
import { faultsAt, nameOf } from "./mint-faults.ts";

const world = await makeWorld({ algorithm: "Ed25519" });

/** What the mint is asked for an order, and where money goes by it. */
interface Case {
	readonly at: readonly MintEndpoint[];
	/** Where once is another thing than until it is well. */
	readonly moves: readonly string[];
	/** What the purse has if it is done; 1000 if it is not, where it is told so. */
	readonly has: bigint;
	order(owner: Owner): Promise<void>;
	/** States in which it is done. */
	readonly done: readonly string[];
}

const CASES: Readonly<Record<string, Case>> = {
	"a token": {
		at: ["swap", "checkstate", "restore"],
		moves: ["swap"],
		has: 700n,
		order: (owner) => owner.order({ kind: "send", amount: 300n }),
		// A mint that lies of what is spent is believed: nobody knows better.
		done: ["sent", "redeemed"],
	},
	"new ecash": {
		at: ["mint-quote", "mint", "restore"],
		moves: ["mint"],
		has: 1050n,
		order: (owner) => owner.order({ kind: "mint", amount: 50n }),
		done: ["minted"],
	},
	"an invoice": {
		at: ["melt-quote", "melt", "checkstate", "restore", "swap"],
		moves: ["melt"],
		has: 800n,
		order: (owner) =>
			owner.order({ kind: "melt", invoice: owner.invoice(200n), maxFee: 5n }),
		done: ["paid"],
	},
};

for (const [name, { at, moves, has, order, done }] of Object.entries(CASES))
	describe(`${name}, ordered of a mint that is wrong, is there or was never begun`, () => {
		for (const fault of faultsAt(...at))
			for (const times of moves.includes(fault.at ?? "")
				? [1, undefined]
				: [undefined]) {
				const wrong = { ...fault, ...(times === undefined ? {} : { times }) };
				test(nameOf(wrong), async () => {
					const owner = await Owner.make(world);
					const { mint } = owner.ecash;
					mint.add(wrong);
					await order(owner);
					await owner.pass();
					mint.clear();
					await owner.pass();
					await owner.pass();
					const { state } = owner;
					// Whatever it is, what the owner is told is what the mint says when it is well.
					const isDone = state !== undefined && done.includes(state);
					const isNotBegun = state === "refused" || state === "failed";
					assert.ok(isDone || isNotBegun, `it is ${state}`);
					owner.requireBalance(isDone ? has : 1000n);
				});
			}
	});
