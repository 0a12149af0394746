import { type Command, InvalidArgumentError, Option } from "commander";
import { address, jsonFlag, positiveSeconds } from "../flags.ts";
import { addOperateFlags } from "../operate-flags.ts";
import { addSecretFlags } from "../secret-flags.ts";
import type { RunFlags } from "./run.ts";

function httpAddress(text: string): { host: string; port: number } {
	const [, v6, name, digits] =
		/^(?:\[([0-9a-f:]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text) ?? [];
	const [host, port] = [v6 ?? name, Number(digits)];
	if (host === undefined || port > 65_535)
		throw new InvalidArgumentError(
			"Say a host and a port, such as 127.0.0.1:7180.",
		);
	return { host, port };
}

export function addRunCommand(issuer: Command): void {
	const run = issuer
		.command("run")
		.description(
			"run the issuer's module, which serves one agent, and the HTTP API for operators",
		)
		.requiredOption("--home <folder>", "the issuer's home")
		.requiredOption(
			"--listen <address>",
			"where its agent finds it; a Unix socket, unless they are on two machines",
			address,
		)
		.option(
			"--http <address>",
			"serve the HTTP API at this loopback address, such as 127.0.0.1:7180",
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
  With the HTTP API, whose token is in mint/operator.token:
    tetrad issuer run --home mint --listen unix:mint/link.sock --http 127.0.0.1:7180
  Ask it:
    curl -H "Authorization: Bearer $(cat mint/operator.token)" http://127.0.0.1:7180/v1/terms`,
		)
		.action(async (flags: RunFlags) => {
			const { run } = await import("./run.ts");
			await run(flags);
		});
}
