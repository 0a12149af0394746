import { type Address, formatAddress } from "../../carrier/index.ts";
import { openIssuer } from "../../device/service/index.ts";
import type { HttpAddress } from "../flags.ts";
import type { OperateFlags } from "../operate-flags.ts";
import { runDevice } from "../run-device.ts";
import type { SecretFlags } from "../secret-flags.ts";
import { secretsOf } from "../secrets.ts";

export interface RunFlags extends SecretFlags, OperateFlags {
	readonly home: string;
	readonly listen: Address;
	readonly http?: HttpAddress;
	readonly unsafeHttpAnywhere?: true;
	readonly databaseFile?: string;
	readonly databaseSynchronous?: true;
	readonly timeout?: number;
	readonly json?: true;
}

export async function run(flags: RunFlags): Promise<void> {
	const { home, listen, http, timeout, databaseFile } = flags;
	await runDevice(flags, async (signal, step) => {
		await using issuer = await openIssuer(home);
		await issuer.run({
			listen: formatAddress(listen),
			...(http === undefined
				? {}
				: { http: formatAddress({ kind: "tcp", ...http }) }),
			unsafeHttpAnywhere: flags.unsafeHttpAnywhere === true,
			databaseFile,
			databaseSynchronous: flags.databaseSynchronous,
			timeoutMs: timeout,
			secrets: secretsOf(flags),
			...{ signal, step },
		});
	});
}
