import { type Address, parseAddress } from "../../carrier/index.ts";
import type { CallMerchant } from "../../device/process/index.ts";
import type { Routing } from "../../tetrad/index.ts";
import { linkOf, type RootFlag, rootOf } from "../flag-values.ts";
import type { DeviceFlags } from "../run-device.ts";
import { secretsOf } from "../secrets.ts";

export interface CallerFlags extends DeviceFlags {
	readonly module: Address;
	readonly routing: Routing;
	readonly root: RootFlag;
}

/** How the agent is run. */
export function callerOf(
	flags: CallerFlags,
	merchant: string,
	signal: AbortSignal,
): CallMerchant {
	const { home, module, routing, root, link, timeout, unsafeKeylog } = flags;
	return {
		home,
		module,
		routing,
		connect: parseAddress(merchant),
		root: rootOf(root),
		link: linkOf(link),
		secrets: secretsOf(flags),
		signal,
		...(timeout === undefined ? {} : { timeoutMs: timeout }),
		...(unsafeKeylog === undefined ? {} : { unsafeKeylog }),
	};
}
