import type { Command } from "commander";
import {
	beginRecertification,
	finishRecertification,
	forgetPrevious,
} from "../../device/authority/index.ts";
import { readCarriedPem, writeCarried } from "../../device/home/index.ts";
import { TetradError } from "../../errors.ts";
import { MAX_CHAIN_BYTES, parsePem } from "../../identity/index.ts";
import { hex } from "../../wire/index.ts";
import { jsonFlag } from "../flags.ts";
import { addSecretFlags, type SecretFlags, secretsOf } from "../secrets.ts";
import { day, say, sayJson, tell } from "../voice.ts";

interface RecertifyFlags extends SecretFlags {
	readonly home: string;
	readonly out?: string;
	readonly certificate?: string;
	readonly forgetOld?: true;
	readonly json?: true;
}

export function addRecertifyCommand(program: Command): void {
	const recertify = program
		.command("recertify")
		.description(
			"renew a device: a new key in the same store, under the same device id; its pairing stays",
		)
		.requiredOption("--home <folder>", "the device's folder")
		.option(
			"--out <file>",
			"first: make the new key and the renewal, to be carried to the authority within a week",
		)
		.option(
			"--certificate <file>",
			"then: go over to the new key and its certificate",
		)
		.option(
			"--forget-old",
			"last: take the old key away, when no process runs with it any more",
		);
	addSecretFlags(recertify)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  The device goes on running with its old key all the while:
    tetrad recertify --home alice --out alice.renewal
    tetrad recertify --home alice --certificate alice.pem
  When its processes were started anew:
    tetrad recertify --home alice --forget-old`,
		)
		.action(async (flags: RecertifyFlags) => {
			const { home, out, certificate, forgetOld } = flags;
			const steps = [out, certificate, forgetOld];
			if (steps.filter((step) => step !== undefined).length !== 1)
				throw new TetradError(
					"invalid-argument",
					"say one step: --out FILE, then --certificate FILE, then --forget-old",
				);
			if (out !== undefined) await ask(flags, out);
			else if (certificate !== undefined) await goOver(flags, certificate);
			else {
				const forgotten = await forgetPrevious(home, secretsOf(flags));
				if (flags.json) sayJson({ home, forgotten });
				else
					say(
						forgotten === 0
							? "there was no old key"
							: `took away ${forgotten} old ${forgotten === 1 ? "key" : "keys"}`,
					);
			}
		});
}

async function ask(flags: RecertifyFlags, out: string): Promise<void> {
	const { home } = flags;
	const { renewal, hash, settings } = await beginRecertification(
		home,
		secretsOf(flags),
	);
	await writeCarried(out, renewal);
	const { role, name } = settings;
	if (flags.json) sayJson({ role, name, home, out, sha256: hash });
	else {
		say(
			`made a new key for the ${role} ${name}; carry ${out} to its authority`,
		);
		say(`SHA-256 ${hash}`);
	}
}

async function goOver(
	flags: RecertifyFlags,
	certificate: string,
): Promise<void> {
	const { home } = flags;
	const chain = await readCarriedPem(
		certificate,
		2 * MAX_CHAIN_BYTES,
		parsePem,
	);
	const device = await finishRecertification(home, chain);
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
	else {
		say(
			`the ${role} ${name} has its new certificate, which attests ${tamperResistance} and ends on ${day(notAfter)}`,
		);
		tell(
			`start its processes anew when it suits; then: tetrad recertify --home ${home} --forget-old`,
		);
	}
}
