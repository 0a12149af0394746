import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import { sideFlag } from "../home-flag.ts";
import { addSecretFlags } from "../secret-flags.ts";
import type { SettleFlags } from "./settle.ts";

export function declareSettle(settle: Command): void {
	settle.addOption(sideFlag());
	addSecretFlags(settle)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
What was ordered is withdrawn, what was received is deposited, and what expires is changed. A side
that runs does so by itself; one that does not run is started for it.

Examples:
    tetrad settle
    tetrad settle --home shop --json`,
		)
		.action(async (flags: SettleFlags) => {
			const { settle: run } = await import("./settle.ts");
			await run(flags);
		});
}
