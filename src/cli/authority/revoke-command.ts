import { type Command, Option } from "commander";
import { UNTRUSTED_REASONS } from "../../identity/index.ts";
import { jsonFlag, serial } from "../flags.ts";
import type { RevokeFlags } from "./revoke.ts";

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
			const { revoke } = await import("./revoke.ts");
			await revoke(flags);
		});
}
