import { type Command, InvalidArgumentError, Option } from "commander";
import type { Address } from "../../carrier/index.ts";
import { runIssuerProcess } from "../../device/process/index.ts";
import { runDevice } from "../device/index.ts";
import { address, jsonFlag, positiveSeconds } from "../flags.ts";
import { addSecretFlags, type SecretFlags, secretsOf } from "../secrets.ts";
import { databaseOf } from "./database.ts";

interface RunFlags extends SecretFlags {
	readonly home: string;
	readonly listen: Address;
	readonly http?: { readonly host: string; readonly port: number };
	readonly unsafeHttpAnywhere?: true;
	readonly databaseFile?: string;
	readonly timeout?: number;
	readonly json?: true;
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
			"the ledger is in PostgreSQL, whose address is the line in this file; as the issuer was made unless given",
		)
		.option(
			"--timeout <seconds>",
			"how long an establishment may take",
			positiveSeconds,
		);
	addSecretFlags(run)
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
		});
}

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
