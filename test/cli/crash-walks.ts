/*
 * Commands that change homes, each with what must hold when it crashed after any of its steps:
 * given again, it goes on. Whoever walks says how a command is run.
 */
import assert from "node:assert/strict";
import { cp, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { createAuthorityHome } from "../../src/device/authority/issue-device-home.ts";
import { readHome } from "../../src/device/home/home.ts";
import { makeDevice } from "../../src/device/runtime/identity.ts";
import {
	encodeChain,
	makeRequest,
	parsePem,
	parsePemBlock,
	parseRequest,
	parseTrustAnchor,
	printPemBlock,
	type TrustAnchor,
	UntrustedLists,
	validateChain,
} from "../../src/identity/index.ts";
import {
	generateSoftwareKey,
	openKey,
	readSoftwareKey,
	secretFromFile,
} from "../../src/keys/index.ts";

/** What a command that came to its end said, and its exit code. */
interface Result {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

export type RunCommand = (args: readonly string[]) => Promise<Result>;

/** A command, in a fresh world each time. */
export interface Walk {
	/** Its arguments, after its world was made. */
	readonly begin: () => Promise<string[]>;
	/** Gives it again, and fails unless all holds that must after a crash, and after its end. */
	readonly goesOn: () => Promise<void>;
	/** Steps that it takes at least. */
	readonly steps: number;
}

export type WalkName = keyof Omit<CrashWalks, "folder">;

/** The walks, by name, in one folder with two authorities. */
export class CrashWalks {
	readonly folder: string;
	readonly #run: RunCommand;
	#count = 0;

	static async make(folder: string, run: RunCommand): Promise<CrashWalks> {
		const walks = new CrashWalks(folder, run);
		const at = walks.#at;
		await writeFile(at("pass"), "correct horse\n", { mode: 0o600 });
		await createAuthorityHome(at("agency"), "agency", "Test Agency", "P-256");
		await createAuthorityHome(at("bank"), "bank", "Test Bank", "Ed25519");
		return walks;
	}

	private constructor(folder: string, run: RunCommand) {
		this.folder = folder;
		this.#run = run;
	}

	async "authority init"(): Promise<Walk> {
		let home = "";
		let args: string[] = [];
		return {
			begin: async () => {
				home = this.#fresh("crash");
				args = [
					...["authority", "init", "--kind", "bank", "--name", "Bank"],
					...["--home", home, "--unsafe-unsealed-key"],
				];
				return args;
			},
			goesOn: async () => {
				const { code, stderr } = await this.#run(args);
				// It may have been done, but for the last sentence.
				if (code !== 0) assert.match(stderr, /holds an authority already/);
				const key = await readSoftwareKey(join(home, "key.pem"));
				const { certificate } = await anchorOf(home);
				assert.deepEqual(certificate.publicKey, key.publicKey);
			},
			steps: 6,
		};
	}

	/** The certificate is the one that was recorded, if there was one. */
	async "authority issue"(): Promise<Walk> {
		let home = "";
		let args: string[] = [];
		let out = "";
		const file = this.#fresh("request");
		const request = await makeRequest(nodeCrypto, {
			role: "agent",
			name: "alice",
			signer: generateSoftwareKey("P-256"),
		});
		await writeFile(file, printPemBlock("CERTIFICATE REQUEST", request));
		return {
			begin: async () => {
				home = await this.#copyOf("agency");
				out = this.#fresh("chain");
				args = [
					...["authority", "issue", "--home", home, "--request", file],
					...["--out", out],
				];
				return args;
			},
			goesOn: async () => {
				const list = ["authority", "list", "--home", home];
				const recorded = await this.#done(list);
				const { code, stderr } = await this.#run(args);
				assert.equal(code, 0, stderr);
				const [held, ...others] = recorded["certificates"] as {
					serial: string;
				}[];
				assert.deepEqual(others, []);
				const serial = await serialIn(home, out);
				if (held !== undefined) assert.equal(serial, held.serial);
				const { certificates } = await this.#done(list);
				assert.equal((certificates as unknown[]).length, 1);
			},
			steps: 5,
		};
	}

	/** No number is ever on two lists. */
	async "authority publish"(): Promise<Walk> {
		let home = "";
		let out = "";
		let args: string[] = [];
		return {
			begin: async () => {
				home = await this.#copyOf("agency");
				out = this.#fresh("list");
				args = ["authority", "publish", "--home", home, "--out", out];
				return args;
			},
			goesOn: async () => {
				const lists = new UntrustedLists(nodeCrypto, {
					agencies: [await anchorOf(home)],
					banks: [],
				});
				const handedOut = await readFile(out).catch(() => undefined);
				const first =
					handedOut && lists.offer(handedOut, Date.now()).list.number;
				const { code, stderr } = await this.#run(args);
				assert.equal(code, 0, stderr);
				const offered = lists.offer(await readFile(out), Date.now());
				assert.equal(offered.kind, "newer");
				assert.ok(offered.list.number > (first ?? 0n));
			},
			steps: 5,
		};
	}

	/** One and the same key is asked for. */
	async "enroll --out"(): Promise<Walk> {
		let home = "";
		let args: string[] = [];
		return {
			begin: async () => {
				home = this.#fresh("crash");
				args = this.#asking(home);
				return args;
			},
			goesOn: async () => {
				const before = await readFile(join(home, "key.sealed")).catch(
					() => undefined,
				);
				const { code, stderr } = await this.#run(args);
				assert.equal(code, 0, stderr);
				const key = await readFile(join(home, "key.sealed"));
				if (before !== undefined) assert.deepEqual(key, before);
				await using opened = await openKey(
					{ file: "key.sealed" },
					{ folder: home, passphrase: this.#passphrase },
				);
				const csr = await readFile(`${home}.csr`, "utf8");
				const { publicKey } = parseRequest(
					nodeCrypto,
					parsePemBlock(csr, "CERTIFICATE REQUEST"),
				);
				assert.deepEqual(publicKey, opened.publicKey);
			},
			steps: 8,
		};
	}

	async "enroll --certificate"(): Promise<Walk> {
		const begun = this.#fresh("begun");
		await this.#done(this.#asking(begun));
		const chain = this.#fresh("chain");
		await this.#done([
			...["authority", "issue", "--home", await this.#copyOf("agency")],
			...["--request", `${begun}.csr`, "--out", chain],
		]);
		let home = "";
		const finishing = () => [
			...["enroll", "--home", home, "--certificate", chain],
			...["--trust-agency", this.#at("agency")],
			...["--trust-bank", this.#at("bank", "root.pem")],
		];
		return {
			begin: async () => {
				home = await this.#copyOf(begun);
				return finishing();
			},
			goesOn: async () => {
				const { code, stderr } = await this.#run(finishing());
				// It may have been done, but for the last sentence.
				if (code !== 0) assert.match(stderr, /there is a device in/);
				await this.#requireDevice(home);
			},
			steps: 10,
		};
	}

	/** One and the same key is asked for, and the home works all the while. */
	async "recertify --out"(): Promise<Walk> {
		const begun = await this.#sealedDevice("judy");
		let home = "";
		return {
			begin: async () => {
				home = await this.#copyOf(begun);
				return this.#askingAnew(home);
			},
			goesOn: async () => {
				await this.#requireDevice(home);
				await this.#done(this.#askingAnew(home));
				const sealed = (await readdir(home)).filter((name) =>
					name.endsWith(".sealed"),
				);
				assert.equal(sealed.length, 2);
			},
			steps: 8,
		};
	}

	/** The home works all the while. */
	async "recertify --certificate"(): Promise<Walk> {
		const { begun, chain } = await this.#renewed("kim");
		let home = "";
		return {
			begin: async () => {
				home = await this.#copyOf(begun);
				return goingOver(home, chain);
			},
			goesOn: async () => {
				await this.#requireDevice(home);
				await this.#done(goingOver(home, chain));
				await this.#requireDevice(home);
				const device = await readFile(join(home, "device.json"), "utf8");
				assert.match(device, /key-2\.sealed/);
			},
			steps: 8,
		};
	}

	async "recertify --forget-old"(): Promise<Walk> {
		const { begun, chain } = await this.#renewed("liam");
		await this.#done(goingOver(begun, chain));
		let home = "";
		const forgetting = () => ["recertify", "--home", home, "--forget-old"];
		return {
			begin: async () => {
				home = await this.#copyOf(begun);
				return forgetting();
			},
			goesOn: async () => {
				await this.#done(forgetting());
				await this.#requireDevice(home);
				await assert.rejects(stat(join(home, "key.sealed")), {
					code: "ENOENT",
				});
			},
			steps: 1,
		};
	}

	readonly #at = (...names: string[]) => join(this.folder, ...names);

	readonly #fresh = (name: string) => this.#at(`${name}-${++this.#count}`);

	readonly #passphrase = (
		...args: Parameters<ReturnType<typeof secretFromFile>>
	) => secretFromFile(this.#at("pass"))(...args);

	/** A copy of a home; an authority's so certifies every name anew. */
	async #copyOf(home: string): Promise<string> {
		const copy = this.#fresh("copy");
		await cp(resolve(this.folder, home), copy, { recursive: true });
		return copy;
	}

	/** Fails the test unless the command is done; returns what it said with --json. */
	async #done(args: readonly string[]): Promise<Record<string, unknown>> {
		const { code, stdout, stderr } = await this.#run([...args, "--json"]);
		assert.equal(code, 0, stderr);
		return JSON.parse(stdout);
	}

	#asking(home: string): string[] {
		return [
			...["enroll", "--home", home, "--role", "agent", "--name", "alice"],
			...["--out", `${home}.csr`, "--passphrase-file", this.#at("pass")],
		];
	}

	#askingAnew(home: string): string[] {
		return [
			...["recertify", "--home", home, "--out", `${home}.renewal`],
			...["--passphrase-file", this.#at("pass")],
		];
	}

	/** A device with a sealed key of its own. */
	async #sealedDevice(name: string): Promise<string> {
		const home = this.#fresh("home");
		await this.#done([
			...["authority", "issue", "--home", this.#at("agency"), "--name", name],
			...["--device", home, "--trust", this.#at("bank")],
			...["--device-passphrase-file", this.#at("pass")],
		]);
		return home;
	}

	/** The same, with a certificate for a new key that it has yet to go over to. */
	async #renewed(name: string): Promise<{ begun: string; chain: string }> {
		const begun = await this.#sealedDevice(name);
		await this.#done(this.#askingAnew(begun));
		const chain = this.#fresh("chain");
		await this.#done([
			...["authority", "issue", "--home", this.#at("agency")],
			...["--renewal", `${begun}.renewal`, "--out", chain],
		]);
		return { begun, chain };
	}

	/** Fails the test unless a device could start from this home. */
	async #requireDevice(home: string): Promise<void> {
		await using read = await readHome(home, "agent", {
			passphrase: this.#passphrase,
		});
		makeDevice("agent", read);
	}
}

/** All walks. */
export const WALKS: readonly WalkName[] = [
	"authority init",
	"authority issue",
	"authority publish",
	"enroll --out",
	"enroll --certificate",
	"recertify --out",
	"recertify --certificate",
	"recertify --forget-old",
];

const goingOver = (home: string, chain: string) => [
	...["recertify", "--home", home, "--certificate", chain],
];

async function anchorOf(home: string): Promise<TrustAnchor> {
	const [root] = parsePem(await readFile(join(home, "root.pem"), "utf8"));
	return parseTrustAnchor(nodeCrypto, root ?? new Uint8Array());
}

async function serialIn(home: string, chain: string): Promise<string> {
	const { path } = validateChain(
		nodeCrypto,
		encodeChain(parsePem(await readFile(chain, "utf8"))),
		"agent",
		[await anchorOf(home)],
		Date.now(),
	);
	return Buffer.from(path[0].serial).toString("hex");
}
