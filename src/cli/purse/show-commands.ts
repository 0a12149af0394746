import { type Command, Option } from "commander";
import { MAX_HISTORY } from "../../device/purse/index.ts";
import { countUpTo } from "../flag-values.ts";
import { jsonFlag } from "../flags.ts";
import type { HistoryFlags, ShowFlags } from "./show.ts";

function addShowCommand(
	purse: Command,
	name: string,
	description: string,
): Command {
	return purse
		.command(name)
		.description(description)
		.requiredOption("--home <folder>", "the module's home")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
  Also while the module runs:
    tetrad purse ${name} --home alice-purse --json`,
		);
}

export function addBalanceCommand(purse: Command): void {
	addShowCommand(
		purse,
		"balance",
		"what the purse has: to spend, to deposit, and in doubt",
	).action(async (flags: ShowFlags) => {
		const { showBalance } = await import("./show.ts");
		await showBalance(flags);
	});
}

export function addNotesCommand(purse: Command): void {
	addShowCommand(
		purse,
		"notes",
		"the notes of which something is left, those that expire first before the others",
	).action(async (flags: ShowFlags) => {
		const { showNotes } = await import("./show.ts");
		await showNotes(flags);
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
		.action(async (flags: HistoryFlags) => {
			const { showHistory } = await import("./show.ts");
			await showHistory(flags);
		});
}
