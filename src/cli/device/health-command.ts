import type { Command } from "commander";
import { httpAddress, jsonFlag } from "../flags.ts";
import { eitherHomeFlag } from "../home-flag.ts";
import type { HealthFlags } from "./health.ts";

export function declareHealth(health: Command): void {
	health
		.addOption(eitherHomeFlag())
		.option(
			"--at <address>",
			"what that one was given as --metrics, in the place of --home",
			httpAddress,
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
It asks devices that were started with --metrics, or of a side whose tetrad.toml has metrics.

Examples:
    tetrad health --home alice
  From another user, or another machine:
    tetrad health --at 127.0.0.1:9464`,
		)
		.action(async (flags: HealthFlags) => {
			const { health } = await import("./health.ts");
			await health(flags);
		});
}
