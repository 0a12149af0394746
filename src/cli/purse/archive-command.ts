import type { Command } from "commander";
import { MAX_GRACE_DAYS } from "../../money/index.ts";
import { days, jsonFlag } from "../flags.ts";
import { homeFlag } from "../home-flag.ts";
import type { Given } from "../side-flags.ts";
import type { ArchiveFlags } from "./archive.ts";

export function addArchiveCommand(purse: Command): void {
	purse
		.command("archive")
		.description(
			"move payments that are over into files that can be verified without the purse; the module must not be running",
		)
		.addOption(homeFlag("module"))
		.option(
			"--to <folder>",
			"where the files go (default: archive in the home)",
		)
		.option(
			"--expired-for <days>",
			"only payments whose notes expired so long ago: the issuer's grace at least",
			days,
			MAX_GRACE_DAYS,
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
    tetrad purse archive
    tetrad purse archive --expired-for 30 --to /backup/bob-purse
    tetrad verify bob-purse/archive/000001-5be2e1a0c9d3f684.archive --bank bank/root.pem --home bob-purse`,
		)
		.action(async (flags: Given<ArchiveFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { archive } = await import("./archive.ts");
			await archive(await withSide(flags, "module", {}));
		});
}
