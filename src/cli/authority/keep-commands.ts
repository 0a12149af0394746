/* Commands that keep an authority's register: what was issued, what is not trusted any more. */
import { type Command, Option } from "commander";
import { UNTRUSTED_REASONS } from "../../identity/index.ts";
import { days, instant, jsonFlag, serial } from "../flags.ts";
import { addSecretFlags } from "../secret-flags.ts";
import type { ListFlags, PublishFlags, RevokeFlags } from "./keep.ts";

export function addRevokeCommand(authority: Command): void {
	authority
		.command("revoke")
		.description(
			"put certificates on the untrusted list; devices learn it when it is published",
		)
		.requiredOption("--home <folder>", "the authority's folder")
		.option(
			"--name <name>",
			"every certificate of this name that has not expired",
		)
		.option("--serial <hex>", "the certificate with this serial number", serial)
		.option(
			"--evidence <file>",
			"of a bank: every certificate of the module that this evidence proves to have spent money twice",
		)
		.option(
			"--trust <path...>",
			"with --evidence: root.pem of the bank of the issuer, if it is another one",
		)
		.addOption(
			new Option("--reason <reason>", "why; it stands on the list").choices([
				...UNTRUSTED_REASONS,
			]),
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  A stolen device:
    tetrad authority revoke --home agency --name alice --reason keyCompromise
  One certificate of several:
    tetrad authority revoke --home agency --serial 5c2b7d9f00a1b2c3d4e5f60718293a4b --reason superseded
  A module that spent money twice, as an issuer can prove:
    tetrad authority revoke --home bank --evidence 3f0c.evidence`,
		)
		.action(async (flags: RevokeFlags) => {
			const { revoke } = await import("./keep.ts");
			await revoke(flags);
		});
}

export function addListCommand(authority: Command): void {
	authority
		.command("list")
		.description(
			"show what an authority issued, and the list that it published last",
		)
		.requiredOption("--home <folder>", "the authority's folder")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad authority list --home agency`,
		)
		.action(async (flags: ListFlags) => {
			const { list } = await import("./keep.ts");
			await list(flags);
		});
}

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
			const { publish } = await import("./keep.ts");
			await publish(flags);
		});
}
