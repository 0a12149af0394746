import { memoryCarriers } from "../../carrier/index.ts";
import type { MoneyModule } from "./money-module.ts";
import type { TrustedAgent } from "./trusted-agent.ts";

/**
 * Pairs an agent and a module of this very process and links them over memory carriers. There is
 * nobody to compare a code, because there is no wire between the two.
 *
 * @example
 * ```ts
 * import { MoneyModule, pairInProcess, TrustedAgent } from "tetrad";
 *
 * const agent = new TrustedAgent({ identity: await agency.certify("alice"), policy });
 * const module = new MoneyModule({ identity: await bank.certify("purse"), policy });
 * await pairInProcess(agent, module);
 * await agent.reachModule();
 * ```
 */
export async function pairInProcess(
	agent: TrustedAgent,
	module: MoneyModule,
): Promise<void> {
	const [agentEnd, moduleEnd] = memoryCarriers();
	const confirm = () => true;
	const [atAgent, atModule] = await Promise.all([
		agent.pair(agentEnd, { confirm }),
		module.pair(moduleEnd, { confirm, tried: () => {} }),
	]);
	agent.useModule({
		pairing: atAgent.pairing,
		dial() {
			const [near, far] = memoryCarriers();
			module.serve(far, { pairing: atModule.pairing }).catch(() => {});
			return near;
		},
	});
}
