import type { Command } from "commander";
import { httpAddress, jsonFlag, positiveSeconds } from "../flags.ts";
import { sideFlag } from "../home-flag.ts";
import { addSecretFlags } from "../secret-flags.ts";
import type { McpFlags } from "./mcp.ts";

export function declareMcp(mcp: Command): void {
	mcp
		.addOption(sideFlag())
		.option(
			"--folder <folder>",
			"where all that is bought goes; as the side says unless given",
		)
		.option(
			"--merchant <address...>",
			"call merchants at these addresses alone; wherever the model says, within the owner's limits, unless given",
		)
		.option(
			"--http <address>",
			"answer over HTTP at this loopback address, such as 127.0.0.1:7190, and not over standard input and output",
			httpAddress,
		)
		.option(
			"--token-file <file>",
			"with --http: the token that clients say is in this file, and is made if it is not there; mcp.token in the folder of the side unless given",
		)
		.option(
			"--timeout <seconds>",
			"how long an establishment may take",
			positiveSeconds,
		);
	addSecretFlags(mcp)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
A program with a language model starts this command, and its model can then look at catalogues, ask
for prices, buy, and see what became of it. What it may pay is judged by the module, by the limits
that its owner has set: no tool changes a limit, approves or withdraws. Where the agent of the side
runs (tetrad up), it is asked there; else it runs in this command.

Examples:
  Limit what the model may pay, before anything else:
    tetrad limits --home alice --per-payment 5 --per-day 20 --approve-new-merchants
  Let Claude Code use it:
    claude mcp add tetrad -- npx tetrad mcp --home "$PWD/alice"
  Try it by hand:
    npx @modelcontextprotocol/inspector --cli npx tetrad mcp --home alice --method tools/list
  For a client that speaks HTTP; it says the token in alice/mcp.token:
    tetrad mcp --home alice --http 127.0.0.1:7190`,
		)
		.action(async (flags: McpFlags) => {
			const { mcp: run } = await import("./mcp.ts");
			await run(flags);
		});
}
