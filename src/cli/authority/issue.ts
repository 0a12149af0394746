import type { SignatureAlgorithm } from "../../crypto/index.ts";
import {
	type Answer,
	Authority,
	issueDeviceHome,
	readRoots,
} from "../../device/authority/index.ts";
import {
	readCarried,
	readCarriedPem,
	writeCarried,
} from "../../device/home/index.ts";
import { TetradError } from "../../errors.ts";
import {
	MAX_RENEWAL_BYTES,
	MAX_REQUEST_BYTES,
	parsePemBlock,
	printPem,
	type TamperResistance,
} from "../../identity/index.ts";
import type { KeyFlags, SecretFlags } from "../secret-flags.ts";
import { newKeyLocation, secretsOf } from "../secrets.ts";
import { day, say, sayJson, tell } from "../voice.ts";

export interface IssueFlags extends SecretFlags, KeyFlags {
	readonly home: string;
	readonly request?: string;
	readonly renewal?: string;
	readonly device?: string;
	readonly out?: string;
	readonly intermediate?: true;
	readonly attests?: TamperResistance[];
	readonly level?: TamperResistance;
	readonly sha256?: string;
	readonly days?: number;
	readonly replace?: true;
	readonly name?: string;
	readonly trust?: string[];
	readonly algorithm: SignatureAlgorithm;
	readonly devicePassphraseFile?: string;
	readonly devicePassphraseEnv?: string;
	readonly json?: true;
}

export async function issue(flags: IssueFlags): Promise<void> {
	const ways = [flags.request, flags.renewal, flags.device];
	if (ways.filter((way) => way !== undefined).length !== 1)
		throw wrong(
			"say one of --request FILE, --renewal FILE and --device FOLDER",
		);
	await using issuer = await Authority.open(flags.home, secretsOf(flags));
	await (flags.device === undefined
		? answer(issuer, flags)
		: inOneStep(issuer, flags.device, flags));
}

async function answer(issuer: Authority, flags: IssueFlags): Promise<void> {
	const { out, request, renewal } = flags;
	if (out === undefined) throw wrong("say where to write it: --out FILE");
	for (const flag of ["name", "trust", "key", "unsafeUnsealedKey"] as const)
		if (flags[flag] !== undefined)
			throw wrong(
				"--name, --trust, --key and --unsafe-unsealed-key go with --device; a request says its name and has its key",
			);
	if (flags.attests !== undefined && !flags.intermediate)
		throw wrong("--attests goes with --intermediate; for a device say --level");
	if (
		flags.intermediate &&
		(renewal !== undefined || flags.level !== undefined)
	)
		throw wrong(
			"--intermediate goes with --request and --attests, and not with --renewal or --level",
		);
	const options = {
		days: flags.days,
		replace: flags.replace,
		expectedHash: flags.sha256,
	};
	let answered: Answer;
	if (renewal !== undefined)
		answered = await issuer.renew(
			await readCarried(renewal, MAX_RENEWAL_BYTES),
			{ ...options, level: flags.level },
		);
	else {
		const der = await readCarriedPem(
			request ?? "",
			2 * MAX_REQUEST_BYTES,
			(text) => parsePemBlock(text, "CERTIFICATE REQUEST"),
		);
		answered = flags.intermediate
			? await issuer.certifyIntermediate(der, {
					...options,
					attests: flags.attests ?? [],
				})
			: await issuer.certify(der, { ...options, level: flags.level });
	}
	await writeCarried(out, printPem(answered.chain));
	report(issuer, answered, flags);
}

function report(issuer: Authority, answered: Answer, flags: IssueFlags): void {
	const { record, hash, again, revoked, wished } = answered;
	const { subject, name, serial, levels: attested, notAfter } = record;
	const what = subject === "device" ? issuer.role : "intermediate";
	if (flags.json)
		sayJson({
			subject: what,
			name,
			serial,
			...(subject === "device"
				? { level: attested[0] }
				: { attests: attested }),
			notBefore: new Date(record.notBefore).toISOString(),
			notAfter: new Date(notAfter).toISOString(),
			sha256: hash,
			again,
			revoked,
			out: flags.out,
		});
	else {
		say(
			`${again ? "certified already: " : "certified "}the ${what} ${name} until ${day(notAfter)}; carry ${flags.out} to it`,
		);
		say(`serial number ${serial}`);
		say(`SHA-256 of its request ${hash}`);
	}
	const more = wished.filter(
		(level) => level !== "software" && !attested.includes(level),
	);
	if (more.length > 0)
		tell(
			`it wished to have ${more.join(", ")} attested, which was not; that is up to you (--${subject === "device" ? "level" : "attests"})`,
		);
	if (revoked.length > 0)
		tell(
			`revoked ${revoked.join(", ")}; devices learn it from the next list: tetrad authority publish`,
		);
}

async function inOneStep(
	issuer: Authority,
	device: string,
	flags: IssueFlags,
): Promise<void> {
	const { name, trust, algorithm } = flags;
	if (name === undefined || trust === undefined)
		throw wrong("--device goes with --name NAME and --trust PATH");
	for (const flag of [
		"out",
		"intermediate",
		"attests",
		"level",
		"sha256",
	] as const)
		if (flags[flag] !== undefined)
			throw wrong(
				`--${flag} goes with --request; a device that is made in one step is attested nothing`,
			);
	const roots = (await Promise.all(trust.map(readRoots))).flat();
	const { devicePassphraseFile, devicePassphraseEnv } = flags;
	await issueDeviceHome(issuer, {
		home: device,
		name,
		algorithm,
		trust: roots,
		key: newKeyLocation(flags),
		secrets: secretsOf({
			...flags,
			...{
				passphraseFile: devicePassphraseFile,
				passphraseEnv: devicePassphraseEnv,
			},
		} as SecretFlags),
		days: flags.days,
		replace: flags.replace,
	});
	if (flags.json) sayJson({ role: issuer.role, name, home: device });
	else say(`certified the ${issuer.role} ${name}; its home is ${device}`);
}

function wrong(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}
