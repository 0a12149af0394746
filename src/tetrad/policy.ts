import { TetradError } from "../errors.ts";
import type { TrustPolicy } from "../identity/index.ts";
import type { SuiteName } from "../session/index.ts";
import type { LinkMode, LoadLimits, Root, Routing } from "./parameters.ts";

/** What a device demands of an establishment. Each list is what it accepts, its first choice first. */
export interface Policy extends TrustPolicy {
	readonly suites: readonly SuiteName[];
	readonly routings: readonly Routing[];
	readonly roots: readonly Root[];
	readonly links: readonly LinkMode[];
	/**
	 * Whether tetrads are resumed under tokens of earlier ones, without signatures
	 * (docs/protocol.md, Resumption). `no` unless given, for it is not proved.
	 */
	readonly resumption?: "no" | "yes";
	/** What an agent that answers does at once, and for whom, in the place of `LOAD_LIMITS`. */
	readonly load?: Partial<LoadLimits>;
}

/**
 * A policy from its trust anchors, with the safe choices for everything else: hybrid suites,
 * both routings, root `transcript`, paired links. Throws `invalid-argument` for an empty list,
 * because a device that demands nothing would accept anything.
 *
 * @example
 * ```ts
 * import { makePolicy } from "tetrad";
 *
 * // Only modules whose keys are attested to live in a token or a TPM may stand behind the other agent.
 * const policy = makePolicy({
 * 	agencies: [agency.anchor],
 * 	banks: [bank.anchor],
 * 	demands: { peerModule: { minimum: "token" } },
 * });
 * ```
 */
export function makePolicy(demands: TrustPolicy & Partial<Policy>): Policy {
	const policy: Policy = {
		suites: ["hybrid-aesgcm", "hybrid-chachapoly"],
		routings: ["direct", "crossed"],
		roots: ["transcript"],
		links: ["paired"],
		...demands,
	};
	for (const name of [
		"agencies",
		"banks",
		"suites",
		"routings",
		"roots",
		"links",
	] as const)
		if (policy[name].length === 0)
			throw new TetradError(
				"invalid-argument",
				`the policy's ${name} are empty, so nothing could ever be accepted`,
			);
	return policy;
}
