import type { Attack } from "../attack.ts";
import { KEY_EXCHANGE_ATTACKS } from "./key-exchange.ts";
import { NEGOTIATION_ATTACKS } from "./negotiation.ts";
import { STRANGER_ATTACKS } from "./strangers.ts";

/** Attacks before anything is confirmed. */
export const HANDSHAKE_ATTACKS: readonly Attack[] = [
	...KEY_EXCHANGE_ATTACKS,
	...NEGOTIATION_ATTACKS,
	...STRANGER_ATTACKS,
];
