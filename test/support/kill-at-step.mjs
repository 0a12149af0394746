/*
 * Loaded before a command: kills the process right after its nth step that changes the disk,
 * when TETRAD_TEST_KILL_AT says n.
 */
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

const at = Number(process.env.TETRAD_TEST_KILL_AT);
let count = 0;

function crashing(call) {
	return async function (...args) {
		const isHere = ++count === at;
		const result = await call.apply(this, args);
		if (isHere) process.kill(process.pid, "SIGKILL");
		return result;
	};
}

for (const name of ["rename", "link", "unlink", "rm", "mkdir"])
	fs[name] = crashing(fs[name]);
const { open } = fs;
const probe = await open(new URL(import.meta.url).pathname, "r");
const handle = Object.getPrototypeOf(probe);
await probe.close();
for (const name of ["sync", "writeFile", "appendFile", "truncate"])
	handle[name] = crashing(handle[name]);
syncBuiltinESMExports();
