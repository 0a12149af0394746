import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	Pkcs11KeyStore,
	type SecretSource,
	type StoredKey,
} from "../../src/keys/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { SoftwareTpm, skipUnless } from "../support/tokens.ts";
import { keyStoreContract } from "./contract.ts";
import { tokenStore } from "./support.ts";

const skip = skipUnless("tpm");
const failing = { code: "key-store-failed" };
const MESSAGE = Uint8Array.of(1, 2, 3);

keyStoreContract("TPM", {
	algorithms: ["P-256"],
	skip,
	make: async () => tokenStore(await SoftwareTpm.make()),
});

describe("a TPM", { skip }, () => {
	test("counts one try for a wrong PIN, however often it is given", async () => {
		await using tpm = await SoftwareTpm.make();
		await using right = await Pkcs11KeyStore.open(tpm.uri());
		await right.list();
		await right[Symbol.asyncDispose]();
		const before = await tpm.wrongPins();
		const wrong: SecretSource = async () => utf8("wrong");
		for (let i = 0; i < 3; i++) {
			await using store = await Pkcs11KeyStore.open(tpm.uri(), { pin: wrong });
			for (let ask = 0; ask < 5; ask++)
				await assert.rejects(store.open("nobody"), failing);
		}
		assert.equal(await tpm.wrongPins(), before + 1);
		await using again = await Pkcs11KeyStore.open(tpm.uri());
		await again.list();
	});

	test("that goes away and comes back signs on, with the same keys", async () => {
		await using tpm = await SoftwareTpm.make();
		await using store = await Pkcs11KeyStore.open(tpm.uri());
		const keys: StoredKey[] = [];
		for (const name of ["one", "two", "three", "four", "five"])
			keys.push(await store.generate(name, "P-256"));
		await tpm.stop();
		for (const key of keys.slice(0, 2))
			await assert.rejects(key.sign(MESSAGE), failing);
		await tpm.start();
		const signatures = await Promise.all(keys.map((key) => key.sign(MESSAGE)));
		for (const [i, signature] of signatures.entries()) {
			const { publicKey } = keys[i] as StoredKey;
			assert.ok(nodeCrypto.verify("P-256", publicKey, MESSAGE, signature));
		}
	});

	test("makes no Ed25519 keys, and says so", async () => {
		await using tpm = await SoftwareTpm.make();
		await using store = await Pkcs11KeyStore.open(tpm.uri());
		await assert.rejects(store.generate("k", "Ed25519"), {
			...failing,
			message: /makes no Ed25519 keys; choose another algorithm/,
		});
	});
});
