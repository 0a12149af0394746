import type { Command } from "commander";
import {
	address,
	amount,
	contract,
	jsonFlag,
	keylogFlag,
	linkFlag,
	positiveSeconds,
	rootFlag,
	routingFlag,
} from "../flags.ts";
import { AS_THE_SIDE_SAYS, homeFlag } from "../home-flag.ts";
import { addOperateFlags } from "../operate-flags.ts";
import { addSecretFlags } from "../secret-flags.ts";
import type { Given } from "../side-flags.ts";
import type { AgentFlags } from "./agent.ts";

export function declareAgent(agent: Command): void {
	agent
		.addOption(homeFlag("agent"))
		.option(
			"--module <address>",
			`where its module listens; ${AS_THE_SIDE_SAYS}`,
			address,
		)
		.option(
			"--listen <address>",
			`answer other agents here, until SIGTERM; without --connect ${AS_THE_SIDE_SAYS}`,
			address,
		)
		.option(
			"--connect <address>",
			"connect to this agent, do what is asked, and stop",
			address,
		)
		.addOption(routingFlag())
		.addOption(rootFlag())
		.addOption(linkFlag())
		.option(
			"--message <text>",
			"a message that rides on the first flight that can carry it",
		)
		.option("--send <file>", "a file to send to the other agent")
		.option(
			"--receive <folder>",
			"take files that other agents send, into this folder",
		)
		.option(
			"--settle",
			"with --connect to the agent of an issuer, that of the side unless given: let the own module withdraw what was ordered, deposit what it received, and change what expires",
		)
		.option(
			"--settle-at <address>",
			`with --listen: the same at this address, at the start and then regularly; ${AS_THE_SIDE_SAYS}`,
			address,
		)
		.option(
			"--settle-every <seconds>",
			"how long after each --settle-at; as the side says or a quarter of an hour unless given, and half an hour at most",
			positiveSeconds,
		)
		.option(
			"--pay <amount>",
			"with --connect: have the own module pay the other agent's module",
			amount,
		)
		.option("--for <text>", "what --pay is for, in up to 256 bytes")
		.option(
			"--issuer <name>",
			"whose money --pay is in, where --issuer-terms names several",
		)
		.option(
			"--contract <hex>",
			"the contract of the payment, 64 hexadecimal digits, agreed beforehand or reported earlier: there is one payment for it, however often it is asked for; a new one unless given",
			contract,
		)
		.option(
			"--issuer-terms <file...>",
			`issuer.terms.json of each issuer whose money is paid or taken; ${AS_THE_SIDE_SAYS}`,
		)
		.option(
			"--take-payments",
			"with --listen: take payments in the money of --issuer-terms",
		)
		.option(
			"--greet <text>",
			"say this to the own module in every tetrad, and wait for its answer",
		)
		.option(
			"--timeout <seconds>",
			"how long an establishment may take",
			positiveSeconds,
		)
		.option(
			"--answer-timeout <seconds>",
			"how long the answer to --send or --greet may take; 300 unless given",
			positiveSeconds,
		)
		.addOption(keylogFlag());
	addOperateFlags(addSecretFlags(agent))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  Answer on port 7000 and take files:
    tetrad agent --home bob --listen 127.0.0.1:7000 --receive inbox
  Send a file to that agent, as the agent of the side of the working folder:
    tetrad agent --connect 127.0.0.1:7000 --send order.pdf
  Withdraw what the owner has ordered with tetrad purse:
    tetrad agent --settle
  Take payments, deposit them regularly, and pay one:
    tetrad agent --home bob --listen 127.0.0.1:7000 --take-payments
    tetrad agent --connect 127.0.0.1:7000 --pay 12.50 --for "a book"
  The last of an agent that is no part of a side:
    tetrad agent --home alice --module unix:alice-purse/link.sock --connect 127.0.0.1:7000 --pay 12.50 --issuer-terms issuer.terms.json`,
		)
		.action(async (flags: Given<AgentFlags, "module">) => {
			const { agentWithSide } = await import("./agent-with-side.ts");
			const { runAgent } = await import("./agent.ts");
			await runAgent(await agentWithSide(flags));
		});
}
