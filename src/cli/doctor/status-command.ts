import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import { sideFlag } from "../home-flag.ts";
import type { StatusFlags } from "./status.ts";

export function declareStatus(command: Command): void {
	command
		.addOption(sideFlag())
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  Also while the side runs:
    tetrad status
    tetrad status --home alice --json`,
		)
		.action(async (flags: StatusFlags) => {
			const { status } = await import("./status.ts");
			await status(flags);
		});
}
