import type { Command } from "commander";
import { MAX_AGENT_PROCESSES } from "../../device/side/index.ts";
import { countUpTo } from "../flag-values.ts";
import { jsonFlag } from "../flags.ts";
import { sideFlag } from "../home-flag.ts";
import type { UpFlags } from "./up.ts";

export function declareUp(up: Command): void {
	up.addOption(sideFlag())
		.option(
			"--agents <count>",
			"how many processes its agent has, which others reach at the same address; agent.processes of tetrad.toml unless given",
			countUpTo(MAX_AGENT_PROCESSES),
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
It starts the module and the agent of a side as processes of their own, starts each again when it
dies, and stops both in order at SIGINT or SIGTERM. What each of them does is logged in its home. An
agent of several processes has its store in PostgreSQL (tetrad store); one that dies is started again
while the others go on.

Examples:
  Run the side in the working folder:
    tetrad up
  With two processes of its agent:
    tetrad up --agents 2
  Run another one, and read what happens by a program:
    tetrad up --home alice --json`,
		)
		.action(async (flags: UpFlags) => {
			const { up: run } = await import("./up.ts");
			await run(flags);
		});
}
