import type { MakeInvariant } from "./invariant.ts";

/** How far a clock may be set back without a word (docs/identity.md). */
const MAX_SET_BACK_MS = 300_000;

/** No device begins anything at a time that is behind one that it remembers. */
export const clockForward: MakeInvariant = (_, fail) => ({
	clockBelieved(device, now, before) {
		if (before !== undefined && now < before - MAX_SET_BACK_MS)
			fail(`${device.name} goes by a clock that is ${before - now} ms behind`);
	},
});
