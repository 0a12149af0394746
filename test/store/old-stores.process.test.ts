import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { credit, LEDGER_SCHEMA, listConflicts } from "../../src/money/index.ts";
import { openPostgresStore } from "../../src/store/index.ts";
import { NO_POSTGRES, PostgresServer } from "../support/postgres.ts";
import { audited, deviceIdOf, LEDGER_DUMP, SAID } from "./old-stores.ts";

test("a ledger of version 1 in PostgreSQL is brought over, says what it said, and goes on", {
	skip: NO_POSTGRES,
}, async () => {
	await using server = await PostgresServer.start();
	await server.load(LEDGER_DUMP);
	const open = () =>
		openPostgresStore({ url: server.url(), schema: LEDGER_SCHEMA });
	const account = deviceIdOf("ann");
	{
		await using store = await open();
		assert.deepEqual(await audited(store), SAID.audit);
		const conflicts = await store.transact(
			listConflicts(undefined, 10, account),
		);
		assert.equal(conflicts.length, 1);
	}
	const copied = await server.sql(
		`SELECT (SELECT count(*) FROM "tetrad:version-1".entries) = (SELECT count(*) FROM tetrad.entries)`,
	);
	assert.equal(copied, "t");
	await using store = await open();
	const asked = { amount: 5n, reference: "goes on", at: SAID.now };
	await store.transact(credit(nodeCrypto, { account, ...asked }));
	assert.deepEqual(await audited(store), SAID.audit);
});
