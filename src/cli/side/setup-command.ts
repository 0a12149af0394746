import { Argument, type Command, Option } from "commander";
import { address, amount, jsonFlag } from "../flags.ts";
import { addOwnerFlags, algorithmFlag } from "../secret-flags.ts";
import type { SetupFlags } from "./setup.ts";

const KINDS = ["buyer", "shop", "issuer"] as const;

export function declareSetup(setup: Command): void {
	setup
		.addArgument(
			new Argument("<kind>", "what the side is to do").choices(KINDS),
		)
		.argument("[folder]", "where it is made; its name unless given")
		.option(
			"--name <name>",
			"what it is called; the folder's name unless given",
		)
		.option(
			"--agency <path...>",
			"the home of an agency on this machine, which certifies the agent at once, or root.pem of one elsewhere",
		)
		.option("--bank <path...>", "the same of a bank, for the module")
		.option(
			"--agent-chain <file>",
			"the agent's certificate, once its agency has answered the request",
		)
		.option("--module-chain <file>", "the module's, once its bank has")
		.option(
			"--issuer <file>",
			"issuer.terms.json of the issuer whose money a buyer or a shop uses",
		)
		.option(
			"--issuer-at <address>",
			"where that issuer's agent answers",
			address,
		)
		.option(
			"--listen <address>",
			"where the agent of a shop or an issuer answers",
			address,
		)
		.option(
			"--http <address>",
			"where an issuer answers its operators; 127.0.0.1:7180 unless given",
			address,
		)
		.option(
			"--price <amount>",
			"of what a shop sells without another price",
			amount,
		)
		.option(
			"--currency <code>",
			"of an issuer: 1 to 8 capital letters or digits",
		)
		.option(
			"--exponent <digits>",
			"of an issuer: decimals of its currency",
			"2",
		)
		.addOption(
			new Option(
				"--unsafe-not-play",
				"of an issuer: its money is not play money, and you answer for it",
			),
		)
		.option(
			"--sandbox <folder>",
			"be a part of that sandbox: its authorities and its issuer, with keys in clear and no owner's secret",
		)
		.addOption(algorithmFlag())
		.option("--agent-key <uri>", "make the agent's key in a token")
		.option("--module-key <uri>", "make the module's key in a token")
		.addOption(
			new Option(
				"--unsafe-unsealed-key",
				"leave both keys in clear; whoever reads the disk has them",
			),
		);
	for (const [name, what] of [
		["agent", "agent's"],
		["module", "module's"],
		["agency", "agency's"],
		["bank", "bank's"],
	] as const)
		setup
			.option(
				`--${name}-passphrase-file <file>`,
				`the passphrase of the ${what} key is the line in this file; asked for unless given`,
			)
			.option(
				`--${name}-passphrase-env <name>`,
				`the passphrase of the ${what} key is in this variable`,
			);
	for (const name of ["agent", "module"] as const)
		setup
			.option(
				`--${name}-pin-file <file>`,
				`the PIN of the ${name}'s token is the line in this file`,
			)
			.option(
				`--${name}-pin-env <name>`,
				`the PIN of the ${name}'s token is in this variable`,
			);
	addOwnerFlags(setup)
		.addOption(
			new Option(
				"--unsafe-no-owner",
				"whoever can write into the module's home can withdraw; no secret is asked for",
			),
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
It makes both devices of a side, pairs them, makes the purse or the issuer, and writes tetrad.toml.
At a terminal it asks for what is missing. Interrupted, or waiting for certificates, it goes on
when it is given again.

Examples:
  A shop in a sandbox that runs:
    tetrad setup shop my-shop --sandbox /tmp/tetrad-world
  With an agency and a bank on this machine:
    tetrad setup buyer alice --agency agency --bank bank --issuer issuer.terms.json --issuer-at 127.0.0.1:7100
  With authorities elsewhere; it writes two requests, and says where to carry them:
    tetrad setup shop my-shop --issuer issuer.terms.json --issuer-at bank.example:7100 --listen 0.0.0.0:7000
  When the certificates are back:
    tetrad setup shop my-shop --agent-chain agent.pem --module-chain module.pem --agency agency-root.pem --bank bank-root.pem
  An issuer of a currency of one's own:
    tetrad setup issuer mint --agency agency --bank bank --currency BEANS --listen 127.0.0.1:7100`,
		)
		.action(
			async (kind: SetupFlags["kind"], folder: string | undefined, flags) => {
				const { setup: run } = await import("./setup.ts");
				await run({ ...flags, kind, folder });
			},
		);
}
