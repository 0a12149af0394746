import type { Command } from "commander";
import { homeFlag } from "../home-flag.ts";
import { addOwnerFlags } from "../secret-flags.ts";
import type { Given } from "../side-flags.ts";
import type { ShowSeedFlags } from "./seed.ts";

export function addShowSeedCommand(purse: Command): void {
	const show = purse
		.command("unsafe-show-seed")
		.description(
			"show what the ecash of the purse follows from, to be written on paper: whoever reads it has that ecash; the owner's secret is needed",
		)
		.addOption(homeFlag("module"))
		.option(
			"--out <file>",
			"write it into a new file that only you may read; shown at a terminal unless given, and nowhere else",
		);
	addOwnerFlags(show)
		.addHelpText(
			"after",
			`
It is words of BIP 39, which other wallets of Cashu restore from as well; a purse that drew its seed
before there were words has a longer text, which only tetrad reads. There is no --json.
What is locked for a purchase, and notes, do not follow from it: they need tetrad purse backup.

Examples:
    tetrad purse unsafe-show-seed
    tetrad purse unsafe-show-seed --home alice-purse --out /media/paper/seed.txt`,
		)
		.action(async (flags: Given<ShowSeedFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { showSeed } = await import("./seed.ts");
			await showSeed(await withSide(flags, "module", {}));
		});
}
