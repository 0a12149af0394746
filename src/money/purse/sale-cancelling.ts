/* That a contract is never paid: durable before anybody hears of it. */
import { byKey, put, remove, type Transaction } from "../../machine/index.ts";
import type { PurseCore } from "./purse-core.ts";
import { ABORTED_KEPT_MS, OLD_ABORTED_AT_ONCE } from "./purse-limits.ts";
import {
	ABORTED,
	type Change,
	type Changed,
	changing,
	PAYMENTS,
	unchanged,
} from "./purse-tables.ts";

/** Whether it is cancelled now, or was before: not when it is committed. */
export function abort(
	{ options, now }: PurseCore,
	contract: Uint8Array,
): Transaction<Changed<boolean>> {
	return changing(
		options.context.crypto,
		now,
		[
			byKey(PAYMENTS, { contract }),
			byKey(ABORTED, { contract }),
			{
				table: ABORTED,
				index: "by_at",
				below: BigInt(now - ABORTED_KEPT_MS),
				limit: OLD_ABORTED_AT_ONCE,
			},
		],
		([[payment], [known], old]): Change<boolean> => {
			if (payment !== undefined) return unchanged(false);
			if (known !== undefined) return unchanged(true);
			return {
				entries: [],
				writes: [
					...old.map((row) => remove(ABORTED, { contract: row.contract })),
					put(ABORTED, { contract, at: BigInt(now) }),
				],
				result: true,
			};
		},
	);
}
