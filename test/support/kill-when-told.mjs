/*
 * Loaded before a command: sends its process a signal at one of its steps, while the file
 * TETRAD_TEST_TOLD names one, counted from when the file came: "write 3 before SIGKILL".
 * A write is what makes something durable, or changes a folder; a message is what goes into a
 * socket at once. Each step adds its letter to the file's neighbour, whose name ends in .steps.
 */
import { appendFileSync, readFileSync } from "node:fs";
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { DatabaseSync, StatementSync } from "node:sqlite";

const file = process.env.TETRAD_TEST_TOLD;
let told = "";
let count = 0;
let hasChanged = false;

/** When this step brings a signal, "before", "after" or not at all, and which: it may be told something else while the step is made. */
function step(kind) {
	let now = "";
	try {
		now = readFileSync(file, "utf8");
	} catch {
		// Nothing is told.
	}
	if (now !== told) [told, count] = [now, 0];
	const [what, at, when, signal] = told.split(" ");
	if (what !== kind && what !== "count") return {};
	appendFileSync(`${file}.steps`, kind.slice(0, 1));
	return ++count === Number(at) ? { when, signal } : {};
}

function die(signal) {
	process.kill(process.pid, signal);
}

const { run } = StatementSync.prototype;
StatementSync.prototype.run = function (...args) {
	hasChanged = true;
	return run.apply(this, args);
};

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql) {
	const isWrite = sql === "COMMIT" && hasChanged;
	if (isWrite) hasChanged = false;
	const { when, signal } = isWrite ? step("write") : {};
	if (when === "before") die(signal);
	const result = exec.call(this, sql);
	if (when === "after") die(signal);
	return result;
};

function writing(on, name) {
	const call = on[name];
	on[name] = async function (...args) {
		const { when, signal } = step("write");
		if (when === "before") die(signal);
		const result = await call.apply(this, args);
		if (when === "after") die(signal);
		return result;
	};
}

for (const name of ["rename", "link", "unlink", "rm"]) writing(fs, name);
const probe = await fs.open(new URL(import.meta.url).pathname, "r");
const handle = Object.getPrototypeOf(probe);
await probe.close();
for (const name of ["sync", "truncate", "writeFile"]) writing(handle, name);
syncBuiltinESMExports();

const { write } = net.Socket.prototype;
net.Socket.prototype.write = function (bytes, ...others) {
	if (this === process.stdout || this === process.stderr)
		return write.call(this, bytes, ...others);
	const { when, signal } = step("message");
	if (when === "before") die(signal);
	if (when !== "after") return write.call(this, bytes, ...others);
	const done = others.findLast((other) => typeof other === "function");
	return write.call(this, bytes, (error) => {
		done?.(error);
		die(signal);
	});
};
