import type { Command } from "commander";
import { MAX_AGENT_PROCESSES } from "../../device/side/index.ts";
import { countUpTo } from "../flag-values.ts";
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
			"--agents <count>",
			"how many processes the agent has; agent.processes of tetrad.toml unless given",
			countUpTo(MAX_AGENT_PROCESSES),
		)
		.option(
			"--number <number>",
			"which of them this is, from 1; somebody else starts the module, and the others",
			countUpTo(MAX_AGENT_PROCESSES),
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

Several processes of one agent are reached at the same address, and share its store in PostgreSQL. The
first of them meets the issuer and answers programs. tetrad up starts them all.

Examples:
    tetrad serve --home alice
  The second of three processes:
    tetrad serve --home bob --agents 3 --number 2`,
		)
		.action(async (flags: ServeFlags) => {
			const { serve: run } = await import("./serve.ts");
			await run(flags);
		});
}
