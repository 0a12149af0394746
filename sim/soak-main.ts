/* `npm run soak`. */
import { argv } from "node:process";
import { plantNamed } from "./plant-named.ts";

const given = argv.slice(2);
const args = plantNamed(given);
const { main } = await import("./soak-command.ts");
const at = given.indexOf("--bug");
process.exitCode = await main(args, at < 0 ? [] : given.slice(at, at + 2));
