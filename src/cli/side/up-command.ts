import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import { sideFlag } from "../home-flag.ts";
import type { UpFlags } from "./up.ts";

export function declareUp(up: Command): void {
	up.addOption(sideFlag())
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
It starts the module and the agent of a side as processes of their own, starts each again when it
dies, and stops both in order at SIGINT or SIGTERM. What each of them does is logged in its home.

Examples:
  Run the side in the working folder:
    tetrad up
  Run another one, and read what happens by a program:
    tetrad up --home alice --json`,
		)
		.action(async (flags: UpFlags) => {
			const { up: run } = await import("./up.ts");
			await run(flags);
		});
}
