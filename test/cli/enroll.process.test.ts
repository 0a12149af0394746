import assert from "node:assert/strict";
import {
	chmod,
	cp,
	readdir,
	readFile,
	rm,
	stat,
	symlink,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { createAuthorityHome } from "../../src/device/authority/issue-device-home.ts";
import { readHome } from "../../src/device/home/home.ts";
import { makeDevice } from "../../src/device/runtime/identity.ts";
import { parsePemBlock, parseRequest } from "../../src/identity/index.ts";
import { secretFromFile } from "../../src/keys/index.ts";
import { done, refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Command, run } from "../support/processes.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let count = 0;

const at = (...names: string[]) => join(folder.path, ...names);
const fresh = (name: string) => at(`${name}-${++count}`);
const text = (path: string) => readFile(path, "utf8");
const SEALED = () => ["--passphrase-file", at("pass")];

before(async () => {
	folder = await temporaryFolder();
	await writeFile(at("pass"), "correct horse\n", { mode: 0o600 });
	await createAuthorityHome(at("agency"), "agency", "Test Agency", "P-256");
	await createAuthorityHome(at("bank"), "bank", "Test Bank", "Ed25519");
	await createAuthorityHome(at("other"), "agency", "Other Agency", "P-256");
});
after(() => folder[Symbol.asyncDispose]());

const asking = (home: string, out: string, ...flags: string[]) => [
	...["enroll", "--home", home, "--role", "agent", "--name", "alice"],
	...["--out", out, ...(flags.length > 0 ? flags : SEALED())],
];

/** A copy of an authority, which so certifies every name anew. */
async function copyOf(authority: string): Promise<string> {
	const home = fresh(authority);
	await cp(at(authority), home, { recursive: true });
	return home;
}

async function certified(csr: string, authority = "agency"): Promise<string> {
	const out = fresh("chain");
	const home = await copyOf(authority);
	await done([
		...["authority", "issue", "--home", home, "--request", csr, "--out", out],
	]);
	return out;
}

const finishing = (home: string, chain: string, agency = at("agency")) => [
	...["enroll", "--home", home, "--certificate", chain],
	...["--trust-agency", agency, "--trust-bank", at("bank", "root.pem")],
];

/** A start is mostly waiting for the other core. */
const TOGETHER = { concurrency: 3 };

describe("enrolment", TOGETHER, () => {
	test("makes the key inside, hands out a request, and makes a home that runs", async () => {
		const [home, csr] = [fresh("home"), fresh("csr")];
		const asked = await done(asking(home, csr));
		const request = parseRequest(
			nodeCrypto,
			parsePemBlock(await text(csr), "CERTIFICATE REQUEST"),
		);
		assert.equal(request.name, "alice");
		assert.equal(request.role, "agent");
		assert.equal(asked["sha256"], Buffer.from(request.hash).toString("hex"));
		const said = await done(finishing(home, await certified(csr)));
		assert.equal(said["name"], "alice");
		assert.equal(said["level"], "software");
		const kept = (await readdir(home)).filter((name) => !/lock/.test(name));
		assert.deepEqual(kept.toSorted(), [
			...["chain.pem", "device.json", "key.sealed", "policy.json", "trust"],
		]);
		await using read = await readHome(home, "agent", {
			passphrase: secretFromFile(at("pass")),
		});
		const { own } = makeDevice("agent", read).context;
		assert.equal(said["deviceId"], Buffer.from(own.deviceId).toString("hex"));
		assert.deepEqual(own.publicKey, request.publicKey);
		for (const file of ["key.sealed", "device.json", "policy.json"])
			assert.equal((await stat(join(home, file))).mode & 0o777, 0o600, file);
		const policy = await done(["policy", "--home", home, "--check"]);
		assert.equal(policy["role"], "agent");
		assert.deepEqual(
			(policy["trust"] as { banks: { name: string }[] }).banks[0]?.name,
			"Test Bank",
		);
		await refused(
			asking(home, csr),
			/there is a device in .*never overwritten/,
		);
	});

	test("asks at a terminal for a new passphrase, twice, and for it again when the device pairs", async () => {
		const [home, csr] = [fresh("home"), fresh("csr")];
		await using enroll = Command.atTerminal([
			...["enroll", "--home", home, "--role", "agent", "--name", "alice"],
			...["--out", csr],
		]);
		const question = `passphrase of ${home}/key.sealed: `;
		await enroll.until(() => enroll.stdout.endsWith(question), "a question");
		enroll.type("correct horse\r");
		await enroll.until(() => /again: $/.test(enroll.stdout), "a question");
		enroll.type("correct horse\r");
		await enroll.exits(0);
		await done(finishing(home, await certified(csr)));
		await refused(
			["pair", "--home", home, "--connect", `unix:${home}/sock`],
			/no terminal to ask for the passphrase of \S+\/key\.sealed/,
		);
		await refused(
			["pair", "--home", home, "--connect", `unix:${home}/sock`, ...SEALED()],
			/start the other device first/,
		);
	});

	test("takes a passphrase from the environment, and no two sources", async () => {
		const [home, csr] = [fresh("home"), fresh("csr")];
		const args = asking(home, csr, "--passphrase-env", "SECRET");
		await refused(args, /SECRET .*not set/);
		const result = await run(args, { env: { SECRET: "correct horse" } });
		assert.equal(result.code, 0, result.stderr);
		await refused(
			[...args, ...SEALED()],
			/--passphrase-file or --passphrase-env/,
			2,
		);
	});

	test("refuses a certificate for another key, of another name or role, or by a stranger", async () => {
		const [home, csr] = [fresh("home"), fresh("csr")];
		await done(asking(home, csr));
		const otherHome = fresh("home");
		const otherCsr = fresh("csr");
		await done(asking(otherHome, otherCsr));
		const forOther = await certified(otherCsr);
		await refused(finishing(home, forOther), /for another key than the one/);
		const bobCsr = fresh("csr");
		await done([
			...["enroll", "--home", fresh("home"), "--role", "agent"],
			...["--name", "bob", "--out", bobCsr, "--unsafe-unsealed-key"],
		]);
		await refused(
			finishing(home, await certified(bobCsr)),
			/is of "bob", and this device is "alice"/,
		);
		const byStranger = await certified(csr, "other");
		await refused(finishing(home, byStranger), /\(chain-refused\)/);
		await refused(
			finishing(home, byStranger, at("bank")),
			/--trust-agency names a bank/,
			2,
		);
		await refused(finishing(home, csr), /is not what it should be/);
		await assert.rejects(stat(join(home, "device.json")), { code: "ENOENT" });
		await done(finishing(home, byStranger, at("other")));
	});

	test("refuses what was not begun, another go at a folder, and folders that are not private", async () => {
		const [home, csr] = [fresh("home"), fresh("csr")];
		await done(asking(home, csr));
		await refused(
			[
				...["enroll", "--home", home, "--role", "module", "--name", "alice"],
				...["--out", csr, ...SEALED()],
			],
			/is being enrolled as something else/,
		);
		await refused(
			finishing(at("nowhere"), await certified(csr)),
			/nowhere has asked for no certificate/,
		);
		await chmod(home, 0o755);
		await refused(asking(home, csr), /others may read.*chmod 700/);
		await chmod(home, 0o700);
		const link = fresh("link");
		await symlink(at("pass"), link);
		await refused(
			asking(fresh("home"), csr, "--passphrase-file", link),
			/symbolic link/,
		);
	});

	test("refuses wrong usage", async () => {
		for (const flags of [
			[],
			["--role", "agent", "--name", "alice"],
			["--role", "agent", "--name", "Alice", "--out", "x", ...SEALED()],
			["--certificate", "x"],
			["--certificate", "x", "--name", "a", "--trust-agency", "x"],
			...[["--role", "king", "--name", "alice", "--out", "x"]],
		])
			await refused(["enroll", "--home", fresh("home"), ...flags], /./, 2);
	});

	test("a policy that is wrong is told by the path inside it", async () => {
		const [home, csr] = [fresh("home"), fresh("csr")];
		await done(asking(home, csr, "--unsafe-unsealed-key"));
		await done(finishing(home, await certified(csr)));
		const path = join(home, "policy.json");
		const policy = JSON.parse(await text(path));
		policy.demands = { peerModule: { tamperResistance: "gold" } };
		await writeFile(path, JSON.stringify(policy));
		await refused(
			["policy", "--home", home, "--check"],
			/demands\.peerModule\.tamperResistance/,
		);
		policy.demands = { peerModule: { tamperResistance: "token" } };
		await writeFile(path, JSON.stringify(policy));
		const { stdout } = await run(["policy", "--home", home, "--check"]);
		assert.match(stdout, /other side's module +at least token/);
		await rm(path);
		await refused(
			["policy", "--home", home, "--check"],
			/there is no .*policy\.json/,
		);
	});
});
