/* What an operator asks of a ledger beside its machine, refused. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { MAX_AMOUNT, MAX_REFERENCE_BYTES } from "../../src/money/index.ts";
import {
	accountOf,
	claimLedger,
	claimSellingMaster,
	credit,
	listAccounts,
	openAccount,
	sellingMasterOf,
} from "../../src/money/issuer/ledger-desk.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { filled, idOf } from "./documents.ts";

const ANN = idOf("ann");

function desk() {
	const store = new MemoryStore();
	store.run(openAccount(ANN, 5));
	const give = (reference: string, amount = 100n, account: Uint8Array = ANN) =>
		store.run(credit(nodeCrypto, { account, amount, reference, at: 7 }));
	const balance = () => store.run(accountOf(ANN))?.balance;
	return { store, give, balance };
}

const invalid = { code: "invalid-argument" };

describe("a credit", () => {
	test("goes once into an account for each reference, and is told to be no new one then", () => {
		const { give, balance } = desk();
		assert.equal(give("a").isNew, true);
		assert.equal(give("a").isNew, false);
		assert.equal(give("b").account.balance, 200n);
		assert.equal(balance(), 200n);
	});

	test("has a reference that stands for nothing else", () => {
		const { store, give, balance } = desk();
		store.run(openAccount(idOf("bob"), 5));
		give("a");
		assert.throws(() => give("a", 101n), invalid);
		assert.throws(() => give("a", 100n, idOf("bob")), invalid);
		assert.equal(balance(), 100n);
	});

	test("has a reference, and no long one", () => {
		const { give, balance } = desk();
		const longest = "é".repeat(MAX_REFERENCE_BYTES / 2);
		for (const reference of ["", `${longest}x`])
			assert.throws(() => give(reference), invalid);
		assert.equal(balance(), 0n);
		assert.equal(give(longest).isNew, true);
	});

	test("is of more than nothing, and of no more than fits", () => {
		const { give, balance } = desk();
		for (const amount of [0n, -1n, MAX_AMOUNT + 1n])
			assert.throws(() => give("a", amount), invalid);
		give("all", MAX_AMOUNT);
		assert.throws(() => give("more", 1n), invalid);
		assert.equal(balance(), MAX_AMOUNT);
	});

	test("goes into an account that is there", () => {
		const { give } = desk();
		assert.throws(() => give("a", 1n, idOf("bob")), invalid);
	});
});

describe("an account", () => {
	test("that is open is opened once", () => {
		const { store, give } = desk();
		give("a");
		assert.equal(store.run(openAccount(ANN, 99)).balance, 100n);
	});

	test("is found in pages, in the order of ids", () => {
		const { store } = desk();
		for (const name of ["bob", "carol"]) store.run(openAccount(idOf(name), 5));
		const first = store.run(listAccounts(undefined, 2));
		assert.equal(first.length, 2);
		const rest = store.run(listAccounts(first[1]?.id, 2));
		assert.equal(rest.length, 1);
		assert.equal(store.run(listAccounts(rest[0]?.id)).length, 0);
	});
});

describe("a ledger", () => {
	const terms = {
		issuer: idOf("mint"),
		name: "mint",
		currency: { code: "EUR", exponent: 2 },
		isPlay: true,
	};

	test("is that of one issuer and one currency", () => {
		const { store } = desk();
		store.run(claimLedger(terms));
		store.run(claimLedger(terms));
		for (const other of [
			{ ...terms, issuer: idOf("other") },
			{ ...terms, currency: { code: "USD", exponent: 2 } },
			{ ...terms, isPlay: false },
		])
			assert.throws(() => store.run(claimLedger(other)), {
				code: "home-unusable",
			});
	});

	test("is tied to one master secret", () => {
		const { store } = desk();
		assert.equal(store.run(sellingMasterOf()), undefined);
		store.run(claimSellingMaster(filled(32, 1)));
		store.run(claimSellingMaster(filled(32, 1)));
		assert.throws(() => store.run(claimSellingMaster(filled(32, 2))), {
			code: "home-unusable",
		});
		assert.deepEqual(store.run(sellingMasterOf()), filled(32, 1));
	});
});
