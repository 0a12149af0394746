import type { Command } from "commander";
import {
	address,
	jsonFlag,
	keylogFlag,
	linkFlag,
	positiveSeconds,
} from "../flags.ts";
import { addOperateFlags } from "../operate-flags.ts";
import { addSecretFlags } from "../secret-flags.ts";
import type { ModuleFlags } from "./module.ts";

export function declareModule(module: Command): void {
	module
		.requiredOption("--home <folder>", "the module's home")
		.requiredOption(
			"--listen <address>",
			"where its agent finds it; a Unix socket, unless they are on two machines",
			address,
		)
		.addOption(linkFlag())
		.option(
			"--greet <text>",
			"say this to the other module in every tetrad, and then to the own agent",
		)
		.option(
			"--timeout <seconds>",
			"how long an establishment may take",
			positiveSeconds,
		)
		.addOption(keylogFlag());
	addOperateFlags(addSecretFlags(module))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad module --home bob-till --listen unix:bob-till/link.sock`,
		)
		.action(async (flags: ModuleFlags) => {
			const { runModule } = await import("./module.ts");
			await runModule(flags);
		});
}
