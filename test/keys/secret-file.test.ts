import assert from "node:assert/strict";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import {
	createSecretFile,
	readSecretFile,
	type SecretSource,
} from "../../src/keys/index.ts";
import { sealKey } from "../../src/keys/sealed.ts";
import { generateSoftwareKey } from "../../src/keys/software.ts";
import { hex, utf8 } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { CHEAP } from "./support.ts";

const says =
	(text: string): SecretSource =>
	async () =>
		utf8(text);
const right = says("correct horse");

describe("a secret in a file", () => {
	for (const [how, passphrase] of [
		["sealed with a passphrase", right],
		["in clear where there is none", undefined],
	] as const)
		test(`${how} is its owner's only, and read as it was made`, async () => {
			await using folder = await temporaryFolder();
			const path = `${folder.path}/secret`;
			const made = await createSecretFile(path, passphrase, CHEAP);
			assert.equal(made.length, 32);
			assert.deepEqual(await readSecretFile(path, passphrase), made);
			assert.equal((await stat(path)).mode & 0o777, 0o600);
			const content = await readFile(path, "latin1");
			assert.equal(content.includes(hex(made)), passphrase === undefined);
			assert.ok(!content.includes(Buffer.from(made).toString("latin1")));
		});

	test("is another one each time, and never made over another", async () => {
		await using folder = await temporaryFolder();
		const path = `${folder.path}/secret`;
		const made = await createSecretFile(path);
		await assert.rejects(createSecretFile(path), { code: "home-unusable" });
		assert.deepEqual(await readSecretFile(path), made);
		assert.notDeepEqual(await createSecretFile(`${path}-2`), made);
	});

	test("is not opened with another passphrase, or without one", async () => {
		await using folder = await temporaryFolder();
		const path = `${folder.path}/secret`;
		await createSecretFile(path, right, CHEAP);
		await assert.rejects(readSecretFile(path, says("battery staple")), {
			code: "key-store-failed",
		});
		await assert.rejects(readSecretFile(path), { code: "invalid-argument" });
	});

	test("is refused after any change of one byte", async () => {
		await using folder = await temporaryFolder();
		const path = `${folder.path}/secret`;
		await createSecretFile(path, right, CHEAP);
		const content = await readFile(path);
		// From the salt on: what comes before says what it costs to try.
		for (let at = 29; at < content.length; at++) {
			const changed = Buffer.from(content);
			changed[at] = (changed[at] as number) ^ 1;
			await writeFile(path, changed, { mode: 0o600 });
			await assert.rejects(readSecretFile(path, right), {
				code: "key-store-failed",
			});
		}
	});

	test("is no sealed key, no other text, and nothing that others may read", async () => {
		await using folder = await temporaryFolder();
		const path = `${folder.path}/secret`;
		const key = await sealKey(
			generateSoftwareKey("Ed25519"),
			utf8("correct horse"),
			CHEAP,
		);
		for (const content of [key, "", "00".repeat(31), "zz".repeat(32)]) {
			await writeFile(path, content, { mode: 0o600 });
			await assert.rejects(readSecretFile(path, right), {
				code: "key-store-failed",
			});
		}
		await writeFile(path, "00".repeat(32));
		await chmod(path, 0o644);
		await assert.rejects(readSecretFile(path), { code: "home-unusable" });
	});
});
