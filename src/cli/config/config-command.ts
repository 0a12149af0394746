import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import { sideFlag } from "../home-flag.ts";
import type { ConfigFlags } from "./config.ts";

export function declareConfig(command: Command): void {
	command
		.addOption(sideFlag())
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
A flag comes before the environment, the environment before tetrad.toml of the side, that before
tetrad.toml in \${XDG_CONFIG_HOME:-~/.config}/tetrad, and that before what holds unless anything is said.
TETRAD_ISSUER_SETTLE_EVERY is settle-every of [issuer], and so on; TETRAD_HOME names the side.

Examples:
    tetrad config
    tetrad config --home alice --json`,
		)
		.action(async (flags: ConfigFlags) => {
			const { showConfig } = await import("./config.ts");
			await showConfig(flags);
		});
}
