import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import {
	generateSoftwareKey,
	readSoftwareKey,
	writeSoftwareKey,
} from "../../src/keys/index.ts";
import { temporaryFolder } from "../support/folders.ts";

const run = promisify(execFile);

test("a key file is PKCS#8 that OpenSSL reads, and OpenSSL's is read", async () => {
	await using folder = await temporaryFolder();
	const ours = join(folder.path, "ours.pem");
	await writeSoftwareKey(ours, generateSoftwareKey("P-256"));
	await run("openssl", ["pkey", "-in", ours, "-check", "-noout"]);
	for (const options of [
		["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
		["-algorithm", "ED25519"],
	]) {
		const { stdout: pem } = await run("openssl", ["genpkey", ...options]);
		const theirs = join(folder.path, `${options[1]}.pem`);
		await writeFile(theirs, pem, { mode: 0o600 });
		const key = await readSoftwareKey(theirs);
		const expected = createPublicKey(pem).export({ format: "raw-public" });
		assert.deepEqual(Buffer.from(key.publicKey), expected);
	}
});

test("a key file is taken away again when the disk takes no more", async () => {
	await using folder = await temporaryFolder();
	const path = join(folder.path, "key.pem");
	const script = `
		const { generateSoftwareKey, writeSoftwareKey } = await import("${new URL("../../src/keys/index.ts", import.meta.url)}");
		await writeSoftwareKey("${path}", generateSoftwareKey("P-256")).catch((thrown) => {
			process.stdout.write(thrown.code + ": " + thrown.message);
		});`;
	// A limit on the size of files stands for a full disk; a pipe is not a file.
	const { stdout } = await run("sh", [
		"-c",
		'ulimit -f 0 && exec "$0" --input-type=module -e "$1"',
		process.execPath,
		script,
	]);
	assert.match(stdout, /^home-unusable: .* could not be written \(EFBIG\)/);
	await assert.rejects(stat(path), { code: "ENOENT" });
});
