import type { Command } from "commander";
import { jsonFlag, positiveSeconds } from "../flags.ts";
import { addOperateFlags } from "../operate-flags.ts";
import { addSecretFlags } from "../secret-flags.ts";
import type { ServeFlags } from "./serve.ts";

export function declareServe(serve: Command): void {
	serve
		.option(
			"--home <folder>",
			"the side; what TETRAD_HOME says, or the working folder, unless given",
		)
		.option(
			"--no-module",
			"do not start the module when it does not run: somebody else does",
		)
		.option(
			"--timeout <seconds>",
			"how long an establishment may take",
			positiveSeconds,
		);
	addOperateFlags(addSecretFlags(serve))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
It sells and answers where tetrad.toml of the side says so, meets the issuer, and answers programs
of this machine: while it runs, tetrad buy and the others are asked there.

Example:
    tetrad serve --home alice`,
		)
		.action(async (flags: ServeFlags) => {
			const { serve: run } = await import("./serve.ts");
			await run(flags);
		});
}
