import type { Attack } from "../attack.ts";
import { CHANGED_CONTRACTS } from "./changed-contracts.ts";
import { CHEATING_BUYERS } from "./cheating-buyers.ts";
import { CHEATING_MERCHANTS } from "./cheating-merchants.ts";

export const PURCHASE_ATTACKS: readonly Attack[] = [
	...CHANGED_CONTRACTS,
	...CHEATING_MERCHANTS,
	...CHEATING_BUYERS,
];
