/* Whether a contract was paid before with ecash, or never may be, and whether its payee was paid for anything. */
import {
	byKey,
	type Read,
	reading,
	type Transaction,
} from "../../../machine/index.ts";
import { LOCKED } from "../ecash-tables.ts";
import type { PurseCore } from "../purse-core.ts";
import {
	ABORTED,
	type Change,
	type Changed,
	changing,
	NO_CHAIN,
	PAYMENTS,
	RECEIPT_CHAINS,
	unchanged,
} from "../purse-tables.ts";
import type { PaidBefore } from "./jobs.ts";

export function paidBefore(
	core: PurseCore,
	contract: Uint8Array,
	payee: Uint8Array,
): Transaction<Changed<PaidBefore>> {
	const { crypto } = core.options.context;
	return reading(
		[byKey(LOCKED, { contract })],
		([[row]]): Transaction<Changed<PaidBefore>> =>
			changing(
				crypto,
				core.now,
				[
					byKey(RECEIPT_CHAINS, { hash: row?.receipt_chain ?? NO_CHAIN }),
					byKey(ABORTED, { contract }),
					paidTo(payee, "settled"),
					paidTo(payee, "keyed"),
					paidTo(payee, "committed"),
					{
						table: LOCKED,
						index: "by_payee",
						equals: { payee },
						limit: 1,
					},
				],
				([[chain], [aborted], ...paid]): Change<PaidBefore> => {
					if (row !== undefined)
						return unchanged({
							...{ kind: "paid", row, chain: chain?.chain ?? NO_CHAIN },
						});
					if (aborted !== undefined) return unchanged({ kind: "aborted" });
					const isNewMerchant = paid.every(({ length }) => length === 0);
					return unchanged({ kind: "unpaid", isNewMerchant });
				},
			),
	);
}

/** Whether anything of that state was paid to that module with notes. */
function paidTo(
	payee: Uint8Array,
	state: string,
): Read<typeof PAYMENTS.columns> {
	const equals = { payee, state };
	return { table: PAYMENTS, index: "by_payee", equals, limit: 1 };
}
