import { memoryCarriers } from "../../carrier/index.ts";
import { type HomeSecrets, readHome, writePairing } from "../home/index.ts";
import { MoneyModule, TrustedAgent } from "../runtime/index.ts";

/**
 * Pairs the devices of two homes of this machine in one step: whoever has both has no code to
 * compare, because there is no wire between the two. Of an agent with several modules, `number`
 * says which of them this is. Throws as `readHome` and `writePairing` do.
 */
export async function pairHomes(
	agentHome: string,
	moduleHome: string,
	secrets: {
		readonly agent?: HomeSecrets;
		readonly module?: HomeSecrets;
	} = {},
	number = 1,
): Promise<void> {
	await using agentsHome = await readHome(agentHome, "agent", secrets.agent);
	await using modulesHome = await readHome(
		moduleHome,
		"module",
		secrets.module,
	);
	await using agent = new TrustedAgent(agentsHome);
	await using module = new MoneyModule(modulesHome);
	const [agentEnd, moduleEnd] = memoryCarriers();
	const confirm = () => true;
	const [atAgent, atModule] = await Promise.all([
		agent.pair(agentEnd, { confirm }),
		module.pair(moduleEnd, { confirm, tried: () => {} }),
	]);
	await writePairing(agentHome, atAgent.pairing, modulesHome.name, number);
	// Last: whether a side is paired is looked up at its module.
	await writePairing(moduleHome, atModule.pairing, agentsHome.name);
}
