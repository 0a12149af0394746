/* The honest form of what the attacks of a group do, by the same means. */
import { sealingFlights } from "../calls.ts";
import { requireForgedChainsWork } from "../certificates/index.ts";
import { HostileTetrad } from "../hostile/index.ts";
import { requireLinksWork } from "../links/index.ts";
import type { SuiteOptions } from "../run-suite.ts";
import type { Target } from "../target.ts";

/** Flights that are opened, and sealed again as they were, are taken, in both routings. */
async function requireUnchangedFlightsWork(
	target: Target,
	signal: AbortSignal,
): Promise<void> {
	const side = await target.hostile();
	const crypto = sealingFlights((content) => content);
	for (const routing of ["direct", "crossed"] as const) {
		await using wire = await target.connect(signal);
		const end = await HostileTetrad.calling(side, wire, {
			routing,
			agent: { crypto },
			module: { crypto },
			outbound: (frame) => [frame],
			inbound: (frame) => [frame],
			link: (words) => [words],
		}).establish();
		if (end !== "confirmed")
			throw new Error(`unchanged flights end ${end} in ${routing} routing`);
	}
}

/** By group; what all groups need, an honest caller that is answered, is tried for each. */
export const CONTROLS: NonNullable<SuiteOptions["controls"]> = {
	handshake: requireUnchangedFlightsWork,
	binding: requireUnchangedFlightsWork,
	records: requireUnchangedFlightsWork,
	certificates: requireForgedChainsWork,
	links: requireLinksWork,
};
