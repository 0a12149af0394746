/* What the store of a buyer's purse says of purchases: its row of the payment, and that of the purchase beside it. */
import {
	byKey,
	done,
	put,
	type Read,
	reading,
	type Transaction,
} from "../../machine/index.ts";
import { purseTables, saleTables } from "../../money/index.ts";
import {
	type PurchaseStep,
	type PurchaseTerms,
	parsePurchaseTerms,
} from "../documents/index.ts";
import { PURCHASES_AT_ONCE } from "./limits.ts";

const { PAYMENTS, RECEIPT_CHAINS } = purseTables;
const { PURCHASES } = saleTables;

/** A purchase that was committed. */
export interface FoundPurchase {
	readonly row: saleTables.PurchaseRow;
	readonly payment: purseTables.PaymentRow;
	/** Under which its receipt was signed, encoded; empty without a receipt. */
	readonly chain: Uint8Array;
	/** `declined` when its ranges had been booked for somebody else. */
	readonly step: PurchaseStep | "declined";
}

/** Some of the purchases that an agent may want to know of, in the order of their contracts. */
export interface FoundPurchases {
	readonly purchases: readonly (FoundPurchase & {
		readonly step: PurchaseStep;
		readonly terms: PurchaseTerms;
	})[];
	/** The last that was looked at; nothing when there was none. */
	readonly last: Uint8Array | undefined;
}

export function findPurchase(
	contract: Uint8Array,
): Transaction<FoundPurchase | undefined> {
	return withPayments([byKey(PURCHASES, { contract })], ([found]) =>
		done([], found),
	);
}

/** Those that are whole: an archive has what was taken out of the others. */
export function findPurchases(
	after: Uint8Array | undefined,
): Transaction<FoundPurchases> {
	const read = {
		table: PURCHASES,
		limit: PURCHASES_AT_ONCE,
		...(after === undefined ? {} : { above: after }),
	};
	return withPayments([read], (found) =>
		done([], {
			purchases: found.flatMap((one) => {
				const { step, payment } = one;
				return step === "declined" || payment.terms.length === 0
					? []
					: [{ ...one, step, terms: parsePurchaseTerms(payment.terms) }];
			}),
			last: found.at(-1)?.row.contract,
		}),
	);
}

/** An agent has the goods. A purchase without a key stays open. */
export function closePurchase(
	contract: Uint8Array,
): Transaction<FoundPurchase | undefined> {
	return withPayments([byKey(PURCHASES, { contract })], ([found]) => {
		if (found?.step !== "keyed") return done([], found);
		const row = { ...found.row, state: "closed" };
		return done([put(PURCHASES, row)], { ...found, row, step: "closed" });
	});
}

function withPayments<Result>(
	[purchases]: readonly [Read<typeof PURCHASES.columns>],
	decide: (found: readonly FoundPurchase[]) => Transaction<Result>,
): Transaction<Result> {
	return reading([purchases], ([rows]) =>
		reading(
			rows.map(({ contract }) => byKey(PAYMENTS, { contract })),
			(payments) =>
				reading(
					payments.map(([payment]) =>
						byKey(RECEIPT_CHAINS, {
							hash: payment?.receipt_chain ?? purseTables.NO_CHAIN,
						}),
					),
					(chains) =>
						decide(
							rows.flatMap((row, i) => {
								const payment = payments[i]?.[0];
								const chain = chains[i]?.[0]?.chain ?? purseTables.NO_CHAIN;
								return payment === undefined
									? []
									: [{ row, payment, chain, step: stepOf(row, payment) }];
							}),
						),
				),
		),
	);
}

function stepOf(
	{ state }: saleTables.PurchaseRow,
	payment: purseTables.PaymentRow,
): FoundPurchase["step"] {
	switch (payment.state) {
		case "lapsed":
			return "refunded";
		case "short":
			return "declined";
		default:
			if (payment.key.length === 0) return "locked";
			return state === "closed" ? "closed" : "keyed";
	}
}
