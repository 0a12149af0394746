import type { Command } from "commander";
import { httpAddress, jsonFlag } from "../flags.ts";
import type { HealthFlags } from "./health.ts";

export function declareHealth(health: Command): void {
	health
		.option("--home <folder>", "the home of a device that runs with --metrics")
		.option(
			"--at <address>",
			"what that one was given as --metrics, in the place of --home",
			httpAddress,
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
    tetrad health --home alice-purse
  From another user, or another machine:
    tetrad health --at 127.0.0.1:9464`,
		)
		.action(async (flags: HealthFlags) => {
			const { health } = await import("./health.ts");
			await health(flags);
		});
}
