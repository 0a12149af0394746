import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import { eitherHomeFlag } from "../home-flag.ts";
import type { Given } from "../side-flags.ts";
import type { ListsFlags } from "./lists.ts";

export function declareLists(command: Command): void {
	command
		.addOption(eitherHomeFlag())
		.option(
			"--import <file...>",
			"what an authority published; the device must not run. One that runs gets lists over its link and from other agents",
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  Of both devices of a side:
    tetrad lists
    tetrad lists --import agency.tetrad bank.tetrad
  Of one device:
    tetrad lists --home alice/module`,
		)
		.action(async (flags: Given<ListsFlags>) => {
			const { homesOf } = await import("../side-flags.ts");
			const { manageLists } = await import("./lists.ts");
			for (const home of await homesOf(flags.home))
				await manageLists({ ...flags, home });
		});
}
