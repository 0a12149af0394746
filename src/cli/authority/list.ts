import {
	Authority,
	type AuthorityRegister,
	type IssuedRecord,
} from "../../device/authority/index.ts";
import { plainTable } from "../table.ts";
import { day, moment, say, sayJson } from "../voice.ts";

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
