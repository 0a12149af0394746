/*
 * The vectors of a purchase, twice: the code under test makes the very file, and what stands in the
 * file is computed again from its inputs, by docs/trade.md, on `node:crypto` alone.
 */
import assert from "node:assert/strict";
import {
	createHash,
	createPublicKey,
	hkdfSync,
	type KeyObject,
	verify,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import * as reference from "./merchandise-reference.ts";
import { content } from "./merchandise-support.ts";
import { makePurchaseVectors, PURCHASE_VECTORS } from "./vectors.ts";

const TEXT = readFileSync(PURCHASE_VECTORS, "utf8");
const VECTORS = JSON.parse(TEXT);
const { enc, u32 } = reference;

const bytes = (text: unknown): Buffer => {
	assert.match(String(text), /^([0-9a-f]{2})+$/);
	return Buffer.from(String(text), "hex");
};

function u64(value: unknown): Buffer {
	const out = Buffer.alloc(8);
	out.writeBigUInt64BE(BigInt(value as string | number));
	return out;
}

const sha256 = (of: Uint8Array): string =>
	createHash("sha256").update(of).digest("hex");

function hkdf(salt: Uint8Array, secret: Uint8Array, info: Uint8Array): string {
	return Buffer.from(hkdfSync("sha256", secret, salt, info, 32)).toString(
		"hex",
	);
}

const signedBytes = (role: string, body: Uint8Array): Buffer =>
	Buffer.concat([Buffer.from(`tetrad/1 ${role}\0`), enc(body)]);

function publicKey(raw: unknown): KeyObject {
	const x = bytes(raw).toString("base64url");
	return createPublicKey({
		key: { kty: "OKP", crv: "Ed25519", x },
		format: "jwk",
	});
}

/** The body of a document and its signature. */
function parts(document: Buffer): readonly [Buffer, Buffer] {
	const length = document.readUInt32BE(0);
	const signature = document.subarray(8 + length);
	assert.equal(document.readUInt32BE(4 + length), 64);
	assert.equal(signature.length, 64);
	return [document.subarray(4, 4 + length), signature];
}

const NOTHING = Buffer.alloc(0);

test("the code makes these vectors, to the byte", async () => {
	assert.equal(await makePurchaseVectors(), TEXT);
});

describe("the vectors of a purchase follow from the document", () => {
	const { contract, merchandise, certificate, item, transfer } = VECTORS;

	test("the selling secret, its hash, and the salt key", () => {
		const secret = hkdf(
			NOTHING,
			bytes(VECTORS.master),
			enc(
				"tetrad/1 selling secret",
				bytes(contract.sellerModule),
				bytes(contract.sellerAgent),
				u32(VECTORS.generation),
			),
		);
		assert.equal(VECTORS.sellingSecret, secret);
		const hash = sha256(enc("tetrad/1 secret hash", bytes(secret)));
		assert.equal(VECTORS.secretHash, hash);
		assert.equal(
			VECTORS.saltKey,
			hkdf(NOTHING, bytes(secret), enc("tetrad/1 salt key")),
		);
	});

	test("the selling certificate", () => {
		const body = enc(
			bytes(contract.issuer),
			bytes(certificate.issuerCertificate),
			bytes(contract.sellerModule),
			bytes(contract.sellerAgent),
			u32(VECTORS.generation),
			bytes(VECTORS.secretHash),
			u64(certificate.issued),
		);
		const [signed, signature] = parts(bytes(certificate.document));
		assert.deepEqual(signed, body);
		const key = publicKey(VECTORS.issuerPublicKey);
		assert.ok(verify(null, signedBytes("SC", body), key, signature));
	});

	test("the hashes of the exporter and of the item", () => {
		assert.equal(
			VECTORS.exporterHash,
			sha256(enc("tetrad/1 exporter hash", bytes(VECTORS.exporter))),
		);
		const { name, mediaType, about, order } = item;
		const description = enc(name, mediaType, about, order);
		assert.deepEqual(bytes(item.description), description);
		assert.equal(
			item.hash,
			sha256(enc("tetrad/1 item", bytes(item.salt), description)),
		);
	});

	test("the goods key, from all terms", () => {
		const terms = enc(
			bytes(contract.id),
			u64(contract.made),
			bytes(contract.buyerAgent),
			bytes(contract.buyerModule),
			bytes(contract.sellerAgent),
			bytes(contract.sellerModule),
			bytes(contract.binding),
			Uint8Array.of(contract.rail),
			bytes(contract.issuer),
			contract.currency,
			u64(contract.amount),
			bytes(item.hash),
			bytes(merchandise.plaintextRoot),
			u64(merchandise.length),
			bytes(VECTORS.exporterHash),
			u64(contract.payBy),
			u64(contract.bookBy),
			bytes(certificate.document),
		);
		assert.deepEqual(bytes(contract.terms), terms);
		assert.equal(contract.termsHash, sha256(enc("tetrad/1 terms", terms)));
		const key = hkdf(
			NOTHING,
			bytes(VECTORS.sellingSecret),
			enc("tetrad/1 goods key", bytes(contract.termsHash)),
		);
		assert.equal(contract.goodsKey, key);
		assert.equal(contract.keyHash, sha256(bytes(key)));
	});

	test("the contract, its signature and its hash", () => {
		const body = Buffer.concat([
			bytes(contract.terms),
			enc(bytes(contract.keyHash), bytes(merchandise.ciphertextRoot)),
		]);
		const [signed, signature] = parts(bytes(contract.document));
		assert.deepEqual(signed, body);
		const toSign = signedBytes("CO", body);
		assert.deepEqual(bytes(contract.toSign), toSign);
		const key = publicKey(VECTORS.agentPublicKey);
		assert.ok(verify(null, toSign, key, signature));
		assert.equal(contract.hash, sha256(enc("tetrad/1 contract", body)));
	});

	test("the merchandise: salts, leaves, sealed chunks, roots and a path", () => {
		const sale: reference.ReferenceSale = {
			contractId: bytes(contract.id),
			saltKey: bytes(VECTORS.saltKey),
			key: bytes(contract.goodsKey),
			exporter: bytes(VECTORS.exporter),
		};
		assert.equal(
			merchandise.contentKey,
			hkdf(
				sale.exporter,
				sale.key,
				enc("tetrad/1 content key", sale.contractId),
			),
		);
		const chunks = reference.chunksOf(content(Number(merchandise.length)));
		const expected = chunks.map((chunk, index) => {
			const salt = reference.salt(sale, index);
			const sealed = reference.seal(sale, index, chunk);
			return {
				index,
				salt: salt.toString("hex"),
				leaf: reference.leaf(index, salt, chunk).toString("hex"),
				sealedSha256: sha256(sealed),
				sealedLeaf: reference
					.sealedLeaf(sale.contractId, index, sealed)
					.toString("hex"),
			};
		});
		assert.equal(expected.length, 3);
		assert.deepEqual(merchandise.chunks, expected);
		const leaves = expected.map(({ leaf }) => bytes(leaf));
		const ofSealed = expected.map(({ sealedLeaf }) => bytes(sealedLeaf));
		assert.deepEqual(bytes(merchandise.plaintextRoot), reference.root(leaves));
		assert.deepEqual(
			bytes(merchandise.ciphertextRoot),
			reference.root(ofSealed),
		);
		const { index, plaintext, ciphertext } = merchandise.path;
		assert.deepEqual(plaintext.map(bytes), reference.path(leaves, index));
		assert.deepEqual(ciphertext.map(bytes), reference.path(ofSealed, index));
	});

	test("what its payer signs, with the mark of a sale", () => {
		const pieces = Buffer.concat([
			bytes(transfer.noteId),
			u64(0),
			u64(contract.amount),
		]);
		const body = enc(
			bytes(contract.buyerModule),
			bytes(contract.sellerModule),
			bytes(contract.issuer),
			contract.currency,
			u64(contract.amount),
			bytes(contract.hash),
			bytes(contract.binding),
			bytes(transfer.parties),
			pieces,
			"sale",
		);
		assert.deepEqual(bytes(transfer.toSign), signedBytes("TR", body));
	});
});
