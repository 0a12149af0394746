import type { Command } from "commander";
import { addArchiveCommand } from "./archive-command.ts";
import { addBackupCommand, addRestoreCommand } from "./backup-commands.ts";
import { addCreateCommand } from "./create-command.ts";
import {
	addMeltCommand,
	addMintCommand,
	addPendingCommand,
	addReceiveCommand,
	addSendCommand,
	addTakeBackCommand,
} from "./ecash-commands.ts";
import {
	addCancelCommand,
	addDepositCommand,
	addOrdersCommand,
	addOverrideCommand,
	addWithdrawCommand,
} from "./order-commands.ts";
import { addShowSeedCommand } from "./seed-command.ts";
import {
	addBalanceCommand,
	addHistoryCommand,
	addNotesCommand,
} from "./show-commands.ts";

export function declarePurse(purse: Command): void {
	purse.addHelpText(
		"after",
		`
Examples:
  Make a purse in the home of a module; issuer.terms.json comes from the issuer:
    tetrad purse create --home alice/module --issuer issuer.terms.json
  Order a withdrawal, and carry it out at once through the agent:
    tetrad purse withdraw 100
  Look, also while the module runs:
    tetrad balance
    tetrad purse history --limit 20 --json
  Ecash of a mint that the purse names:
    tetrad purse mint 1000 --rail cashu
    tetrad purse send 100 --rail cashu
  Of a module that is no part of a side:
    tetrad purse balance --home alice-purse`,
	);
	addCreateCommand(purse);
	addBalanceCommand(purse);
	addNotesCommand(purse);
	addHistoryCommand(purse);
	addWithdrawCommand(purse);
	addOrdersCommand(purse);
	addCancelCommand(purse);
	addDepositCommand(purse);
	addOverrideCommand(purse);
	addArchiveCommand(purse);
	addReceiveCommand(purse);
	addSendCommand(purse);
	addTakeBackCommand(purse);
	addMintCommand(purse);
	addMeltCommand(purse);
	addPendingCommand(purse);
	addBackupCommand(purse);
	addRestoreCommand(purse);
	addShowSeedCommand(purse);
}
