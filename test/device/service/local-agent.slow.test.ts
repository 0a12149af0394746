import { agentContract } from "./contract.ts";

agentContract("in its process", async (town) => {
	const agent = await town.openBuyer();
	return { agent, [Symbol.asyncDispose]: () => agent.close() };
});
