import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import type { PolicyFlags } from "./policy.ts";

export function declarePolicy(command: Command): void {
	command
		.requiredOption("--home <folder>", "the device's folder")
		.option("--check", "read it as the device will, and say what is wrong")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad policy --home alice --check`,
		)
		.action(async (flags: PolicyFlags) => {
			const { checkPolicy } = await import("./policy.ts");
			await checkPolicy(flags);
		});
}
