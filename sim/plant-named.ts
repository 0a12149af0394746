import { exit } from "node:process";
import { PLANTED, plant } from "./planted.ts";

/** Plants the bug that `--bug` names, and answers with the other arguments. */
export function plantNamed(given: readonly string[]): string[] {
	const args = [...given];
	const at = args.indexOf("--bug");
	if (at < 0) return args;
	const [, name = ""] = args.splice(at, 2);
	if (PLANTED[name] === undefined) {
		console.error(`--bug needs one of: ${Object.keys(PLANTED).join(", ")}`);
		exit(2);
	}
	plant(name);
	return args;
}
