import { type Command, Option } from "commander";
import { TAMPER_RESISTANCE } from "../../identity/index.ts";
import { days, jsonFlag, levels, sha256 } from "../flags.ts";
import { addKeyFlags, addSecretFlags, algorithmFlag } from "../secret-flags.ts";
import type { IssueFlags } from "./issue.ts";

export function addIssueCommand(authority: Command): void {
	const issue = authority
		.command("issue")
		.description(
			"certify a device or an intermediate that asks, or make a device in one step",
		)
		.requiredOption("--home <folder>", "the authority's folder")
		.option("--request <file>", "the request of a device or an intermediate")
		.option("--renewal <file>", "a device's request to be certified anew")
		.option("--out <file>", "the certificate, to be carried back")
		.option(
			"--intermediate",
			"certify an intermediate, which certifies devices",
		)
		.option(
			"--attests <levels>",
			"levels of tamper resistance that the intermediate may attest, with commas",
			levels,
		)
		.addOption(
			new Option(
				"--level <level>",
				"what is attested of the place where the device's key lives; establish it first",
			).choices([...TAMPER_RESISTANCE]),
		)
		.option(
			"--sha256 <hash>",
			"refuse any request but the one with this SHA-256, which its owner told you",
			sha256,
		)
		.option("--days <days>", "how long the certificate is valid", days)
		.option(
			"--replace",
			"revoke the certificate that holds the name, and give the name to this key",
		)
		.option("--device <folder>", "in one step: a new folder for the device")
		.option(
			"--name <name>",
			"in one step: its certified name, of letters a to z, digits, dots and dashes",
		)
		.option(
			"--trust <path...>",
			"in one step: folders or root files of the authorities of the other kind that it shall trust",
		)
		.option(
			"--device-passphrase-file <file>",
			"in one step: the passphrase of the device's key; asked for unless given",
		)
		.option(
			"--device-passphrase-env <name>",
			"in one step: the environment variable with that passphrase",
		)
		.addOption(algorithmFlag());
	addSecretFlags(addKeyFlags(issue))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  A device that asks (tetrad enroll), whose owner told you the SHA-256:
    tetrad authority issue --home agency --request alice.csr --out alice.pem
  A device whose key you have seen being made in a token:
    tetrad authority issue --home agency --request alice.csr --level token --out alice.pem
  A device that renews (tetrad recertify):
    tetrad authority issue --home agency --renewal alice.renewal --out alice.pem
  An intermediate:
    tetrad authority issue --home root --request agency.csr --intermediate --attests software,token --out agency.pem
  In one step, to try it on one machine:
    tetrad authority issue --home agency --name alice --device alice --trust bank --unsafe-unsealed-key`,
		)
		.action(async (flags: IssueFlags) => {
			const { issue } = await import("./issue.ts");
			await issue(flags);
		});
}
