/* OpenSSL on the command line reads, verifies and issues what docs/identity.md says, and so do we. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { nodeCrypto, type SignatureAlgorithm } from "../../src/crypto/index.ts";
import {
	ChainVerdicts,
	encodeBundle,
	encodeChain,
	grantDevice,
	grantIntermediate,
	issueRoot,
	issueUntrustedList,
	makeAuthorityRequest,
	makeRequest,
	parseCertificate,
	parsePem,
	parsePemBlock,
	parseRequest,
	parseTrustAnchor,
	printPem,
	printPemBlock,
	validateChain,
} from "../../src/identity/index.ts";
import { generateSoftwareKey, readSoftwareKey } from "../../src/keys/index.ts";
import { DAY } from "../support/authority.ts";
import { refusal } from "./forge.ts";

// No skipping: a machine that runs these tests has OpenSSL.
const run = promisify(execFile);
const DOCUMENT = new URL("../../docs/identity.md", import.meta.url);
const NOW = Date.now();
const NONE = new Uint8Array();

let folder: string;
before(async () => {
	folder = await mkdtemp(join(tmpdir(), "tetrad-openssl-"));
	const text = await readFile(DOCUMENT, "utf8");
	const config = /```ini\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
	assert.match(config, /\[agency_root\]/);
	await writeFile(join(folder, "tetrad.cnf"), config);
});
after(() => rm(folder, { recursive: true }));

const config = () => ["-config", join(folder, "tetrad.cnf")];

async function openssl(home: string, ...args: string[]): Promise<string> {
	const { stdout, stderr } = await run("openssl", args, {
		cwd: home,
		env: { ...process.env, TETRAD_CA: home },
	});
	return stdout + stderr;
}

async function newFolder(name: string): Promise<string> {
	const home = join(folder, name);
	await mkdir(join(home, "certs"), { recursive: true });
	await writeFile(join(home, "index.txt"), "");
	await writeFile(join(home, "number"), "01\n");
	return home;
}

/** What OpenSSL wrote, as a certificate in DER. */
async function certificate(path: string): Promise<Uint8Array> {
	const [der] = parsePem(await readFile(path, "utf8"));
	assert.ok(der);
	return der;
}

for (const algorithm of ["P-256", "Ed25519"] as SignatureAlgorithm[]) {
	const keyOptions =
		algorithm === "P-256"
			? ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
			: ["-algorithm", "ED25519"];

	suite(`OpenSSL reads and verifies what we issue, ${algorithm}`, () => {
		test("requests, certificates with their levels, and untrusted lists", async () => {
			const home = await newFolder(`ours-${algorithm}`);
			const put = (name: string, text: string) =>
				writeFile(join(home, name), text);
			const validity = { notBefore: NOW - DAY, notAfter: NOW + DAY };
			const rootKey = generateSoftwareKey(algorithm);
			const root = {
				signer: rootKey,
				certificate: await issueRoot(nodeCrypto, {
					kind: "bank",
					name: "Bank",
					signer: rootKey,
					attests: ["token", "tpm"],
					...validity,
				}),
			};
			const subKey = generateSoftwareKey(algorithm);
			const subRequest = await makeAuthorityRequest(nodeCrypto, {
				kind: "bank",
				name: "Bank 1",
				signer: subKey,
				attests: ["token"],
			});
			const sub = {
				signer: subKey,
				certificate: await grantIntermediate(
					nodeCrypto,
					parseRequest(nodeCrypto, subRequest),
					{ issuer: root, attests: ["token"], ...validity },
				),
			};
			const request = await makeRequest(nodeCrypto, {
				role: "module",
				name: "purse",
				signer: generateSoftwareKey(algorithm),
				tamperResistance: "token",
			});
			const leaf = await grantDevice(
				nodeCrypto,
				parseRequest(nodeCrypto, request),
				{ issuer: sub, tamperResistance: "token", ...validity },
			);
			const list = (
				issuer: typeof root,
				number: bigint,
				...serials: Uint8Array[]
			) =>
				issueUntrustedList(nodeCrypto, {
					issuer,
					number,
					thisUpdate: NOW,
					nextUpdate: NOW + DAY,
					entries: serials.map((serial) => ({
						serial,
						instant: NOW,
						reason: "keyCompromise" as const,
					})),
					recertifyBefore: NOW - 2 * DAY,
				});
			const lists = await Promise.all([
				list(root, 7n),
				list(sub, 2n ** 64n - 1n),
			]);
			const listing = await list(sub, 3n, parseCertificate(leaf).serial);
			await put("root.pem", printPem([root.certificate]));
			await put("sub.pem", printPem([sub.certificate]));
			await put("leaf.pem", printPem([leaf]));
			await put("request.pem", printPemBlock("CERTIFICATE REQUEST", request));
			await put(
				"sub-request.pem",
				printPemBlock("CERTIFICATE REQUEST", subRequest),
			);
			const crl = (der: Uint8Array) => printPemBlock("X509 CRL", der);
			await put("lists.pem", lists.map(crl).join(""));
			await put("root-list.pem", crl(lists[0] as Uint8Array));
			await put("listing.pem", crl(listing));
			await put("both.pem", crl(lists[0] as Uint8Array) + crl(listing));

			for (const name of ["request.pem", "sub-request.pem"])
				assert.match(
					await openssl(home, "req", "-verify", "-noout", "-in", name),
					/verify OK/,
				);
			const asked = await openssl(
				home,
				...["req", "-noout", "-text", "-in", "request.pem"],
			);
			assert.match(asked, /Subject: CN = purse/);
			assert.match(asked, /Policy: 1\.3\.6\.1\.4\.1\.32473\.5703949\.2\.2/);
			const shown = await openssl(
				home,
				...["x509", "-noout", "-text", "-in", "sub.pem"],
			);
			assert.match(shown, /CA:TRUE, pathlen:0/);
			assert.match(shown, /Certificate Sign, CRL Sign/);
			assert.match(
				shown,
				/X509v3 Extended Key Usage: critical\s+1\.3\.6\.1\.4\.1\.32473\.5703949\.1\.2/,
			);
			assert.match(
				await openssl(
					home,
					...["crl", "-verify", "-noout", "-CAfile", "root.pem"],
					...["-in", "root-list.pem"],
				),
				/verify OK/,
			);
			const listed = await openssl(
				home,
				...["crl", "-noout", "-text", "-in", "listing.pem"],
			);
			assert.match(listed, /X509v3 CRL Number:\s+3\b/);
			assert.match(listed, /Key Compromise/);
			const verify = (...args: string[]) =>
				openssl(
					home,
					...["verify", "-x509_strict", "-check_ss_sig", "-purpose", "any"],
					...["-crl_check_all", "-CAfile", "root.pem"],
					...["-untrusted", "sub.pem", ...args, "leaf.pem"],
				);
			assert.match(await verify("-CRLfile", "lists.pem"), /leaf\.pem: OK/);
			const policy = (oid: string) =>
				verify(
					...["-CRLfile", "lists.pem", "-explicit_policy"],
					...["-policy", `1.3.6.1.4.1.32473.5703949.2.${oid}`],
				);
			assert.match(await policy("2"), /leaf\.pem: OK/);
			await assert.rejects(policy("3"), /no explicit policy/);
			await assert.rejects(
				verify("-CRLfile", "both.pem"),
				/certificate revoked/,
			);
		});
	});

	suite(`we accept what OpenSSL issues as docs/identity.md says, ${algorithm}`, () => {
		test("a root, an intermediate, a device from our request, and lists", async () => {
			const home = await newFolder(`root-${algorithm}`);
			const subHome = await newFolder(`sub-${algorithm}`);
			const keyPath = (at: string) => join(at, "key.pem");
			for (const at of [home, subHome]) {
				await openssl(at, "genpkey", ...keyOptions, "-out", "key.pem");
				await run("chmod", ["600", keyPath(at)]);
			}
			await openssl(
				home,
				...["req", "-x509", ...config(), "-extensions", "agency_root"],
				...["-key", "key.pem", "-subj", "/CN=Example Agency"],
				...["-days", "3650", "-out", "ca.pem"],
			);
			// The intermediate's request is OpenSSL's, the device's is ours.
			await openssl(
				subHome,
				...["req", "-new", ...config(), "-key", "key.pem"],
				...["-subj", "/CN=example-agency-1", "-out", "request.pem"],
			);
			const theirs = parseRequest(
				nodeCrypto,
				parsePemBlock(
					await readFile(join(subHome, "request.pem"), "utf8"),
					"CERTIFICATE REQUEST",
				),
			);
			assert.equal(theirs.name, "example-agency-1");
			assert.equal(theirs.algorithm, algorithm);
			await openssl(
				home,
				...["ca", ...config(), "-batch", "-notext"],
				...["-extensions", "agency_intermediate", "-days", "1000"],
				...["-in", join(subHome, "request.pem")],
				...["-out", join(subHome, "ca.pem")],
			);
			const device = generateSoftwareKey(algorithm);
			const request = await makeRequest(nodeCrypto, {
				role: "agent",
				name: "shop.example",
				signer: device,
				tamperResistance: "token",
			});
			await writeFile(
				join(subHome, "device-request.pem"),
				printPemBlock("CERTIFICATE REQUEST", request),
			);
			const issue = (section: string, out: string) =>
				openssl(
					subHome,
					...["ca", ...config(), "-batch", "-notext", "-extensions", section],
					...["-in", "device-request.pem", "-out", out],
				);
			await issue("agent_in_token", "token.pem");
			await issue("agent_in_software", "software.pem");

			const anchor = parseTrustAnchor(
				nodeCrypto,
				await certificate(join(home, "ca.pem")),
			);
			const sub = await certificate(join(subHome, "ca.pem"));
			const chainOf = async (name: string) =>
				encodeChain([await certificate(join(subHome, name)), sub]);
			const [token, software] = [
				await chainOf("token.pem"),
				await chainOf("software.pem"),
			];
			const now = Date.now() + 1000;
			const judged = validateChain(nodeCrypto, token, "agent", [anchor], now);
			assert.equal(judged.name, "shop.example");
			assert.equal(judged.tamperResistance, "token");
			assert.deepEqual(judged.publicKey, device.publicKey);

			const verdicts = new ChainVerdicts(nodeCrypto, {
				agencies: [anchor],
				banks: [],
				untrustedLists: { maxAgeMs: DAY },
			});
			const list = async (at: string, ...options: string[]) => {
				await openssl(
					at,
					...["ca", ...config(), "-gencrl", ...options, "-out", "list.pem"],
				);
				const text = await readFile(join(at, "list.pem"), "utf8");
				return parsePemBlock(text, "X509 CRL");
			};
			const subChain = encodeChain([sub]);
			verdicts.lists.offer(encodeBundle(await list(home), NONE), now);
			verdicts.lists.offer(encodeBundle(await list(subHome), subChain), now);
			for (const chain of [token, software])
				verdicts.judge(chain, "agent", now);

			await openssl(
				subHome,
				...["ca", ...config(), "-revoke", "token.pem"],
				...["-crl_reason", "keyCompromise"],
			);
			const second = encodeBundle(await list(subHome), subChain);
			assert.equal(verdicts.lists.offer(second, now).list.number, 2n);
			assert.throws(
				() => verdicts.judge(token, "agent", now),
				refusal(
					"untrusted",
					/"shop\.example" is on the untrusted list of "example-agency-1" since .* \(keyCompromise\)/,
				),
			);
			verdicts.judge(software, "agent", now);

			const third = await list(
				subHome,
				"-crlexts",
				"list_with_recertification",
			);
			const { list: asking } = verdicts.lists.offer(
				encodeBundle(third, subChain),
				now,
			);
			assert.equal(asking.recertifyBefore, Date.UTC(2026, 0, 1));

			// And with the authority's key in our hands, ours goes on where OpenSSL's stopped.
			const signer = await readSoftwareKey(keyPath(subHome));
			const next = await issueUntrustedList(nodeCrypto, {
				issuer: { certificate: sub, signer },
				number: 4n,
				thisUpdate: now,
				nextUpdate: now + DAY,
				entries: asking.entries(),
				recertifyBefore: now,
				previous: asking,
			});
			verdicts.lists.offer(encodeBundle(next, subChain), now);
			assert.throws(
				() => verdicts.judge(software, "agent", now),
				refusal("recertification-due", /asks that all older ones be renewed/),
			);
		});
	});
}
