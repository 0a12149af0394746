import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import type { VerifyFlags } from "./verify.ts";

export function declareVerify(command: Command): void {
	command
		.argument("<file>", "what tetrad issuer conflicts --evidence wrote")
		.requiredOption(
			"--bank <path...>",
			"root.pem of the banks that certified the holder and the issuer, or their folders",
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
    tetrad verify evidence/3f0c.evidence --bank bank/root.pem
    tetrad verify evidence/3f0c.evidence --bank bank/root.pem other-bank/root.pem --json`,
		)
		.action(async (file: string, flags: VerifyFlags) => {
			const { verify } = await import("./verify.ts");
			await verify(file, flags);
		});
}
