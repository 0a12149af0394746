import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	draftCancellation,
	draftOrder,
	draftOverride,
	MAX_AMOUNT,
	MAX_ORDER_BYTES,
	type Order,
	type OrderBody,
	openCancellation,
	openOrder,
	openOverride,
} from "../../src/money/index.ts";
import { enc, hex, signedBytes, Verified } from "../../src/wire/index.ts";
import { TEST_NOW } from "../support/authority.ts";
import { fixedSigner } from "../support/fixed-crypto.ts";
import {
	ALGORITHMS,
	ALL_ROLES,
	bitChanges,
	filled,
	idOf,
	inPlaceOf,
	lengthChanges,
	refused,
	refusesTenMegabytes,
} from "./documents.ts";
import * as golden from "./golden.ts";

const PURSE = idOf("alice");

const FIXED_ORDER: OrderBody = {
	purse: PURSE,
	request: filled(16, 0x0a),
	issuer: idOf("bank.example"),
	amount: 1250n,
	ordered: TEST_NOW,
};

test("golden bytes of what an owner signs", () => {
	assert.equal(hex(draftOrder(FIXED_ORDER).toSign), hex(golden.ORDER_TO_SIGN));
});

test("an order that could not be is not drafted", () => {
	for (const changes of [
		{ amount: 0n },
		{ amount: -1n },
		{ amount: MAX_AMOUNT + 1n },
		{ amount: 2n ** 64n + 1n },
		{ ordered: -1 },
		{ ordered: Number.NaN },
	])
		assert.throws(() => draftOrder({ ...FIXED_ORDER, ...changes }), {
			code: "invalid-argument",
		});
});

for (const algorithm of ALGORITHMS)
	describe(`opening orders, ${algorithm}`, () => {
		const owner = fixedSigner(algorithm, "owner");
		const draft = draftOrder(FIXED_ORDER);
		const signed = async () => draft.sign(await owner.sign(draft.toSign));
		const open = (bytes: Uint8Array, purse = PURSE, by = owner) =>
			openOrder(nodeCrypto, bytes, purse, by);

		test("round trip, in at most MAX_ORDER_BYTES", async () => {
			const id = fc.uint8Array({ minLength: 41, maxLength: 104 });
			const body = fc.record(
				{
					purse: id,
					request: fc.uint8Array({ minLength: 16, maxLength: 16 }),
					issuer: id,
					amount: fc.bigInt({ min: 1n, max: MAX_AMOUNT }),
					ordered: fc.nat(),
				},
				{ noNullPrototype: true },
			);
			await fc.assert(
				fc.asyncProperty(body, async (said) => {
					const { toSign, sign } = draftOrder(said);
					const document = sign(await owner.sign(toSign));
					assert.ok(document.length <= MAX_ORDER_BYTES);
					const order = open(document, said.purse);
					assert.deepEqual(order.value, { ...said, document });
				}),
				{ numRuns: 30 },
			);
		});

		test("a signature for any other place is none", async () => {
			for (const role of ALL_ROLES) {
				const signature = await owner.sign(inPlaceOf(draft.toSign, role));
				const check = () => open(draft.sign(signature));
				if (role === "OW") check();
				else assert.throws(check, { code: "authentication-failed" }, role);
			}
		});

		test("an order to another purse, or by another owner, is none", async () => {
			const document = await signed();
			const code = "authentication-failed";
			assert.throws(() => open(document, idOf("bob")), { code });
			const other = fixedSigner(algorithm, "somebody");
			assert.throws(() => open(document, PURSE, other), { code });
			const theirs = draft.sign(await other.sign(draft.toSign));
			assert.throws(() => open(theirs), { code });
		});

		test("no bit of it can be changed, nothing cut off and nothing added", async () => {
			const document = await signed();
			for (const changed of bitChanges(document)) refused(() => open(changed));
			for (const changed of lengthChanges(document))
				refused(() => open(changed));
		});

		test("an amount of zero is refused although it is signed", async () => {
			const { purse, request, issuer } = FIXED_ORDER;
			const body = enc(purse, request, issuer, filled(8, 0), filled(8, 0));
			const signature = await owner.sign(signedBytes("OW", body));
			refused(() => open(enc(body, signature)));
		});

		test("any bytes, and 10 MB of nested encoding, at once", () => {
			fc.assert(
				fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) =>
					refused(() => open(bytes)),
				),
			);
			refusesTenMegabytes(open);
		});

		test("an order is a copy, and opening it is the only way to one", async () => {
			const document = await signed();
			const lent = Buffer.from(document);
			const order = open(lent);
			lent.fill(0xff);
			assert.deepEqual(order, open(document));
			const Forged = Verified as unknown as new (...args: unknown[]) => Order;
			assert.throws(() => new Forged(Symbol(), FIXED_ORDER, document), {
				code: "internal",
			});
		});
	});

describe("what else an owner signs", () => {
	const owner = fixedSigner("P-256", "owner");
	const { amount, issuer, ordered, purse, request } = FIXED_ORDER;
	const head = { number: 7n, hash: filled(32, 3) };
	const documents = {
		override: [
			draftOverride({ purse, request, ordered, ...head }),
			openOverride,
		],
		cancellation: [
			draftCancellation({ purse, request, issuer, amount, cancelled: ordered }),
			openCancellation,
		],
	} as const;
	for (const [name, [draft, open]] of Object.entries(documents))
		test(`the ${name} is for one purse, and by its owner`, async () => {
			const document = draft.sign(await owner.sign(draft.toSign));
			open(nodeCrypto, document, PURSE, owner);
			const code = "authentication-failed";
			assert.throws(() => open(nodeCrypto, document, idOf("bob"), owner), {
				code,
			});
			const other = fixedSigner("P-256", "somebody");
			assert.throws(() => open(nodeCrypto, document, PURSE, other), { code });
		});
});
