import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import type { ListsFlags } from "./lists.ts";

export function declareLists(command: Command): void {
	command
		.requiredOption("--home <folder>", "the device's folder")
		.option(
			"--import <file...>",
			"what an authority published; the device must not run. One that runs gets lists over its link and from other agents",
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
    tetrad lists --home alice
    tetrad lists --home alice --import agency.tetrad bank.tetrad`,
		)
		.action(async (flags: ListsFlags) => {
			const { manageLists } = await import("./lists.ts");
			await manageLists(flags);
		});
}
