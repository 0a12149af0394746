import type { Attack } from "../attack.ts";
import { OWN_NOTES } from "./own-notes.ts";

export const RAIL_ATTACKS: readonly Attack[] = [...OWN_NOTES];
