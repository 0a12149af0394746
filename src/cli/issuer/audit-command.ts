import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import type { AuditFlags } from "./audit.ts";

export function addAuditCommand(issuer: Command): void {
	issuer
		.command("audit")
		.description(
			"compute everything again from the tables alone, also while the issuer runs; exit code 1 when it does not balance",
		)
		.requiredOption("--home <folder>", "the issuer's home")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad issuer audit --home mint --json`,
		)
		.action(async (flags: AuditFlags) => {
			const { showAudit } = await import("./audit.ts");
			await showAudit(flags);
		});
}
