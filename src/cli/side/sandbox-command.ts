import { type Command, Option } from "commander";
import { jsonFlag, RAIL_CHOICES } from "../flags.ts";
import type { SandboxFlags } from "./sandbox.ts";

export function declareSandbox(sandbox: Command): void {
	sandbox
		.argument(
			"[folder]",
			"where it is made; a folder of its own among temporary files unless given",
		)
		.option(
			"--keep",
			"leave the folder when it stops, and go on with it when it is there",
		)
		.addOption(
			new Option(
				"--rail <rail>",
				"what the buyer prefers to pay with: own-notes, or cashu, which is ecash of a play mint that runs then, too",
			)
				.choices(RAIL_CHOICES)
				.default("own-notes"),
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
It makes an agency, a bank, an issuer of play money, a shop with three things to sell and a buyer
with 100.00, and runs them until Ctrl-C, which leaves nothing. All keys are in clear: it is for
trying things. With --json, one event "ready" has all addresses, folders, and what to do next.

Examples:
  Make a world, and be told what to paste next:
    tetrad sandbox
  One that is there tomorrow, with the same money:
    tetrad sandbox world --keep
  One whose buyer pays with ecash of a play mint:
    tetrad sandbox --rail cashu`,
		)
		.action(async (folder: string | undefined, flags) => {
			const { sandbox: run } = await import("./sandbox.ts");
			await run({ ...flags, folder } satisfies SandboxFlags);
		});
}
