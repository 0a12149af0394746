import assert from "node:assert/strict";
import { createHash, hkdfSync } from "node:crypto";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	contentKey,
	encodePurchaseTerms,
	encodeTerms,
	exporterHash,
	goodsKey,
	keyHash,
	parseContract,
	parsePurchaseTerms,
	parseSellingCertificate,
	parseTerms,
	saltKey,
	secretHash,
	sellerOf,
	sellingSecret,
	termsHash,
	verifyContract,
	verifySellingCertificate,
} from "../../src/trade/documents/index.ts";
import { enc, hex, utf8 } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { DAY, TEST_NOW } from "../support/authority.ts";
import { TradeWorld } from "./world.ts";

const world = await TradeWorld.make();
const NOTHING = new Uint8Array();

/** The HKDF of another library, with labels and lengths written out. */
function derived(
	salt: Uint8Array,
	secret: Uint8Array,
	...info: readonly Uint8Array[]
): string {
	return Buffer.from(
		hkdfSync("sha256", secret, salt, enc(...info), 32),
	).toString("hex");
}

function hashOf(...fields: readonly Uint8Array[]): string {
	return createHash("sha256")
		.update(enc(...fields))
		.digest("hex");
}

describe("every key of a sale follows from secrets as docs/trade.md says", () => {
	const seller = {
		module: world.idOf("sellerModule"),
		agent: world.idOf("sellerAgent"),
		generation: 0x01020304,
	};
	const secret = sellingSecret(nodeCrypto, world.master, seller);

	test("the selling secret names module, agent and generation", () => {
		assert.equal(
			hex(secret),
			derived(
				NOTHING,
				world.master,
				utf8("tetrad/1 selling secret"),
				seller.module,
				seller.agent,
				Uint8Array.of(1, 2, 3, 4),
			),
		);
		for (const other of [
			{ ...seller, module: seller.agent },
			{ ...seller, agent: world.idOf("strangerAgent") },
			{ ...seller, generation: 1 },
			{ ...seller, module: seller.agent, agent: seller.module },
		])
			assert.notEqual(
				hex(sellingSecret(nodeCrypto, world.master, other)),
				hex(secret),
			);
	});

	test("its hash, the salt key and the hash of the exporter", () => {
		assert.equal(
			hex(secretHash(nodeCrypto, secret)),
			hashOf(utf8("tetrad/1 secret hash"), secret),
		);
		assert.equal(
			hex(saltKey(nodeCrypto, secret)),
			derived(NOTHING, secret, utf8("tetrad/1 salt key")),
		);
		assert.equal(
			hex(exporterHash(nodeCrypto, world.exporter)),
			hashOf(utf8("tetrad/1 exporter hash"), world.exporter),
		);
	});

	test("the goods key and the content key", async () => {
		const terms = await world.terms();
		const hash = termsHash(nodeCrypto, terms);
		assert.equal(hex(hash), hashOf(utf8("tetrad/1 terms"), encodeTerms(terms)));
		const key = goodsKey(nodeCrypto, secret, hash);
		assert.equal(
			hex(key),
			derived(NOTHING, secret, utf8("tetrad/1 goods key"), hash),
		);
		assert.equal(
			hex(contentKey(nodeCrypto, key, world.exporter, terms.id)),
			derived(world.exporter, key, utf8("tetrad/1 content key"), terms.id),
		);
	});

	test("the goods key is another one when any field of the terms is", async () => {
		const terms = await world.terms();
		const keys = new Set([hex(world.keyOf(terms))]);
		const changes = {
			id: filled(16, 0xff),
			made: terms.made - 1,
			buyerAgent: world.idOf("strangerAgent"),
			buyerModule: world.idOf("strangerModule"),
			sellerAgent: world.idOf("strangerAgent"),
			sellerModule: world.idOf("strangerModule"),
			binding: filled(32, 1),
			issuer: world.idOf("strangerModule"),
			currency: "EUX",
			amount: 1n,
			item: filled(32, 2),
			plaintextRoot: filled(32, 3),
			length: 101n,
			exporterHash: filled(32, 4),
			payBy: terms.payBy + 1,
			bookBy: terms.bookBy + 1,
			certificate: await world.certificate(2),
		};
		for (const [name, value] of Object.entries(changes))
			keys.add(hex(world.keyOf({ ...terms, [name]: value })));
		// All fields of the terms but the rail, of which there is one.
		assert.equal(Object.keys(changes).length, Object.keys(terms).length - 1);
		assert.equal(keys.size, 1 + Object.keys(changes).length);
	});
});

describe("a contract", () => {
	test("is read as it was signed, and its hash is of the body alone", async () => {
		const contract = await world.contract();
		const again = parseContract(nodeCrypto, contract.document);
		assert.deepEqual(again, contract);
		const length = new DataView(contract.document.buffer).getUint32(0);
		const body = contract.document.slice(4, 4 + length);
		assert.equal(hex(contract.hash), hashOf(utf8("tetrad/1 contract"), body));
		assert.equal(sellerOf(contract.seller).generation, 1);
		const { value } = verifyContract(
			nodeCrypto,
			contract,
			world.parties.sellerAgent.device,
		);
		assert.equal(value, contract);
	});

	test("has the form of its terms, and then the two fields that depend on the key", async () => {
		const terms = await world.terms();
		assert.deepEqual(parseTerms(encodeTerms(terms)), terms);
		const contract = await world.contract({ id: terms.id });
		const length = new DataView(contract.document.buffer).getUint32(0);
		assert.equal(
			hex(contract.document.slice(4, 4 + length - 72)),
			hex(encodeTerms(terms)),
		);
		assert.equal(
			hex(contract.keyHash),
			hex(keyHash(nodeCrypto, world.keyOf(terms))),
		);
	});

	test("that somebody else signed is refused", async () => {
		const contract = await world.contract({}, "strangerAgent");
		for (const place of [
			"sellerAgent",
			"strangerAgent",
			"sellerModule",
		] as const)
			assert.throws(
				() => verifyContract(nodeCrypto, contract, world.parties[place].device),
				{ code: "authentication-failed" },
			);
	});

	test("with the certificate of another agent, module or issuer is refused", async () => {
		for (const changes of [
			{ certificate: await world.certificate(1, "strangerModule") },
			{
				certificate: await world.certificate(
					1,
					"sellerModule",
					"strangerAgent",
				),
			},
			{ issuer: world.idOf("strangerModule") },
		]) {
			const contract = await world.contract(changes);
			assert.throws(
				() =>
					verifyContract(
						nodeCrypto,
						contract,
						world.parties.sellerAgent.device,
					),
				{ code: "payment-refused" },
			);
		}
	});

	test("between a merchant and itself is refused", async () => {
		for (const changes of [
			{ buyerAgent: world.idOf("sellerAgent") },
			{ buyerModule: world.idOf("sellerModule") },
		]) {
			const contract = await world.contract(changes);
			assert.throws(
				() =>
					verifyContract(
						nodeCrypto,
						contract,
						world.parties.sellerAgent.device,
					),
				{ code: "payment-refused" },
			);
		}
	});

	test("has its times in order and within their bounds", async () => {
		for (const changes of [
			{ payBy: TEST_NOW },
			{ payBy: TEST_NOW + DAY + 1 },
			{ bookBy: TEST_NOW + 119_999 },
			{ bookBy: TEST_NOW + 30 * DAY + 1 },
		])
			await assert.rejects(world.contract(changes), { code: "malformed" });
		await world.contract({
			payBy: TEST_NOW + DAY,
			bookBy: TEST_NOW + 30 * DAY,
		});
	});

	test("of no price, of another rail, or with anything after it is none", async () => {
		await assert.rejects(world.contract({ amount: 0n }));
		const { document } = await world.contract();
		for (let cut = 0; cut < document.length; cut += 7)
			assert.throws(() => parseContract(nodeCrypto, document.slice(0, cut)), {
				code: "malformed",
			});
		assert.throws(
			() =>
				parseContract(
					nodeCrypto,
					Buffer.concat([document, NOTHING, filled(1, 0)]),
				),
			{ code: "malformed" },
		);
	});

	test("over a rail that is not known is refused, and says which", async () => {
		const contract = await world.contract();
		const terms = encodeTerms(contract);
		// The byte after the binding and the length of the field.
		const at = indexOf(terms, contract.binding) + contract.binding.length + 4;
		assert.equal(terms[at], 1);
		terms[at] = 9;
		assert.throws(() => parseTerms(terms), {
			code: "malformed",
			message: /over rail 9, which this program does not know/,
		});
	});

	test("travels with the chain of its agent", async () => {
		const { document } = await world.contract();
		const { chain } = world.parties.sellerAgent;
		const terms = parsePurchaseTerms(
			encodePurchaseTerms({ contract: document, chain }),
		);
		assert.equal(hex(terms.contract), hex(document));
		assert.equal(hex(terms.chain), hex(chain));
	});
});

describe("a selling certificate", () => {
	test("is its issuer's alone", async () => {
		const certificate = parseSellingCertificate(await world.certificate());
		verifySellingCertificate(
			nodeCrypto,
			certificate,
			world.parties.issuer.device,
		);
		assert.throws(
			() =>
				verifySellingCertificate(
					nodeCrypto,
					certificate,
					world.parties.strangerModule.device,
				),
			{ code: "authentication-failed" },
		);
		const forged = parseSellingCertificate(
			await world.certificate(
				1,
				"sellerModule",
				"sellerAgent",
				"strangerModule",
			),
		);
		assert.throws(
			() =>
				verifySellingCertificate(
					nodeCrypto,
					forged,
					world.parties.issuer.device,
				),
			{ code: "authentication-failed" },
		);
	});

	test("has a generation from 1 on", async () => {
		await assert.rejects(world.certificate(0), { code: "invalid-argument" });
	});
});

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
	return Buffer.from(bytes).indexOf(part);
}
