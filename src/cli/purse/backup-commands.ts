import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import { homeFlag } from "../home-flag.ts";
import { addOwnerFlags } from "../secret-flags.ts";
import type { Given } from "../side-flags.ts";
import type { BackupFlags, RestoreFlags } from "./backup.ts";

export function addBackupCommand(purse: Command): void {
	const backup = purse
		.command("backup")
		.description(
			"write the purse and the home around it into one file, sealed with the owner's passphrase; also while the module runs",
		)
		.addOption(homeFlag("module"))
		.requiredOption(
			"--out <file>",
			"where the backup goes; never over a file that is there",
		);
	addOwnerFlags(backup)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
A purse that was restored from a backup pays with nothing that was in it, and what is left of its
notes comes back when they have expired. Archives, and a key in a token, are not in it.

Example:
    tetrad purse backup --out /backup/alice.backup`,
		)
		.action(async (flags: Given<BackupFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { backup } = await import("./backup.ts");
			await backup(await withSide(flags, "module", {}));
		});
}

export function addRestoreCommand(purse: Command): void {
	const restore = purse
		.command("restore")
		.description(
			"put the purse of a backup into a new home, or into that of the same module when its purse is lost; never over a purse that is there",
		)
		.argument("<file>", "what tetrad purse backup has written")
		.addOption(homeFlag("module"));
	addOwnerFlags(restore)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
What it had is held, whatever its agent and its issuer know, until the notes have expired and were
claimed, or its owner says otherwise (unsafe-override-behind). Two copies of one purse must never run.

Example:
    tetrad purse restore /backup/alice.backup --home alice-purse`,
		)
		.action(async (file: string, flags: Given<RestoreFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { restore } = await import("./backup.ts");
			await restore(file, await withSide(flags, "module", {}));
		});
}
