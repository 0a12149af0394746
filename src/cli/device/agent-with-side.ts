import {
	FURTHER_MODULES,
	type Given,
	MODULE_AT,
	metricsOf,
	withSide,
} from "../side-flags.ts";
import type { AgentFlags } from "./agent.ts";

/** What an agent is told by the settings of its side, as far as that has to do with what is asked of it. */
export function agentWithSide(
	flags: Given<AgentFlags, "module">,
): Promise<AgentFlags> {
	const { connect, listen, settle, pay, takePayments } = flags;
	const isServer =
		listen !== undefined || (connect === undefined && settle === undefined);
	const isAboutMoney = pay !== undefined || takePayments !== undefined;
	return withSide<
		AgentFlags,
		| "module"
		| "furtherModules"
		| "listen"
		| "connect"
		| "settleAt"
		| "settleEvery"
		| "issuerTerms"
		| "metrics"
	>(flags, "agent", {
		module: MODULE_AT,
		furtherModules: FURTHER_MODULES,
		listen: { of: ({ agent }) => (isServer ? agent.listen : undefined) },
		connect: { of: ({ issuer }) => (settle ? issuer?.at : undefined) },
		settleAt: { of: ({ issuer }) => (isServer ? issuer?.at : undefined) },
		settleEvery: {
			of: ({ issuer }) => (isServer ? issuer?.settleEveryMs : undefined),
		},
		metrics: {
			of: (side) => (isServer ? metricsOf(side, "agent") : undefined),
		},
		issuerTerms: {
			of: ({ issuer }) =>
				isAboutMoney && issuer !== undefined ? [issuer.termsPath] : undefined,
		},
	});
}
