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
	OVERRIDDEN_NAME,
	PAYMENTS,
	unchanged,
} from "./purse-tables.ts";
import { APPROVALS } from "./spending-tables.ts";

/**
 * Where a contract can have been paid that the purse does not know: in a tetrad that is open, and
 * nowhere else; with notes, in any; at a mint that the purse cannot ask; or in any way, ever.
 */
export type MayBePaid = "here" | "with-notes" | "at-a-mint" | "ever";

/**
 * Whether it is cancelled now, or was before: not when it is committed. Of what may have been paid
 * elsewhere a purse that was put back cannot know: the transaction throws `purse-behind` then. What
 * was paid with ecash no issuer tells it of either, so that having met them, or its owner's word that
 * nothing was paid, ends that for notes alone.
 */
export function abort(
	{ options, now }: PurseCore,
	contract: Uint8Array,
	mayBePaid: MayBePaid,
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
			byKey(META, { name: OVERRIDDEN_NAME }),
		],
		([
			[payment],
			[known],
			old,
			[behind],
			[met],
			[approval],
			[locked],
			[overridden],
		]): Change<boolean> => {
			if (payment !== undefined || locked !== undefined)
				return unchanged(false);
			if (known !== undefined) return unchanged(true);
			const isBehind =
				behind !== undefined || !hasMet(met?.value, options.issuers);
			const wasPutBack = met !== undefined || overridden !== undefined;
			if (mayBePaid === "at-a-mint" && (isBehind || wasPutBack))
				throw mintNotNamed();
			if (
				(mayBePaid !== "here" && isBehind) ||
				(mayBePaid === "ever" && wasPutBack)
			)
				throw wasPaidPerhaps();
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

function mintNotNamed(): TetradError {
	return new TetradError(
		"purse-behind",
		"this purse was put back to an earlier state, and may have paid that before, with ecash of a mint that it is not told of now: name that mint again in the settings, start the module anew, and the mint is asked",
	);
}

function wasPaidPerhaps(): TetradError {
	return new TetradError(
		"purse-behind",
		"this purse was put back to an earlier state, and may have paid that before: put the newest copy of its home back, or meet its issuers if this is the newest",
	);
}
