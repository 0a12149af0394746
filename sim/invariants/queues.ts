import type { MakeInvariant } from "./invariant.ts";

/** Far more than any of these worlds asks for, and no more than the limits of the rooms let through. */
const MAX_PENDING = 256;
const MAX_TETRADS = 64;

/** Every queue stays within its limit, and nothing is kept of what is over. */
export const queues: MakeInvariant = (world, fail) => ({
	stepped() {
		for (const { module, agent } of [...world.sides, ...world.issuers]) {
			if (module.pending > MAX_PENDING)
				fail(`${module.name} waits for ${module.pending} things`);
			if (module.tetrads > MAX_TETRADS || agent.tetrads > MAX_TETRADS)
				fail(
					`${module.name} and its agent are in ${module.tetrads} and ${agent.tetrads} tetrads`,
				);
		}
	},
});
