import {
	Authority,
	type AuthorityRegister,
	accusedBy,
	type IssuedRecord,
	readBanks,
	readEvidence,
} from "../../device/authority/index.ts";
import { writeCarried } from "../../device/home/index.ts";
import { TetradError } from "../../errors.ts";
import { printPemBlock, type UntrustedReason } from "../../identity/index.ts";
import type { SecretFlags } from "../secret-flags.ts";
import { secretsOf } from "../secrets.ts";
import { plainTable } from "../table.ts";
import { day, moment, say, sayJson, tell } from "../voice.ts";

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

export interface ListFlags {
	readonly home: string;
	readonly json?: true;
}

export async function list({ home, json }: ListFlags): Promise<void> {
	await using authority = await Authority.open(home);
	const register = await authority.register();
	const now = Date.now();
	const rows = register.issued().map((record) => ({
		name: record.name,
		serial: record.serial,
		subject: record.subject === "device" ? authority.role : "intermediate",
		levels: record.levels,
		notBefore: record.notBefore,
		notAfter: record.notAfter,
		state: stateOf(record, register, now),
	}));
	const { kind, name } = authority;
	const { list } = register;
	if (json) {
		sayJson({
			kind,
			name,
			certificates: rows.map((row) => ({
				...row,
				notBefore: new Date(row.notBefore).toISOString(),
				notAfter: new Date(row.notAfter).toISOString(),
			})),
			list: list && {
				number: list.number,
				thisUpdate: new Date(list.at).toISOString(),
				nextUpdate: new Date(list.nextUpdate).toISOString(),
				...(list.recertifyBefore === undefined
					? {}
					: {
							recertifyBefore: new Date(list.recertifyBefore).toISOString(),
						}),
			},
		});
		return;
	}
	for (const line of plainTable(
		["name", "what", "serial number", "level", "from", "until", "state"],
		rows.map((row) => [
			row.name,
			row.subject,
			row.serial,
			row.levels.join(", ") || "software",
			day(row.notBefore),
			day(row.notAfter),
			row.state,
		]),
	))
		say(line);
	say(
		list === undefined
			? `the ${kind} ${name} has published no untrusted list yet`
			: `the last untrusted list is ${list.number}, from ${moment(list.at)}; the next is due on ${day(list.nextUpdate)}`,
	);
	if (list?.recertifyBefore !== undefined)
		say(
			`certificates from before ${moment(list.recertifyBefore)} are no longer enough`,
		);
}

type State = "valid" | "revoked" | "expired" | "recertify";

function stateOf(
	record: IssuedRecord,
	register: AuthorityRegister,
	now: number,
): State {
	if (register.revocation(record.serial) !== undefined) return "revoked";
	if (record.notAfter < now) return "expired";
	if (record.notBefore < (register.list?.recertifyBefore ?? 0))
		return "recertify";
	return "valid";
}

export interface PublishFlags extends SecretFlags {
	readonly home: string;
	readonly out: string;
	readonly pem?: string;
	readonly days?: number;
	readonly recertifyBefore?: number;
	readonly json?: true;
}

export async function publish(flags: PublishFlags): Promise<void> {
	const { home, out, pem, days, recertifyBefore } = flags;
	await using authority = await Authority.open(home, secretsOf(flags));
	const list = await authority.publish({ days, recertifyBefore });
	await writeCarried(out, list.bundle);
	if (pem !== undefined)
		await writeCarried(pem, printPemBlock("X509 CRL", list.list));
	if (flags.json)
		sayJson({
			number: list.number,
			entries: list.entries,
			thisUpdate: new Date(list.thisUpdate).toISOString(),
			nextUpdate: new Date(list.nextUpdate).toISOString(),
			...(list.recertifyBefore === undefined
				? {}
				: {
						recertifyBefore: new Date(list.recertifyBefore).toISOString(),
					}),
			out,
		});
	else
		say(
			`signed untrusted list ${list.number} of ${authority.name} with ${list.entries} ${list.entries === 1 ? "entry" : "entries"}; carry ${out} to the devices, and sign the next by ${day(list.nextUpdate)}`,
		);
}
