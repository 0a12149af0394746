import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	draftReceipt,
	MAX_AMOUNT,
	MAX_RECEIPT_BYTES,
	openReceipt,
	type Receipt,
	type ReceiptBody,
} from "../../src/money/index.ts";
import { enc, hex, signedBytes, Verified } from "../../src/wire/index.ts";
import { TEST_NOW } from "../support/authority.ts";
import {
	ALGORITHMS,
	ALL_ROLES,
	bitChanges,
	encodedAnew,
	FIXED,
	filled,
	idOf,
	inPlaceOf,
	lengthChanges,
	MoneyWorld,
	refused,
	refusesTenMegabytes,
} from "./documents.ts";
import * as golden from "./golden.ts";

const FIXED_RECEIPT: ReceiptBody = {
	contract: filled(32, 0xc0),
	transfer: golden.TRANSFER_ID,
	payee: idOf("bob"),
	amount: 1250n,
	accepted: TEST_NOW,
	head: undefined,
};

test("golden bytes of what a payee signs", () => {
	assert.equal(
		hex(draftReceipt(FIXED_RECEIPT).toSign),
		hex(golden.RECEIPT_TO_SIGN),
	);
	assert.equal(
		hex(
			draftReceipt({
				...FIXED_RECEIPT,
				head: { number: 0x0102030405060708n, hash: filled(32, 0x4e) },
			}).toSign,
		),
		hex(golden.HEADED_RECEIPT_TO_SIGN),
	);
});

test("round trip, in at most MAX_RECEIPT_BYTES", async () => {
	const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
	const body = fc.record(
		{
			contract: hash,
			transfer: hash,
			payee: fc.uint8Array({ minLength: 41, maxLength: 104 }),
			amount: fc.bigInt({ min: 1n, max: MAX_AMOUNT }),
			accepted: fc.nat(),
			head: fc.option(
				fc.record(
					{ number: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), hash },
					{ noNullPrototype: true },
				),
				{ nil: undefined },
			),
		},
		{ noNullPrototype: true },
	);
	await fc.assert(
		fc.asyncProperty(body, async (said) => {
			const signer = FIXED.payee;
			const { toSign, sign } = draftReceipt(said);
			const document = sign(await signer.sign(toSign));
			assert.ok(document.length <= MAX_RECEIPT_BYTES);
			const payee = { deviceId: said.payee, ...signer };
			const receipt = openReceipt(nodeCrypto, document, payee);
			assert.deepEqual(receipt.value, { ...said, document });
		}),
		{ numRuns: 30 },
	);
});

test("a receipt that could not be is not drafted", () => {
	for (const changes of [
		{ amount: 0n },
		{ amount: -1n },
		{ amount: MAX_AMOUNT + 1n },
		{ amount: 2n ** 64n + 1n },
		{ accepted: -1 },
		{ accepted: Number.NaN },
	])
		assert.throws(() => draftReceipt({ ...FIXED_RECEIPT, ...changes }), {
			code: "invalid-argument",
		});
});

for (const algorithm of ALGORITHMS)
	describe(`opening receipts, ${algorithm}`, () => {
		let world: MoneyWorld;
		let draft: ReturnType<typeof draftReceipt>;
		let document: Uint8Array;
		before(async () => {
			world = await MoneyWorld.make(algorithm);
			const payee = world.payee.device.deviceId;
			draft = draftReceipt({ ...FIXED_RECEIPT, payee });
			document = draft.sign(await world.payee.signer.sign(draft.toSign));
		});
		const open = (bytes: Uint8Array, payee = world.payee) =>
			openReceipt(nodeCrypto, bytes, payee.device);

		test("the payee's is one", () => {
			assert.equal(open(document).value.amount, 1250n);
		});

		test("a signature for any other place is none", async () => {
			for (const role of ALL_ROLES) {
				const signature = await world.payee.signer.sign(
					inPlaceOf(draft.toSign, role),
				);
				const check = () => open(draft.sign(signature));
				if (role === "RE") check();
				else assert.throws(check, { code: "authentication-failed" }, role);
			}
		});

		test("somebody else's is none, in whoever's name", async () => {
			const { stranger } = world;
			const forged = draft.sign(await stranger.signer.sign(draft.toSign));
			for (const payee of [world.payee, stranger])
				assert.throws(() => open(forged, payee), {
					code: "authentication-failed",
				});
			const own = draftReceipt({
				...FIXED_RECEIPT,
				payee: stranger.device.deviceId,
			});
			const theirs = own.sign(await stranger.signer.sign(own.toSign));
			open(theirs, stranger);
			assert.throws(() => open(theirs), { code: "authentication-failed" });
		});

		test("no bit of it can be changed, nothing cut off and nothing added", () => {
			for (const changed of bitChanges(document)) refused(() => open(changed));
			for (const changed of lengthChanges(document))
				refused(() => open(changed));
		});

		test("an amount of zero is refused although it is signed", async () => {
			const body = enc(
				FIXED_RECEIPT.contract,
				FIXED_RECEIPT.transfer,
				world.payee.device.deviceId,
				filled(8, 0),
				filled(8, 0),
			);
			const signature = await world.payee.signer.sign(signedBytes("RE", body));
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

		test("a receipt is a copy", () => {
			const lent = Buffer.from(document);
			const receipt = open(lent);
			lent.fill(0xff);
			assert.deepEqual(receipt, open(document));
		});

		test("is the only way to one", () => {
			const Forged = Verified as unknown as new (...args: unknown[]) => Receipt;
			assert.throws(() => new Forged(Symbol(), FIXED_RECEIPT, document), {
				code: "internal",
			});
		});
	});

test("a receipt whose signature was encoded anew says the same", async () => {
	const world = await MoneyWorld.make("P-256");
	const payee = world.payee.device.deviceId;
	const { toSign, sign } = draftReceipt({ ...FIXED_RECEIPT, payee });
	const document = sign(await world.payee.signer.sign(toSign));
	const saidBy = (bytes: Uint8Array) => {
		const receipt = openReceipt(nodeCrypto, bytes, world.payee.device);
		const { document: _, ...body } = receipt.value;
		return body;
	};
	assert.deepEqual(saidBy(encodedAnew(document)), saidBy(document));
});
