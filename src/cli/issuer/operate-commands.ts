import type { Command } from "commander";
import { amount, jsonFlag } from "../flags.ts";
import { homeFlag } from "../home-flag.ts";
import type { Given } from "../side-flags.ts";
import type {
	AccountsFlags,
	ConflictsFlags,
	CreditFlags,
	SalesFlags,
} from "./operate.ts";

export function addCreditCommand(issuer: Command): void {
	issuer
		.command("credit")
		.description(
			"put money into the account of a module; a device id opens its account",
		)
		.addOption(homeFlag("issuer"))
		.requiredOption(
			"--account <id>",
			"a module's device id in hexadecimal, or the name of one that the issuer's own bank certifies",
		)
		.requiredOption("--amount <amount>", 'such as "100.00"', amount)
		.option(
			"--open",
			"open the account of the module of that name that the issuer's own bank certifies",
		)
		.option(
			"--reference <text>",
			"what it is for; the same one credits once, however often it is given; a new one unless given",
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  The first time, for a module of the same bank; of another bank, say its device id:
    tetrad issuer credit --account alice-purse --amount 100.00 --open
    tetrad issuer credit --account alice-purse --amount 100.00 --reference "march 2026"`,
		)
		.action(async (flags: Given<CreditFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { credit } = await import("./operate.ts");
			await credit(await withSide(flags, "module", {}));
		});
}

export function addAccountsCommand(issuer: Command): void {
	issuer
		.command("accounts")
		.description("show the accounts of modules")
		.addOption(homeFlag("issuer"))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad issuer accounts`,
		)
		.action(async (flags: Given<AccountsFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { showAccounts } = await import("./operate.ts");
			await showAccounts(await withSide(flags, "module", {}));
		});
}

export function addConflictsCommand(issuer: Command): void {
	issuer
		.command("conflicts")
		.description("show modules that spent one range of a note twice")
		.addOption(homeFlag("issuer"))
		.option(
			"--evidence <folder>",
			"write the evidence of each into this folder, for tetrad verify and the bank",
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
    tetrad issuer conflicts
    tetrad issuer conflicts --evidence evidence`,
		)
		.action(async (flags: Given<ConflictsFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { showConflicts } = await import("./operate.ts");
			await showConflicts(await withSide(flags, "module", {}));
		});
}

export function addSalesCommand(issuer: Command): void {
	issuer
		.command("sales")
		.description("show sales that were handed in, and what became of each")
		.addOption(homeFlag("issuer"))
		.option(
			"--contract <id>",
			"only those that pay for this contract, in hexadecimal",
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
A sale is booked, declined because a part of its notes was spent before, or void: then its
buyer is owed the amount until it asks for it.

Example:
    tetrad issuer sales`,
		)
		.action(async (flags: Given<SalesFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { showSales } = await import("./operate.ts");
			await showSales(await withSide(flags, "module", {}));
		});
}
