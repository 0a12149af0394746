import type { Command } from "commander";
import { address, amount, jsonFlag } from "../flags.ts";
import { addOwnerFlags, addSecretFlags } from "../secret-flags.ts";
import type { CancelFlags } from "./cancel.ts";
import type { DepositFlags, WithdrawFlags } from "./order.ts";
import type { OverrideFlags } from "./override.ts";

function addSettleFlags(command: Command, example: string): Command {
	command
		.requiredOption("--home <folder>", "the module's home")
		.option("--issuer <name>", "which issuer, where the purse knows several")
		.option("--agent <folder>", "settle at once, through the agent's home")
		.option(
			"--module <address>",
			"with --agent: where the module listens",
			address,
		)
		.option(
			"--issuer-at <address>",
			"with --agent: where the issuer's agent answers",
			address,
		);
	return addSecretFlags(command)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  For the next time that the module meets its issuer:
    tetrad purse ${example} --home alice-purse
  At once, with the module running:
    tetrad purse ${example} --home alice-purse --agent alice --module unix:alice-purse/link.sock --issuer-at 127.0.0.1:7100`,
		);
}

export function addWithdrawCommand(purse: Command): void {
	const withdraw = purse
		.command("withdraw")
		.description(
			"order notes from the account at an issuer; the owner's secret is needed",
		)
		.argument("<amount>", "how much, such as 100 or 12.50", amount);
	addSettleFlags(addOwnerFlags(withdraw), "withdraw 100").action(
		async (amount: string, flags: WithdrawFlags) => {
			const { withdraw } = await import("./order.ts");
			await withdraw(amount, flags);
		},
	);
}

export function addOrdersCommand(purse: Command): void {
	purse
		.command("orders")
		.description("withdrawals that the owner has ordered and that are not over")
		.requiredOption("--home <folder>", "the module's home")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
  Also while the module runs:
    tetrad purse orders --home alice-purse`,
		)
		.action(async (flags: CancelFlags) => {
			const { showOrders } = await import("./cancel.ts");
			await showOrders(flags);
		});
}

export function addCancelCommand(purse: Command): void {
	const cancel = purse
		.command("cancel")
		.description(
			"take back a withdrawal that was ordered and not sent to the issuer yet; the owner's secret is needed",
		)
		.argument(
			"<order>",
			"which, as tetrad purse orders names it; its first letters will do",
		)
		.requiredOption("--home <folder>", "the module's home");
	addOwnerFlags(cancel)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad purse cancel 3f0c82d1 --home alice-purse`,
		)
		.action(async (order: string, flags: CancelFlags) => {
			const { cancel } = await import("./cancel.ts");
			await cancel(order, flags);
		});
}

export function addOverrideCommand(purse: Command): void {
	const override = purse
		.command("unsafe-override-behind")
		.description(
			"let a purse pay again that a witness holds to be old or copied, when you are sure that the witness lies; the owner's secret is needed",
		)
		.requiredOption("--home <folder>", "the module's home");
	addOwnerFlags(override)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
If the witness is right, the purse signs ranges again that it has paid with, and your module is
proved to have spent them twice. Put the newest copy of the home back instead.

Example:
    tetrad purse unsafe-override-behind --home alice-purse`,
		)
		.action(async (flags: OverrideFlags) => {
			const { override } = await import("./override.ts");
			await override(flags);
		});
}

export function addDepositCommand(purse: Command): void {
	const deposit = purse
		.command("deposit")
		.description(
			"put money into the account at an issuer: what was received goes there at the next settling",
		)
		.option("--all", "give the purse's own notes back to the account as well");
	addSettleFlags(deposit, "deposit").action(async (flags: DepositFlags) => {
		const { deposit } = await import("./order.ts");
		await deposit(flags);
	});
}
