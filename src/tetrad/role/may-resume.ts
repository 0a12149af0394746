import type { SeenPlace } from "../../identity/index.ts";
import { sameBytes } from "../../wire/index.ts";
import type { DeviceContext, LinkContext } from "../context.ts";
import { type Offer, pickSuite, type ResumingOffer } from "../offer.ts";
import type { Place } from "../parameters.ts";
import type { Policy } from "../policy.ts";
import type { ResumptionToken } from "../resumption-token.ts";
import type { Judge } from "./judge.ts";

/** How each device sees the other three, its own other device first. */
const SEEN: Readonly<Record<Place, readonly (readonly [Place, SeenPlace])[]>> =
	{
		A: [
			["X", "ownModule"],
			["B", "peerAgent"],
			["Y", "peerModule"],
		],
		B: [
			["Y", "ownModule"],
			["A", "peerAgent"],
			["X", "peerModule"],
		],
		X: [
			["A", "ownAgent"],
			["B", "peerAgent"],
			["Y", "peerModule"],
		],
		Y: [
			["B", "ownAgent"],
			["A", "peerAgent"],
			["X", "peerModule"],
		],
	};

/** What asks whether something may be resumed. */
interface Asking {
	readonly device: DeviceContext;
	readonly link: LinkContext;
	readonly judge: Judge;
}

/**
 * Whether this device would make the tetrad of this token anew: its own chain and its pairing are
 * those of then, its policy accepts all that was chosen, and each of the other three is certified,
 * on no list and what the policy demands at `now`, as if it had just shown its chain. A token for
 * which this is false is of no use again.
 */
export function mayResume(
	{ device: { own, policy }, link, judge }: Asking,
	{ place, parties, suite }: ResumptionToken,
	now: number,
): boolean {
	if (
		link.mode !== "paired" ||
		!policy.suites.includes(suite.name) ||
		!policy.routings.includes("direct") ||
		!policy.roots.includes("transcript") ||
		!policy.links.includes("paired") ||
		!sameBytes(own.chainHash, parties[place].chainHash)
	)
		return false;
	const [[neighbour]] = SEEN[place] as [readonly [Place, SeenPlace]];
	if (!sameBytes(parties[neighbour].deviceId, link.peerDeviceId)) return false;
	try {
		for (const [other, as] of SEEN[place])
			judge.shown(parties[other].encodedChain, as, now);
		return true;
	} catch {
		judge.forget();
		return false;
	}
}

/** Whether an offer chooses what the tetrad of this token had, and what the own policy accepts. */
export function acceptsResumption(
	policy: Policy,
	{ selected, routing, root, link }: Offer,
	{ suite }: ResumptionToken,
): boolean {
	return (
		selected.id === suite.id &&
		policy.suites.includes(suite.name) &&
		routing === "direct" &&
		root === "transcript" &&
		link === "paired"
	);
}

/** The token of that name, if this device may resume its tetrad now. It is gone from then on, either way. */
export function takeNamed(
	asking: Asking,
	place: Exclude<Place, "A">,
	id: Uint8Array,
	now: number,
): ResumptionToken | undefined {
	const token = asking.device.tokens?.take(place, id, now);
	if (token === undefined || mayResume(asking, token, now)) return token;
	token.wipe();
	return undefined;
}

/**
 * As `takeNamed`, for a device that answers: none also when the offer asks for something else than
 * the tetrad had, or when the own first choice is another suite by now, which is agreed on anew.
 */
export function takeToken(
	asking: Asking,
	place: "B" | "Y",
	offer: ResumingOffer,
	now: number,
): ResumptionToken | undefined {
	const token = takeNamed(asking, place, offer.token, now);
	if (token === undefined) return undefined;
	const { policy } = asking.device;
	if (
		acceptsResumption(policy, offer, token) &&
		pickSuite(policy, offer.suites)?.id === token.suite.id
	)
		return token;
	token.wipe();
	return undefined;
}
