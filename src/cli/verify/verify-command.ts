import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import type { VerifyFlags } from "./verify.ts";

export function declareVerify(command: Command): void {
	command
		.argument(
			"<file>",
			"what tetrad receipt, tetrad dispute, tetrad issuer conflicts --evidence or tetrad purse archive wrote",
		)
		.option(
			"--bank <path...>",
			"root.pem of the banks that certified the modules that it is about, or their folders",
		)
		.option(
			"--agency <path...>",
			"the same of the agencies that certified its agents: for what is about a purchase",
		)
		.option(
			"--home <folder>",
			"for an archive: a module's home, whose purse shall name it in its log",
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
    tetrad verify harbour.receipt --agency agency/root.pem --bank bank/root.pem
    tetrad verify harbour.evidence --agency agency/root.pem
    tetrad verify evidence/3f0c.evidence --bank bank/root.pem
    tetrad verify evidence/3f0c.evidence --bank bank/root.pem other-bank/root.pem --json
    tetrad verify bob-purse/archive/000001-5be2e1a0c9d3f684.archive --bank bank/root.pem --home bob-purse`,
		)
		.action(async (file: string, flags: VerifyFlags) => {
			const { verify } = await import("./verify.ts");
			await verify(file, flags);
		});
}
