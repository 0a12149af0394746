import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
	appendFile,
	chmod,
	cp,
	readFile,
	rm,
	stat,
	symlink,
	truncate,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { lockHome } from "../../src/device/home/work-lock.ts";
import {
	encodeChain,
	makeRenewal,
	makeRequest,
	parsePem,
	parsePemBlock,
	parseTrustAnchor,
	printPemBlock,
	UntrustedLists,
	validateChain,
} from "../../src/identity/index.ts";
import { generateSoftwareKey, type SoftwareKey } from "../../src/keys/index.ts";
import * as commands from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { run } from "../support/processes.ts";

const execute = promisify(execFile);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let count = 0;

const at = (...names: string[]) => join(folder.path, ...names);
const fresh = (name: string) => at(`${name}-${++count}`);
const text = (path: string) => readFile(path, "utf8");

before(async () => {
	folder = await temporaryFolder();
	await writeFile(at("pass"), "correct horse\n", { mode: 0o600 });
	await done([
		...["init", "--kind", "agency", "--name", "Test Agency"],
		...["--home", at("agency"), "--unsafe-unsealed-key"],
		...["--attests", "software,token"],
	]);
});
after(() => folder[Symbol.asyncDispose]());

const authority = (args: readonly string[]) => run(["authority", ...args]);

const done = (args: readonly string[]) => commands.done(["authority", ...args]);
const refused = (args: readonly string[], expected: RegExp, code?: number) =>
	commands.refused(["authority", ...args], expected, code);

/** A copy of the agency that a test may change. */
async function agency(): Promise<string> {
	const home = fresh("agency");
	await cp(at("agency"), home, { recursive: true });
	return home;
}

interface Asking {
	readonly file: string;
	readonly key: SoftwareKey;
}

async function request(
	name: string,
	options: { role?: "agent" | "module"; key?: SoftwareKey } = {},
): Promise<Asking> {
	const { role = "agent", key = generateSoftwareKey("P-256") } = options;
	const der = await makeRequest(nodeCrypto, { role, name, signer: key });
	const file = fresh("request");
	await writeFile(file, printPemBlock("CERTIFICATE REQUEST", der));
	return { file, key };
}

/** A renewal of what stands in `chain`, for a new key. */
async function renewal(
	chain: string,
	signer: SoftwareKey,
	options: { name?: string; now?: number; file?: string } = {},
): Promise<string> {
	const { name = "alice", now = Date.now() } = options;
	const request = await makeRequest(nodeCrypto, {
		role: "agent",
		name,
		signer: generateSoftwareKey("P-256"),
	});
	const file = options.file ?? fresh("renewal");
	const encoded = encodeChain(parsePem(await text(chain)));
	await writeFile(
		file,
		await makeRenewal(nodeCrypto, { request, chain: encoded, signer, now }),
	);
	return file;
}

/** Certifies a new alice, and says what she has. */
async function alice(home: string): Promise<Asking & { chain: string }> {
	const asking = await request("alice");
	const chain = fresh("chain");
	await done([
		"issue",
		"--home",
		home,
		"--request",
		asking.file,
		"--out",
		chain,
	]);
	return { ...asking, chain };
}

async function anchorOf(home: string) {
	const [root] = parsePem(await text(join(home, "root.pem")));
	return parseTrustAnchor(nodeCrypto, root ?? new Uint8Array());
}

async function deviceIn(home: string, chain: string) {
	return validateChain(
		nodeCrypto,
		encodeChain(parsePem(await text(chain))),
		"agent",
		[await anchorOf(home)],
		Date.now(),
	);
}

const serialIn = async (home: string, chain: string) =>
	Buffer.from((await deviceIn(home, chain)).path[0].serial).toString("hex");

/** A start is mostly waiting for the other core. */
const TOGETHER = { concurrency: 3 };

describe("a device that asks", TOGETHER, () => {
	test("is certified, and stands in the list with its state", async () => {
		const home = await agency();
		const { file } = await request("alice");
		const out = fresh("chain");
		const said = await done([
			...["issue", "--home", home, "--request", file, "--out", out],
			...["--level", "token", "--days", "30"],
		]);
		const der = parsePemBlock(await text(file), "CERTIFICATE REQUEST");
		assert.equal(
			said["sha256"],
			Buffer.from(nodeCrypto.sha256(der)).toString("hex"),
		);
		assert.equal(said["level"], "token");
		assert.equal(said["again"], false);
		const device = await deviceIn(home, out);
		assert.equal(device.name, "alice");
		assert.equal(device.tamperResistance, "token");
		const listed = await done(["list", "--home", home]);
		assert.deepEqual(Object.keys(listed), ["kind", "name", "certificates"]);
		const [row] = listed["certificates"] as Record<string, unknown>[];
		assert.equal(row?.["serial"], said["serial"]);
		assert.equal(row?.["state"], "valid");
		assert.deepEqual(row?.["levels"], ["token"]);
		const { stdout } = await authority(["list", "--home", home]);
		assert.match(stdout, new RegExp(`alice +agent +${said["serial"]} +token`));
	});

	test("gets the same certificate for the same request, in whichever file", async () => {
		const home = await agency();
		const { file, chain } = await alice(home);
		const other = fresh("chain");
		const again = await done([
			...["issue", "--home", home, "--request", file, "--out", other],
		]);
		assert.equal(again["again"], true);
		assert.equal(await text(other), await text(chain));
		await refused(
			[
				...["issue", "--home", home, "--request", file, "--out", other],
				...["--level", "token"],
			],
			/was answered with certificate.*--replace/,
		);
	});

	test("does not get a name that another key has, except by --replace, which revokes the other", async () => {
		const home = await agency();
		const first = await alice(home);
		const second = await request("alice");
		const out = fresh("chain");
		const issue = [
			"issue",
			"--home",
			home,
			"--request",
			second.file,
			"--out",
			out,
		];
		await refused(issue, /name "alice" is held.*--replace/);
		const said = await done([...issue, "--replace"]);
		assert.deepEqual(said["revoked"], [await serialIn(home, first.chain)]);
		const listed = await done(["list", "--home", home]);
		assert.deepEqual(
			(listed["certificates"] as { state: string }[]).map(({ state }) => state),
			["revoked", "valid"],
		);
		await refused(
			["issue", "--home", home, "--request", first.file, "--out", out],
			/revoked since; make a new key/,
		);
	});

	test("may have a name that was revoked", async () => {
		const home = await agency();
		await alice(home);
		await done(["revoke", "--home", home, "--name", "alice"]);
		await alice(home);
	});

	for (const [what, make, flags, expected, code] of [
		[
			"with another role",
			() => request("till", { role: "module" }),
			[],
			/asks for the role "module"/,
			1,
		],
		[
			"for a level that the authority may not attest",
			() => request("alice"),
			["--level", "tpm"],
			/may not attest the tamper resistance "tpm"/,
			2,
		],
		[
			"that is not the one expected",
			() => request("alice"),
			["--sha256", "ab".repeat(32)],
			/has the SHA-256 [0-9a-f]{64} and not the expected one/,
			1,
		],
		[
			"as an intermediate, and asked for a device",
			() => request("alice"),
			["--intermediate"],
			/certificate of a device and not of an authority/,
			1,
		],
		[
			"for longer than the authority lasts",
			() => request("alice"),
			["--days", "36500"],
			/within that of the issuer/,
			2,
		],
	] as const)
		test(`is refused ${what}, and nothing is written`, async () => {
			const home = await agency();
			const { file } = await make();
			const out = fresh("chain");
			await refused(
				["issue", "--home", home, "--request", file, "--out", out, ...flags],
				expected,
				code,
			);
			await assert.rejects(stat(out), { code: "ENOENT" });
			const { certificates } = await done(["list", "--home", home]);
			assert.deepEqual(certificates, []);
		});

	test("is refused when somebody else's key signed, or a byte was changed, or it is no request", async () => {
		const home = await agency();
		const { file } = await request("alice");
		const der = parsePemBlock(await text(file), "CERTIFICATE REQUEST");
		const changed = Uint8Array.from(der);
		changed.set([(changed.at(-1) ?? 0) ^ 1], changed.length - 1);
		const damaged = fresh("request");
		await writeFile(damaged, printPemBlock("CERTIFICATE REQUEST", changed));
		const issue = (path: string) => [
			...["issue", "--home", home, "--request", path, "--out", fresh("chain")],
		];
		await refused(issue(damaged), /not signed by the key|malformed/);
		await refused(issue(join(home, "root.pem")), /is not what it should be/);
		await refused(issue(at("missing")), /cannot read .*missing.*not exist/);
		await refused(issue(home), /is not a file/);
	});

	test("is refused for flags that do not go together", async () => {
		const home = await agency();
		const { file } = await request("alice");
		const issue = ["issue", "--home", home];
		for (const flags of [
			[],
			["--request", file],
			["--request", file, "--renewal", file, "--out", "x"],
			["--request", file, "--out", "x", "--name", "bob"],
			["--request", file, "--out", "x", "--attests", "token"],
			["--renewal", file, "--out", "x", "--intermediate"],
			["--device", fresh("device"), "--name", "bob"],
			["--request", file, "--out", "x", "--days", "0"],
			["--request", file, "--out", "x", "--sha256", "abc"],
			["--request", file, "--out", "x", "--level", "gold"],
		])
			await refused([...issue, ...flags], /./, 2);
	});
});

describe("a device that renews", TOGETHER, () => {
	test("gets a certificate for its new key under the same id, the same again when asked again, and both count", async () => {
		const home = await agency();
		const { chain, key } = await alice(home);
		const file = await renewal(chain, key);
		const out = fresh("chain");
		const issue = ["issue", "--home", home, "--renewal", file, "--out", out];
		assert.equal((await done(issue))["again"], false);
		const [before, after] = [
			await deviceIn(home, chain),
			await deviceIn(home, out),
		];
		assert.deepEqual(after.deviceId, before.deviceId);
		assert.notDeepEqual(after.publicKey, before.publicKey);
		const first = await text(out);
		assert.equal((await done(issue))["again"], true);
		assert.equal(await text(out), first);
		const { certificates } = await done(["list", "--home", home]);
		assert.deepEqual(
			(certificates as { state: string }[]).map(({ state }) => state),
			["valid", "valid"],
		);
	});

	test("is refused a second key from the same certificate, except by --replace", async () => {
		const home = await agency();
		const { chain, key } = await alice(home);
		const issue = async (...flags: string[]) => [
			...["issue", "--home", home, "--renewal", await renewal(chain, key)],
			...["--out", fresh("chain"), ...flags],
		];
		const { serial } = await done(await issue());
		await refused(await issue(), /was renewed already.*--replace/);
		assert.deepEqual((await done(await issue("--replace")))["revoked"], [
			serial,
		]);
	});

	test("is refused after a revocation, also when no list says so yet", async () => {
		const home = await agency();
		const { chain, key } = await alice(home);
		const file = await renewal(chain, key);
		await done(["revoke", "--home", home, "--name", "alice"]);
		await refused(
			["issue", "--home", home, "--renewal", file, "--out", fresh("chain")],
			/was revoked; enroll the device anew.*\(untrusted\)/,
		);
	});

	test("is refused when it asked too long ago, in another's name, with another's key, or elsewhere", async () => {
		const home = await agency();
		const { chain, key } = await alice(home);
		const week = 7 * 86_400_000;
		const cases: [string, RegExp][] = [
			[
				await renewal(chain, key, { now: Date.now() - week - 60_000 }),
				/too long ago; ask again/,
			],
			[
				await renewal(chain, key, { now: Date.now() + 3_600_000 }),
				/still to come/,
			],
			[await renewal(chain, key, { name: "bob" }), /a device keeps its name/],
		];
		const stranger = generateSoftwareKey("P-256");
		cases.push([await renewal(chain, stranger), /could not be authenticated/]);
		for (const [file, expected] of cases)
			await refused(
				["issue", "--home", home, "--renewal", file, "--out", fresh("chain")],
				expected,
			);
		const other = await agency();
		await refused(
			[
				...["issue", "--home", other, "--renewal", await renewal(chain, key)],
				...["--out", fresh("chain")],
			],
			/was not issued here/,
		);
	});

	test("has to be given its level again when it had more than software", async () => {
		const home = await agency();
		const { file, key } = await request("alice");
		const chain = fresh("chain");
		await done([
			...["issue", "--home", home, "--request", file, "--out", chain],
			...["--level", "token"],
		]);
		const issue = [
			...["issue", "--home", home, "--renewal", await renewal(chain, key)],
			...["--out", fresh("chain")],
		];
		await refused(
			issue,
			/does not prove where the new key lives.*--level token/,
			2,
		);
		assert.equal(
			(await done([...issue, "--level", "token"]))["level"],
			"token",
		);
	});
});

describe("the untrusted list", TOGETHER, () => {
	test("has what was revoked, a number that grows, and is taken by devices and by OpenSSL", async () => {
		const home = await agency();
		const { chain } = await alice(home);
		const serial = await serialIn(home, chain);
		const anchor = await anchorOf(home);
		const lists = new UntrustedLists(nodeCrypto, {
			agencies: [anchor],
			banks: [],
		});
		const [out, pem] = [fresh("list"), fresh("list")];
		const publish = (...flags: string[]) =>
			done(["publish", "--home", home, "--out", out, "--pem", pem, ...flags]);
		assert.equal((await publish())["number"], "1");
		assert.equal(lists.offer(await readFile(out), Date.now()).kind, "newer");
		const revoked = await done([
			...["revoke", "--home", home, "--serial", serial.toUpperCase()],
			...["--reason", "keyCompromise"],
		]);
		const [entry] = revoked["revoked"] as Record<string, unknown>[];
		assert.equal(entry?.["serial"], serial);
		assert.equal(entry?.["again"], false);
		const second = await publish("--days", "7");
		assert.equal(second["number"], "2");
		assert.equal(second["entries"], 1);
		const { list } = lists.offer(await readFile(out), Date.now());
		const found = list.find(new Uint8Array(Buffer.from(serial, "hex")));
		assert.equal(found?.reason, "keyCompromise");
		await execute("openssl", [
			...["crl", "-verify", "-noout", "-in", pem],
			...["-CAfile", join(home, "root.pem")],
		]);
		const again = await done(["revoke", "--home", home, "--serial", serial]);
		assert.equal((again["revoked"] as { again: boolean }[])[0]?.again, true);
	});

	test("asks for recertification, keeps asking, and what is issued then is enough", async () => {
		const home = await agency();
		const { chain, key } = await alice(home);
		const out = fresh("list");
		const publish = ["publish", "--home", home, "--out", out];
		const { recertifyBefore } = await done([
			...publish,
			"--recertify-before",
			"now",
		]);
		assert.equal((await done(publish))["recertifyBefore"], recertifyBefore);
		await refused(
			[...publish, "--recertify-before", "2020-01-01"],
			/cannot be taken back/,
			2,
		);
		await refused(
			[...publish, "--recertify-before", "2999-01-01T00:00Z"],
			/not from after it/,
			2,
		);
		await refused(
			[...publish, "--recertify-before", "soon"],
			/instant in UTC/,
			2,
		);
		const renewed = fresh("chain");
		await done([
			...["issue", "--home", home, "--renewal", await renewal(chain, key)],
			...["--out", renewed],
		]);
		const { certificates, list } = await done(["list", "--home", home]);
		assert.deepEqual(
			(certificates as { state: string }[]).map(({ state }) => state),
			["recertify", "valid"],
		);
		assert.equal((list as { number: string }).number, "2");
	});

	test("is not revoked for what was never issued, or without saying what", async () => {
		const home = await agency();
		await refused(
			["revoke", "--home", home, "--name", "nobody"],
			/issued no such certificate.*authority list/,
			2,
		);
		await refused(
			["revoke", "--home", home],
			/--name NAME, --serial HEX or --evidence FILE/,
			2,
		);
		await refused(
			["revoke", "--home", home, "--serial", "xyz"],
			/hexadecimal/,
			2,
		);
		await refused(
			["revoke", "--home", home, "--name", "a", "--reason", "boredom"],
			/boredom/,
			2,
		);
	});
});

describe("an intermediate", TOGETHER, () => {
	test("asks, is certified, issues and publishes; devices that have the root take both", async () => {
		const root = await agency();
		const home = fresh("intermediate");
		const [csr, pem] = [fresh("csr"), fresh("pem")];
		const sealed = ["--passphrase-file", at("pass")];
		const asked = await done([
			...["request", "--kind", "agency", "--name", "Branch", "--home", home],
			...["--attests", "token", "--out", csr, ...sealed],
		]);
		await refused(
			["list", "--home", home],
			/has no certificate yet.*authority install/,
		);
		await done([
			...["issue", "--home", root, "--request", csr, "--intermediate"],
			...["--attests", "token", "--out", pem],
			...["--sha256", asked["sha256"] as string],
		]);
		await done([
			"install",
			"--home",
			home,
			"--certificate",
			pem,
			"--root",
			root,
		]);
		const { file } = await request("alice");
		const chain = fresh("chain");
		await done([
			...["issue", "--home", home, "--request", file, "--level", "token"],
			...["--out", chain, ...sealed],
		]);
		assert.equal((await deviceIn(root, chain)).tamperResistance, "token");
		const out = fresh("list");
		await done(["publish", "--home", home, "--out", out, ...sealed]);
		const anchor = await anchorOf(root);
		new UntrustedLists(nodeCrypto, { agencies: [anchor], banks: [] }).offer(
			await readFile(out),
			Date.now(),
		);

		// The root asks all to renew: the same key is certified anew.
		const rootList = fresh("list");
		await done([
			...["publish", "--home", root, "--out", rootList],
			...["--recertify-before", "now"],
		]);
		await done(["request", "--home", home, "--out", csr, ...sealed]);
		const renewed = await done([
			...["issue", "--home", root, "--request", csr, "--intermediate"],
			...["--attests", "token", "--out", pem],
		]);
		assert.equal(renewed["again"], false);
		await done([
			"install",
			"--home",
			home,
			"--certificate",
			pem,
			"--root",
			root,
		]);
		await refused(
			["issue", "--home", home, "--request", file, "--out", chain],
			/no terminal to ask for the passphrase of \S+\/key\.sealed/,
		);
		const wrong = at("wrong");
		await writeFile(wrong, "incorrect horse\n", { mode: 0o600 });
		await refused(
			["publish", "--home", home, "--out", out, "--passphrase-file", wrong],
			/the passphrase is wrong or the file was changed/,
		);
		await chmod(wrong, 0o644);
		await refused(
			["publish", "--home", home, "--out", out, "--passphrase-file", wrong],
			/open to other users/,
		);
	});

	test("does not install a certificate of another, or a root's", async () => {
		const root = await agency();
		const asking = async (name: string) => {
			const [home, csr, pem] = [
				fresh("intermediate"),
				fresh("csr"),
				fresh("pem"),
			];
			await done([
				...["request", "--kind", "agency", "--name", name, "--home", home],
				...["--out", csr, "--unsafe-unsealed-key"],
			]);
			await done([
				...["issue", "--home", root, "--request", csr, "--intermediate"],
				...["--out", pem],
			]);
			return { home, pem };
		};
		const [one, two] = [await asking("One"), await asking("Two")];
		const install = (pem: string) => [
			...["install", "--home", one.home, "--certificate", pem, "--root", root],
		];
		await refused(install(two.pem), /not for the key of the agency One/);
		await refused(install(join(root, "root.pem")), /\(chain-refused\)/);
		await done(install(one.pem));
	});
});

describe("an authority's home", TOGETHER, () => {
	test("is for its owner alone, and is refused when it is not", async () => {
		const home = await agency();
		await alice(home);
		assert.equal((await stat(home)).mode & 0o777, 0o700);
		for (const file of [
			"authority.json",
			"root.pem",
			"register.jsonl",
			"work.lock",
		])
			assert.equal((await stat(join(home, file))).mode & 0o777, 0o600, file);
		await chmod(home, 0o750);
		await refused(["list", "--home", home], /others may read.*chmod 700/);
		await chmod(home, 0o700);
		await chmod(join(home, "register.jsonl"), 0o640);
		await refused(["list", "--home", home], /register\.jsonl.*chmod 600/);
	});

	test("is refused when its register is a link, damaged, or its settings are", async () => {
		const home = await agency();
		await alice(home);
		const register = join(home, "register.jsonl");
		const content = await text(register);
		await writeFile(register, `{"act":"sold"}\n${content}`);
		await refused(["list", "--home", home], /line 1 of .* is damaged.*backup/);
		await rm(register);
		await writeFile(at("elsewhere"), content, { mode: 0o600 });
		await symlink(at("elsewhere"), register);
		await refused(["list", "--home", home], /symbolic link/);
		await writeFile(join(home, "authority.json"), "{}");
		await refused(["list", "--home", home], /authority\.json: /);
		await refused(
			["list", "--home", at("nowhere")],
			/there is no authority at/,
		);
	});

	test("cuts off a line that was being written, and forgets nothing that was", async () => {
		const home = await agency();
		await alice(home);
		const register = join(home, "register.jsonl");
		const whole = await text(register);
		await appendFile(register, '{"act":"revoked","at":17');
		const { certificates } = await done(["list", "--home", home]);
		assert.equal((certificates as unknown[]).length, 1);
		await done(["revoke", "--home", home, "--name", "alice"]);
		assert.ok((await text(register)).startsWith(`${whole}{"act":"revoked"`));
		await truncate(register, whole.length - 1);
		await alice(home);
	});

	test("is worked on by one process at a time", async () => {
		const home = await agency();
		const { file } = await request("alice");
		const issue = [
			"issue",
			"--home",
			home,
			"--request",
			file,
			"--out",
			fresh("c"),
		];
		{
			await using _ = await lockHome(home);
			await refused(issue, /another process is at work.*\(busy\)/);
		}
		await done(issue);
	});

	test("two requests for one name at once: one gets it", async () => {
		const home = await agency();
		const asking = await Promise.all([1, 2, 3].map(() => request("alice")));
		const results = await Promise.all(
			asking.map(({ file }) =>
				authority([
					"issue",
					"--home",
					home,
					"--request",
					file,
					"--out",
					fresh("c"),
				]),
			),
		);
		assert.equal(results.filter(({ code }) => code === 0).length, 1);
		const { certificates } = await done(["list", "--home", home]);
		assert.equal((certificates as unknown[]).length, 1);
	});

	test("is never overwritten", async () => {
		const home = await agency();
		const key = await text(join(home, "key.pem"));
		await refused(
			[
				...[
					"init",
					"--kind",
					"agency",
					"--name",
					"Test Agency",
					"--home",
					home,
				],
				...["--unsafe-unsealed-key", "--attests", "software,token"],
			],
			/holds an authority already/,
		);
		assert.equal(await text(join(home, "key.pem")), key);
		await refused(
			["init", "--kind", "agency", "--name", "Ü", "--home", fresh("new")],
			/printable ASCII/,
			2,
		);
		await refused(
			[
				...["init", "--kind", "agency", "--name", "A", "--home", fresh("new")],
				...["--attests", "software,gold"],
			],
			/software, token, tpm/,
			2,
		);
	});
});
