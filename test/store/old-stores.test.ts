/* What older programs wrote opens, says what it said, and goes on. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	viewBalances,
	viewHistory,
	viewNotes,
} from "../../src/device/purse/owner-view.ts";
import type { Schema, Store, Table } from "../../src/machine/index.ts";
import {
	credit,
	LEDGER_SCHEMA,
	listConflicts,
	loadPurse,
	messages,
	openAccount,
	purseTables,
} from "../../src/money/index.ts";
import { openSqliteSnapshot, openSqliteStore } from "../../src/store/index.ts";
import { contractOf, Town } from "../money/town.ts";
import { temporaryFolder } from "../support/folders.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { contents } from "./migration-contract.ts";
import {
	asSaid,
	audited,
	copyOf,
	deviceIdOf,
	headOf,
	OWNER,
	SAID,
	TERMS,
	WORLD,
} from "./old-stores.ts";

const { PURSE_SCHEMA, REQUESTS } = purseTables;
const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());

async function saidOf(view: Pick<Store, "snapshot">) {
	const balances = await viewBalances(view, [TERMS], SAID.now);
	const notes = await viewNotes(view, [TERMS], SAID.now);
	const history = await viewHistory(view, [TERMS], 1000);
	return asSaid({
		// Nothing was held apart then, nor booked first.
		balances: balances.map(
			({ terms: _, held, heldBecause, toBook, ...rest }) => {
				assert.deepEqual([held, heldBecause, toBook], [0n, undefined, 0n]);
				return rest;
			},
		),
		notes: notes.map(({ terms: _, ...rest }) => rest),
		// Nor did anybody keep what a payment was for.
		history: history.map(({ terms, text, ...rest }) => {
			assert.equal(text, "");
			return { ...rest, of: terms?.name ?? "" };
		}),
	});
}

/** Every row of a store, in memory. */
async function inMemory(path: string, schema: Schema): Promise<MemoryStore> {
	await using store = await openSqliteStore({ path, schema });
	const all = await contents(store, ...schema.tables);
	return MemoryStore.of(
		schema.tables.map((table, i) => [table as unknown as Table, all[i] ?? []]),
	);
}

for (const name of ["purse", "till"] as const)
	describe(`a ${name} of version 1`, () => {
		test("is brought over, and says what it said", async () => {
			const path = await copyOf(name, folder.path);
			{
				await using store = await openSqliteStore({
					path,
					schema: PURSE_SCHEMA,
				});
				assert.ok(existsSync(`${path}.version-1`));
				assert.deepEqual(await saidOf(store), SAID[name]);
				const [requests = []] = await contents(store, REQUESTS);
				for (const { kind, message } of requests)
					if (kind === "deposit")
						messages.body(messages.WITH_ISSUER.deposit, message as Uint8Array);
			}
			{
				await using view = await openSqliteSnapshot({
					path,
					schema: PURSE_SCHEMA,
				});
				assert.deepEqual(await saidOf(view), SAID[name]);
			}
			await using store = await openSqliteStore({ path, schema: PURSE_SCHEMA });
			assert.deepEqual(await saidOf(store), SAID[name]);
			const { head } = await store.transact(loadPurse(nodeCrypto));
			assert.equal(`${head.number}`, SAID[name].history[0]?.number);
		});
	});

test("a ledger of version 1 is brought over, says what it said, and goes on", async () => {
	const path = await copyOf("ledger", folder.path);
	await using store = await openSqliteStore({ path, schema: LEDGER_SCHEMA });
	assert.ok(existsSync(`${path}.version-1`));
	assert.deepEqual(await audited(store), SAID.audit);
	const ann = deviceIdOf("ann");
	const conflicts = await store.transact(listConflicts(undefined, 10, ann));
	assert.equal(conflicts.length, 1);
	await store.transact(openAccount(ann, SAID.now));
	const asked = { amount: 5n, reference: "goes on", at: SAID.now };
	await store.transact(credit(nodeCrypto, { account: ann, ...asked }));
	assert.deepEqual(await audited(store), SAID.audit);
});

test("payments go on where they were, and what was in doubt is settled once", async () => {
	const town = await Town.make({
		world: WORLD,
		owner: OWNER,
		noteDays: 20,
		graceDays: 2,
	});
	const of = async (name: "purse" | "till" | "ledger") => {
		await using own = await temporaryFolder();
		const schema = name === "ledger" ? LEDGER_SCHEMA : PURSE_SCHEMA;
		return await inMemory(await copyOf(name, own.path), schema);
	};
	const mint = await town.issuer("mint", await of("ledger"));
	const ann = await town.purse("ann", await of("purse"));
	const bob = await town.purse("bob", await of("till"));
	for (const module of [ann, bob]) module.head = headOf(module.name);
	const pay = async (contract: number, amount: bigint) => {
		const tetrad = await town.meet(ann, bob);
		town.expect(bob, tetrad, contractOf(contract), amount, mint);
		await town.quiet();
		town.pay(ann, tetrad, contractOf(contract), amount, mint);
		await town.quiet();
		town.part(ann, tetrad);
		await town.quiet();
		assert.equal(ann.heard.at(-1)?.kind, "paid", `${contract}`);
	};
	assert.deepEqual(
		[ann, bob].map((module) => town.balance(module, mint).spendable),
		[1192n, 580n],
	);
	// Paid before, in doubt, and new.
	for (const [contract, amount] of [
		[5, 33n],
		[6, 75n],
		[6, 75n],
		[7, 10n],
	] as const)
		await pay(contract, amount);
	const { spendable, inDoubt } = town.balance(ann, mint);
	assert.deepEqual([spendable, inDoubt], [1182n, 0n]);
	assert.equal(town.balance(bob, mint).toDeposit, 118n);
	for (const module of [bob, ann]) {
		town.fund(mint, module, 60n);
		assert.equal((await town.visit(module, mint)).code, "");
	}
	assert.equal(town.balance(bob, mint).toDeposit, 0n);
	assert.equal(town.balance(ann, mint).spendable, 1242n, "60 were ordered");
	const result = (await audited(mint.store)) as { balanced: boolean };
	assert.equal(result.balanced, true);
});
