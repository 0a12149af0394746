import { type Command, Option } from "commander";
import { MAX_HISTORY } from "../../device/purse/index.ts";
import { countUpTo } from "../flag-values.ts";
import { jsonFlag } from "../flags.ts";
import { homeFlag } from "../home-flag.ts";
import type { Given } from "../side-flags.ts";
import type { HistoryFlags, ShowFlags } from "./show.ts";

function addShowCommand(
	purse: Command,
	name: string,
	description: string,
): Command {
	return purse
		.command(name)
		.description(description)
		.addOption(homeFlag("module"))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
  Also while the module runs:
    tetrad purse ${name} --json`,
		);
}

export function addBalanceCommand(purse: Command): void {
	addShowCommand(
		purse,
		"balance",
		"what the purse has: to spend, to deposit, and in doubt",
	).action(tellBalance);
}

/** `tetrad balance`, the same in one word. */
export function declareBalance(command: Command): void {
	command
		.addOption(homeFlag("module"))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
  Also while the module runs:
    tetrad balance --json`,
		)
		.action(tellBalance);
}

async function tellBalance(flags: Given<ShowFlags>): Promise<void> {
	const { moduleHomesOf } = await import("../side-flags.ts");
	const { showBalance } = await import("./show.ts");
	await showBalance(await moduleHomesOf(flags.home), flags);
}

export function addNotesCommand(purse: Command): void {
	addShowCommand(
		purse,
		"notes",
		"the notes of which something is left, those that expire first before the others",
	).action(async (flags: Given<ShowFlags>) => {
		const { withSide } = await import("../side-flags.ts");
		const { showNotes } = await import("./show.ts");
		await showNotes(await withSide(flags, "module", {}));
	});
}

export function addHistoryCommand(purse: Command): void {
	addShowCommand(
		purse,
		"history",
		"what has changed in the purse, the newest first",
	)
		.addOption(
			new Option(
				"--csv",
				"print comma-separated values, for spreadsheets and bookkeeping",
			).conflicts("json"),
		)
		.option(
			"--limit <count>",
			"so many changes at most",
			countUpTo(MAX_HISTORY),
			50,
		)
		.action(async (flags: Given<HistoryFlags>) => {
			const { moduleHomesOf } = await import("../side-flags.ts");
			const { showHistory } = await import("./show.ts");
			await showHistory(await moduleHomesOf(flags.home), flags);
		});
}
