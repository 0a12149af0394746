import { type Command, Option } from "commander";
import { jsonFlag } from "../flags.ts";
import { homeFlag } from "../home-flag.ts";
import { addOwnerFlags } from "../secret-flags.ts";
import type { Given } from "../side-flags.ts";
import type { BackupFlags, RestoreFlags } from "./backup.ts";
import type { EcashFlags } from "./ecash.ts";
import { waitFlag } from "./ecash-commands.ts";

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
			"put the purse of a backup into a new home, or into that of the same module when its purse is lost, never over a purse that is there; or, with --rail cashu, all ecash into a purse that follows from its seed",
		)
		.argument("[file]", "what tetrad purse backup has written")
		.addOption(homeFlag("module"))
		.addOption(
			new Option(
				"--rail <rail>",
				"restore the ecash of a mint, from what the purse derives its secrets from; no file is needed",
			).choices(["cashu"]),
		)
		.option(
			"--mint <address>",
			"with --rail: which mint, where the purse knows several",
		)
		.option(
			"--words <file>",
			"with --rail: into a purse that never had any ecash, from the seed that tetrad purse unsafe-show-seed has shown, or the words of another wallet; - reads them",
		);
	addOwnerFlags(restore)
		.addOption(
			waitFlag(
				"with --rail: how long to wait for the mint; it goes on after that",
			),
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
What it had is held, whatever its agent and its issuer know, until the notes have expired and were
claimed, or its owner says otherwise (unsafe-override-behind). Two copies of one purse must never run.
The seed of the ecash is in the backup: what was minted and received since is asked for with --rail.
With --words the module must not run, and no home with the same seed ever again.

Examples:
    tetrad purse restore /backup/alice.backup --home alice-purse
    tetrad purse restore --rail cashu --home alice-purse
  From words on paper, typed where nobody sees them, into a purse that is new:
    tetrad purse restore --rail cashu --words - --home alice-purse`,
		)
		.action(
			async (
				file: string | undefined,
				flags: Given<RestoreFlags & EcashFlags>,
			) => {
				const { withSide } = await import("../side-flags.ts");
				const all = await withSide<RestoreFlags & EcashFlags, never>(
					flags,
					"module",
					{},
				);
				if ((file === undefined) !== (all.rail !== undefined))
					return restore.error(
						"error: say the file of a backup, or --rail cashu, and not both",
						{ exitCode: 2 },
					);
				for (const name of ["mint", "words"] as const)
					if (all[name] !== undefined && all.rail === undefined)
						return restore.error(`error: --${name} goes with --rail cashu`, {
							exitCode: 2,
						});
				if (file === undefined) {
					const { restoreEcash } = await import("./ecash.ts");
					return restoreEcash(all);
				}
				const { restore: restoreBackup } = await import("./backup.ts");
				await restoreBackup(file, all);
			},
		);
}
