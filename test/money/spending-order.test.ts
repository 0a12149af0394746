import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	type ApprovalBody,
	draftApproval,
	draftLimits,
	type LimitsBody,
	MAX_AMOUNT,
	MAX_APPROVAL_BYTES,
	MAX_LIMITS_BYTES,
	openApproval,
	openLimits,
} from "../../src/money/index.ts";
import { dec, enc, hex, signedBytes } from "../../src/wire/index.ts";
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

const LIMITS: LimitsBody = {
	purse: PURSE,
	request: filled(16, 0x0a),
	number: 7n,
	money: [
		{
			issuer: idOf("bank.example"),
			perPayment: 500n,
			perDay: 0n,
			perMerchantDay: undefined,
			inAll: MAX_AMOUNT,
			approvalAbove: undefined,
		},
	],
	merchants: [idOf("shop")],
	approveNewMerchants: true,
	ordered: TEST_NOW,
};

const APPROVAL: ApprovalBody = {
	purse: PURSE,
	request: filled(16, 0x0a),
	contract: filled(32, 0x0c),
	payee: idOf("shop"),
	issuer: idOf("bank.example"),
	amount: 1250n,
	isApproved: true,
	ordered: TEST_NOW,
};

const OF = {
	limits: {
		role: "LI",
		draft: draftLimits(LIMITS),
		open: openLimits,
		value: LIMITS,
	},
	approval: {
		role: "AP",
		draft: draftApproval(APPROVAL),
		open: openApproval,
		value: APPROVAL,
	},
} as const;

for (const [name, { role, draft, open: opened, value }] of Object.entries(OF))
	describe(`opening ${name}`, () => {
		const open = (document: Uint8Array, purse = PURSE, by = OWNER) =>
			opened(nodeCrypto, document, purse, by);
		const signed = async () => draft.sign(await OWNER.sign(draft.toSign));

		test("what was signed is what is read", async () => {
			const document = await signed();
			assert.deepEqual(open(document).value, { ...value, document });
		});

		test("a signature for any other place is none", async () => {
			for (const other of ALL_ROLES) {
				const signature = await OWNER.sign(inPlaceOf(draft.toSign, other));
				const check = () => open(draft.sign(signature));
				if (other === role) check();
				else assert.throws(check, { code: "authentication-failed" }, other);
			}
		});

		test("for another purse, or by anybody but the owner, it is none", async () => {
			const code = "authentication-failed";
			const document = await signed();
			assert.throws(() => open(document, idOf("bob")), { code });
			const agent = fixedSigner("Ed25519", "agent");
			assert.throws(() => open(document, PURSE, agent), { code });
			const forged = draft.sign(await agent.sign(draft.toSign));
			assert.throws(() => open(forged), { code });
		});

		test("no bit of it can be changed, nothing cut off and nothing added", async () => {
			const document = await signed();
			for (const changed of bitChanges(document)) refused(() => open(changed));
			for (const changed of lengthChanges(document))
				refused(() => open(changed));
		});

		test("any bytes, and 10 MB of nested encoding, at once", () => {
			fc.assert(
				fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) =>
					refused(() => open(bytes)),
				),
			);
			refusesTenMegabytes(open);
		});
	});

describe("limits", () => {
	test("round trip, in at most MAX_LIMITS_BYTES", async () => {
		const id = fc.uint8Array({ minLength: 41, maxLength: 104 });
		const limit = fc.option(fc.bigInt({ min: 0n, max: MAX_AMOUNT }), {
			nil: undefined,
		});
		const unique = { selector: (id: Uint8Array) => hex(id) };
		const money = fc.record(
			{
				issuer: id,
				perPayment: limit,
				perDay: limit,
				perMerchantDay: limit,
				inAll: limit,
				approvalAbove: limit,
				fee: fc.bigInt({ min: 0n, max: MAX_AMOUNT }),
			},
			{
				noNullPrototype: true,
				requiredKeys: [
					...(["issuer", "perPayment", "perDay"] as const),
					...(["perMerchantDay", "inAll", "approvalAbove"] as const),
				],
			},
		);
		const body = fc.record(
			{
				purse: id,
				request: fc.uint8Array({ minLength: 16, maxLength: 16 }),
				number: fc.bigInt({ min: 0n, max: MAX_AMOUNT }),
				money: fc.uniqueArray(money, {
					maxLength: 16,
					selector: ({ issuer }) => hex(issuer),
				}),
				merchants: fc.option(
					fc.uniqueArray(id, { ...unique, maxLength: 256 }),
					{ nil: undefined },
				),
				approveNewMerchants: fc.boolean(),
				ordered: fc.nat(),
			},
			{ noNullPrototype: true },
		);
		await fc.assert(
			fc.asyncProperty(body, async (said) => {
				const { toSign, sign } = draftLimits(said);
				const document = sign(await OWNER.sign(toSign));
				assert.ok(document.length <= MAX_LIMITS_BYTES);
				const { value } = openLimits(nodeCrypto, document, said.purse, OWNER);
				assert.deepEqual(value, { ...said, document });
			}),
			{ numRuns: 30 },
		);
	});

	test("what could not be is not drafted", () => {
		const [money] = LIMITS.money;
		assert.ok(money);
		for (const changes of [
			{ number: -1n },
			{ number: MAX_AMOUNT + 1n },
			{ ordered: -1 },
			{ money: [{ ...money, perDay: -1n }] },
			{ money: [{ ...money, perDay: MAX_AMOUNT + 1n }] },
			{ money: [money, { ...money, perDay: 5n }] },
			{ merchants: [idOf("shop"), idOf("shop")] },
		])
			assert.throws(
				() => draftLimits({ ...LIMITS, ...changes }),
				(thrown) =>
					["invalid-argument", "malformed"].includes(
						(thrown as { code: string }).code,
					),
			);
	});

	test("that name merchants and let any be paid are refused, and so is a part of a budget", async () => {
		const { toSign } = draftLimits(LIMITS);
		const label = toSign.indexOf(0) + 1;
		const [encoded] = dec(toSign.subarray(label), 1);
		const fields = dec(encoded ?? filled(0, 0), 9);
		const resigned = async (at: number, value: Uint8Array) => {
			const body = enc(...fields.with(at, value));
			return enc(body, await OWNER.sign(signedBytes("LI", body)));
		};
		const open = (document: Uint8Array) =>
			openLimits(nodeCrypto, document, PURSE, OWNER);
		open(await resigned(4, filled(1, 0)));
		for (const [at, value] of [
			[4, filled(1, 1)],
			[7, filled(1, 0)],
		] as const) {
			const document = await resigned(at, value);
			assert.throws(() => open(document), { code: "malformed" });
		}
	});
});

test("golden bytes of what an owner signs of an approval", () => {
	assert.ok(OF.approval.draft.sign(filled(64, 1)).length <= MAX_APPROVAL_BYTES);
	assert.equal(
		hex(OF.approval.draft.toSign),
		[
			"7465747261642f3120415000000000ee",
			`0000002d00000020${"d0".repeat(32)}00000005616c696365`,
			`00000010${"0a".repeat(16)}`,
			`00000020${"0c".repeat(32)}`,
			`0000002c00000020${"d0".repeat(32)}0000000473686f70`,
			`0000003400000020${"d0".repeat(32)}0000000c62616e6b2e6578616d706c65`,
			"0000000800000000000004e2",
			"0000000101",
			"000000080000019e830e1a00",
		].join(""),
	);
});
