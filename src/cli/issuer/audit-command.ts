import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import { homeFlag } from "../home-flag.ts";
import type { Given } from "../side-flags.ts";
import type { AuditFlags } from "./audit.ts";

export function addAuditCommand(issuer: Command): void {
	issuer
		.command("audit")
		.description(
			"compute everything again from the tables alone, also while the issuer runs; exit code 1 when it does not balance",
		)
		.addOption(homeFlag("issuer"))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad issuer audit --json`,
		)
		.action(async (flags: Given<AuditFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { showAudit } = await import("./audit.ts");
			await showAudit(await withSide(flags, "module", {}));
		});
}
