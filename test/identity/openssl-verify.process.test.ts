import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import type { SignatureAlgorithm } from "../../src/crypto/index.ts";
import { printPem } from "../../src/identity/index.ts";
import { makeAuthority, TEST_NOW } from "../support/authority.ts";

const run = promisify(execFile);

suite("OpenSSL accepts what is issued", () => {
	// No skipping: a machine that runs these tests has OpenSSL.
	let folder: string;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "tetrad-openssl-"));
	});
	after(() => rm(folder, { recursive: true }));

	async function verify(...args: string[]): Promise<string> {
		const { stdout } = await run("openssl", [
			"verify",
			"-x509_strict",
			"-check_ss_sig",
			"-attime",
			String(TEST_NOW / 1000),
			...args,
		]);
		return stdout;
	}

	for (const algorithm of ["P-256", "Ed25519"] as SignatureAlgorithm[])
		for (const kind of ["agency", "bank"] as const)
			test(`${kind}, ${algorithm}`, async () => {
				const file = async (name: string, der: Uint8Array) => {
					const path = join(folder, name);
					await writeFile(path, printPem([der]));
					return path;
				};
				const deep = await makeAuthority(kind, algorithm, TEST_NOW, true);
				const [leaf, intermediate] = (await deep.certify("shop.example"))
					.certificates as [Uint8Array, Uint8Array];
				const root = await file("root.pem", deep.root.certificate);
				const under = await file("int.pem", intermediate);
				const end = await file("leaf.pem", leaf);
				assert.match(
					await verify("-CAfile", root, "-untrusted", under, end),
					/leaf\.pem: OK/,
				);
				await assert.rejects(verify("-CAfile", root, end));

				const flat = await makeAuthority(kind, algorithm);
				const [direct] = (await flat.certify("shop.example")).certificates as [
					Uint8Array,
				];
				const flatRoot = await file("flat-root.pem", flat.root.certificate);
				const flatLeaf = await file("flat-leaf.pem", direct);
				assert.match(
					await verify("-CAfile", flatRoot, flatLeaf),
					/flat-leaf\.pem: OK/,
				);
			});
});
