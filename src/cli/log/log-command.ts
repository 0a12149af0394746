import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import type { VerifyLogFlags } from "./verify-log.ts";

export function declareLog(command: Command): void {
	command
		.command("verify")
		.description(
			"recompute the log of a module's purse, and look in it for the heads that others were told",
		)
		.requiredOption("--home <folder>", "the module's home")
		.option(
			"--receipt <file...>",
			"receipts that this module gave: each quotes the newest head of then",
		)
		.option(
			"--agent <folder...>",
			"homes of agents that keep the newest head of this module",
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
    tetrad log verify --home shop-purse
    tetrad log verify --home shop-purse --agent shop-agent --receipt sold/*.receipt
    tetrad log verify --home shop-purse --agent shop-agent --json

An entry that was taken away, changed or put elsewhere is found up to the newest head that
somebody else was told. What comes after it, nobody but the module itself has seen.`,
		)
		.action(async (flags: VerifyLogFlags) => {
			const { verifyLogOf } = await import("./verify-log.ts");
			await verifyLogOf(flags);
		});
}
