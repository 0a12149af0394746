/* An issuer's master secret: made once, tied to one ledger, and missed. */
import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { writeDeviceFile } from "../../src/device/home/home.ts";
import { openSellingMaster } from "../../src/device/issuer/index.ts";
import type { KeyLocation } from "../../src/keys/index.ts";
import { LEDGER_SCHEMA } from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";

const passphrase = async () => utf8("correct horse");
const SEALED: KeyLocation = { file: "key.sealed" };
const CLEAR: KeyLocation = { unsafeUnsealedFile: "key.pem" };
const TOKEN: KeyLocation = {
	pkcs11: "pkcs11:token=mint;object=mint?module-path=/lib/p11.so",
};

async function homeWith(key: KeyLocation) {
	const folder = await temporaryFolder();
	await writeDeviceFile(folder.path, {
		version: 2,
		role: "module",
		name: "mint",
		key,
	});
	return folder;
}

const ledgerIn = (folder: string) =>
	openSqliteStore({ path: `${folder}/ledger.db`, schema: LEDGER_SCHEMA });

describe("the master secret of an issuer", () => {
	for (const [what, key] of [
		["sealed", SEALED],
		["in clear", CLEAR],
		["in a token", TOKEN],
	] as const)
		test(`is made once, beside a key that is ${what}`, async () => {
			await using home = await homeWith(key);
			await using ledger = await ledgerIn(home.path);
			const made = await openSellingMaster(home.path, ledger, passphrase);
			assert.equal(made.length, 32);
			const again = await openSellingMaster(home.path, ledger, passphrase);
			assert.deepEqual(again, made);
			const file = await readFile(`${home.path}/selling.secret`, "latin1");
			assert.equal(file.includes(hex(made)), what !== "sealed");
			const books = await readFile(`${home.path}/ledger.db`, "latin1");
			for (const text of [hex(made), Buffer.from(made).toString("latin1")])
				assert.ok(!books.includes(text));
		});

	test("that is gone keeps its issuer from starting, and none is made in its place", async () => {
		await using home = await homeWith(CLEAR);
		await using ledger = await ledgerIn(home.path);
		const path = `${home.path}/selling.secret`;
		const made = await openSellingMaster(home.path, ledger, undefined);
		await rm(path);
		for (let i = 0; i < 2; i++)
			await assert.rejects(openSellingMaster(home.path, ledger, undefined), {
				code: "home-unusable",
				message: /put it back from a backup/,
			});
		await writeFile(path, `${hex(made)}\n`, { mode: 0o600 });
		const back = await openSellingMaster(home.path, ledger, undefined);
		assert.deepEqual(back, made);
	});

	test("that is another one than the ledger's keeps its issuer from starting", async () => {
		await using home = await homeWith(CLEAR);
		await using ledger = await ledgerIn(home.path);
		await openSellingMaster(home.path, ledger, undefined);
		await using second = await homeWith(CLEAR);
		// Its home is new, and the ledger is not.
		await assert.rejects(openSellingMaster(second.path, ledger, undefined), {
			code: "home-unusable",
		});
		await writeFile(`${second.path}/selling.secret`, "ab".repeat(32), {
			mode: 0o600,
		});
		await assert.rejects(openSellingMaster(second.path, ledger, undefined), {
			code: "home-unusable",
			message: /another one than its ledger knows/,
		});
	});

	test("that was made before a crash is taken for the ledger's", async () => {
		await using home = await homeWith(CLEAR);
		await writeFile(`${home.path}/selling.secret`, "ab".repeat(32), {
			mode: 0o600,
		});
		await using ledger = await ledgerIn(home.path);
		const found = await openSellingMaster(home.path, ledger, undefined);
		assert.equal(hex(found), "ab".repeat(32));
	});
});
