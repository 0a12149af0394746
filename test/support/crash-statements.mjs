/*
 * Loaded before a script: kills the process right before its nth step that changes a store or a
 * file beside it, when TETRAD_TEST_CRASH_AT says n.
 */
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync, StatementSync } from "node:sqlite";

const at = Number(process.env.TETRAD_TEST_CRASH_AT);
let count = 0;

function step() {
	if (++count === at) process.kill(process.pid, "SIGKILL");
}

function crashing(on, name) {
	const call = on[name];
	on[name] = function (...args) {
		step();
		return call.apply(this, args);
	};
}

crashing(DatabaseSync.prototype, "exec");
crashing(StatementSync.prototype, "run");
for (const name of ["open", "link", "rm"]) crashing(fs, name);
const probe = await fs.open(new URL(import.meta.url).pathname, "r");
const handle = Object.getPrototypeOf(probe);
await probe.close();
crashing(handle, "sync");
syncBuiltinESMExports();
count = 0;
