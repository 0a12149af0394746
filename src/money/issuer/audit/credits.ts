import { reading } from "../../../machine/index.ts";
import { utf8 } from "../../../wire/index.ts";
import { SYSTEM } from "../ledger-entries.ts";
import { creditTransaction } from "../ledger-ids.ts";
import type { CREDITS, RowOf } from "../ledger-tables.ts";
import type { Findings } from "./findings.ts";
import { demandLines, linesOf } from "./lines.ts";
import { type Checks, NOTHING, rowName } from "./step.ts";

export function checkCredits(
	findings: Findings,
): Checks<RowOf<typeof CREDITS>> {
	return {
		check: ({ reference, account, amount, at: time }) => {
			const transaction = creditTransaction(findings.crypto, reference);
			const about = utf8(reference);
			return reading([linesOf(time, transaction)], ([lines]) => {
				findings.try(rowName("credits", about), () =>
					demandLines(lines, [
						[account, amount, about],
						[SYSTEM.backing, -amount, about],
					]),
				);
				return NOTHING;
			});
		},
	};
}
