/* What every command has that runs an agent which calls another. */
import type { Command } from "commander";
import { type Address, parseAddress } from "../../carrier/index.ts";
import type { CallMerchant } from "../../device/process/index.ts";
import type { Routing } from "../../tetrad/index.ts";
import { linkOf, type RootFlag, rootOf } from "../flag-values.ts";
import {
	address,
	jsonFlag,
	keylogFlag,
	linkFlag,
	positiveSeconds,
	rootFlag,
	routingFlag,
} from "../flags.ts";
import type { DeviceFlags } from "../run-device.ts";
import { addSecretFlags } from "../secret-flags.ts";
import { secretsOf } from "../secrets.ts";

export interface CallerFlags extends DeviceFlags {
	readonly module: Address;
	readonly routing: Routing;
	readonly root: RootFlag;
}

/** Of the agent of a home that calls another agent. */
export function addCallerFlags(command: Command): Command {
	command
		.requiredOption("--home <folder>", "the agent's home")
		.requiredOption("--module <address>", "where its module listens", address)
		.addOption(routingFlag())
		.addOption(rootFlag())
		.addOption(linkFlag())
		.option(
			"--timeout <seconds>",
			"how long an establishment may take",
			positiveSeconds,
		)
		.addOption(keylogFlag());
	return addSecretFlags(command).addOption(jsonFlag());
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
