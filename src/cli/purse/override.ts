import { openModule } from "../../device/service/index.ts";
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
	const { home, json } = flags;
	await using module = await openModule(home);
	const behind = await module.behind();
	if (behind === undefined)
		throw new TetradError(
			"invalid-argument",
			`the purse in ${home} is not behind anything; nothing was overridden`,
		);
	const { changes, isRestored } = behind;
	tell(
		isRestored
			? `this purse was restored from a backup with ${changes} changes; if anything was paid after that was made, it will sign ranges again that it has paid with, and be proved to have spent them twice`
			: `a witness knows this purse with ${changes} changes, which it does not have; if it was put back to an old backup, it will sign ranges again that it has paid with, and be proved to have spent them twice`,
	);
	await module.unsafeOverrideBehind(behind, { owner: ownerSecret(flags) });
	if (json) return sayJson({ home, overridden: { number: String(changes) } });
	say(
		`overrode it; the order waits in ${home}/orders until the module starts or settles`,
	);
}
