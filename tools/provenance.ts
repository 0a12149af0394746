/* Where, of what and when something was measured, as pages say it that a command writes. */
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { version } from "node:process";
import { fileURLToPath } from "node:url";

export interface Provenance {
	readonly machine: string;
	readonly node: string;
	readonly commit: string;
	readonly day: string;
}

/** `folders` are those that have to be as the commit has them, or it is said that they are not. */
export function provenance(...folders: readonly string[]): Provenance {
	const git = (...args: readonly string[]): string => {
		try {
			const cwd = fileURLToPath(new URL("..", import.meta.url));
			return execFileSync("git", args, { cwd, encoding: "utf8" }).trim();
		} catch {
			return "";
		}
	};
	const commit = git("rev-parse", "--short=12", "HEAD") || "unknown";
	const isChanged = git("status", "--porcelain", ...folders) !== "";
	const model = cpus()[0]?.model ?? "unknown";
	return {
		machine: `${availableParallelism()} cores, ${model}`,
		node: version,
		commit: isChanged ? `${commit}, with changes` : commit,
		day: new Date().toISOString().slice(0, 10),
	};
}
