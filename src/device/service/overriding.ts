import { TetradError } from "../../errors.ts";
import type { SecretSource } from "../../keys/index.ts";
import { hex } from "../../wire/index.ts";
import {
	moduleIdOf,
	openOwner,
	placeOverride,
	readPurseSettings,
	viewBehind,
	viewPurse,
} from "../purse/index.ts";
import type { BehindHead } from "./module-service.ts";

/** What the purse in a home is behind. */
export async function behindIn(home: string): Promise<BehindHead | undefined> {
	const behind = await look(home);
	if (behind === undefined) return undefined;
	const { record, isRestored } = behind;
	return { changes: record.number, hash: hex(record.hash), isRestored };
}

/** Overrides the head that the purse in a home is behind, as its owner, and no other. */
export async function overrideIn(
	home: string,
	head: BehindHead,
	owner: SecretSource,
): Promise<void> {
	const behind = await look(home);
	if (
		behind === undefined ||
		behind.record.number !== head.changes ||
		hex(behind.record.hash) !== head.hash
	)
		throw new TetradError(
			"invalid-argument",
			`the purse in ${home} is not behind that; nothing was overridden`,
		);
	const settings = await readPurseSettings(home);
	const purse = await moduleIdOf(home);
	const key = await openOwner(settings.owner, owner);
	await placeOverride(home, key, { purse, record: behind.record });
}

async function look(home: string): ReturnType<typeof viewBehind> {
	await using view = await viewPurse(home);
	return await viewBehind(view.store);
}
