import type { Attack } from "../attack.ts";
import { HOME_ATTACKS } from "./homes.ts";
import { PURSE_ATTACKS } from "./purses.ts";

/** Attacks by whoever has a hand on the disk. */
export const STORAGE_ATTACKS: readonly Attack[] = [
	...HOME_ATTACKS,
	...PURSE_ATTACKS,
];
