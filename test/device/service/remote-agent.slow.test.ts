import assert from "node:assert/strict";
import { serveAgent } from "../../../src/device/service/agent-socket.ts";
import { RemoteAgent } from "../../../src/device/service/remote-agent.ts";
import { agentContract } from "./contract.ts";

agentContract("over its socket", async (town) => {
	await using open = new AsyncDisposableStack();
	const local = open.use(await town.openBuyer());
	const socket = town.homes.at("agent.sock");
	open.use(await serveAgent(local, socket));
	const agent = await RemoteAgent.reach({
		socket,
		home: town.homes.of("A"),
		moduleHome: town.homes.of("X"),
	});
	assert.ok(agent);
	open.use(agent);
	const held = open.move();
	return { agent, [Symbol.asyncDispose]: () => held.disposeAsync() };
});
