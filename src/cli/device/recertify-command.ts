import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import { addSecretFlags } from "../secret-flags.ts";
import type { RecertifyFlags } from "./recertify.ts";

export function declareRecertify(recertify: Command): void {
	recertify
		.requiredOption("--home <folder>", "the device's folder")
		.option(
			"--out <file>",
			"first: make the new key and the renewal, to be carried to the authority within a week",
		)
		.option(
			"--certificate <file>",
			"then: go over to the new key and its certificate",
		)
		.option(
			"--forget-old",
			"last: take the old key away, when no process runs with it any more",
		);
	addSecretFlags(recertify)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  The device goes on running with its old key all the while:
    tetrad recertify --home alice --out alice.renewal
    tetrad recertify --home alice --certificate alice.pem
  When its processes were started anew:
    tetrad recertify --home alice --forget-old`,
		)
		.action(async (flags: RecertifyFlags) => {
			const { recertify } = await import("./recertify.ts");
			await recertify(flags);
		});
}
