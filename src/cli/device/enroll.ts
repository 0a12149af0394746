import type { SignatureAlgorithm } from "../../crypto/index.ts";
import {
	beginEnrolment,
	finishEnrolment,
	readRoots,
} from "../../device/authority/index.ts";
import { readCarriedPem, writeCarried } from "../../device/home/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type DeviceRole,
	MAX_CHAIN_BYTES,
	parsePem,
} from "../../identity/index.ts";
import { hex } from "../../wire/index.ts";
import type { KeyFlags, SecretFlags } from "../secret-flags.ts";
import { newKeyLocation, secretsOf } from "../secrets.ts";
import { day, say, sayJson } from "../voice.ts";

export interface EnrollFlags extends KeyFlags, SecretFlags {
	readonly home: string;
	readonly role?: DeviceRole;
	readonly name?: string;
	readonly algorithm: SignatureAlgorithm;
	readonly out?: string;
	readonly certificate?: string;
	readonly trustAgency?: string[];
	readonly trustBank?: string[];
	readonly json?: true;
}

export async function enroll(flags: EnrollFlags): Promise<void> {
	await (flags.certificate === undefined
		? begin(flags)
		: finish(flags, flags.certificate));
}

async function begin(flags: EnrollFlags): Promise<void> {
	const { home, role, name, algorithm, out } = flags;
	if (role === undefined || name === undefined || out === undefined)
		throw wrong(
			"say --role ROLE, --name NAME and --out FILE to ask for a certificate, or --certificate FILE when it is there",
		);
	if (flags.trustAgency !== undefined || flags.trustBank !== undefined)
		throw wrong("--trust-agency and --trust-bank go with --certificate");
	const { pem, hash } = await beginEnrolment(
		home,
		{ role, name, algorithm, key: newKeyLocation(flags) },
		secretsOf(flags),
	);
	await writeCarried(out, pem);
	if (flags.json) sayJson({ role, name, home, out, sha256: hash });
	else {
		say(`made the key of the ${role} ${name}; carry ${out} to its authority`);
		say(`SHA-256 ${hash}`);
	}
}

async function finish(flags: EnrollFlags, certificate: string): Promise<void> {
	const { home, trustAgency, trustBank } = flags;
	if (trustAgency === undefined || trustBank === undefined)
		throw wrong(
			"say whom the device shall trust: --trust-agency PATH and --trust-bank PATH",
		);
	for (const flag of [
		"role",
		"name",
		"out",
		"key",
		"unsafeUnsealedKey",
	] as const)
		if (flags[flag] !== undefined)
			throw wrong(
				"--role, --name, --out, --key and --unsafe-unsealed-key were said when the key was made; leave them out with --certificate",
			);
	const chain = await readCarriedPem(
		certificate,
		2 * MAX_CHAIN_BYTES,
		parsePem,
	);
	const [agencies, banks] = await Promise.all(
		[trustAgency, trustBank].map(async (paths) =>
			(await Promise.all(paths.map(readRoots))).flat(),
		),
	);
	const device = await finishEnrolment(home, {
		chain,
		agencies: agencies ?? [],
		banks: banks ?? [],
	});
	const { role, name, tamperResistance, notAfter } = device;
	if (flags.json)
		sayJson({
			role,
			name,
			home,
			level: tamperResistance,
			deviceId: hex(device.deviceId),
			notAfter: new Date(notAfter).toISOString(),
		});
	else
		say(
			`the ${role} ${name} is ready in ${home}; its certificate attests ${tamperResistance} and ends on ${day(notAfter)}`,
		);
}

function wrong(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}
