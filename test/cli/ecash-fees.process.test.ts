/* A purchase at a mint that asks for a fee, as its buyer is told of it: all of them processes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { done } from "../support/commands.ts";
import { EcashStreet, PRICE } from "../support/ecash-street.ts";
import { temporaryFolder } from "../support/folders.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let street: EcashStreet;

before(async () => {
	folder = await temporaryFolder();
	street = await EcashStreet.open(join(folder.path, "street"));
	await street.killMint();
	await street.startMint(100);
	await street.orderMint({ kind: "rotate", unit: "sat" });
	// They ask it anew after a start.
	for (const place of ["X", "Y"] as const)
		await street.processOf(place)[Symbol.asyncDispose]();
	await street.revive();
});
after(async () => {
	await street?.[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

describe("a mint that asks for a fee", { timeout: 600_000 }, () => {
	test("is not paid where price and fee are more than the buyer says, and is where they are not", async () => {
		const buy = (max: bigint) =>
			street.buy(street.newTarget(), "--rail", "cashu", "--max", `${max} SAT`);
		const before = await street.ecash("X");
		const refused = await buy(PRICE);
		assert.notEqual(refused.result.code, 0);
		assert.match(
			refused.result.stderr,
			/costs 42 SAT and a fee of 1, and --max is 42/,
		);
		assert.deepEqual(await street.ecash("X"), before);
		const told = await buy(PRICE + 1n);
		assert.equal(told.result.code, 0, JSON.stringify(told.events));
		const quoted = told.events.find((event) => event.event === "quoted");
		assert.ok(quoted?.event === "quoted");
		assert.deepEqual([quoted.amount, quoted.fee], ["42", "1"]);
		const x = await street.ecash("X");
		assert.equal(before.spendable - x.spendable, PRICE + 1n);
		const { history } = await done([
			...["purse", "history", "--home", street.homes.of("X")],
		]);
		const changes = (history as readonly Record<string, unknown>[])
			.filter(({ currency }) => currency === "SAT")
			.map(({ what, amount }) => `${what} ${amount}`);
		for (const one of ["committed 43", "paid 42", "fee 1"])
			assert.ok(changes.includes(one), `${one}: ${changes}`);
	});
});
