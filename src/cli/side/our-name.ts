import { basename } from "node:path";
import { packageFile } from "../../package-file.ts";

/** How whoever reads this calls our program: as it was called now. */
export function ourName(): string {
	if (process.env["npm_command"] === "exec") return "npx tetrad";
	const [, script = ""] = process.argv;
	return basename(script) === "tetrad"
		? "tetrad"
		: `node ${word(packageFile("bin/tetrad.js"))}`;
}

/** A word as a shell takes it. */
export function word(text: string): string {
	return /^[\w@%+=:,./-]+$/.test(text)
		? text
		: `'${text.replaceAll("'", "'\\''")}'`;
}
