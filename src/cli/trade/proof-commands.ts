import { type Command, InvalidArgumentError } from "commander";
import { jsonFlag } from "../flags.ts";
import { homeFlag } from "../home-flag.ts";
import type { Given } from "../side-flags.ts";
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

function addProofFlags(
	command: Command,
	ending: "receipt" | "evidence",
): Command {
	return command
		.argument(
			"<contract>",
			"as tetrad purchases shows it, or the beginning of it",
			digits,
		)
		.addOption(homeFlag("agent"))
		.option(
			"--out <file>",
			`where it is written; CONTRACT.${ending} where the side has what it buys unless given`,
		)
		.addOption(jsonFlag());
}

async function withOut(
	flags: Given<ProofFlags, "out">,
	contract: string,
	ending: "receipt" | "evidence",
): Promise<ProofFlags> {
	const { withSide } = await import("../side-flags.ts");
	const { join } = await import("node:path");
	return await withSide<ProofFlags, "out">(flags, "agent", {
		out: {
			of: ({ buyFolder = "." }) =>
				join(buyFolder, `${contract.slice(0, 16)}.${ending}`),
			need: "--out FILE, where it is written",
		},
	});
}

export function declareReceipt(receipt: Command): void {
	addProofFlags(receipt, "receipt")
		.addHelpText(
			"after",
			`
Example:
  Write the receipt of a purchase, and judge it with nothing but the roots of the authorities:
    tetrad receipt 3f0c9a1b5be2e1a0 --out harbour.receipt
    tetrad verify harbour.receipt --agency agency/root.pem --bank bank/root.pem`,
		)
		.action(async (contract: string, flags: Given<ProofFlags, "out">) => {
			const { showReceipt } = await import("./proofs.ts");
			await showReceipt(contract, await withOut(flags, contract, "receipt"));
		});
}

export function declareDispute(dispute: Command): void {
	addProofFlags(dispute, "evidence")
		.addHelpText(
			"after",
			`
Example:
  Goods were paid for and are not what the merchant signed for: write what proves it
    tetrad dispute 3f0c9a1b5be2e1a0 --out harbour.evidence
    tetrad verify harbour.evidence --agency agency/root.pem`,
		)
		.action(async (contract: string, flags: Given<ProofFlags, "out">) => {
			const { showDispute } = await import("./proofs.ts");
			await showDispute(contract, await withOut(flags, contract, "evidence"));
		});
}
