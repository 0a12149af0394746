import { basename, resolve } from "node:path";
import { packageFile } from "../package-file.ts";

/**
 * How whoever reads this calls our program, also in another terminal, whose `node` may be too old:
 * as it was called now, where that finds a Node by itself, or else with the Node that runs it.
 */
export function ourName(): string {
	if (isByNpx()) return "npx tetrad";
	const [, script = ""] = process.argv;
	return basename(script) === "tetrad"
		? "tetrad"
		: `${word(process.execPath)} ${word(packageFile("bin/tetrad.js"))}`;
}

/** How a Node is called that runs programs which import ours, in the same way. */
export function nodeName(): string {
	return isByNpx() && isInClone() ? "npx node" : word(process.execPath);
}

function isByNpx(): boolean {
	const { npm_command: command, npm_lifecycle_event: script } = process.env;
	return command === "exec" || (script === "start" && isInClone());
}

/** A clone has a Node among its packages. */
function isInClone(): boolean {
	return process.cwd() === resolve(packageFile("."));
}

/** A word as a shell takes it. */
export function word(text: string): string {
	return /^[\w@%+=:,./-]+$/.test(text)
		? text
		: `'${text.replaceAll("'", "'\\''")}'`;
}
