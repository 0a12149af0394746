import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import { addOwnerFlags } from "../secret-flags.ts";
import type { ApprovalsFlags, DecideFlags } from "./approvals.ts";

export function declareApprovals(command: Command): void {
	command
		.requiredOption("--home <folder>", "the module's home")
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
  Also while the module runs:
    tetrad approvals --home alice-purse --json`,
		)
		.action(async (flags: ApprovalsFlags) => {
			const { showApprovals } = await import("./approvals.ts");
			await showApprovals(flags);
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
		.requiredOption("--home <folder>", "the module's home");
	addOwnerFlags(command)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Example:
    tetrad ${name} 5f0c2a --home alice-purse`,
		)
		.action(async (contract: string, flags: DecideFlags) => {
			const { decide } = await import("./approvals.ts");
			await decide(contract, flags, name === "approve");
		});
}
