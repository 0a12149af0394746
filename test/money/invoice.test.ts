import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	exchangeContract,
	isInvoiceFor,
	makeInvoice,
	type PaymentTerms,
	partiesHash,
} from "../../src/money/index.ts";
import { hex } from "../../src/wire/index.ts";
import { TEST_NOW } from "../support/authority.ts";
import { bitChanges, FIXED_TRANSFER, filled, idOf } from "./documents.ts";
import * as golden from "./golden.ts";

const KEY = filled(32, 0x4b);
const { pieces: _, ...TERMS } = FIXED_TRANSFER;

describe("an invoice", () => {
	const invoice = makeInvoice(nodeCrypto, KEY, TERMS, TEST_NOW);
	const fits = (terms: PaymentTerms, changes = {}, key = KEY) =>
		isInvoiceFor(nodeCrypto, key, terms, { ...invoice, ...changes });

	test("golden tag", () => {
		assert.equal(hex(invoice.tag), hex(golden.INVOICE_TAG));
		assert.equal(invoice.payBy, TEST_NOW);
	});

	test("fits its own terms, those of a transfer that follows it too", () => {
		assert.ok(fits(TERMS));
		assert.ok(fits(FIXED_TRANSFER));
	});

	const changed: { [Name in keyof PaymentTerms]: PaymentTerms[Name] } = {
		payer: idOf("carol"),
		payee: idOf("carol"),
		issuer: idOf("carol"),
		currency: "USD",
		amount: 1251n,
		contract: filled(32, 1),
		binding: filled(32, 1),
		parties: filled(32, 1),
		purpose: "sale",
	};
	for (const [name, value] of Object.entries(changed))
		test(`fits no terms with another ${name}`, () => {
			assert.ok(!fits({ ...TERMS, [name]: value }));
		});

	test("fits no later and no earlier time", () => {
		for (const payBy of [TEST_NOW + 1, TEST_NOW - 1, 0])
			assert.ok(!fits(TERMS, { payBy }));
	});

	test("fits no other tag, and no other key", () => {
		for (const tag of bitChanges(invoice.tag)) assert.ok(!fits(TERMS, { tag }));
		for (const tag of [filled(0, 0), filled(31, 0), invoice.tag.subarray(1)])
			assert.ok(!fits(TERMS, { tag }));
		assert.ok(!fits(TERMS, {}, filled(32, 0x4c)));
	});

	test("two fields cannot lend each other bytes", () => {
		const { payer, payee } = TERMS;
		assert.ok(!fits({ ...TERMS, payer: payee, payee: payer }));
	});
});

describe("the hash over the parties of a tetrad", () => {
	const ids = {
		A: idOf("agent-a"),
		B: idOf("agent-b"),
		X: idOf("alice"),
		Y: idOf("bob"),
	};

	test("golden hash, the same whichever side begins", () => {
		const turned = { A: ids.B, B: ids.A, X: ids.Y, Y: ids.X };
		for (const each of [ids, turned])
			assert.equal(
				hex(partiesHash(nodeCrypto, each)),
				hex(golden.PARTIES_HASH),
			);
	});

	test("is another for other devices, and for modules that changed sides", () => {
		const all = [
			ids,
			{ ...ids, A: idOf("agent-c") },
			{ ...ids, B: idOf("agent-c") },
			{ ...ids, X: idOf("carol") },
			{ ...ids, Y: idOf("carol") },
			{ ...ids, X: ids.Y, Y: ids.X },
			{ ...ids, A: ids.X, X: ids.A },
		].map((each) => hex(partiesHash(nodeCrypto, each)));
		assert.equal(new Set(all).size, all.length);
	});
});

test("golden contracts of an exchange, one for each request and purpose", () => {
	const request = filled(16, 0x0a);
	const contracts = ([0, 1] as const).map((into) =>
		hex(exchangeContract(nodeCrypto, request, into)),
	);
	assert.deepEqual(contracts, golden.EXCHANGE_CONTRACTS.map(hex));
	const other = exchangeContract(nodeCrypto, filled(16, 0x0b), 0);
	assert.ok(!contracts.includes(hex(other)));
});
