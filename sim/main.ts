/* `npm run sim`. A bug is planted before the modules are loaded that it is in, so that none of them is imported here. */
import { argv, exitCode } from "node:process";
import { PLANTED, plant } from "./planted.ts";

const args = argv.slice(2);
const at = args.indexOf("--bug");
if (at >= 0) {
	const [, name = ""] = args.splice(at, 2);
	if (PLANTED[name] === undefined) {
		console.error(`--bug needs one of: ${Object.keys(PLANTED).join(", ")}`);
		process.exit(2);
	}
	plant(name);
}
const { main } = await import("./command.ts");
process.exitCode = exitCode ?? (await main(args));
