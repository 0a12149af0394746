import type { Command } from "commander";
import { addAuditCommand } from "./audit-command.ts";
import { addInitCommand } from "./init-command.ts";
import {
	addAccountsCommand,
	addConflictsCommand,
	addCreditCommand,
	addSalesCommand,
} from "./operate-commands.ts";
import { addRunCommand } from "./run-command.ts";

export function declareIssuer(issuer: Command): void {
	issuer.addHelpText(
		"after",
		`
Examples:
  Make an issuer of play money in the home of a paired module, and run it:
    tetrad issuer init --home mint
    tetrad issuer run --home mint --http 127.0.0.1:7180
  Its agent, through which purses reach it:
    tetrad agent --home mint --listen 127.0.0.1:7100
  Put play money into the account of a module, and check everything:
    tetrad issuer credit --home mint --account DEVICE-ID --amount 100.00
    tetrad issuer audit --home mint`,
	);
	addInitCommand(issuer);
	addRunCommand(issuer);
	addCreditCommand(issuer);
	addAccountsCommand(issuer);
	addConflictsCommand(issuer);
	addSalesCommand(issuer);
	addAuditCommand(issuer);
}
