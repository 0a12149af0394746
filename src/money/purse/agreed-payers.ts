/* With whom this module has agreed on a payment, durably: so long as that payer may have committed it, nobody else is let pay for the same contract. */
import {
	byKey,
	put,
	remove,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import { sameBytes } from "../../wire/index.ts";
import type { PurseCore } from "./purse-core.ts";
import { MAX_PROMISES_TO_PAYER, OLD_PROMISES_AT_ONCE } from "./purse-limits.ts";
import {
	type Change,
	type Changed,
	changing,
	PROMISES,
	RECEIPTS,
	unchanged,
} from "./purse-tables.ts";

/** `taken`: the contract was paid, or another payer may have committed to pay for it. */
export type Agreement = "agreed" | "taken";

/** Who may pay for a contract. */
export interface AgreedPayer {
	readonly contract: Uint8Array;
	/** Device id. */
	readonly payer: Uint8Array;
	/** When the last of the notes expires that it may pay with; milliseconds since the epoch. */
	readonly until: number;
	/** What the payment is for, as the own agent says; empty when it has not said. */
	readonly what: string;
}

/** Writes down who may pay, in the place of the oldest of the same payer when it has too many. */
export function agreeOn(
	{ options, now }: PurseCore,
	{ contract, payer, until, what }: AgreedPayer,
): Transaction<Changed<Agreement>> {
	const reads = [
		byKey(RECEIPTS, { contract }),
		byKey(PROMISES, { contract }),
		{
			table: PROMISES,
			index: "by_payer",
			equals: { payer },
			order: "descending",
			skip: MAX_PROMISES_TO_PAYER - 1,
			limit: 1,
		},
		{
			table: PROMISES,
			index: "by_until",
			below: BigInt(now),
			limit: OLD_PROMISES_AT_ONCE,
		},
	] as const;
	return changing(
		options.context.crypto,
		now,
		reads,
		([[receipt], [known], tooMany, over]): Change<Agreement> => {
			const isOthers =
				known !== undefined &&
				known.until >= BigInt(now) &&
				!sameBytes(known.payer, payer);
			if (receipt !== undefined || isOthers) return unchanged("taken");
			const old = known === undefined ? [...over, ...tooMany] : over;
			const writes: Write[] = old.map(({ contract }) =>
				remove(PROMISES, { contract }),
			);
			writes.push(
				put(PROMISES, {
					contract,
					payer,
					until: BigInt(until),
					promised: BigInt(now),
					what,
				}),
			);
			return { entries: [], writes, result: "agreed" };
		},
	);
}
