import type { Command } from "commander";
import { MAX_OWN_MODULES } from "../../device/home/index.ts";
import { countUpTo } from "../flag-values.ts";
import { address, jsonFlag } from "../flags.ts";
import { addSecretFlags } from "../secret-flags.ts";
import type { PairFlags } from "./pair.ts";

export function declarePair(command: Command): void {
	command
		.requiredOption("--home <folder>", "the home of the agent or of the module")
		.option(
			"--listen <address>",
			"at the module: wait for the agent here",
			address,
		)
		.option(
			"--connect <address>",
			"at the agent: where the module waits",
			address,
		)
		.option(
			"--yes",
			"accept the code without asking; only where nobody can be between the two",
		)
		.option(
			"--number <number>",
			"at an agent that has several modules: which of them this is; 1 unless given",
			countUpTo(MAX_OWN_MODULES),
		)
		.option(
			"--again",
			"at the module: wait again after three tries without a pairing",
		);
	addSecretFlags(command)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  At the module, and then at the agent; compare the three words and answer at both:
    tetrad pair --home alice-purse --listen unix:alice-purse/link.sock
    tetrad pair --home alice --connect unix:alice-purse/link.sock
  A second module of a merchant's agent, which keeps its first one:
    tetrad pair --home bob --connect unix:bob-till-2/link.sock --number 2`,
		)
		.action(async (flags: PairFlags) => {
			const { pairDevice } = await import("./pair.ts");
			await pairDevice(flags);
		});
}
