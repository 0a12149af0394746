import { type Command, Option } from "commander";
import { MAX_HISTORY } from "../../device/purse/index.ts";
import { countUpTo } from "../flag-values.ts";
import { jsonFlag } from "../flags.ts";
import type { Given } from "../side-flags.ts";
import type { ShowLogFlags } from "./show-log.ts";
import type { VerifyLogFlags } from "./verify-log.ts";

const logHomeFlag = (): Option =>
	new Option(
		"--home <folder>",
		"the home of a device, or a side, whose module it is about then; the side of TETRAD_HOME, of the working folder or of your own tetrad.toml unless given",
	);

export function declareLog(command: Command): void {
	command.addHelpText(
		"after",
		`
Examples:
  Recompute the log of a shop's purse, and hold it to what its agent was told:
    tetrad log verify --home shop-purse --agent shop-agent
  Read the newest entries of the agent's own:
    tetrad log show --home shop-agent --limit 20`,
	);
	addVerifyCommand(command);
	addShowCommand(command);
}

function addVerifyCommand(command: Command): void {
	command
		.command("verify")
		.description(
			"recompute the log of an agent or of a module's purse, and look in it for the heads that others were told",
		)
		.addOption(logHomeFlag())
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
    tetrad log verify
    tetrad log verify --receipt sold/*.receipt
    tetrad log verify --home shop-purse --agent shop-agent --json
    tetrad log verify --home shop-agent

An entry that was taken away, changed or put elsewhere is found up to the newest head that
somebody else was told. What comes after it, nobody but the device itself has seen, and nobody
is told of an agent's log: whoever has its database can write all of it anew.`,
		)
		.action(async (flags: Given<VerifyLogFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { verifyLogOf } = await import("./verify-log.ts");
			const all = await withSide<VerifyLogFlags, "agent">(flags, "module", {
				agent: { of: ({ agent }) => [agent.home] },
			});
			await verifyLogOf(all);
		});
}

function addShowCommand(command: Command): void {
	command
		.command("show")
		.description(
			"what an agent or a module's purse has written into its log, the newest first",
		)
		.addOption(logHomeFlag())
		.addOption(jsonFlag())
		.addOption(
			new Option(
				"--csv",
				"print comma-separated values, for spreadsheets and bookkeeping",
			).conflicts("json"),
		)
		.option(
			"--limit <count>",
			"so many entries at most",
			countUpTo(MAX_HISTORY),
			50,
		)
		.addHelpText(
			"after",
			`
Examples:
    tetrad log show --home my-agent
    tetrad log show --limit 1000 --csv > log.csv

It may be running. With --json and --csv everything is there that the chain of heads is made of.`,
		)
		.action(async (flags: Given<ShowLogFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { showLog } = await import("./show-log.ts");
			await showLog(await withSide(flags, "module", {}));
		});
}
