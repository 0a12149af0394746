/* `npm run sim`. A bug is planted before the modules are loaded that it is in, so that none of them is imported here. */
import { argv, exitCode } from "node:process";
import { plantNamed } from "./plant-named.ts";

const args = plantNamed(argv.slice(2));
const { main } = await import("./command.ts");
process.exitCode = exitCode ?? (await main(args));
