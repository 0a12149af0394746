import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import { MAX_REMEMBERED, remembering } from "../../src/wire/remembering.ts";

/** A provider that remembers, and how often it has verified for it. */
function watched() {
	let verified = 0;
	const provider = remembering({
		...nodeCrypto,
		verify: (...given) => {
			verified++;
			return nodeCrypto.verify(...given);
		},
	});
	return { provider, verified: () => verified };
}

const message = Uint8Array.of(1, 2, 3);

async function signed(content: Uint8Array = message) {
	const signer = generateSoftwareKey("Ed25519");
	return { key: signer.publicKey, signature: await signer.sign(content) };
}

describe("a provider that remembers what it has verified", () => {
	test("verifies what was good once", async () => {
		const { provider, verified } = watched();
		const { key, signature } = await signed();
		for (let i = 0; i < 3; i++)
			assert.ok(provider.verify("Ed25519", key, message, signature));
		assert.equal(verified(), 1);
	});

	test("says of nothing else that it is good", async () => {
		const { provider } = watched();
		const { key, signature } = await signed();
		const other = await signed();
		assert.ok(provider.verify("Ed25519", key, message, signature));
		const { verify } = provider;
		const changed = Uint8Array.of(
			...signature.with(0, (signature[0] ?? 0) ^ 1),
		);
		assert.equal(verify("Ed25519", key, message, changed), false);
		assert.equal(verify("Ed25519", other.key, message, signature), false);
		assert.equal(verify("P-256", key, message, signature), false);
		assert.equal(verify("Ed25519", key, Uint8Array.of(1, 2), signature), false);
	});

	test("does not take the same bytes for the same when they are divided otherwise", async () => {
		const { provider } = watched();
		const { key, signature } = await signed();
		assert.ok(provider.verify("Ed25519", key, message, signature));
		const moved = Uint8Array.of(...message, signature[0] ?? 0);
		assert.equal(
			provider.verify("Ed25519", key, moved, signature.subarray(1)),
			false,
		);
		assert.equal(
			provider.verify(
				"Ed25519",
				key.subarray(0, -1),
				Uint8Array.of(key.at(-1) ?? 0, ...message),
				signature,
			),
			false,
		);
	});

	test("asks about what was not good each time", async () => {
		const { provider, verified } = watched();
		const { key } = await signed();
		const wrong = new Uint8Array(64);
		for (let i = 0; i < 3; i++)
			assert.equal(provider.verify("Ed25519", key, message, wrong), false);
		assert.equal(verified(), 3);
	});

	test("forgets the oldest", async () => {
		const { provider, verified } = watched();
		const signer = generateSoftwareKey("Ed25519");
		const verify = async (number: number) => {
			const content = Uint8Array.of(number >> 8, number);
			const signature = await signer.sign(content);
			assert.ok(
				provider.verify("Ed25519", signer.publicKey, content, signature),
			);
		};
		for (let i = 0; i <= MAX_REMEMBERED; i++) await verify(i);
		await verify(MAX_REMEMBERED);
		assert.equal(verified(), MAX_REMEMBERED + 1);
		await verify(0);
		assert.equal(verified(), MAX_REMEMBERED + 2);
	});
});
