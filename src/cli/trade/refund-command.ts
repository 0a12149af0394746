import type { Command } from "commander";
import type { Given } from "../side-flags.ts";
import { addCallerFlags } from "./caller-flags.ts";
import { digits } from "./proof-commands.ts";
import type { RefundFlags } from "./refund.ts";

export function declareRefund(refund: Command): void {
	refund
		.argument(
			"<contract>",
			"as tetrad sales shows it, or the beginning of it",
			digits,
		)
		.requiredOption(
			"--to <address>",
			"where the buyer's agent answers, and takes payments",
		)
		.option("--amount <amount>", "a part of the price; all of it unless given");
	addCallerFlags(refund)
		.addHelpText(
			"after",
			`
Examples:
  Give all of the price back; the buyer's agent runs with --take-payments:
    tetrad refund 3f0c9a1b5be2e1a0 --to 127.0.0.1:7200
  Give a part of it back:
    tetrad refund 3f0c9a1b5be2e1a0 --amount 1.50 --to 127.0.0.1:7200

Asked again after a failure, it is the same refund, and paid once. While tetrad sell runs, it gives the money back, with the settings that it runs with.`,
		)
		.action(async (contract: string, flags: Given<RefundFlags, "module">) => {
			const { FURTHER_MODULES, MODULE_AT, withSide } = await import(
				"../side-flags.ts"
			);
			const { refund: run } = await import("./refund.ts");
			const known = { module: MODULE_AT, furtherModules: FURTHER_MODULES };
			await run(
				contract,
				await withSide<RefundFlags, "module" | "furtherModules">(
					...([flags, "agent", known] as const),
				),
			);
		});
}
