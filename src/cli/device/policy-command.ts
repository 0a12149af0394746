import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import { eitherHomeFlag } from "../home-flag.ts";
import type { Given } from "../side-flags.ts";
import type { PolicyFlags } from "./policy.ts";

export function declarePolicy(command: Command): void {
	command
		.addOption(eitherHomeFlag())
		.option("--check", "read it as the device will, and say what is wrong")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  Of both devices of a side:
    tetrad policy --check
  Of one device:
    tetrad policy --home alice/agent --check`,
		)
		.action(async (flags: Given<PolicyFlags>) => {
			const { homesOf } = await import("../side-flags.ts");
			const { checkPolicy } = await import("./policy.ts");
			for (const home of await homesOf(flags.home))
				await checkPolicy({ ...flags, home });
		});
}
