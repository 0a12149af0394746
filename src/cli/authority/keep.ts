/* Commands that keep an authority's register: what was issued, what is not trusted any more. */
import { type Command, Option } from "commander";
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
import {
	printPemBlock,
	UNTRUSTED_REASONS,
	type UntrustedReason,
} from "../../identity/index.ts";
import { days, instant, jsonFlag, serial } from "../flags.ts";
import { addSecretFlags, type SecretFlags, secretsOf } from "../secrets.ts";
import { plainTable } from "../table.ts";
import { day, moment, say, sayJson, tell } from "../voice.ts";

export function addRevokeCommand(authority: Command): void {
	authority
		.command("revoke")
		.description(
			"put certificates on the untrusted list; devices learn it when it is published",
		)
		.requiredOption("--home <folder>", "the authority's folder")
		.option(
			"--name <name>",
			"every certificate of this name that has not expired",
		)
		.option("--serial <hex>", "the certificate with this serial number", serial)
		.option(
			"--evidence <file>",
			"of a bank: every certificate of the module that this evidence proves to have spent money twice",
		)
		.option(
			"--trust <path...>",
			"with --evidence: root.pem of the bank of the issuer, if it is another one",
		)
		.addOption(
			new Option("--reason <reason>", "why; it stands on the list").choices([
				...UNTRUSTED_REASONS,
			]),
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  A stolen device:
    tetrad authority revoke --home agency --name alice --reason keyCompromise
  One certificate of several:
    tetrad authority revoke --home agency --serial 5c2b7d9f00a1b2c3d4e5f60718293a4b --reason superseded
  A module that spent money twice, as an issuer can prove:
    tetrad authority revoke --home bank --evidence 3f0c.evidence`,
		)
		.action(
			async (flags: {
				home: string;
				name?: string;
				serial?: string;
				evidence?: string;
				trust?: string[];
				reason?: UntrustedReason;
				json?: true;
			}) => {
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
			},
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

export function addListCommand(authority: Command): void {
	authority
		.command("list")
		.description(
			"show what an authority issued, and the list that it published last",
		)
		.requiredOption("--home <folder>", "the authority's folder")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad authority list --home agency`,
		)
		.action(async ({ home, json }: { home: string; json?: true }) => {
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
		});
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

export function addPublishCommand(authority: Command): void {
	const publish = authority
		.command("publish")
		.description("sign the next untrusted list, for devices to import")
		.requiredOption("--home <folder>", "the authority's folder")
		.requiredOption(
			"--out <file>",
			"the list with its certificates, to be carried",
		)
		.option(
			"--pem <file>",
			"the list alone as a CRL in PEM, for other programs",
		)
		.option("--days <days>", "in how many days the next list is due", days)
		.option(
			"--recertify-before <instant>",
			'certificates from before it are no longer enough: "now", or an instant in UTC; later lists keep it',
			instant,
		);
	addSecretFlags(publish)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  A list once a month, and after each revocation:
    tetrad authority publish --home agency --out list.tetrad
  All devices shall renew:
    tetrad authority publish --home agency --out list.tetrad --recertify-before now
  For OpenSSL:
    tetrad authority publish --home agency --out list.tetrad --pem list.pem`,
		)
		.action(
			async (
				flags: SecretFlags & {
					home: string;
					out: string;
					pem?: string;
					days?: number;
					recertifyBefore?: number;
					json?: true;
				},
			) => {
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
			},
		);
}
