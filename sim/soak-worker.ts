/* Runs the seeds that the process which started it asks for. */
import { argv } from "node:process";
import { plantNamed } from "./plant-named.ts";
import type { Range } from "./soak.ts";

plantNamed(argv.slice(2));
const { simulate } = await import("./simulate.ts");

// Who presses Ctrl-C wants to hear of what there is, and that is for the other process to say.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit());
process.on("message", async ({ seed, runs }: Range) => {
	process.send?.(await simulate({ seed, runs, twiceEvery: 100 }));
});
