import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import { homeFlag } from "../home-flag.ts";
import { addOwnerFlags } from "../secret-flags.ts";
import type { Given } from "../side-flags.ts";
import type { LimitsFlags } from "./limits.ts";

export function declareLimits(command: Command): void {
	command
		.addOption(homeFlag("module"))
		.option(
			"--issuer <name>",
			"of whose money, where the purse knows several issuers",
		)
		.option(
			"--per-payment <amount>",
			"pay at most this at once; 0 is nothing, and none takes the limit away, here and below",
		)
		.option("--per-day <amount>", "pay at most this within any 24 hours")
		.option(
			"--per-merchant-per-day <amount>",
			"pay at most this to one merchant within any 24 hours",
		)
		.option(
			"--in-all <amount>",
			"pay at most this in all, counted from when it is first set",
		)
		.option(
			"--approval-above <amount>",
			"ask for your approval of a payment of more than this",
		)
		.option(
			"--fee <amount>",
			"pay with ecash only where its mint asks for at most this beside the price; a tenth of the price, or 20 minor units where that is more, unless given",
		)
		.option(
			"--merchant <name...>",
			"pay only modules that were named, and these among them: a certified name, or a device id in hexadecimal",
		)
		.option(
			"--forget-merchant <name...>",
			"pay these no more, which were named before",
		)
		.option("--all-merchants", "pay any module again")
		.option(
			"--approve-new-merchants",
			"ask for your approval of the first payment to a module",
		)
		.option("--no-approve-new-merchants", "do not ask for that any more");
	addOwnerFlags(command)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Without a limit to set it shows them, and what is used of them now. Setting one leaves all others
as they are, and needs the owner's secret. A purse without limits pays all that it has.

Examples:
    tetrad limits
    tetrad limits --per-payment 5 --per-day 20
    tetrad limits --approval-above 2.50 --approve-new-merchants
    tetrad limits --merchant bob-till --per-merchant-per-day 10
  A purse that is only paid:
    tetrad limits --home bob-till --per-payment 0`,
		)
		.action(async (flags: Given<LimitsFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { limits } = await import("./limits.ts");
			await limits(await withSide(flags, "module", {}));
		});
}
