import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
	type CryptoProvider,
	nodeCrypto,
	type SignatureAlgorithm,
} from "../../src/crypto/index.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import { fixedCrypto, fixedSigner } from "../support/fixed-crypto.ts";
import { unhex } from "../support/vectors.ts";

function draws(crypto: CryptoProvider): readonly string[] {
	const kem = crypto.generateKem();
	const encapsulated = crypto.encapsulate(kem.publicKey);
	assert.ok(encapsulated);
	return [
		crypto.random(32),
		crypto.random(100),
		crypto.generateX25519().publicKey,
		crypto.generateX25519().publicKey,
		kem.publicKey,
		crypto.generateKem().publicKey,
		encapsulated.ciphertext,
		encapsulated.secret,
	].map(hex);
}

suite("fixedCrypto", () => {
	test("one seed gives the same bytes, another seed others", () => {
		const first = draws(fixedCrypto("seed"));
		assert.deepEqual(draws(fixedCrypto("seed")), first);
		for (const [i, value] of draws(fixedCrypto("other")).entries())
			assert.notEqual(value, first[i]);
		assert.equal(new Set(first).size, first.length);
	});

	test("the stream is what its description says", () => {
		const crypto = fixedCrypto("seed");
		crypto.random(1);
		// Written out by hand: enc("tetrad test stream", "seed", "random", 1, j).
		const block = (j: number) =>
			hex(
				nodeCrypto.sha256(
					unhex("00000012"),
					utf8("tetrad test stream"),
					unhex("00000004"),
					utf8("seed"),
					unhex("00000006"),
					utf8("random"),
					unhex(`0000000400000001000000040000000${j}`),
				),
			);
		assert.equal(hex(crypto.random(40)), `${block(0)}${block(1)}`.slice(0, 80));
	});

	test("kinds do not disturb each other, and no draw repeats", () => {
		const crypto = fixedCrypto("seed");
		const expected = fixedCrypto("seed").generateX25519().publicKey;
		const random = [crypto.random(32), crypto.random(32)];
		crypto.generateKem();
		assert.deepEqual(crypto.generateX25519().publicKey, expected);
		assert.notDeepEqual(random[0], random[1]);
		const { publicKey } = crypto.generateKem();
		assert.notDeepEqual(
			crypto.encapsulate(publicKey),
			crypto.encapsulate(publicKey),
		);
	});

	test("refuses the public keys that nodeCrypto refuses", () => {
		const crypto = fixedCrypto("seed");
		for (const key of [
			new Uint8Array(1183),
			new Uint8Array(1184).fill(255),
			new Uint8Array(1185),
		])
			assert.equal(crypto.encapsulate(key), undefined);
		const { publicKey } = crypto.generateKem();
		assert.deepEqual(
			crypto.encapsulate(publicKey),
			fixedCrypto("seed").encapsulate(publicKey),
		);
	});

	for (const [name, a, b] of [
		["fixed to node", fixedCrypto("seed"), nodeCrypto],
		["node to fixed", nodeCrypto, fixedCrypto("seed")],
		["fixed to fixed", fixedCrypto("a"), fixedCrypto("b")],
	] as const)
		test(`interoperates, ${name}`, () => {
			const ours = a.generateX25519();
			const theirs = b.generateX25519();
			const shared = ours.agree(theirs.publicKey);
			assert.ok(shared);
			assert.deepEqual(theirs.agree(ours.publicKey), shared);

			const kem = a.generateKem();
			const encapsulated = b.encapsulate(kem.publicKey);
			assert.ok(encapsulated);
			assert.deepEqual(
				kem.decapsulate(encapsulated.ciphertext),
				encapsulated.secret,
			);

			const key = a.hkdfExtract(shared, encapsulated.secret);
			const nonce = new Uint8Array(12);
			assert.deepEqual(
				b
					.aead("ChaChaPoly", key)
					.open(
						nonce,
						nonce,
						a.aead("ChaChaPoly", key).seal(nonce, nonce, key),
					),
				key,
			);
		});
});

for (const algorithm of ["P-256", "Ed25519"] satisfies SignatureAlgorithm[])
	suite(`fixedSigner ${algorithm}`, () => {
		const message = utf8("message");

		test("is repeatable, and another seed is another key", async () => {
			const [one, two] = [
				fixedSigner(algorithm, "seed"),
				fixedSigner(algorithm, "seed"),
			];
			assert.equal(one.algorithm, algorithm);
			assert.deepEqual(one.publicKey, two.publicKey);
			assert.deepEqual(await one.sign(message), await two.sign(message));
			assert.deepEqual(await one.sign(message), await one.sign(message));
			assert.notDeepEqual(
				fixedSigner(algorithm, "other").publicKey,
				one.publicKey,
			);
		});

		test("verifies under nodeCrypto", async () => {
			const signer = fixedSigner(algorithm, "seed");
			for (let i = 0; i < 20; i++) {
				const content = utf8(`message ${i}`);
				const signature = await signer.sign(content);
				const verify = (value: Uint8Array) =>
					nodeCrypto.verify(algorithm, signer.publicKey, value, signature);
				assert.equal(signature.length, 64);
				assert.ok(verify(content));
				assert.ok(!verify(message));
			}
		});
	});

test("a fixed P-256 signer leaves s as it comes out", async () => {
	const signer = fixedSigner("P-256", "seed");
	const high: boolean[] = [];
	for (let i = 0; i < 20; i++)
		high.push(((await signer.sign(utf8(`message ${i}`)))[32] ?? 0) >= 0x80);
	assert.ok(high.includes(true) && high.includes(false));
});
