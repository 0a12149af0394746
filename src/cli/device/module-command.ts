import type { Command } from "commander";
import {
	address,
	jsonFlag,
	keylogFlag,
	linkFlag,
	positiveSeconds,
} from "../flags.ts";
import { AS_THE_SIDE_SAYS, homeFlag } from "../home-flag.ts";
import { addOperateFlags } from "../operate-flags.ts";
import { addSecretFlags } from "../secret-flags.ts";
import type { Given } from "../side-flags.ts";
import type { ModuleFlags } from "./module.ts";

export function declareModule(module: Command): void {
	module
		.addOption(homeFlag("module"))
		.option(
			"--listen <address>",
			`where its agent finds it; a Unix socket, unless they are on two machines; ${AS_THE_SIDE_SAYS}`,
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
Examples:
  Of a side:
    tetrad module --home bob
  That is no part of a side:
    tetrad module --home bob-till --listen unix:bob-till/link.sock`,
		)
		.action(async (flags: Given<ModuleFlags, "listen">) => {
			const { LISTEN_OF_MODULE, metricsFlag, withSide } = await import(
				"../side-flags.ts"
			);
			const { runModule } = await import("./module.ts");
			const known = {
				listen: LISTEN_OF_MODULE,
				metrics: metricsFlag("module"),
			};
			await runModule(
				await withSide<ModuleFlags, "listen" | "metrics">(
					flags,
					"module",
					known,
				),
			);
		});
}
