import { byKey, reading, type Transaction } from "../../../machine/index.ts";
import { sameBytes } from "../../../wire/index.ts";
import { ACCOUNTS, type ENTRIES, type RowOf } from "../ledger-tables.ts";
import type { Findings } from "./findings.ts";
import { systemName } from "./lines.ts";
import { type Checks, demand, NOTHING, rowName } from "./step.ts";

/** The entries of each account sum to what it holds. */
export function checkBalances(
	findings: Findings,
): Checks<RowOf<typeof ENTRIES>> {
	let sum = 0n;
	let id: Uint8Array | undefined;
	const close = (): Transaction<void> => {
		if (id === undefined || systemName(id) !== undefined) return NOTHING;
		const [at, held] = [rowName("accounts", id), sum];
		return reading([byKey(ACCOUNTS, { id })], ([[account]]) => {
			findings.try(at, () => {
				demand(account !== undefined, "it has entries and is not there");
				demand(
					account.balance === held,
					`it holds ${account.balance}, and its entries sum to ${held}`,
				);
			});
			return NOTHING;
		});
	};
	return {
		check: ({ account, amount }) => {
			if (id !== undefined && sameBytes(id, account)) {
				sum += amount;
				return NOTHING;
			}
			const closing = close();
			id = account;
			sum = amount;
			return closing;
		},
		finish: close,
	};
}
