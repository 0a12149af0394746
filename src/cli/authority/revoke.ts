import {
	Authority,
	accusedBy,
	readBanks,
	readEvidence,
} from "../../device/authority/index.ts";
import { TetradError } from "../../errors.ts";
import type { UntrustedReason } from "../../identity/index.ts";
import { moment, say, sayJson, tell } from "../voice.ts";

export interface RevokeFlags {
	readonly home: string;
	readonly name?: string;
	readonly serial?: string;
	readonly evidence?: string;
	readonly trust?: string[];
	readonly reason?: UntrustedReason;
	readonly json?: true;
}

export async function revoke(flags: RevokeFlags): Promise<void> {
	const { home, evidence, trust } = flags;
	const which = chosen(flags);
	await using authority = await Authority.open(home);
	const revoked =
		which === undefined
			? await authority.revoke(
					{ name: await provedName(authority, evidence ?? "", trust) },
					flags.reason ?? "keyCompromise",
				)
			: await authority.revoke(which, flags.reason);
	if (flags.json)
		sayJson({
			revoked: revoked.map((entry) => ({
				...entry,
				at: new Date(entry.at).toISOString(),
			})),
		});
	else
		for (const entry of revoked)
			say(
				`${entry.again ? "was revoked on" : "revoked"} ${entry.again ? `${moment(entry.at)}: ` : ""}${entry.serial} of ${entry.name}`,
			);
	if (revoked.some(({ again }) => !again))
		tell(
			`devices learn it from the next list: tetrad authority publish --home ${home} --out list.tetrad`,
		);
}

/** What to revoke by its name or number, or nothing when evidence says it. */
function chosen(flags: {
	readonly name?: string;
	readonly serial?: string;
	readonly evidence?: string;
	readonly trust?: string[];
}): { readonly name: string } | { readonly serial: string } | undefined {
	const { name, serial, evidence, trust } = flags;
	const ways = [name, serial, evidence].filter((way) => way !== undefined);
	if (ways.length !== 1 || (trust !== undefined && evidence === undefined))
		throw new TetradError(
			"invalid-argument",
			"say --name NAME, --serial HEX or --evidence FILE; --trust goes with --evidence",
		);
	if (name !== undefined) return { name };
	return serial === undefined ? undefined : { serial };
}

/** Whom evidence accuses, when it proves that a module of this bank spent money twice. */
async function provedName(
	{ anchor }: Authority,
	evidence: string,
	trust: readonly string[] = [],
): Promise<string> {
	const banks = [anchor, ...(await readBanks(trust))];
	return accusedBy(await readEvidence(evidence, banks), anchor);
}
