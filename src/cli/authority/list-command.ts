import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import type { ListFlags } from "./list.ts";

export function addListCommand(authority: Command): void {
	authority
		.command("list")
		.description(
			"show what an authority issued, and the list that it published last",
		)
		.requiredOption("--home <folder>", "the authority's folder")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad authority list --home agency`,
		)
		.action(async (flags: ListFlags) => {
			const { list } = await import("./list.ts");
			await list(flags);
		});
}
