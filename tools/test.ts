/*
 * Runs the tests on all cores, with Node's own runner: files that start processes each in a
 * process, all others together in as few as there are cores; what takes longest begins first.
 * One more process runs than there are cores.
 *
 *   npm test                            everything
 *   npm test -- test/wire/*.test.ts     these files
 *   npm test -- --name flights          tests whose name matches
 *   npm test -- --record                everything, and writes what each file costs
 *   npm test -- --every-day             only what starts no process and is not slow
 *   npm test -- --with lint             a script of package.json beside the tests
 *   npm run coverage                    all that start no process, and which branches they take
 *   npm run coverage -- --lines         and the lines of those they do not
 */
import { spawn } from "node:child_process";
import {
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
	coverageOf,
	type FileCoverage,
	MEASURED_ROOMS,
	untakenIn,
	withoutUnreachable,
} from "./branch-coverage.ts";
import {
	type Costs,
	findTests,
	growth,
	isForEveryDay,
	type Job,
	plan,
	startsProcesses,
} from "./test-plan.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COSTS = join(ROOT, "test", "cpu.json");
const CACHE = join(ROOT, "node_modules", ".cache", "tetrad");

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		coverage: { type: "boolean", default: false },
		"every-day": { type: "boolean", default: false },
		lines: { type: "boolean", default: false },
		name: { type: "string", multiple: true, default: [] },
		record: { type: "boolean", default: false },
		with: { type: "string", multiple: true, default: [] },
	},
});

interface Check {
	readonly name: string;
	readonly passed: boolean;
	readonly output: string;
	readonly seconds: number;
}

/** Runs scripts of package.json, one after another. */
async function runChecks(names: readonly string[]): Promise<Check[]> {
	const checks: Check[] = [];
	for (const name of names) {
		const start = performance.now();
		const child = spawn("npm", ["run", "--silent", name], {
			cwd: ROOT,
			stdio: ["ignore", "pipe", "pipe"],
		});
		let output = "";
		for (const stream of [child.stdout, child.stderr])
			stream.setEncoding("utf8").on("data", (text: string) => {
				output += text;
			});
		const code = await new Promise((settle, reject) => {
			child.once("error", reject);
			child.once("close", settle);
		});
		const seconds = (performance.now() - start) / 1000;
		checks.push({ name, passed: code === 0, output, seconds });
	}
	return checks;
}

/** The files that Node's runner is given: a test file, or one that brings a group into a process. */
function entryOf(job: Job, folder: string, index: number): string {
	const files = job.map((file) => join(ROOT, file));
	if (files.length === 1 && files[0] !== undefined) return files[0];
	const path = join(folder, `group-${index + 1}.mjs`);
	const room = new URL("one-process.ts", import.meta.url).href;
	writeFileSync(
		path,
		`import { relative } from "node:path";
import { runInOneProcess } from ${JSON.stringify(room)};
await runInOneProcess(${JSON.stringify(files)}, (file) => relative(${JSON.stringify(ROOT)}, file));
`,
	);
	return path;
}

function wanted(): string[] {
	const all = findTests(ROOT);
	if (all.length === 0) throw new Error("there are no tests");
	const named = [
		...new Set(positionals.map((path) => relative(ROOT, resolve(path)))),
	];
	for (const path of named)
		if (!all.includes(path)) throw new Error(`${path} is not a test file`);
	return (named.length > 0 ? named : all).filter(
		(file) =>
			(!values["every-day"] || isForEveryDay(file)) &&
			!(values.coverage && startsProcesses(file)),
	);
}

function readCosts(path: string): Costs {
	try {
		return JSON.parse(readFileSync(path, "utf8"));
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return {};
		throw thrown;
	}
}

/** What `report-cpu.ts` wrote, a line for each file that came to its end. */
function measuredIn(path: string): Costs {
	const lines = readFileSync(path, "utf8").trim().split("\n");
	const rows = lines
		.filter((line) => line !== "")
		.map((line): [string, number] => JSON.parse(line));
	return Object.fromEntries(rows);
}

function writeCosts(costs: Costs): void {
	const rounded = Object.entries(costs)
		.map(([file, seconds]): [string, number] => [
			file,
			Math.round(seconds * 10) / 10,
		])
		.sort(([a], [b]) => (a < b ? -1 : 1));
	const text = JSON.stringify(Object.fromEntries(rounded), undefined, "\t");
	writeFileSync(COSTS, `${text}\n`);
}

/** After so many milliseconds a process with tests is taken to hang, and is named: more than all of them take. */
const HANGS_MS = 1_800_000;

const files = wanted();
const recorded = readCosts(COSTS);
mkdirSync(CACHE, { recursive: true });
const folder = mkdtempSync(join(CACHE, "tests-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
	process.once(signal, () => process.exit(1));
const costs = join(folder, "costs");
writeFileSync(costs, "");
process.env["TETRAD_TEST_COSTS"] = costs;
// A function out of the cache is covered as a whole or not at all.
if (values.coverage) delete process.env["NODE_COMPILE_CACHE"];
else process.env["NODE_COMPILE_CACHE"] ??= CACHE;

/** Files that start processes wait for a third of their time: for disks, for timers, for each other. */
const ONE_WAITS = 1;

const cores = availableParallelism();
const checking = runChecks(values.with);
const tests = run({
	files: plan(files, recorded, cores).map((job, index) =>
		entryOf(job, folder, index),
	),
	concurrency: cores + ONE_WAITS,
	timeout: HANGS_MS,
	execArgv: [`--import=${join(ROOT, "tools", "report-cpu.ts")}`],
	testNamePatterns: values.name.map((name) => new RegExp(name)),
	...(values.coverage && {
		coverage: true,
		coverageIncludeGlobs: MEASURED_ROOMS.map((room) => `src/${room}/**`),
	}),
});

/** Fails the run, with a sentence before its closing lines. */
function* failure(message: string) {
	process.exitCode = 1;
	yield* said([message], "error");
}

function* said(lines: readonly string[], level = "info") {
	for (const message of lines)
		yield { type: "test:diagnostic", data: { nesting: 0, message, level } };
}

/** Of what an error says, so many characters stand among the last lines. */
const SAID_OF_AN_ERROR = 1500;

/** What has failed so far, each with its error. Those that fell with another say no more than that. */
const failures: string[] = [];

function remember({ name, file, details }: FailedTest): void {
	const { error } = details;
	const { failureType = "" } = error;
	if (["subtestsFailed", "cancelledByParent"].includes(failureType)) return;
	const { cause = error } = error;
	const said = cause instanceof Error ? (cause.stack ?? String(cause)) : cause;
	const where = file === undefined ? "" : ` in ${relative(ROOT, file)}`;
	failures.push(
		`failed${where}: ${name}\n${String(said).slice(0, SAID_OF_AN_ERROR)}`,
	);
}

interface FailedTest {
	readonly name: string;
	readonly file?: string | undefined;
	readonly details: {
		readonly error: Error & { readonly failureType?: string };
	};
}

/** What is known when all tests have run. */
async function* lastWords() {
	for (const { name, passed, output, seconds } of await checking) {
		if (passed) yield* said([`${name} passed in ${seconds.toFixed(1)} s`]);
		else yield* failure(`${name} failed:\n${output.trimEnd()}`);
	}
	const measured = measuredIn(costs);
	const missing = files.filter((file) => measured[file] === undefined);
	if (missing.length > 0)
		yield* failure(`did not come to their end: ${missing.join(", ")}`);
	const found = Object.keys(measured).length;
	yield* said([`${found} of ${files.length} test files have run`]);
	if (values.name.length === 0) yield* said(growth(recorded, measured));
	// Who sees no more than the end of a long run is to see why it failed.
	yield* said(failures, "error");
	if (values.record && missing.length === 0) {
		const known = { ...recorded, ...measured };
		writeCosts(
			Object.fromEntries(
				findTests(ROOT).map((file) => [file, known[file] ?? 0]),
			),
		);
	}
}

/** Fails the run when a room has too few branches taken, unless only some tests have run. */
function* coverageLines(files: readonly FileCoverage[]) {
	if (values.lines) yield* said(untakenIn(files, ROOT));
	const { lines, failure: tooLittle } = coverageOf(files, ROOT);
	yield* said(lines);
	if (tooLittle !== undefined && positionals.length === 0)
		yield* failure(tooLittle);
}

async function* events() {
	let isOver = false;
	for await (const event of tests) {
		if (event.type === "test:coverage") {
			const { files } = event.data.summary;
			yield* coverageLines(
				files.map((file: FileCoverage) => withoutUnreachable(file)),
			);
			continue;
		}
		// The closing lines are the only ones that belong to no file.
		if (!isOver && isClosing(event)) {
			isOver = true;
			yield* lastWords();
		}
		if (event.type === "test:fail" && event.data.todo === undefined) {
			process.exitCode = 1;
			remember(event.data);
		}
		if (event.type === "test:summary" && !event.data.success)
			process.exitCode = 1;
		yield event;
	}
}

function isClosing(event: { type: string; data?: unknown }): boolean {
	const { nesting, message } = (event.data ?? {}) as {
		nesting?: number;
		message?: string;
	};
	return (
		event.type === "test:diagnostic" &&
		nesting === 0 &&
		message?.startsWith("tests ") === true
	);
}

await pipeline(Readable.from(events()), new spec(), process.stdout, {
	end: false,
});
