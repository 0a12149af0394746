import { type Command, InvalidArgumentError, Option } from "commander";
import {
	TAMPER_RESISTANCE,
	type TamperResistance,
} from "../../identity/index.ts";
import { jsonFlag } from "../flags.ts";
import { AS_THE_SIDE_SAYS, homeFlag } from "../home-flag.ts";
import { addOwnerFlags } from "../secret-flags.ts";
import type { Given } from "../side-flags.ts";
import type { CreateFlags, Limits } from "./create.ts";

function limits(text: string): Limits {
	const found: Partial<Record<TamperResistance, string>> = {};
	for (const part of text.split(",")) {
		const [name, amount = "", ...more] = part.split("=");
		const level = TAMPER_RESISTANCE.find((known) => known === name);
		const isAmount = /^\d{1,19}(\.\d{1,18})?$/.test(amount);
		if (level === undefined || !isAmount || more.length > 0 || found[level])
			throw new InvalidArgumentError(
				`Say ${TAMPER_RESISTANCE.join(", ")}, each once, with = and an amount, and commas between them.`,
			);
		found[level] = amount;
	}
	return found;
}

export function addCreateCommand(purse: Command): void {
	const create = purse
		.command("create")
		.description("make the purse of a module, and its owner's secret")
		.addOption(homeFlag("module"))
		.option(
			"--issuer <file...>",
			`issuer.terms.json of each issuer whose notes it takes; ${AS_THE_SIDE_SAYS}`,
		)
		.option(
			"--undeposited <limits>",
			"how much it takes undeposited from modules of each level, such as software=100,token=1000,tpm=1000, which is what it is unless given",
			limits,
		);
	addOwnerFlags(create)
		.addOption(
			new Option(
				"--unsafe-no-owner",
				"whoever can write into the home can withdraw; no secret is asked for",
			),
		)
		.option(
			"--meet-issuer-at-start",
			"after every start, pay with an issuer's notes only once that issuer was met, and not only after the purse was put back or copied",
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  The owner's passphrase is asked for:
    tetrad purse create --home alice
  Taking at most 20.00 undeposited from modules whose keys are in software:
    tetrad purse create --home alice-purse --issuer issuer.terms.json --undeposited software=20`,
		)
		.action(async (flags: Given<CreateFlags, "issuer">) => {
			const { withSide } = await import("../side-flags.ts");
			const { create } = await import("./create.ts");
			const all = await withSide<CreateFlags, "issuer">(flags, "module", {
				issuer: {
					of: ({ issuer }) => issuer && [issuer.termsPath],
					need: "--issuer FILE, the issuer.terms.json of whose money it takes",
					key: "issuer.at",
				},
			});
			await create(all);
		});
}
