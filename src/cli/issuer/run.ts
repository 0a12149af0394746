import type { Address } from "../../carrier/index.ts";
import { runIssuerProcess } from "../../device/process/index.ts";
import type { HttpAddress } from "../flags.ts";
import type { OperateFlags } from "../operate-flags.ts";
import { runDevice } from "../run-device.ts";
import type { SecretFlags } from "../secret-flags.ts";
import { secretsOf } from "../secrets.ts";
import { databaseOf } from "./database.ts";

export interface RunFlags extends SecretFlags, OperateFlags {
	readonly home: string;
	readonly listen: Address;
	readonly http?: HttpAddress;
	readonly unsafeHttpAnywhere?: true;
	readonly databaseFile?: string;
	readonly timeout?: number;
	readonly json?: true;
}

export async function run(flags: RunFlags): Promise<void> {
	const { home, listen, http, timeout, unsafeHttpAnywhere } = flags;
	const database = databaseOf(flags);
	await runDevice(flags, (signal, report) =>
		runIssuerProcess(
			{
				home,
				listen,
				secrets: secretsOf(flags),
				signal,
				...(http === undefined
					? {}
					: {
							http: {
								...http,
								unsafeAnywhere: unsafeHttpAnywhere === true,
							},
						}),
				...(database === undefined ? {} : { database }),
				...(timeout === undefined ? {} : { timeoutMs: timeout }),
			},
			report,
		),
	);
}
