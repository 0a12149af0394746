import { sameBytes } from "../wire/index.ts";
import {
	type CertifiedDevice,
	chainRefused,
	isAtLeast,
	type TamperResistance,
	type TrustAnchor,
} from "./x509/index.ts";

/** Whom a device trusts to certify, and what else it asks of the devices that it meets. */
export interface TrustPolicy {
	/** Who may certify agents. An empty list trusts nobody. */
	readonly agencies: readonly TrustAnchor[];
	/** Who may certify modules. An empty list trusts nobody. */
	readonly banks: readonly TrustAnchor[];
	/** Absent: a list that is held counts, and none is demanded. */
	readonly untrustedLists?: FreshnessLimits;
	/** Absent: every certified device will do, in every place. */
	readonly demands?: Demands;
}

/** How old an untrusted list may be, counted from its `thisUpdate`. Without a list that is young enough, a chain is refused. */
export interface FreshnessLimits {
	/** For the list of the authority that issued the device's certificate, in milliseconds. */
	readonly maxAgeMs: number;
	/**
	 * For the lists that are about intermediates, in milliseconds; as `maxAgeMs` unless given. A
	 * root that stays offline signs a list a few times a year.
	 */
	readonly maxAgeOfIntermediatesMs?: number;
}

/** A device's place in a tetrad as another device of it sees it. */
export type SeenPlace = "ownAgent" | "peerAgent" | "ownModule" | "peerModule";

/** What is demanded of the device in a place. */
export type Demands = { readonly [At in SeenPlace]?: DeviceDemand };

/** What is demanded of the device in one place; all of it must hold. */
export interface DeviceDemand {
	/** The least tamper resistance that must be attested; `software` unless given. */
	readonly minimum?: TamperResistance;
	/** Device ids, of which it must have one. Absent: any. */
	readonly allow?: readonly Uint8Array[];
	/** Device ids, of which it must have none. */
	readonly refuse?: readonly Uint8Array[];
}

const PLACE_TEXT: Readonly<Record<SeenPlace, string>> = {
	ownAgent: "the own agent",
	peerAgent: "the other side's agent",
	ownModule: "the own module",
	peerModule: "the other side's module",
};

/**
 * Throws `chain-refused` unless `device` is what the owner demands in `place`. It is asked
 * beside `ChainVerdicts`, which judges the chain for every place alike.
 */
export function requireDemand(
	device: CertifiedDevice,
	place: SeenPlace,
	demands: Demands | undefined,
): void {
	const demand = demands?.[place];
	if (demand === undefined) return;
	const who = `${PLACE_TEXT[place]}, "${device.name}",`;
	const { minimum = "software", allow, refuse } = demand;
	if (refuse?.some((id) => sameBytes(id, device.deviceId)))
		throw chainRefused(`${who} is one that the policy refuses`);
	if (
		allow !== undefined &&
		!allow.some((id) => sameBytes(id, device.deviceId))
	)
		throw chainRefused(`${who} is none of those that the policy allows`);
	if (!isAtLeast(device.tamperResistance, minimum))
		throw chainRefused(
			`${who} attests the tamper resistance "${device.tamperResistance}", and the policy demands at least "${minimum}"`,
		);
}
