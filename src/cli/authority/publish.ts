import { Authority } from "../../device/authority/index.ts";
import { writeCarried } from "../../device/home/index.ts";
import { printPemBlock } from "../../identity/index.ts";
import type { SecretFlags } from "../secret-flags.ts";
import { secretsOf } from "../secrets.ts";
import { day, say, sayJson } from "../voice.ts";

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
