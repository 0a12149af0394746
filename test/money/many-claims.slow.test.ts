import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DAY } from "../support/authority.ts";
import { makeLedger } from "./ledger-world.ts";
import { claim, credited, deposit, pay, piece, requestId } from "./mint.ts";
import { pay as payOnce, two } from "./two-purses.ts";

describe("a note that comes back in several claims", () => {
	test("gives all of it, however many payees have not deposited", async () => {
		await using ledger = await makeLedger({
			parameters: { noteDays: 5, graceDays: 3 },
		});
		const { mint, payer, payee, issuer } = ledger;
		const note = await ledger.note(50_000n);
		// Payments of one unit, of which every other was deposited.
		for (let first = 1n; first < 10_500n; first += 128n) {
			const pieces = Array.from({ length: 64 }, (_, i) =>
				piece(note, first + BigInt(2 * i), 1n),
			);
			const transfer = await pay(payer, payee, pieces, issuer);
			await mint.once(payee, deposit(requestId(), transfer, [note], issuer));
		}
		const booked = await ledger.balanceOf(payee);
		mint.now = note.expires + 3 * DAY;
		const ask = async (offset: bigint) =>
			credited(
				await mint.once(payer, claim(requestId(), note, issuer, offset)),
			);
		const first = await ask(2n * booked);
		assert.ok(first >= 50_000n - 2n * booked, `${first}`);
		// What lies below comes back in further claims, of 5,000 ranges each.
		const second = await ask(0n);
		assert.equal(second, 5_000n);
		const third = await ask(second);
		assert.equal(first + second + third, 50_000n - booked);
		assert.equal(await ask(0n), 0n);
		const { outstanding } = await ledger.sound();
		assert.equal(outstanding, 0n);
	});

	test("is kept apart from what its purse had paid with it", async () => {
		const here = await two([20_000n], { noteDays: 10, graceDays: 2 });
		const { town, mint, ann, bob } = here;
		await payOnce(here, 1, 100n);
		// Another copy of the purse has paid every other unit of what this one still has.
		const copied = ann.store.copy();
		const head = ann.head;
		for (let i = 0; i < 160; i++) {
			await payOnce(here, 1000 + 2 * i, 1n);
			await payOnce(here, 1001 + 2 * i, 1n);
		}
		await town.visit(bob, mint);
		ann.store = copied;
		ann.head = head;
		town.restart(ann);
		town.now += 12 * DAY;
		await town.visit(ann, mint);
		assert.equal(town.total(ann, mint), 0n);
		assert.equal(town.account(mint, ann), 20_000n - 100n - 320n);
		assert.equal(town.account(mint, bob), 420n);
	});
});
