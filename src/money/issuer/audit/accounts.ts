import { reading } from "../../../machine/index.ts";
import { sameBytes } from "../../../wire/index.ts";
import { nameInDeviceId } from "../ledger-ids.ts";
import { type ACCOUNTS, ENTRIES, type RowOf } from "../ledger-tables.ts";
import type { Findings } from "./findings.ts";
import { type Checks, demand, NOTHING, rowName } from "./step.ts";

export function checkAccounts(
	findings: Findings,
): Checks<RowOf<typeof ACCOUNTS>> {
	let last: Uint8Array | undefined;
	return {
		check: (row) => {
			const at = rowName("accounts", row.id);
			findings.try(at, () => {
				demand(
					last === undefined || !sameBytes(last, row.id),
					"it is there twice",
				);
				demand(row.balance >= 0n, "it holds less than nothing");
				demand(
					nameInDeviceId(row.id) === row.name,
					"it has another name than its module",
				);
				demand(
					row.opened >= 0n && row.opened <= MAX_TIME,
					"it was opened at no time",
				);
			});
			last = row.id;
			return reading(
				[
					{
						table: ENTRIES,
						index: "by_account",
						equals: { account: row.id },
						limit: 1,
					},
				],
				([entries]) => {
					findings.try(at, () =>
						demand(
							entries.length > 0 || row.balance === 0n,
							`it holds ${row.balance}, and has no entries`,
						),
					);
					return NOTHING;
				},
			);
		},
	};
}

/** The last that a calendar of JavaScript has, in milliseconds since the epoch. */
const MAX_TIME = 8_640_000_000_000_000n;
