import {
	backUpPurse,
	type PurseBackup,
	restorePurse,
} from "../../device/purse/index.ts";
import type { OwnerFlags } from "../secret-flags.ts";
import { ownerSecret } from "../secrets.ts";
import { count, moment, plain, say, sayJson } from "../voice.ts";

export interface BackupFlags extends OwnerFlags {
	readonly home: string;
	readonly out: string;
	readonly json?: true;
}

export interface RestoreFlags extends OwnerFlags {
	readonly home: string;
	readonly json?: true;
}

export async function backup(flags: BackupFlags): Promise<void> {
	const { home, out, json } = flags;
	const made = await backUpPurse(home, out, ownerSecret(flags));
	if (json) return sayJson({ home, out, ...jsonOf(made) });
	say(
		`${plain(out)} has the purse as it was at ${moment(made.made.getTime())}, after ${made.changes} changes: ${count(made.bytes)} bytes, sealed`,
	);
}

export async function restore(
	file: string,
	flags: RestoreFlags,
): Promise<void> {
	const { home, json } = flags;
	const made = await restorePurse(file, home, ownerSecret(flags));
	if (json) return sayJson({ home, file, ...jsonOf(made) });
	say(
		`${plain(home)} has the purse as it was at ${moment(made.made.getTime())}, after ${made.changes} changes`,
	);
	say(
		"what it has is held, for nobody may know what was paid after that: start the module, and let its agent settle; what is left of the notes is claimed once they have expired",
	);
}

function jsonOf({ made, changes, bytes }: PurseBackup) {
	return { made: made.toISOString(), changes: String(changes), bytes };
}
