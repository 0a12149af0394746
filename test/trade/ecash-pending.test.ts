/* What a purse has, and its mint says at a restore that it is working on. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { remove } from "../../src/machine/index.ts";
import { pointsOf } from "../../src/money/cashu/index.ts";
import { ecashTables } from "../../src/money/index.ts";
import { LOG } from "../../src/money/purse/purse-tables.ts";
import { hex, parseUtf8, utf8 } from "../../src/wire/index.ts";
import { makeWorld } from "../support/authority.ts";
import { Owner } from "./ecash-owner-orders.ts";

const world = await makeWorld({ algorithm: "Ed25519" });

interface Scene {
	readonly owner: Owner;
	/** The mint says this of the proofs of an amount, where they are unspent. */
	readonly said: Map<bigint, string>;
}

async function working(...amounts: readonly bigint[]): Promise<Scene> {
	const owner = await Owner.make(world);
	const { mint, crypto } = owner.ecash;
	const said = new Map(amounts.map((amount) => [amount, "PENDING"]));
	const rows = owner.ann.store.rows(ecashTables.PROOFS);
	const points = pointsOf(crypto, rows).map(hex);
	const amountOf = new Map(rows.map(({ amount }, at) => [points[at], amount]));
	const handle = mint.handle.bind(mint);
	mint.handle = (request, now) => {
		const reply = handle(request, now);
		if (request.path !== "/v1/checkstate" || reply.kind !== "answer")
			return reply;
		const answer = JSON.parse(parseUtf8(reply.body)) as {
			states: { Y: string; state: string }[];
		};
		for (const one of answer.states) {
			const state = said.get(amountOf.get(one.Y) ?? 0n);
			if (one.state === "UNSPENT" && state !== undefined) one.state = state;
		}
		return { ...reply, body: utf8(JSON.stringify(answer)) };
	};
	return { owner, said };
}

function restoredIn({ ann }: Owner): readonly bigint[] {
	return ann.store
		.rows(LOG)
		.flatMap(({ what, amount }) =>
			what === "restored" && amount > 0n ? [amount] : [],
		);
}

describe("what a purse has, and its mint is working on at a restore,", () => {
	for (const end of ["UNSPENT", "SPENT"] as const)
		test(`cannot be spent until it is ${end.toLowerCase()}, and was not restored`, async () => {
			const { owner, said } = await working(512n);
			const { market } = owner.ecash;
			await owner.order({ kind: "restore" });
			assert.equal(owner.state, "pending");
			const { spendable, inDoubt } = owner.ecash.told(owner.ann);
			assert.deepEqual([spendable, inDoubt], [488n, 512n]);
			assert.equal(owner.row()?.amount, 0n);
			// Nothing is paid with it, also after a start.
			market.town.restart(owner.ann);
			await owner.pass();
			const visit = await market.meet();
			const contract = await market.contract(visit, { amount: 600n });
			market.buy(visit, contract);
			await market.quiet();
			assert.match(market.brief(contract).at(-1) ?? "", /insufficient-funds/);
			said.set(512n, end);
			await owner.pass();
			assert.equal(owner.state, "restored");
			assert.equal(owner.row()?.amount, 0n);
			assert.equal(owner.row()?.had, 0n);
			assert.deepEqual(restoredIn(owner), []);
			assert.equal(owner.balance, end === "SPENT" ? 488n : 1000n);
		});

	test("is told apart from what it had forgotten", async () => {
		const { owner, said } = await working(512n, 256n);
		const { PROOFS } = ecashTables;
		const forgotten = owner.ann.store
			.rows(PROOFS)
			.filter(({ amount }) => amount === 256n);
		owner.ann.store.run({
			kind: "done",
			writes: forgotten.map(({ id }) => remove(PROOFS, { id })),
			result: undefined,
		});
		owner.ecash.market.town.restart(owner.ann);
		await owner.order({ kind: "restore" });
		const { spendable, inDoubt } = owner.ecash.told(owner.ann);
		assert.deepEqual([spendable, inDoubt], [232n, 768n]);
		said.set(512n, "UNSPENT");
		await owner.pass();
		assert.equal(owner.state, "pending");
		assert.equal(owner.balance, 744n);
		assert.equal(owner.row()?.amount, 0n);
		said.set(256n, "UNSPENT");
		await owner.pass();
		assert.equal(owner.state, "restored");
		assert.equal(owner.row()?.amount, 256n);
		assert.deepEqual(restoredIn(owner), [256n]);
		owner.requireBalance(1000n);
	});
});
