import { type Command, Option } from "commander";
import type { Side } from "../../device/side/index.ts";
import { address, httpAddress, jsonFlag, positiveSeconds } from "../flags.ts";
import { AS_THE_SIDE_SAYS, homeFlag } from "../home-flag.ts";
import { addOperateFlags } from "../operate-flags.ts";
import { addSecretFlags } from "../secret-flags.ts";
import type { Given } from "../side-flags.ts";
import type { RunFlags } from "./run.ts";

export function addRunCommand(issuer: Command): void {
	const run = issuer
		.command("run")
		.description(
			"run the issuer's module, which serves one agent, and the HTTP API for operators",
		)
		.addOption(homeFlag("issuer"))
		.option(
			"--listen <address>",
			`where its agent finds it; a Unix socket, unless they are on two machines; ${AS_THE_SIDE_SAYS}`,
			address,
		)
		.option(
			"--http <address>",
			`serve the HTTP API at this loopback address, such as 127.0.0.1:7180; ${AS_THE_SIDE_SAYS}`,
			httpAddress,
		)
		.addOption(
			new Option(
				"--unsafe-http-anywhere",
				"let --http be any address: the operator's token travels in clear",
			),
		)
		.option(
			"--database-file <file>",
			"the ledger is in PostgreSQL, whose address is the line in this file; it is kept in the settings, and as they say unless given",
		)
		.option(
			"--database-synchronous",
			"take only a server of PostgreSQL whose commits wait for a standby, so that nothing is lost with the primary; it is kept in the settings, and as they say unless given",
		)
		.option(
			"--timeout <seconds>",
			"how long an establishment may take",
			positiveSeconds,
		);
	addOperateFlags(addSecretFlags(run))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  With the HTTP API, whose token is in mint/module/operator.token:
    tetrad issuer run --home mint --http 127.0.0.1:7180
  Ask it:
    curl -H "Authorization: Bearer $(cat mint/module/operator.token)" http://127.0.0.1:7180/v1/terms`,
		)
		.action(async (flags: Given<RunFlags, "listen">) => {
			const { LISTEN_OF_MODULE, metricsFlag, withSide } = await import(
				"../side-flags.ts"
			);
			const { run } = await import("./run.ts");
			const known = {
				listen: LISTEN_OF_MODULE,
				http: { of: ({ operate }: Side) => operate.http },
				metrics: metricsFlag("module"),
			};
			await run(
				await withSide<RunFlags, "listen" | "metrics">(flags, "module", known),
			);
		});
}
