import {
	type BackedUp,
	openModule,
	restoreModule,
} from "../../device/service/index.ts";
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
	await using module = await openModule(home);
	const made = await module.backUp(out, { owner: ownerSecret(flags) });
	if (json) return sayJson({ home, out, ...backupJson(made) });
	say(
		`${plain(out)} has the purse as it was at ${moment(Date.parse(made.made))}, after ${made.changes} changes: ${count(made.bytes)} bytes, sealed`,
	);
}

export async function restore(
	file: string,
	flags: RestoreFlags,
): Promise<void> {
	const { home, json } = flags;
	const made = await restoreModule(file, home, { owner: ownerSecret(flags) });
	if (json) return sayJson({ home, file, ...backupJson(made) });
	say(
		`${plain(home)} has the purse as it was at ${moment(Date.parse(made.made))}, after ${made.changes} changes`,
	);
	say(
		"what it has is held, for nobody may know what was paid after that: start the module, and let its agent settle; what is left of the notes is claimed once they have expired",
	);
}

function backupJson({ made, changes, bytes }: BackedUp) {
	return { made, changes: String(changes), bytes };
}
