import type { Attack } from "../attack.ts";
import { AT_THE_ISSUER } from "./at-the-issuer.ts";
import { FORGED_PAYMENTS } from "./forged-payments.ts";
import { INJECTED_AGENT } from "./injected-agent.ts";
import { RESTORED_PURSE } from "./restored-purse.ts";

export const PAYMENT_ATTACKS: readonly Attack[] = [
	...INJECTED_AGENT,
	...FORGED_PAYMENTS,
	...RESTORED_PURSE,
	...AT_THE_ISSUER,
];
