/* What an archive's parts have to do with one another. That a purse writes good ones, test/device/purse-archive.slow.test.ts says. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { chainHash } from "../../src/identity/index.ts";
import {
	type ArchivedFields,
	type ArchiveFields,
	encodeArchive,
	MAX_ARCHIVE_BYTES,
	NO_ARCHIVE,
	openArchive,
} from "../../src/money/documents/archive.ts";
import {
	draftReceipt,
	type ReceiptBody,
} from "../../src/money/documents/receipt.ts";
import { TEST_NOW } from "../support/authority.ts";
import { filled, MoneyWorld, piece } from "./documents.ts";

const world = await MoneyWorld.make("Ed25519");
const banks = [world.bank.anchor];
const note = await world.note();
const transfer = await world.transfer([piece(note, 0n, 400n)]);

async function receiptOf(changes: Partial<ReceiptBody> = {}) {
	const { sign, toSign } = draftReceipt({
		contract: transfer.contract,
		transfer: transfer.id,
		payee: transfer.payee,
		amount: transfer.amount,
		accepted: TEST_NOW,
		head: undefined,
		...changes,
	});
	return sign(await world.payee.signer.sign(toSign));
}

const hashOf = (chain: Uint8Array) => chainHash(nodeCrypto, chain);

const PAID: ArchivedFields = {
	kind: "paid",
	state: "settled",
	credited: 0n,
	transfer: transfer.document,
	notes: [note.document],
	chains: [hashOf(world.issuer.chain)],
	receipt: await receiptOf(),
	receiptChain: hashOf(world.payee.chain),
	outcome: new Uint8Array(),
	terms: new Uint8Array(),
	key: undefined,
};

const ARCHIVE: ArchiveFields = {
	purse: world.payer.device.deviceId,
	number: 1n,
	previous: NO_ARCHIVE,
	chains: [world.issuer.chain, world.payee.chain],
	payments: [PAID],
};

const open = (
	payment: Partial<ArchivedFields> = {},
	archive: Partial<ArchiveFields> = {},
) =>
	openArchive(
		nodeCrypto,
		encodeArchive({
			...ARCHIVE,
			payments: [{ ...PAID, ...payment }],
			...archive,
		}),
		banks,
	);

describe("an archive", () => {
	test("says what was paid, with a receipt where there is one", async () => {
		const [paid] = open().payments;
		assert.equal(paid?.receipt?.value.amount, 400n);
		assert.equal(paid?.transfer.value.transfer.amount, 400n);
		const nothing = new Uint8Array();
		for (const without of [{ receipt: nothing }, { receiptChain: nothing }])
			assert.equal(open(without).payments[0]?.receipt, undefined);
	});

	test("is one of this purse's payments alone, in the direction in which they went", () => {
		for (const [payment, archive] of [
			[{ kind: "received" }, {}],
			[{}, { purse: world.payee.device.deviceId }],
			[{}, { purse: world.stranger.device.deviceId }],
		] as const)
			assert.throws(() => open(payment, archive), { code: "payment-refused" });
		const received = open(
			{ kind: "received" },
			{ purse: world.payee.device.deviceId },
		);
		assert.equal(received.payments[0]?.kind, "received");
	});

	test("credits no more than was paid", () => {
		assert.equal(open({ credited: 400n }).payments[0]?.credited, 400n);
		assert.throws(() => open({ credited: 401n }), { code: "payment-refused" });
	});

	test("has terms for sales and for nothing else", async () => {
		assert.throws(() => open({ terms: filled(9, 1) }), {
			code: "payment-refused",
		});
		const sold = await world.transfer([piece(note, 0n, 400n)], {
			purpose: "sale",
		});
		const sale = { transfer: sold.document, receipt: new Uint8Array() };
		assert.throws(() => open(sale), { code: "payment-refused" });
		assert.equal(
			open({ ...sale, terms: filled(9, 1) }).payments[0]?.terms.length,
			9,
		);
	});

	test("has the receipt of the very transfer", async () => {
		for (const changes of [
			{ transfer: filled(32, 9) },
			{ contract: filled(32, 9) },
			{ amount: 399n },
		]) {
			const receipt = await receiptOf(changes);
			assert.throws(() => open({ receipt }), { code: "payment-refused" });
		}
	});

	test("names chains that are in it", () => {
		for (const [payment, archive] of [
			[{}, { chains: [world.issuer.chain] }],
			[{}, { chains: [world.payee.chain] }],
			[{ chains: [hashOf(world.payee.chain)] }, {}],
		] as const)
			assert.throws(() => open(payment, archive), { code: "payment-refused" });
	});

	test("has each payment once", () => {
		assert.throws(() => open({}, { payments: [PAID, PAID] }), {
			code: "malformed",
		});
	});

	test("is no other file, and none that is too long", () => {
		const file = encodeArchive(ARCHIVE);
		const otherwise = file.with(5, 0xff);
		for (const other of [otherwise, new Uint8Array(MAX_ARCHIVE_BYTES + 1)])
			assert.throws(() => openArchive(nodeCrypto, other, banks), {
				code: "malformed",
			});
	});

	test("holds payments that were received or paid", () => {
		const file = encodeArchive(ARCHIVE);
		// The kind of the only payment: its first byte, behind its length.
		const kindAt = Buffer.from(file).indexOf(
			Buffer.from([0, 0, 0, 1, 2, 0, 0, 0, "settled".length]),
		);
		assert.ok(kindAt > 0);
		for (const kind of [0, 3, 255])
			assert.throws(
				() => openArchive(nodeCrypto, file.with(kindAt + 4, kind), banks),
				{ code: "malformed" },
			);
	});
});
