/* What whoever installs the package has: an empty project with it and with what comes with it, and nothing of ours beside. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
	copyFile,
	mkdir,
	readFile,
	symlink,
	writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { temporaryFolder } from "./support/folders.ts";
import { Command } from "./support/processes.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Programs of ten lines, as they stand on our pages. */
const PROGRAMS = ["buyer.ts", "shop.ts", "shop-on-order.ts"];

type WorldEvent =
	| {
			readonly event: "ready";
			readonly sides: Readonly<
				Record<
					"buyer" | "shop",
					{ readonly home: string; readonly address?: string }
				>
			>;
	  }
	| { readonly event: "step" | "process" | "stopped" };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (...names: string[]) => join(folder.path, ...names);

before(async () => {
	folder = await temporaryFolder();
	const project = at("project");
	await mkdir(project);
	await run(
		"npm",
		["pack", "--ignore-scripts", "--pack-destination", folder.path],
		{ cwd: ROOT, maxBuffer: 2 ** 24 },
	);
	const { name, version, dependencies } = JSON.parse(
		await readFile(join(ROOT, "package.json"), "utf8"),
	);
	const place = join(project, "node_modules", name);
	await mkdir(place, { recursive: true });
	await run("tar", [
		...["-xzf", at(`${name}-${version}.tgz`)],
		...["-C", place, "--strip-components", "1"],
	]);
	// As npm does it, without asking a registry: those that the manifest names, and what users of TypeScript add.
	for (const other of [...Object.keys(dependencies), "@types/node"]) {
		const link = join(project, "node_modules", other);
		await mkdir(dirname(link), { recursive: true });
		await symlink(join(ROOT, "node_modules", other), link);
	}
	await writeFile(join(project, "package.json"), '{ "type": "module" }\n');
	for (const program of PROGRAMS)
		await copyFile(join(ROOT, "examples", program), join(project, program));
});
after(() => folder[Symbol.asyncDispose]());

suite("an empty project with the package", () => {
	/** What the compiler says of these entries and of our programs. */
	async function checked(entries: readonly string[]): Promise<string> {
		await writeFile(
			at("project", "entries.ts"),
			entries
				.map((entry, i) => `export * as _${i} from "${entry}";\n`)
				.join(""),
		);
		await writeFile(
			at("project", "tsconfig.json"),
			JSON.stringify({
				compilerOptions: {
					...{ strict: true, skipLibCheck: false, noEmit: true },
					...{
						exactOptionalPropertyTypes: true,
						noUncheckedIndexedAccess: true,
					},
					...{ target: "esnext", module: "nodenext", types: ["node"] },
				},
				files: [...PROGRAMS, "entries.ts"],
			}),
		);
		const tsc = join(ROOT, "node_modules", ".bin", "tsc");
		const { stdout } = await run(tsc, ["-p", at("project")]).catch(
			(thrown: { readonly stdout: string }) => thrown,
		);
		return stdout;
	}

	test("type-checks as strictly as can be, with the types of the package", async () => {
		const { exports } = JSON.parse(
			await readFile(join(ROOT, "package.json"), "utf8"),
		);
		const entries = Object.keys(exports).map((entry) =>
			entry.replace(/^\./, "tetrad"),
		);
		const others = entries.filter((entry) => entry !== "tetrad/x402");
		assert.equal(others.length, entries.length - 1);
		assert.equal(await checked(others), "");
		// The types of x402 are those of whoever speaks it.
		await mkdir(at("project", "node_modules", "@x402"));
		await symlink(
			join(ROOT, "node_modules", "@x402", "core"),
			at("project", "node_modules", "@x402", "core"),
		);
		assert.equal(await checked(entries), "");
	});

	test("computes with node:crypto, and with libsodium once its package is there", async () => {
		await writeFile(
			at("project", "crypto.js"),
			`import { chosenCrypto, nodeCrypto } from "tetrad/crypto";
			console.log(chosenCrypto() === nodeCrypto);`,
		);
		const isNode = async (env: Readonly<Record<string, string>> = {}) =>
			(
				await run(process.execPath, ["crypto.js"], {
					cwd: at("project"),
					env: { ...process.env, TETRAD_CRYPTO: "", ...env },
				})
			).stdout.trim();
		assert.equal(await isNode(), "true");
		await assert.rejects(
			isNode({ TETRAD_CRYPTO: "sodium" }),
			/the package sodium-native does not load here/,
		);
		const { optionalDependencies } = JSON.parse(
			await readFile(join(ROOT, "package.json"), "utf8"),
		);
		assert.deepEqual(Object.keys(optionalDependencies), ["sodium-native"]);
		await symlink(
			join(ROOT, "node_modules", "sodium-native"),
			at("project", "node_modules", "sodium-native"),
		);
		assert.equal(await isNode(), "false");
		assert.equal(await isNode({ TETRAD_CRYPTO: "node" }), "true");
	});

	test("buys by ten lines in a sandbox", async () => {
		await using sandbox = new Command<WorldEvent>(
			["sandbox", at("world"), "--json"],
			{ patienceMs: 120_000 },
		);
		const { sides } = await sandbox.expect("ready");
		const { stdout } = await run(
			process.execPath,
			["buyer.ts", sides.buyer.home, sides.shop.address ?? "", "licence"],
			{ cwd: at("project") },
		);
		assert.match(stdout, /^licence is at (.+)\n9100 minor units are left\n$/);
		const [, path = ""] = /is at (.+)\n/.exec(stdout) ?? [];
		assert.match(await readFile(path, "utf8"), /^KEY-/);
		sandbox.terminate();
		await sandbox.exits(0);
	});
});
