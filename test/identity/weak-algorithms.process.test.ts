import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	openUntrustedList,
	parseCertificate,
	parsePem,
	parsePemBlock,
	parseRequest,
	parseTrustAnchor,
} from "../../src/identity/index.ts";
import {
	EXTENSIONS,
	extension,
	forgeRoot,
	KEY_ID,
	refusal,
	tlv,
} from "./forge.ts";

const run = promisify(execFile);
const root = await forgeRoot("agency", {
	extensions: [
		EXTENSIONS.authority(1),
		EXTENSIONS.certifiesAndLists,
		EXTENSIONS.roles("agent"),
		extension("2.5.29.14", false, tlv(4, KEY_ID)),
	],
});

suite("weak algorithms are refused, as OpenSSL makes them", () => {
	let folder: string;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "tetrad-weak-"));
		await writeFile(
			join(folder, "weak.cnf"),
			[
				"[ca]\ndefault_ca = weak\n[weak]\ndatabase = index.txt\ncertificate = root.pem",
				"private_key = key.pem\ncrlnumber = number\ndefault_crl_days = 7",
				"crl_extensions = list\n[list]\nauthorityKeyIdentifier = keyid:always",
				"[req]\ndistinguished_name = name\n[name]\n[root]",
				"basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign",
				"extendedKeyUsage = critical, 1.3.6.1.4.1.32473.5703949.1.1",
				"subjectKeyIdentifier = hash\n",
			].join("\n"),
		);
		await writeFile(join(folder, "index.txt"), "");
		await writeFile(join(folder, "number"), "01\n");
	});
	after(() => rm(folder, { recursive: true }));

	const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
	const pem = (name: string) => readFile(join(folder, name), "utf8");

	const RSA_KEY =
		/a key of algorithm 1\.2\.840\.113549\.1\.1\.1; only P-256 and Ed25519 are accepted$/;
	for (const [name, key, digest, signed, asked] of [
		[
			"RSA-1024 with SHA-1",
			["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
			"-sha1",
			/is signed with algorithm 1\.2\.840\.113549\.1\.1\.5; only ECDSA with SHA-256 and Ed25519 are accepted$/,
			RSA_KEY,
		],
		[
			"RSA-1024 with SHA-256",
			["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
			"-sha256",
			/is signed with algorithm 1\.2\.840\.113549\.1\.1\.11; only/,
			RSA_KEY,
		],
		[
			"P-256 with SHA-1",
			["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
			"-sha1",
			/is signed with algorithm 1\.2\.840\.10045\.4\.1; only/,
			/is signed with algorithm 1\.2\.840\.10045\.4\.1; only/,
		],
	] as const)
		test(name, async () => {
			await openssl("genpkey", ...key, "-out", "key.pem");
			const config = ["-config", "weak.cnf"];
			const subject = ["-key", "key.pem", "-subj", "/CN=shop", digest];
			await openssl(
				...["req", "-x509", ...config, "-extensions", "root"],
				...[...subject, "-out", "root.pem"],
			);
			await openssl(
				"req",
				"-new",
				...config,
				...subject,
				"-out",
				"request.pem",
			);
			await openssl(
				...["ca", ...config, "-gencrl", "-md", digest.slice(1)],
				...["-out", "list.pem"],
			);
			const [der] = parsePem(await pem("root.pem")) as [Uint8Array];
			assert.throws(
				() => parseCertificate(der),
				refusal("chain-refused", signed),
			);
			assert.throws(
				() => parseTrustAnchor(nodeCrypto, der),
				refusal("chain-refused", signed),
			);
			const request = parsePemBlock(
				await pem("request.pem"),
				"CERTIFICATE REQUEST",
			);
			assert.throws(
				() => parseRequest(nodeCrypto, request),
				refusal("chain-refused", asked),
			);
			const list = parsePemBlock(await pem("list.pem"), "X509 CRL");
			assert.throws(
				() => openUntrustedList(nodeCrypto, list, parseCertificate(root.der)),
				refusal("chain-refused", signed),
			);
		});
});
