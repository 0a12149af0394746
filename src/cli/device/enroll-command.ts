import { type Command, Option } from "commander";
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
import { jsonFlag } from "../flags.ts";
import {
	addKeyFlags,
	addSecretFlags,
	algorithmFlag,
	type KeyFlags,
	newKeyLocation,
	type SecretFlags,
	secretsOf,
} from "../secrets.ts";
import { day, say, sayJson } from "../voice.ts";

interface EnrollFlags extends KeyFlags, SecretFlags {
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

export function addEnrollCommand(program: Command): void {
	const enroll = program
		.command("enroll")
		.description(
			"make a device: first its key and a request to its authority, then its home from the certificate",
		)
		.requiredOption("--home <folder>", "the device's folder")
		.addOption(
			new Option("--role <role>", "first: what it is to be").choices([
				"agent",
				"module",
			]),
		)
		.option(
			"--name <name>",
			"first: the name to certify, of letters a to z, digits, dots and dashes",
		)
		.option(
			"--out <file>",
			"first: the request, to be carried to the authority",
		)
		.option("--certificate <file>", "then: what the authority issued")
		.option(
			"--trust-agency <path...>",
			"then: root.pem of each agency that may certify agents",
		)
		.option(
			"--trust-bank <path...>",
			"then: root.pem of each bank that may certify modules",
		)
		.addOption(algorithmFlag());
	addSecretFlags(addKeyFlags(enroll))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  The key is made here and never leaves; carry alice.csr to the agency, and tell it the SHA-256:
    tetrad enroll --home alice --role agent --name alice --out alice.csr
  With the key in a token:
    tetrad enroll --home till --role module --name bob-till --out till.csr --pin-file pin \\
      --key "pkcs11:token=tills;object=till?module-path=/usr/lib/softhsm/libsofthsm2.so"
  When the certificate is back:
    tetrad enroll --home alice --certificate alice.pem --trust-agency agency-root.pem --trust-bank bank-root.pem`,
		)
		.action((flags: EnrollFlags) =>
			flags.certificate === undefined
				? begin(flags)
				: finish(flags, flags.certificate),
		);
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
