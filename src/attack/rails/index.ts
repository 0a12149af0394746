import type { Attack } from "../attack.ts";
import { OWN_NOTES } from "./own-notes.ts";
import { PAID_REQUESTS } from "./paid-requests.ts";

export const RAIL_ATTACKS: readonly Attack[] = [...OWN_NOTES, ...PAID_REQUESTS];
