/* The issuer's ledger in PostgreSQL: the same answers, the same audit. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	evidenceOf,
	LEDGER_SCHEMA,
	listConflicts,
	openEvidence,
} from "../../src/money/index.ts";
import { openPostgresStore } from "../../src/store/index.ts";
import { hex } from "../../src/wire/index.ts";
import { DAY } from "../support/authority.ts";
import { NO_POSTGRES, PostgresServer } from "../support/postgres.ts";
import { makeLedger } from "./ledger-world.ts";
import {
	claim,
	deposit,
	exchange,
	giveBack,
	Killed,
	noteIn,
	pay,
	piece,
	readAnswer,
	requestId,
	withdraw,
} from "./mint.ts";

describe("a ledger in PostgreSQL", { skip: NO_POSTGRES }, () => {
	let server: PostgresServer;
	before(async () => {
		if (NO_POSTGRES === false) server = await PostgresServer.start();
	});
	after(() => server?.[Symbol.asyncDispose]());

	const onServer = (namespace: string) =>
		makeLedger({
			parameters: { noteDays: 5 },
			open: () =>
				openPostgresStore({
					url: server.url(),
					schema: LEDGER_SCHEMA,
					namespace,
				}),
		});

	test("withdraws, books, finds what overlaps, exchanges and pays claims, and balances", async () => {
		await using ledger = await onServer("whole");
		const { mint, payer, payee, issuer, world } = ledger;
		const note = await ledger.note(1_000n);
		for (const offset of [0n, 60n, 100n]) {
			const transfer = await pay(
				payer,
				payee,
				[piece(note, offset, 100n)],
				issuer,
			);
			await mint.once(payee, deposit(requestId(), transfer, [note], issuer));
		}
		const [conflict, ...more] = await ledger.transact(listConflicts());
		assert.ok(conflict && more.length === 0);
		const evidence = await ledger.transact(evidenceOf(nodeCrypto, conflict.id));
		const { banks } = world.policy;
		openEvidence(nodeCrypto, evidence ?? new Uint8Array(), banks);
		const request = requestId();
		const pieces = [piece(note, 900n, 100n)];
		const back = await giveBack(payer, pieces, issuer, request, 0);
		noteIn(await mint.once(payer, exchange(request, 0, back, [note], issuer)));
		mint.now = note.expires + 7 * DAY;
		const claimed = await mint.once(payer, claim(requestId(), note, issuer));
		const answer = readAnswer(claimed);
		assert.ok(answer.kind === "booked");
		assert.equal(answer.credited, 700n);
		const { problems, ...sums } = await ledger.sound();
		assert.deepEqual(problems, []);
		assert.deepEqual(sums, {
			issued: 1_100n,
			outstanding: 100n,
			owed: 0n,
			returned: 300n,
			expired: 700n,
			balanced: true,
		});
		server.sqlNow("UPDATE whole.accounts SET balance = balance + 1");
		assert.equal((await ledger.audit()).balanced, false);
	});

	test("debits once when the issuer is killed around its write", async () => {
		await using ledger = await onServer("killed");
		const { payer } = ledger;
		await ledger.fund(payer, 1_000n);
		for (const when of ["before", "after"] as const) {
			const asked = withdraw(requestId(), 10n);
			const doomed = await ledger.restart({ kill: { write: 2, when } });
			await assert.rejects(doomed.once(payer, asked), Killed);
			const answer = await (await ledger.restart()).once(payer, asked);
			const again = await (await ledger.restart()).once(payer, asked);
			assert.equal(hex(again), hex(answer));
		}
		assert.equal(await ledger.balanceOf(payer), 980n);
		const { outstanding } = await ledger.sound();
		assert.equal(outstanding, 20n);
	});
});
