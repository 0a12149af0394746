/*
 * Loaded before a test file: says at its end which file has run, and what CPU time it took.
 *
 * `process.cpuUsage()` knows this process alone. The kernel adds the time of each child to its
 * parent when the parent has waited for it, with all that the child had waited for in turn, and
 * shows the sum to the parent only, as the fields cutime and cstime of /proc/self/stat; so it has
 * to be asked from inside, and last. A process that is still there at the end, or whose parent
 * did not wait, is not counted. Without /proc, as on a Mac, children are not.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Ticks of the clock in /proc: 100 a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

const path = process.env["TETRAD_TEST_COSTS"];
// Only this process reports, and none that it starts, or that it forks with its own options.
delete process.env["TETRAD_TEST_COSTS"];
process.execArgv = process.execArgv.filter(
	(argument) => !argument.endsWith(import.meta.filename),
);

/** Appends a line to the list of files that have run. `file` is a path. */
export function report(file: string, seconds: number): void {
	if (path === undefined) return;
	const root = fileURLToPath(new URL("..", import.meta.url));
	const line = JSON.stringify([relative(root, file), seconds]);
	appendFileSync(path, `${line}\n`);
}

/** CPU seconds of this process and of the children that it waited for. */
export function cpuSeconds(): number {
	try {
		const stat = readFileSync("/proc/self/stat", "utf8");
		// The second field is a name in parentheses; utime is the twelfth after it.
		const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
		const ticks = fields.slice(11, 15).reduce((sum, one) => sum + +one, 0);
		return ticks / TICKS_PER_SECOND;
	} catch {
		const { user, system } = process.cpuUsage();
		return (user + system) / 1e6;
	}
}

const [, file] = process.argv;
if (file?.endsWith(".test.ts"))
	process.on("exit", () => report(file, cpuSeconds()));
