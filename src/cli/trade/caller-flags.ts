/* What every command has that runs an agent which calls another. It is apart from what runs it, which no help text needs. */
import type { Command } from "commander";
import {
	address,
	jsonFlag,
	keylogFlag,
	linkFlag,
	positiveSeconds,
	rootFlag,
	routingFlag,
} from "../flags.ts";
import { AS_THE_SIDE_SAYS, homeFlag } from "../home-flag.ts";
import { tracesFlag } from "../operate-flags.ts";
import { addSecretFlags } from "../secret-flags.ts";

/** Of the agent of a home that calls another agent. */
export function addCallerFlags(command: Command): Command {
	command
		.addOption(homeFlag("agent"))
		.option(
			"--module <address>",
			`where its module listens; ${AS_THE_SIDE_SAYS}`,
			address,
		)
		.addOption(routingFlag())
		.addOption(rootFlag())
		.addOption(linkFlag())
		.option(
			"--timeout <seconds>",
			"how long an establishment may take",
			positiveSeconds,
		)
		.addOption(keylogFlag())
		.addOption(tracesFlag());
	return addSecretFlags(command).addOption(jsonFlag());
}
