import type { Attack } from "../attack.ts";
import { AT_THE_ISSUER } from "./at-the-issuer.ts";
import { FORGED_PAYMENTS } from "./forged-payments.ts";
import { INJECTED_AGENT } from "./injected-agent.ts";

export const PAYMENT_ATTACKS: readonly Attack[] = [
	...INJECTED_AGENT,
	...FORGED_PAYMENTS,
	...AT_THE_ISSUER,
];
