/* What shells complete, asked of the shells themselves where they are installed. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Command } from "commander";
import { completionOf } from "../../src/cli/completion/completion.ts";
import { placesOf } from "../../src/cli/completion/tree.ts";
import { declareAll } from "../../src/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { run } from "../support/processes.ts";

const program = new Command("tetrad");
await declareAll(program);
const places = placesOf(program);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

before(async () => {
	folder = await temporaryFolder();
	await mkdir(join(folder.path, "a home"));
	await writeFile(join(folder.path, "a file"), "");
	for (const shell of ["bash", "zsh", "fish"] as const)
		await writeFile(
			join(folder.path, `tetrad.${shell}`),
			completionOf(shell, program),
		);
});
after(() => folder[Symbol.asyncDispose]());

/** What bash offers when this stands at the prompt and Tab is pressed. */
function bash(line: string): string[] {
	const script = `
		source "$1"
		read -ra COMP_WORDS <<< "$2"
		[[ $2 == *" " ]] && COMP_WORDS+=("")
		COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
		_tetrad
		((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`;
	const { stdout, stderr, status } = spawnSync(
		"bash",
		["--norc", "-uc", script, "bash", "tetrad.bash", line],
		{ cwd: folder.path, encoding: "utf8" },
	);
	assert.equal(status, 0, stderr);
	// Outside of a completion there is nothing whose options could be set.
	assert.equal(stderr.replace(/.*compopt.*\n/g, ""), "");
	return stdout.split("\n").filter((word) => word !== "");
}

describe("bash completes", () => {
	test("every command, in every group, and every flag", () => {
		for (const { path, commands, flags } of places) {
			if (commands.length > 0)
				assert.deepEqual(
					bash(`${path} `),
					commands.map(({ name }) => name),
				);
			assert.deepEqual(
				bash(`${path} --`),
				flags.map(({ name }) => name),
			);
		}
		assert.ok(places.length > 50);
	});

	test("what was begun", () => {
		assert.deepEqual(bash("tetrad cat"), ["catalogue"]);
		assert.deepEqual(bash("tetrad purse with"), ["withdraw"]);
		assert.deepEqual(bash("tetrad buy shop:7000 photo.jpg --ma"), ["--max"]);
		assert.deepEqual(bash("tetrad frob"), []);
	});

	test("values that are one of a few words", () => {
		assert.deepEqual(bash("tetrad agent --routing "), ["direct", "crossed"]);
		assert.deepEqual(bash("tetrad completion z"), ["zsh"]);
	});

	test("files and folders, blanks and all, where they are asked for", () => {
		assert.deepEqual(bash("tetrad balance --home "), ["a home"]);
		assert.ok(bash("tetrad verify ").includes("a file"));
		assert.deepEqual(bash("tetrad purse withdraw "), []);
		assert.deepEqual(bash("tetrad buy x y --max "), []);
	});
});

describe("the scripts for other shells", () => {
	/** Why a test of a shell is left out; under CI=true it is not. */
	const skipWithout = (shell: string): string | false => {
		if (spawnSync(shell, ["-c", ""]).status === 0) return false;
		const message = `NO ${shell.toUpperCase()}: .ci/run shows what to install`;
		if (process.env["CI"] === "true") throw new Error(message);
		return message;
	};

	for (const shell of ["zsh", "fish"] as const) {
		test(`of ${shell} names every command and flag`, () => {
			const script = completionOf(shell, program);
			for (const { path, flags } of places)
				for (const word of [
					...path.split(" "),
					...flags.map(({ name }) => name.slice(2)),
				])
					assert.ok(script.includes(word), `${path} ${word}`);
		});

		test(`of ${shell} is read by it`, { skip: skipWithout(shell) }, () => {
			const { status, stderr } = spawnSync(shell, ["-n", `tetrad.${shell}`], {
				cwd: folder.path,
				encoding: "utf8",
			});
			assert.equal(status, 0, stderr);
		});
	}

	test("of fish completes in it", { skip: skipWithout("fish") }, () => {
		const shell = "fish";
		const fish = (line: string) =>
			spawnSync(
				shell,
				[
					"--no-config",
					"-c",
					'source tetrad.fish; complete -C "$argv[1]"',
					line,
				],
				{ cwd: folder.path, encoding: "utf8" },
			)
				.stdout.split("\n")
				.map((row) => row.split("\t")[0]);
		assert.ok(fish("tetrad cat").includes("catalogue"));
		assert.ok(fish("tetrad purse wi").includes("withdraw"));
		assert.ok(fish("tetrad buy x y --ma").includes("--max"));
		assert.deepEqual(
			fish("tetrad agent --routing ")
				.filter((word) => word !== "")
				.toSorted(),
			["crossed", "direct"],
		);
	});
});

test("tetrad completion prints the script, and refuses other shells", async () => {
	const { code, stdout } = await run(["completion", "bash"]);
	assert.equal(code, 0);
	assert.equal(stdout, completionOf("bash", program));
	const other = await run(["completion", "csh"]);
	assert.equal(other.code, 2);
	assert.match(other.stderr, /bash, zsh, fish/);
});
