/* What is deployed: units and containers run commands and flags that are there, and are what their managers read. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Command } from "commander";
import { COMMANDS } from "../src/commands.ts";
import { DEVICE_NODE_OPTIONS } from "../src/device/supervisor/limits.ts";
import { temporaryFolder } from "./support/folders.ts";

const run = promisify(execFile);
const DEPLOY = fileURLToPath(new URL("../deploy/", import.meta.url));
const UNITS = join(DEPLOY, "systemd");
const read = (...names: string[]) =>
	readFileSync(join(DEPLOY, ...names), "utf8");

/** Fails unless the program has this command, and the command these flags. */
async function requireCommand(words: readonly string[]): Promise<void> {
	const line = words.join(" ");
	const [name = "", ...rest] = words;
	const entry = COMMANDS.find((one) => one.name === name);
	assert.ok(entry, `there is no command ${name}: ${line}`);
	let command = new Command(name);
	(await entry.load())(command);
	const left = [...rest];
	for (;;) {
		const inner = command.commands.find((one) => one.name() === left[0]);
		if (inner === undefined) break;
		command = inner;
		left.shift();
	}
	const known = new Set(command.options.map(({ long }) => long));
	const flags = left.filter((word) => word.startsWith("--"));
	for (const flag of flags) assert.ok(known.has(flag), `${flag}: ${line}`);
	// Nothing else is said than flags and what they are.
	for (const [at, word] of left.entries()) {
		const before = command.options.find(({ long }) => long === left[at - 1]);
		const isValue = before?.required === true || before?.optional === true;
		assert.ok(word.startsWith("--") || isValue, `${word}: ${line}`);
	}
}

const units = readdirSync(UNITS);

describe("systemd units", () => {
	for (const unit of units.filter((name) => name.endsWith(".service")))
		test(`${unit} runs a command and flags that are there, as a user of its own`, async () => {
			const text = read("systemd", unit);
			const [, line = ""] =
				/^ExecStart=.*?\/usr\/local\/bin\/tetrad (.*?)'?$/m.exec(text) ?? [];
			// A file name may be worked out by the shell.
			await requireCommand(line.replace(/"[^"]*"/, "FILE").split(" "));
			assert.match(text, /^User=tetrad-(agent|module|issuer)$/m);
			if (line.includes("--metrics"))
				assert.ok(text.includes(`"NODE_OPTIONS=${DEVICE_NODE_OPTIONS}"`));
			for (const hardened of [
				...["NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes"],
				...["CapabilityBoundingSet=", "ProtectHome=yes", "LimitCORE=0"],
			])
				assert.match(text, new RegExp(`^${hardened}$`, "m"), hardened);
		});

	test("run agent and module as two users, and the module without a network", () => {
		const userOf = (unit: string) =>
			/^User=(.*)$/m.exec(read("systemd", unit))?.[1];
		assert.notEqual(
			userOf("tetrad-agent.service"),
			userOf("tetrad-module.service"),
		);
		for (const unit of ["tetrad-module.service", "tetrad-issuer.service"])
			assert.match(
				read("systemd", unit),
				/^IPAddressDeny=any\nIPAddressAllow=localhost$/m,
			);
	});

	const verifies = ["/usr/bin", "/bin"].some((folder) =>
		existsSync(join(folder, "systemd-analyze")),
	);
	test("are what systemd reads without a word", {
		skip: verifies ? false : "there is no systemd-analyze on this machine",
	}, async () => {
		await using folder = await temporaryFolder();
		const program = join(folder.path, "tetrad");
		await writeFile(program, "#!/bin/sh\n");
		await chmod(program, 0o755);
		const paths: string[] = [];
		for (const unit of units) {
			const path = join(folder.path, unit);
			const text = read("systemd", unit);
			await writeFile(path, text.replaceAll("/usr/local/bin/tetrad", program));
			paths.push(path);
		}
		const { stderr } = await run("systemd-analyze", [
			...["verify", "--man=no", "--recursive-errors=no"],
			...paths,
		]);
		const about = stderr
			.split("\n")
			.filter((line) => paths.some((path) => line.includes(path)));
		assert.deepEqual(about, []);
	});
});

describe("containers", () => {
	const compose = read("container", "compose.yaml");
	const lists = [...compose.matchAll(/^\s+(command|test): \[(.*)\]$/gm)].map(
		([, kind, words = ""]) => ({
			kind,
			words: words.split(", ").map((word) => word.replaceAll('"', "")),
		}),
	);

	test("run commands and flags that are there", async () => {
		assert.equal(lists.length, 4);
		for (const { kind, words } of lists)
			await requireCommand(
				kind === "command" ? words : words.slice(words.indexOf("tetrad") + 1),
			);
	});

	test("have two users, a check of their health, and nothing that they need not", () => {
		const users = [...compose.matchAll(/user: "(\d+):\d+"/g)].map(
			([, user]) => user,
		);
		assert.deepEqual([...new Set(users)].toSorted(), ["10001", "10002"]);
		assert.equal(lists.filter(({ kind }) => kind === "test").length, 2);
		assert.equal(compose.match(/<<: \*hardened/g)?.length, 2);
		for (const said of [
			...["read_only: true", "cap_drop: [ALL]", "no-new-privileges:true"],
			...["internal: true"],
		])
			assert.ok(compose.includes(said), said);
		const container = read("container", "Containerfile");
		assert.ok(container.includes(`NODE_OPTIONS="${DEVICE_NODE_OPTIONS}"`));
		for (const user of ["10001", "10002"])
			assert.ok(container.includes(`--uid ${user}`));
		assert.doesNotMatch(container, /^USER (root|0)$/m);
	});
});
