import type { Attack } from "../attack.ts";
import { FLIGHT_ATTACKS } from "./flights.ts";
import { RELAY_ATTACKS } from "./relays.ts";

/** Attacks on what binds four devices into one conversation. */
export const BINDING_ATTACKS: readonly Attack[] = [
	...FLIGHT_ATTACKS,
	...RELAY_ATTACKS,
];
