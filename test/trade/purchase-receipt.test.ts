import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	type CertifiedDevice,
	type DeviceRole,
	validateChain,
} from "../../src/identity/index.ts";
import {
	draftReceipt,
	type ReceiptBody,
} from "../../src/money/documents/receipt.ts";
import {
	type Contract,
	encodeItemDescription,
	encodePurchaseReceipt,
	isPurchaseReceipt,
	itemHash,
	MAX_PURCHASE_RECEIPT_BYTES,
	openPurchaseReceipt,
	type ProvedPurchase,
	type PurchaseReceipt,
} from "../../src/trade/documents/index.ts";
import { dec, utf8 } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { cell, parseTables, tableIn } from "../protocol/document.ts";
import { TEST_NOW } from "../support/authority.ts";
import { type TradePlace, TradeWorld } from "./world.ts";

const world = await TradeWorld.make();
const { agencies, banks } = world.world.policy;
const TAKEN = TEST_NOW + 1000;

const item = {
	name: "photo.jpg",
	mediaType: "image/jpeg",
	about: "A harbour.",
	order: "",
};
const salt = filled(32, 0x5a);
const description = encodeItemDescription(item);
const hash = itemHash(nodeCrypto, salt, description);

const asked: [DeviceRole, number][] = [];
const certified = (
	chain: Uint8Array,
	role: DeviceRole,
	at: number,
): CertifiedDevice => {
	asked.push([role, at]);
	const anchors = role === "agent" ? agencies : banks;
	return validateChain(nodeCrypto, chain, role, anchors, at);
};

async function receiptFor(
	contract: Contract,
	changes: Partial<ReceiptBody> = {},
	signer: TradePlace = "sellerModule",
): Promise<Uint8Array> {
	const { toSign, sign } = draftReceipt({
		contract: contract.hash,
		transfer: filled(32, 0x72),
		payee: world.idOf("sellerModule"),
		amount: contract.amount,
		accepted: TAKEN,
		head: undefined,
		...changes,
	});
	return sign(await world.parties[signer].signer.sign(toSign));
}

const contract = await world.contract({ item: hash });
const parts: PurchaseReceipt = {
	contract: contract.document,
	contractChain: world.parties.sellerAgent.chain,
	receipt: await receiptFor(contract),
	receiptChain: world.parties.sellerModule.chain,
	salt,
	description,
};

const open = (changes: Partial<PurchaseReceipt> = {}): ProvedPurchase =>
	openPurchaseReceipt(
		nodeCrypto,
		encodePurchaseReceipt({ ...parts, ...changes }),
		certified,
	);

describe("the receipt of a purchase", () => {
	test("proves who sold what to whom for how much, each as of when it was signed", () => {
		asked.length = 0;
		const proved = open();
		assert.deepEqual(proved.contract.hash, contract.hash);
		assert.deepEqual(proved.item, item);
		assert.equal(proved.accepted, TAKEN);
		assert.deepEqual(asked, [
			["agent", TEST_NOW],
			["module", TAKEN],
		]);
	});

	const refused: readonly (readonly [
		string,
		() => Promise<Partial<PurchaseReceipt>>,
		string,
	])[] = [
		[
			"a contract that another agent signed",
			async () => ({
				contract: (await world.contract({ item: hash }, "strangerAgent"))
					.document,
			}),
			"authentication-failed",
		],
		[
			"a chain of another agent",
			async () => ({ contractChain: world.parties.strangerAgent.chain }),
			"authentication-failed",
		],
		[
			"a receipt for another contract",
			async () => ({
				receipt: await receiptFor(await world.contract({ item: hash })),
			}),
			"authentication-failed",
		],
		[
			"a receipt for less",
			async () => ({
				receipt: await receiptFor(contract, { amount: contract.amount - 1n }),
			}),
			"authentication-failed",
		],
		[
			"a receipt of another module",
			async () => ({
				receipt: await receiptFor(
					contract,
					{ payee: world.idOf("strangerModule") },
					"strangerModule",
				),
				receiptChain: world.parties.strangerModule.chain,
			}),
			"authentication-failed",
		],
		[
			"a receipt that its module did not sign",
			async () => ({
				receipt: await receiptFor(contract, {}, "strangerModule"),
			}),
			"authentication-failed",
		],
		[
			"another item",
			async () => ({
				description: encodeItemDescription({ ...item, name: "other.jpg" }),
			}),
			"authentication-failed",
		],
		[
			"another salt",
			async () => ({ salt: filled(32, 1) }),
			"authentication-failed",
		],
	];
	for (const [what, change, code] of refused)
		test(`proves nothing with ${what}`, async () => {
			const changes = await change();
			assert.throws(() => open(changes), { code });
		});

	test("is known by its beginning, and has nothing behind its end", () => {
		const file = encodePurchaseReceipt(parts);
		assert.ok(isPurchaseReceipt(file));
		assert.ok(!isPurchaseReceipt(utf8("tetrad/1 purchase receipt")));
		const longer = new Uint8Array([...file, 0]);
		assert.throws(() => openPurchaseReceipt(nodeCrypto, longer, certified), {
			code: "malformed",
		});
	});

	test("has the fields that docs/trade.md lists", () => {
		const page = "docs/trade.md";
		const url = new URL(`../../${page}`, import.meta.url);
		const { rows } = tableIn(
			parseTables(readFileSync(url, "utf8")),
			page,
			"Receipt of a purchase",
			["field", "bytes"],
		);
		const fields = dec(encodePurchaseReceipt(parts), rows.length);
		let longest = 0;
		for (const [at, row] of rows.entries()) {
			const [min = 0, max = min] = cell(row, "bytes").split("–").map(Number);
			const { length = 0 } = fields[at] ?? {};
			assert.ok(length >= min && length <= max, cell(row, "field"));
			longest += 4 + max;
			if (at > 0)
				assert.deepEqual(
					fields[at],
					parts[cell(row, "field") as keyof PurchaseReceipt],
				);
		}
		assert.equal(MAX_PURCHASE_RECEIPT_BYTES, longest);
	});
});
