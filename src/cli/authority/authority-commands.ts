import type { Command } from "commander";
import {
	addInitCommand,
	addInstallCommand,
	addRequestCommand,
} from "./found-commands.ts";
import { addIssueCommand } from "./issue-command.ts";
import { addListCommand } from "./list-command.ts";
import { addPublishCommand } from "./publish-command.ts";
import { addRevokeCommand } from "./revoke-command.ts";

export function declareAuthority(authority: Command): void {
	authority.addHelpText(
		"after",
		`
Examples:
  Make a root that stays offline:
    tetrad authority init --kind agency --name "Example Agency" --home root --attests software,token
  Answer the request of a device, which made its key with tetrad enroll:
    tetrad authority issue --home agency --request alice.csr --out alice.pem
  To try it on one machine, both in one step and with keys in clear:
    tetrad authority init --kind bank --name "Example Bank" --home bank --unsafe-unsealed-key
    tetrad authority issue --home bank --name alice-purse --device alice-purse --trust agency --unsafe-unsealed-key`,
	);
	addInitCommand(authority);
	addRequestCommand(authority);
	addInstallCommand(authority);
	addIssueCommand(authority);
	addRevokeCommand(authority);
	addListCommand(authority);
	addPublishCommand(authority);
}
