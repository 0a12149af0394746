import {
	moduleIdOf,
	openOwner,
	placeOverride,
	readPurseSettings,
	viewBehind,
	viewPurse,
} from "../../device/purse/index.ts";
import { TetradError } from "../../errors.ts";
import type { OwnerFlags } from "../secret-flags.ts";
import { ownerSecret } from "../secrets.ts";
import { say, sayJson, tell } from "../voice.ts";

export interface OverrideFlags extends OwnerFlags {
	readonly home: string;
	readonly json?: true;
}

/** Overrides the head that the purse is behind, and no other. */
export async function override(flags: OverrideFlags): Promise<void> {
	const { home } = flags;
	const { owner } = await readPurseSettings(home);
	const behind = await behindOf(home);
	if (behind === undefined)
		throw new TetradError(
			"invalid-argument",
			`the purse in ${home} is not behind anything; nothing was overridden`,
		);
	const { record, isRestored } = behind;
	tell(
		isRestored
			? `this purse was restored from a backup with ${record.number} changes; if anything was paid after that was made, it will sign ranges again that it has paid with, and be proved to have spent them twice`
			: `a witness knows this purse with ${record.number} changes, which it does not have; if it was put back to an old backup, it will sign ranges again that it has paid with, and be proved to have spent them twice`,
	);
	const purse = await moduleIdOf(home);
	const key = await openOwner(owner, ownerSecret(flags));
	await placeOverride(home, key, { purse, record });
	if (flags.json)
		return sayJson({ home, overridden: { number: String(record.number) } });
	say(
		`overrode it; the order waits in ${home}/orders until the module starts or settles`,
	);
}

async function behindOf(home: string): ReturnType<typeof viewBehind> {
	await using view = await viewPurse(home);
	return await viewBehind(view.store);
}
