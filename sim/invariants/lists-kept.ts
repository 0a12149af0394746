import { PLACES } from "../../src/tetrad/index.ts";
import type { MakeInvariant } from "./invariant.ts";

/** Nobody makes a tetrad with a device that is on a list that it holds. */
export const listsKept: MakeInvariant = (_, fail) => ({
	confirmed(device, { parties }) {
		const { lists } = device.context.verdicts;
		for (const place of PLACES)
			try {
				lists.requireTrusted(parties[place].path);
			} catch {
				fail(
					`${device.name} is in a tetrad with ${parties[place].name}, which is on a list that it holds`,
				);
			}
	},
});
