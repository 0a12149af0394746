import { type Command, InvalidArgumentError } from "commander";
import { jsonFlag } from "../flags.ts";
import type { ProofFlags } from "./proofs.ts";

/** As many digits of a contract as tables show, or more. */
export function digits(text: string): string {
	const small = text.toLowerCase();
	if (!/^[0-9a-f]{8,64}$/.test(small))
		throw new InvalidArgumentError(
			"Say a contract, or at least 8 of the hexadecimal digits that it begins with.",
		);
	return small;
}

function addProofFlags(command: Command): Command {
	return command
		.argument(
			"<contract>",
			"as tetrad purchases shows it, or the beginning of it",
			digits,
		)
		.requiredOption("--home <folder>", "the agent's home")
		.requiredOption("--out <file>", "where it is written")
		.addOption(jsonFlag());
}

export function declareReceipt(receipt: Command): void {
	addProofFlags(receipt)
		.addHelpText(
			"after",
			`
Example:
  Write the receipt of a purchase, and judge it with nothing but the roots of the authorities:
    tetrad receipt 3f0c9a1b5be2e1a0 --home alice --out harbour.receipt
    tetrad verify harbour.receipt --agency agency/root.pem --bank bank/root.pem`,
		)
		.action(async (contract: string, flags: ProofFlags) => {
			const { showReceipt } = await import("./proofs.ts");
			await showReceipt(contract, flags);
		});
}

export function declareDispute(dispute: Command): void {
	addProofFlags(dispute)
		.addHelpText(
			"after",
			`
Example:
  Goods were paid for and are not what the merchant signed for: write what proves it
    tetrad dispute 3f0c9a1b5be2e1a0 --home alice --out harbour.evidence
    tetrad verify harbour.evidence --agency agency/root.pem`,
		)
		.action(async (contract: string, flags: ProofFlags) => {
			const { showDispute } = await import("./proofs.ts");
			await showDispute(contract, flags);
		});
}
