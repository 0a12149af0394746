import assert from "node:assert/strict";
import {
	copyFile,
	mkdir,
	readdir,
	readFile,
	rename,
	stat,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
	createAuthorityHome,
	issueDeviceHome,
} from "../../src/device/authority/issue-device-home.ts";
import { makeIssuer, termsPath } from "../../src/device/issuer/issuer-home.ts";
import { makeSandbox } from "../../src/device/setup/make-sandbox.ts";
import { pairHomes } from "../../src/device/setup/pair-homes.ts";
import { readSide } from "../../src/device/side/side.ts";
import { done, refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Command, isAlive } from "../support/processes.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let terms: string;

const at = (...names: string[]) => join(folder.path, ...names);

/** An agency, a bank, an issuer, and files with passphrases. */
before(async () => {
	folder = await temporaryFolder();
	const [agency, bank] = await Promise.all([
		createAuthorityHome(at("agency"), "agency", "Test Agency", "P-256"),
		createAuthorityHome(at("bank"), "bank", "Test Bank", "P-256"),
	]);
	await issueDeviceHome(agency, {
		...{ home: at("clerk"), name: "clerk", algorithm: "P-256" },
		trust: [bank.anchor.certificate.der],
	});
	await issueDeviceHome(bank, {
		...{ home: at("mint"), name: "mint", algorithm: "P-256" },
		trust: [agency.anchor.certificate.der],
	});
	await pairHomes(at("clerk"), at("mint"));
	const currency = { code: "PLAY", exponent: 2 };
	await makeIssuer(at("mint"), { currency, isPlay: true });
	terms = termsPath(at("mint"));
	for (const name of ["agent", "module", "owner"])
		await writeFile(at(name), `the passphrase of the ${name}\n`, {
			mode: 0o600,
		});
});
after(() => folder[Symbol.asyncDispose]());

const authorities = () => ["--agency", at("agency"), "--bank", at("bank")];
const whose = () => ["--issuer", terms, "--issuer-at", "127.0.0.1:7100"];
const inClear = ["--unsafe-unsealed-key", "--unsafe-no-owner"];
const sealed = () => [
	...["--agent-passphrase-file", at("agent")],
	...["--module-passphrase-file", at("module")],
];

describe("tetrad setup", { concurrency: 2 }, () => {
	test("makes a buyer in one go, with sealed keys, and tetrad up runs it", async () => {
		const home = at("alice");
		const made = await done([
			...["setup", "buyer", home, ...authorities(), ...whose(), ...sealed()],
			...["--owner-passphrase-file", at("owner")],
		]);
		const { state, kind, name, agent, module, next } = made;
		assert.deepEqual(
			{ state, kind, name, agent, module },
			{
				state: "ready",
				kind: "buyer",
				name: "alice",
				agent: "alice",
				module: "alice-purse",
			},
		);
		assert.match(String(next), / up --home .*alice$/);
		assert.deepEqual((await readdir(home)).toSorted(), [
			"agent",
			"inbox",
			"issuer.terms.json",
			"module",
			"run",
			"tetrad.toml",
		]);
		assert.equal((await stat(home)).mode & 0o077, 0);
		const side = await readSide(home, {});
		assert.deepEqual(side.issuer?.at, {
			kind: "tcp",
			host: "127.0.0.1",
			port: 7100,
		});
		assert.deepEqual(side.secrets.agent.passphrase, { file: at("agent") });
		await using up = new Command<UpEvent>(["up", "--home", home, "--json"]);
		await up.expect("up");
		const pids = up.all("process").flatMap(({ pid }) => pid ?? []);
		assert.ok(pids.length > 0);
		await refused(["up", "--home", home], /alice is up already, by process/);
		up.terminate();
		const { stderr } = await up.exits(0);
		assert.equal(stderr, "");
		assert.deepEqual(up.events.at(-1), { event: "stopped" });
		assert.deepEqual(pids.filter(isAlive), []);
	});

	test("writes requests where authorities are elsewhere, and goes on with their answers", async () => {
		const home = at("till");
		const setup = ["setup", "shop", home];
		const asked = await done([...setup, ...whose(), ...inClear]);
		assert.equal(asked["state"], "waiting");
		const requests = asked["requests"] as Record<string, string>[];
		assert.deepEqual(
			requests.map(({ role }) => role),
			["agent", "module"],
		);
		// Asked again, it is the same request.
		const again = await done([...setup, ...whose(), ...inClear]);
		assert.deepEqual(again["requests"], requests);
		for (const [role, authority] of [
			["agent", "agency"],
			["module", "bank"],
		] as const)
			await done([
				...["authority", "issue", "--home", at(authority)],
				...["--request", join(home, `${role}.csr`)],
				...["--out", at(`till-${role}.pem`)],
			]);
		const made = await done([
			...setup,
			...["--agent-chain", at("till-agent.pem")],
			...["--module-chain", at("till-module.pem")],
			...["--agency", at("agency", "root.pem")],
			...["--bank", at("bank", "root.pem")],
		]);
		assert.equal(made["state"], "ready");
		assert.equal(made["module"], "till-till");
		const { sell } = await readSide(home, {});
		assert.deepEqual(sell, { folder: join(home, "goods"), price: "1.00" });
		assert.ok(!(await readdir(home)).includes("setup.json"));
	});

	test("goes on where it was interrupted", async () => {
		const home = at("mint-of-beans");
		const setup = [
			...["setup", "issuer", home, "--currency", "BEANS"],
			...["--listen", "127.0.0.1:7105", ...inClear],
		];
		// The agent is certified, and the module is not.
		await mkdir(at("half"), { mode: 0o700 });
		await copyFile(at("bank", "root.pem"), at("half", "root.pem"));
		await refused(
			[...setup, "--agency", at("agency"), "--bank", at("half")],
			/there is no authority at .*half/,
		);
		await refused(
			["up", "--home", home],
			/mint-of-beans is being set up as issuer, and is not done; go on with: tetrad setup issuer .*mint-of-beans/,
		);
		const agent = await readFile(join(home, "agent", "chain.pem"), "utf8");
		const made = await done([...setup, ...authorities()]);
		assert.equal(made["state"], "ready");
		assert.equal(
			await readFile(join(home, "agent", "chain.pem"), "utf8"),
			agent,
		);
		const handed = JSON.parse(
			await readFile(join(home, "issuer.terms.json"), "utf8"),
		);
		assert.deepEqual(
			[handed.currency, handed.name, handed.play],
			["BEANS", "mint-of-beans-mint", true],
		);
		// Operators reach it while it is up.
		const { operate } = await readSide(home, {});
		assert.deepEqual(operate.http, {
			kind: "tcp",
			host: "127.0.0.1",
			port: 7180,
		});
	});

	test("in a sandbox gives no buyer without its money, wherever it is interrupted", async () => {
		await makeSandbox(at("world"), {
			addresses: {
				issuer: "127.0.0.1:7101",
				shop: "127.0.0.1:7001",
				operators: "127.0.0.1:7181",
			},
		});
		const mintHome = at("world", "issuer", "module");
		const home = at("carol");
		await rename(mintHome, at("elsewhere"));
		await refused(
			["setup", "buyer", home, "--sandbox", at("world")],
			/cannot read|is not there|there is no/,
		);
		await refused(["status", "--home", home], /is being set up as buyer/);
		await rename(at("elsewhere"), mintHome);
		// A process that was killed leaves drafts, too.
		for (const name of ["tetrad.toml", "agent.csr.0123456789abcdef"])
			await writeFile(join(home, `${name}.new`), "");
		const answers = await readFile(join(home, "setup.json"));
		const made = await done(["setup", "buyer", home]);
		assert.equal(made["state"], "ready");
		// Between the side and the end of its answers.
		await writeFile(join(home, "setup.json"), answers);
		assert.deepEqual(await done(["setup", "buyer", home]), made);
		const { accounts } = (await done([
			...["issuer", "accounts", "--home", mintHome],
		])) as { accounts: Record<string, string>[] };
		assert.deepEqual(
			accounts.map(({ name, balance }) => [name, balance]),
			[
				["buyer-purse", "100.00"],
				["carol-purse", "100.00"],
			],
		);
		await refused(["setup", "buyer", home], /there is a side in .*carol/);
	});

	test("never makes anything where there is something", async () => {
		await mkdir(at("full"));
		await writeFile(at("full", "letter.txt"), "Dear");
		await refused(
			["setup", "buyer", at("full"), ...authorities(), ...whose(), ...inClear],
			/full is not empty: letter.txt is in it; name a new folder/,
		);
		assert.deepEqual(await readdir(at("full")), ["letter.txt"]);
	});

	test("says all that is missing where it cannot ask, and makes nothing", async () => {
		const home = at("silent");
		await refused(
			["setup", "buyer", home],
			/say where they are: --agent-passphrase-file, --module-passphrase-file, --owner-passphrase-file/,
			2,
		);
		await refused(
			["setup", "buyer", home, ...inClear],
			/say --issuer FILE and --issuer-at ADDRESS, or --sandbox FOLDER/,
			2,
		);
		await refused(
			["setup", "issuer", home, ...inClear],
			/say --currency CODE/,
			2,
		);
		await assert.rejects(stat(home), /ENOENT/);
	});

	test("asks at a terminal for what is missing, until it is right", async () => {
		const home = at("asked");
		await using setup = Command.atTerminal([
			...["setup", "shop", home, ...authorities(), ...inClear],
		]);
		const answer = async (question: RegExp, text: string) => {
			await setup.until(() => question.test(setup.stdout), String(question));
			setup.type(`${text}\r`);
		};
		await answer(/issuer.terms.json of the issuer/, terms);
		await answer(/where does the agent of the issuer answer/, "nowhere");
		await answer(/has no port/, "127.0.0.1:7100");
		await answer(/where shall its agent answer.*\(127.0.0.1:7000\)/, "");
		await answer(/price of what has no other one \(1.00\)/, "2.50");
		await setup.exits(0);
		const { sell, agent } = await readSide(home, {});
		assert.equal(sell?.price, "2.50");
		assert.deepEqual(agent.listen, {
			kind: "tcp",
			host: "127.0.0.1",
			port: 7000,
		});
	});
});

describe("tetrad up", () => {
	test("says that there is no side", async () => {
		await refused(
			["up", "--home", at("nobody")],
			/nobody is not the folder of a side/,
			2,
		);
	});
});

type UpEvent =
	| { readonly event: "up" | "stopped" }
	| {
			readonly event: "process";
			readonly process: string;
			readonly pid?: number;
	  };
