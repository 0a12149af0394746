/* `npm run crash`. */
import { argv } from "node:process";
import { main } from "./command.ts";

process.exitCode = await main(argv.slice(2));
