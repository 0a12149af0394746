import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import { homeFlag } from "../home-flag.ts";
import { addOwnerFlags } from "../secret-flags.ts";
import type { Given } from "../side-flags.ts";
import type { ApprovalsFlags, DecideFlags } from "./approvals.ts";

export function declareApprovals(command: Command): void {
	command
		.addOption(homeFlag("module"))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  Also while the module runs:
    tetrad approvals --json
  Of a module that is no part of a side:
    tetrad approvals --home alice-purse`,
		)
		.action(async (flags: Given<ApprovalsFlags>) => {
			const { moduleHomesOf } = await import("../side-flags.ts");
			const { showApprovals } = await import("./approvals.ts");
			await showApprovals(await moduleHomesOf(flags.home), flags);
		});
}

export function declareApprove(command: Command): void {
	declareDecision(command, "approve");
}

export function declareDeny(command: Command): void {
	declareDecision(command, "deny");
}

function declareDecision(command: Command, name: "approve" | "deny"): void {
	command
		.argument("<contract>", "the contract, or an unambiguous beginning of it")
		.addOption(homeFlag("module"));
	addOwnerFlags(command)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad ${name} 5f0c2a`,
		)
		.action(async (contract: string, flags: Given<DecideFlags>) => {
			const { moduleHomesOf } = await import("../side-flags.ts");
			const { decide } = await import("./approvals.ts");
			const homes = await moduleHomesOf(flags.home);
			await decide(contract, homes, flags, name === "approve");
		});
}
