import { type Command, InvalidArgumentError, Option } from "commander";
import {
	TAMPER_RESISTANCE,
	type TamperResistance,
} from "../../identity/index.ts";
import { jsonFlag } from "../flags.ts";
import { addOwnerFlags } from "../secret-flags.ts";
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
		.requiredOption("--home <folder>", "the module's home")
		.requiredOption(
			"--issuer <file...>",
			"issuer.terms.json of each issuer whose notes it takes",
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
    tetrad purse create --home alice-purse --issuer issuer.terms.json
  Taking at most 20.00 undeposited from modules whose keys are in software:
    tetrad purse create --home alice-purse --issuer issuer.terms.json --undeposited software=20`,
		)
		.action(async (flags: CreateFlags) => {
			const { create } = await import("./create.ts");
			await create(flags);
		});
}
