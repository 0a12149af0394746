import type { Command } from "commander";
import { days, instant, jsonFlag } from "../flags.ts";
import { addSecretFlags } from "../secret-flags.ts";
import type { PublishFlags } from "./publish.ts";

export function addPublishCommand(authority: Command): void {
	const publish = authority
		.command("publish")
		.description("sign the next untrusted list, for devices to import")
		.requiredOption("--home <folder>", "the authority's folder")
		.requiredOption(
			"--out <file>",
			"the list with its certificates, to be carried",
		)
		.option(
			"--pem <file>",
			"the list alone as a CRL in PEM, for other programs",
		)
		.option("--days <days>", "in how many days the next list is due", days)
		.option(
			"--recertify-before <instant>",
			'certificates from before it are no longer enough: "now", or an instant in UTC; later lists keep it',
			instant,
		);
	addSecretFlags(publish)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  A list once a month, and after each revocation:
    tetrad authority publish --home agency --out list.tetrad
  All devices shall renew:
    tetrad authority publish --home agency --out list.tetrad --recertify-before now
  For OpenSSL:
    tetrad authority publish --home agency --out list.tetrad --pem list.pem`,
		)
		.action(async (flags: PublishFlags) => {
			const { publish } = await import("./publish.ts");
			await publish(flags);
		});
}
