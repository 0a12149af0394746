import { type Command, Option } from "commander";
import { address, amount, jsonFlag } from "../flags.ts";
import type { AttackFlags } from "./attack.ts";

const several = (
	text: string,
	earlier: readonly string[] | undefined,
): readonly string[] => [...(earlier ?? []), text];

export function declareAttack(command: Command): void {
	command
		.addOption(
			new Option(
				"--group <group>",
				"only the attacks of this group; may be said several times",
			).argParser(several),
		)
		.addOption(
			new Option(
				"--only <name>",
				"only this attack; may be said several times",
			).argParser(several),
		)
		.option("--list", "say what there is to try, and try nothing")
		.addOption(
			new Option(
				"--at <address>",
				"where the agent of the merchant answers that is attacked; what its side says unless given",
			).argParser(address),
		)
		.option("--merchant <folder>", "the side of the merchant that is attacked")
		.option("--buyer <folder>", "the side of a buyer that is attacked")
		.option("--issuer <folder>", "the side of the issuer that is attacked")
		.option(
			"--as <folder>",
			"a side whose devices attack; only a copy of it is used",
		)
		.addOption(
			new Option(
				"--spend <amount>",
				"what the buyer may pay in all; nothing unless given",
			).argParser(amount),
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Without --at or --merchant it makes a sandbox of its own among temporary files, attacks that, and
removes it. A deployment of yours is attacked only at addresses of this machine's loopback, nothing
of it is written to, and what an attack lacks that you have not lent is said to be not tried.
The exit code is 0 when all that was tried has held, and 1 when not.

Examples:
  Attack a sandbox:
    tetrad attack
  One group of attacks, or one attack:
    tetrad attack --group handshake
    tetrad attack --only flipped-ephemeral-key
  Attack a shop of your own, by a side that you lend:
    tetrad attack --at 127.0.0.1:7000 --as world/buyer
    tetrad attack --merchant shop --buyer alice --as mallory --spend 1.00
  What there is, for a program:
    tetrad attack --list --json`,
		)
		.action(async (flags: AttackFlags) => {
			const { attack } = await import("./attack.ts");
			await attack(flags);
		});
}
