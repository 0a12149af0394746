/* That a contract is never paid: durable before anybody hears of it. */
import { TetradError } from "../../errors.ts";
import { byKey, put, remove, type Transaction } from "../../machine/index.ts";
import { sameBytes } from "../../wire/index.ts";
import { isOverWithContract } from "./approvals.ts";
import { LOCKED } from "./ecash-tables.ts";
import type { PurseCore } from "./purse-core.ts";
import { ABORTED_KEPT_MS, OLD_ABORTED_AT_ONCE } from "./purse-limits.ts";
import {
	ABORTED,
	BEHIND_NAME,
	type Change,
	type Changed,
	changing,
	idsIn,
	MET_NAME,
	META,
	PAYMENTS,
	unchanged,
} from "./purse-tables.ts";
import { APPROVALS } from "./spending-tables.ts";

/**
 * Whether it is cancelled now, or was before: not when it is committed. `isOfOpenTetrad` is for a
 * contract that can have been paid in a tetrad that is open, and nowhere else. Of any other a purse
 * that was put back cannot know: the transaction throws `purse-behind` then.
 */
export function abort(
	{ options, now }: PurseCore,
	contract: Uint8Array,
	isOfOpenTetrad: boolean,
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
			byKey(META, { name: BEHIND_NAME }),
			byKey(META, { name: MET_NAME }),
			byKey(APPROVALS, { contract }),
			byKey(LOCKED, { contract }),
		],
		([
			[payment],
			[known],
			old,
			[behind],
			[met],
			[approval],
			[locked],
		]): Change<boolean> => {
			if (payment !== undefined || locked !== undefined)
				return unchanged(false);
			if (known !== undefined) return unchanged(true);
			if (
				!isOfOpenTetrad &&
				(behind !== undefined || !hasMet(met?.value, options.issuers))
			)
				throw mayBePaid();
			return {
				entries: [],
				writes: [
					...old.map((row) => remove(ABORTED, { contract: row.contract })),
					put(ABORTED, { contract, at: BigInt(now) }),
					...(approval !== undefined && isOverWithContract(approval)
						? [remove(APPROVALS, { contract })]
						: []),
				],
				result: true,
			};
		},
	);
}

/** Whether a purse that has to meet its issuers has met all of them. */
function hasMet(
	met: Uint8Array | undefined,
	issuers: PurseCore["options"]["issuers"],
): boolean {
	if (met === undefined) return true;
	const ids = idsIn(met);
	return issuers.every(({ issuer }) => ids.some((id) => sameBytes(id, issuer)));
}

function mayBePaid(): TetradError {
	return new TetradError(
		"purse-behind",
		"this purse was put back to an earlier state, and may have paid that before: put the newest copy of its home back, or meet its issuers if this is the newest",
	);
}
