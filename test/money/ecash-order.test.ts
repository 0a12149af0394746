/* What an owner orders of a mint, as it is signed and read. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	draftEcashOrder,
	type EcashOrder,
	ecashOrderOf,
	MAX_ECASH_ORDER_BYTES,
	openEcashOrder,
} from "../../src/money/documents/ecash-order.ts";
import { MAX_AMOUNT } from "../../src/money/index.ts";
import { TEST_NOW } from "../support/authority.ts";
import { fixedSigner } from "../support/fixed-crypto.ts";
import {
	ALL_ROLES,
	bitChanges,
	filled,
	idOf,
	inPlaceOf,
	lengthChanges,
	refused,
	refusesTenMegabytes,
} from "./documents.ts";

const PURSE = idOf("alice");
const OWNER = fixedSigner("Ed25519", "owner");
const NAME = { request: filled(16, 0x0a), mint: filled(44, 0x0b) };

const ORDERS: readonly EcashOrder[] = [
	{ kind: "send", amount: 1n, ...NAME },
	{ kind: "mint", amount: MAX_AMOUNT, ...NAME },
	{ kind: "melt", invoice: "lnbc1", maxFee: 7n, ...NAME },
	{ kind: "restore", ...NAME },
	{ kind: "take-back", of: filled(16, 0x0c), ...NAME },
];

const draft = (order: EcashOrder, purse = PURSE) =>
	draftEcashOrder(order, { purse, ordered: TEST_NOW });

async function signed(order: EcashOrder, by = OWNER): Promise<Uint8Array> {
	const { toSign, sign } = draft(order);
	return sign(await by.sign(toSign));
}

const open = (document: Uint8Array, purse = PURSE, by = OWNER) =>
	openEcashOrder(nodeCrypto, document, purse, by).value;

for (const order of ORDERS)
	describe(`an order of ecash to ${order.kind}`, () => {
		test("is read as it was signed, and no longer than it may be", async () => {
			const document = await signed(order);
			assert.ok(document.length <= MAX_ECASH_ORDER_BYTES);
			const value = open(document);
			assert.deepEqual(ecashOrderOf(value), order);
			assert.equal(value.ordered, TEST_NOW);
			assert.deepEqual(value.purse, PURSE);
		});

		test("counts in no other place, to no other purse, and of nobody else", async () => {
			const code = "authentication-failed";
			const { toSign, sign } = draft(order);
			for (const role of ALL_ROLES) {
				const signature = await OWNER.sign(inPlaceOf(toSign, role));
				const check = () => open(sign(signature));
				if (role === "OE") check();
				else assert.throws(check, { code }, role);
			}
			const document = await signed(order);
			assert.throws(() => open(document, idOf("bob")), { code });
			const agent = fixedSigner("Ed25519", "agent");
			assert.throws(() => open(document, PURSE, agent), { code });
			const forged = await signed(order, agent);
			assert.throws(() => open(forged), { code });
		});

		test("is none when a bit is another one, or there is more or less of it", async () => {
			const document = await signed(order);
			for (const changed of bitChanges(document)) refused(() => open(changed));
			for (const changed of lengthChanges(document))
				refused(() => open(changed));
			refusesTenMegabytes(open);
		});
	});

describe("an order of ecash that cannot be", () => {
	const body = {
		...{ ...NAME, purse: PURSE, ordered: TEST_NOW, kind: "send" as const },
		...{ amount: 1n, maxFee: 0n, invoice: "", of: new Uint8Array() },
	};

	test("for nothing is refused, and one for an invoice or a restore has no amount", () => {
		for (const kind of ["send", "mint"] as const)
			assert.throws(() => ecashOrderOf({ ...body, kind, amount: 0n }), {
				code: "malformed",
			});
		assert.equal(
			ecashOrderOf({ ...body, kind: "melt", amount: 0n }).kind,
			"melt",
		);
		assert.equal(ecashOrderOf({ ...body, kind: "restore" }).kind, "restore");
	});

	test("that takes back what has no name is refused", () => {
		for (const length of [0, 15])
			assert.throws(
				() =>
					ecashOrderOf({
						...body,
						kind: "take-back",
						of: new Uint8Array(length),
					}),
				{ code: "malformed" },
			);
	});

	test("of no kind, or of too much, is not drafted", async () => {
		for (const order of [
			{ ...NAME, kind: "give" },
			{ ...NAME, kind: "send", amount: MAX_AMOUNT + 1n },
			{ ...NAME, kind: "send", amount: -1n },
			{ ...NAME, kind: "melt", invoice: "lnbc1", maxFee: MAX_AMOUNT + 1n },
		] as unknown as EcashOrder[])
			await assert.rejects(signed(order).then((document) => open(document)));
	});
});
