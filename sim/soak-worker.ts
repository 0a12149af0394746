/* Runs the seeds that the process which started it asks for. */
import { argv } from "node:process";
import { plantNamed } from "./plant-named.ts";
import type { Figures } from "./simulate.ts";
import type { Range } from "./soak.ts";

plantNamed(argv.slice(2));
const { NOTHING, simulate, together } = await import("./simulate.ts");

// Who presses Ctrl-C wants to hear of what there is, and that is for the other process to say.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit());
/** Until one fails. What the simulator throws is a failure of its own, of that seed. */
async function runAll({ seed, runs }: Range): Promise<Figures> {
	let all = NOTHING;
	for (let at = seed; at < seed + runs && all.failed === undefined; at++)
		try {
			const one = { seed: at, runs: 1, twiceEvery: 100 };
			all = together(all, await simulate(one));
		} catch (thrown) {
			const failed = {
				seed: at,
				invariant: "the simulator comes to an end",
				what: String(thrown),
			};
			all = together(all, { ...NOTHING, firstSeed: at, seeds: 1, failed });
		}
	return all;
}

process.on("message", async (range: Range) => {
	process.send?.(await runAll(range));
});
