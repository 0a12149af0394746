import {
	beginRecertification,
	finishRecertification,
	forgetPrevious,
} from "../../device/authority/index.ts";
import { readCarriedPem, writeCarried } from "../../device/home/index.ts";
import { TetradError } from "../../errors.ts";
import { MAX_CHAIN_BYTES, parsePem } from "../../identity/index.ts";
import { hex } from "../../wire/index.ts";
import type { SecretFlags } from "../secret-flags.ts";
import { secretsOf } from "../secrets.ts";
import { day, say, sayJson, tell } from "../voice.ts";

export interface RecertifyFlags extends SecretFlags {
	readonly home: string;
	readonly out?: string;
	readonly certificate?: string;
	readonly forgetOld?: true;
	readonly json?: true;
}

export async function recertify(flags: RecertifyFlags): Promise<void> {
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
