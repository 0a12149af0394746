import type { Address } from "../../carrier/index.ts";
import { runModuleProcess } from "../../device/process/index.ts";
import { linkOf } from "../flag-values.ts";
import { type DeviceFlags, runDevice } from "../run-device.ts";
import { secretsOf } from "../secrets.ts";

export interface ModuleFlags extends DeviceFlags {
	readonly listen: Address;
}

export async function runModule(flags: ModuleFlags): Promise<void> {
	const { timeout, link, json, ...rest } = flags;
	await runDevice(flags, (signal, report) =>
		runModuleProcess(
			{
				...rest,
				secrets: secretsOf(flags),
				link: linkOf(link),
				signal,
				...(timeout === undefined ? {} : { timeoutMs: timeout }),
			},
			report,
		),
	);
}
