import type { Command } from "commander";
import type { Side } from "../../device/side/index.ts";
import { address, amount, jsonFlag } from "../flags.ts";
import { AS_THE_SIDE_SAYS, homeFlag } from "../home-flag.ts";
import { addOwnerFlags, addSecretFlags } from "../secret-flags.ts";
import type { Given } from "../side-flags.ts";
import type { CancelFlags } from "./cancel.ts";
import type { DepositFlags, SettleFlags, WithdrawFlags } from "./order.ts";
import type { OverrideFlags } from "./override.ts";

function addSettleFlags(command: Command, example: string): Command {
	command
		.addOption(homeFlag("module"))
		.option("--issuer <name>", "which issuer, where the purse knows several")
		.option(
			"--agent <folder>",
			`settle at once, through the agent's home; ${AS_THE_SIDE_SAYS}`,
		)
		.option(
			"--module <address>",
			`with --agent: where the module listens; ${AS_THE_SIDE_SAYS}`,
			address,
		)
		.option(
			"--issuer-at <address>",
			`with --agent: where the issuer's agent answers; ${AS_THE_SIDE_SAYS}`,
			address,
		);
	return addSecretFlags(command)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  Of the side of the working folder:
    tetrad purse ${example}
  Of a module that is no part of a side, for the next time that it meets its issuer:
    tetrad purse ${example} --home alice-purse
  The same at once, with the module running:
    tetrad purse ${example} --home alice-purse --agent alice --module unix:alice-purse/link.sock --issuer-at 127.0.0.1:7100`,
		);
}

/** With the way to the issuer, whole or not at all. */
async function withRoute<Flags extends SettleFlags>(
	flags: Given<Flags>,
): Promise<Flags> {
	const { withSide } = await import("../side-flags.ts");
	const { agent, module, issuerAt } = flags as SettleFlags;
	const isOwn = (agent ?? module ?? issuerAt) !== undefined;
	const known = {
		side: {
			of: (side: Side) => (isOwn || !side.issuer ? undefined : side.path),
		},
		agent: { of: (side: Side) => (isOwn ? side.agent.home : undefined) },
		module: { of: (side: Side) => (isOwn ? side.module.at : undefined) },
		issuerAt: { of: (side: Side) => (isOwn ? side.issuer?.at : undefined) },
	};
	// The one secret that is not the owner's opens the agent's key.
	return await withSide<Flags, never>(flags, "module", known, "agent");
}

export function addWithdrawCommand(purse: Command): void {
	const withdraw = purse
		.command("withdraw")
		.description(
			"order notes from the account at an issuer; the owner's secret is needed",
		)
		.argument("<amount>", "how much, such as 100 or 12.50", amount);
	addSettleFlags(addOwnerFlags(withdraw), "withdraw 100").action(
		async (amount: string, flags: Given<WithdrawFlags>) => {
			const { withdraw } = await import("./order.ts");
			await withdraw(amount, await withRoute(flags));
		},
	);
}

export function addOrdersCommand(purse: Command): void {
	purse
		.command("orders")
		.description("withdrawals that the owner has ordered and that are not over")
		.addOption(homeFlag("module"))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
  Also while the module runs:
    tetrad purse orders`,
		)
		.action(async (flags: Given<CancelFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { showOrders } = await import("./cancel.ts");
			await showOrders(await withSide(flags, "module", {}));
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
		.addOption(homeFlag("module"));
	addOwnerFlags(cancel)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad purse cancel 3f0c82d1`,
		)
		.action(async (order: string, flags: Given<CancelFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { cancel } = await import("./cancel.ts");
			await cancel(order, await withSide(flags, "module", {}));
		});
}

export function addOverrideCommand(purse: Command): void {
	const override = purse
		.command("unsafe-override-behind")
		.description(
			"let a purse pay again that a witness holds to be old or copied, when you are sure that the witness lies; the owner's secret is needed",
		)
		.addOption(homeFlag("module"));
	addOwnerFlags(override)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
If the witness is right, the purse signs ranges again that it has paid with, and your module is
proved to have spent them twice. Put the newest copy of the home back instead.

Example:
    tetrad purse unsafe-override-behind --home alice`,
		)
		.action(async (flags: Given<OverrideFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { override } = await import("./override.ts");
			await override(await withSide(flags, "module", {}));
		});
}

export function addDepositCommand(purse: Command): void {
	const deposit = purse
		.command("deposit")
		.description(
			"put money into the account at an issuer: what was received goes there at the next settling",
		)
		.option("--all", "give the purse's own notes back to the account as well");
	addSettleFlags(deposit, "deposit").action(
		async (flags: Given<DepositFlags>) => {
			const { deposit } = await import("./order.ts");
			await deposit(await withRoute(flags));
		},
	);
}
