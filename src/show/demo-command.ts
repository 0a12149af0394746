import { type Command, Option } from "commander";
import {
	jsonFlag,
	keysFlag,
	linkFlag,
	RAIL_CHOICES,
	rootFlag,
	routingFlag,
	SUITE_NAMES,
} from "../cli/index.ts";
import { defaultFile } from "./default-file.ts";
import type { DemoFlags } from "./seen.ts";
import type { Victim } from "./stage/index.ts";

const VICTIMS: readonly Victim[] = ["module", "issuer", "agent", "none"];

export function declareDemo(command: Command): void {
	command
		.addOption(
			new Option(
				"--file <path>",
				"the file that one side sells to the other",
			).default(defaultFile(), "the README"),
		)
		.addOption(
			new Option(
				"--kill <whom>",
				"who is killed while the money is in doubt: the merchant's module, the issuer's or the mint, the buyer's agent, or nobody",
			)
				.choices([...VICTIMS])
				.default("module"),
		)
		.addOption(
			new Option(
				"--rail <rail>",
				"what is paid with: own-notes of an issuer, or cashu, which is ecash of a play mint",
			)
				.choices(RAIL_CHOICES)
				.default("own-notes"),
		)
		.addOption(routingFlag())
		.addOption(rootFlag())
		.addOption(linkFlag())
		.addOption(
			new Option("--suite <suite>", "how keys are exchanged and records sealed")
				.choices([...SUITE_NAMES])
				.default("hybrid-aesgcm"),
		)
		.addOption(keysFlag())
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
    tetrad demo --file photo.jpg
    tetrad demo --kill issuer
    tetrad demo --rail cashu
    tetrad demo --routing crossed --suite classical-chachapoly
  Keys in two tokens of SoftHSM, which has to be installed:
    tetrad demo --keys softhsm
  The patent to the letter, and what a wiretap then reads:
    tetrad demo --root xor --link open`,
		)
		.action(async (flags: DemoFlags) => {
			const { demo } = await import("./demo.ts");
			await demo(flags);
		});
}
