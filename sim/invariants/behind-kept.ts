import { purseTables } from "../../src/money/index.ts";
import type { MakeInvariant } from "./invariant.ts";

const { BEHIND_NAME, META } = purseTables;

/** A purse that says that it is behind has that on its disk: no restart forgets it. */
export const behindKept: MakeInvariant = (_, fail) => ({
	reported({ module }, { kind }) {
		if (kind !== "behind") return;
		const isKept = module.disk
			.rows(META)
			.some(({ name }) => name === BEHIND_NAME);
		if (!isKept)
			fail(
				`${module.name} says that it is behind, and has not written it down`,
			);
	},
});
