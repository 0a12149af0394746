/* One of our own commands, as a person gives it. */
import { execFile } from "node:child_process";
import { packageFile } from "../../package-file.ts";

const PROGRAM: string = packageFile("bin/tetrad.js");

/** A command that takes longer has hung. */
const PATIENCE_MS = 60_000;

/** Everything that a command says at most, in bytes. */
const MAX_SAID_BYTES = 16_000_000;

/** How a command ended, and what it said. */
export interface Ran {
	/** 124 for one that had to be stopped. */
	readonly code: number;
	/** On both streams. */
	readonly said: string;
}

export function runCommand(
	args: readonly string[],
	signal: AbortSignal,
	environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
	return new Promise((resolve) => {
		const child = execFile(
			process.execPath,
			[PROGRAM, ...args],
			{
				env: { ...process.env, ...environment },
				maxBuffer: MAX_SAID_BYTES,
				timeout: PATIENCE_MS,
				signal,
			},
			(error, stdout, stderr) => {
				const { code } = error ?? { code: 0 };
				const said = stdout + stderr;
				resolve({ code: typeof code === "number" ? code : 124, said });
			},
		);
		child.stdin?.end();
	});
}
