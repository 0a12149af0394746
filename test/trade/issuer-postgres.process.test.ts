/* Sales in a ledger in PostgreSQL: the same answers, the same audit. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LEDGER_SCHEMA } from "../../src/money/index.ts";
import { openPostgresStore } from "../../src/store/index.ts";
import { hex } from "../../src/wire/index.ts";
import { Killed } from "../money/mint.ts";
import { NO_POSTGRES, PostgresServer } from "../support/postgres.ts";
import {
	booked,
	bought,
	isVoid,
	outcome,
	PRICE,
	SaleWorld,
	spentTwice,
} from "./issuer-world.ts";

describe("sales in PostgreSQL", { skip: NO_POSTGRES }, () => {
	let server: PostgresServer;
	before(async () => {
		if (NO_POSTGRES === false) server = await PostgresServer.start();
	});
	after(() => server?.[Symbol.asyncDispose]());

	const onServer = (namespace: string) =>
		SaleWorld.make({
			open: () =>
				openPostgresStore({
					url: server.url(),
					schema: LEDGER_SCHEMA,
					namespace,
				}),
		});

	test("are booked, declined and void as in SQLite, and balance", async () => {
		await using world = await onServer("sales");
		const note = await world.ledger.note(PRICE, world.buyer);
		const right = await world.sale({}, { notes: [note] });
		const twice = await world.sale({}, { notes: [note] });
		const wrong = await world.wrong();
		const owed = await world.wrong();
		const answers = await Promise.all([
			world.deposit(right),
			world.resolve(right),
			world.deposit(right),
		]);
		assert.deepEqual(answers, [booked(PRICE), bought(right), booked(PRICE)]);
		assert.deepEqual(await world.resolve(twice), spentTwice);
		assert.deepEqual(await world.deposit(wrong), isVoid);
		assert.deepEqual(await world.deposit(owed), isVoid);
		assert.deepEqual(
			await Promise.all([world.resolve(wrong), world.resolve(wrong)]),
			[outcome(2, PRICE), outcome(2, PRICE)],
		);
		assert.deepEqual(await world.inquire(right), bought(right));
		assert.deepEqual(await world.held(), {
			buyer: PRICE,
			merchant: PRICE,
			owed: PRICE,
		});
		server.sqlNow("UPDATE sales.sales SET key = '' WHERE state = 'booked'");
		assert.equal((await world.ledger.audit()).balanced, false);
	});

	test("are settled once when the issuer is killed around its write", async () => {
		await using world = await onServer("killed");
		const { ledger, buyer } = world;
		for (const when of ["before", "after"] as const)
			for (const sale of [await world.sale(), await world.wrong()]) {
				const asked = world.resolving(sale);
				const doomed = await ledger.restart({ kill: { write: 1, when } });
				await assert.rejects(doomed.once(buyer, asked), Killed);
				const answer = await (await ledger.restart()).once(buyer, asked);
				const again = await (await ledger.restart()).once(buyer, asked);
				assert.equal(hex(again), hex(answer));
			}
		assert.deepEqual(await world.held(), {
			buyer: 2n * PRICE,
			merchant: 2n * PRICE,
			owed: 0n,
		});
	});
});
