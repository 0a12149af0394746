/*
 * Loaded before tests: the modules that are loaded from now on have the mutant that the environment
 * names, if it names one. Nothing changes on the disk. The process ends with the first test that
 * fails, and when nothing happens any more.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { afterEach } from "node:test";
import { type Mutant, mutated } from "./mutants.ts";
import { ENDS } from "./processes.ts";

/** So many seconds may a test wait while the process has nothing to do. */
const IDLE_SECONDS = 10;

/** Less CPU time in a second, in microseconds, is nothing to do. */
const IDLE_CPU = 20_000;

/** A second that took longer, in milliseconds, was one of a busy machine: the process may have had to wait for it. */
const ON_TIME_MS = 1200;

const text = process.env["TETRAD_MUTANT"];
if (text !== undefined) {
	const mutant: Mutant = JSON.parse(text);
	const { href } = new URL(`../../${mutant.file}`, import.meta.url);
	registerHooks({
		load(url, context, next) {
			if (url !== href) return next(url, context);
			return {
				format: "module-typescript",
				source: mutated(readFileSync(new URL(url), "utf8"), mutant),
				shortCircuit: true,
			};
		},
	});
}

let used = 0;
let ticked = performance.now();
let idle = 0;
setInterval(() => {
	const { user, system } = process.cpuUsage();
	const isBusy = user + system > used + IDLE_CPU;
	const isLate = performance.now() > ticked + ON_TIME_MS;
	used = user + system;
	ticked = performance.now();
	if (isBusy) idle = 0;
	else if (!isLate) idle += 1;
	if (idle > IDLE_SECONDS) process.exit(ENDS.idle);
}, 1000).unref();

// One test that fails is enough.
afterEach((context) => {
	idle = 0;
	const { passed, fullName } = context as {
		readonly passed?: boolean;
		readonly fullName: string;
	};
	if (passed !== false) return;
	const into = process.env["TETRAD_FAILED_TEST"];
	if (into !== undefined) writeFileSync(into, fullName);
	process.exit(ENDS.failed);
});
