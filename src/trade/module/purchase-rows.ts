/* What a buyer's module knows of purchases: its row of the purchase, and what the rail says of the sale. */
import {
	byKey,
	done,
	put,
	type Read,
	reading,
	type Transaction,
} from "../../machine/index.ts";
import {
	type CommittedSale,
	type SaleRail,
	saleTables,
} from "../../money/index.ts";
import {
	type PurchaseStep,
	type PurchaseTerms,
	parsePurchaseTerms,
} from "../documents/index.ts";
import { PURCHASES_AT_ONCE } from "./limits.ts";

const { PURCHASES } = saleTables;

/** A purchase that was committed. */
export interface FoundPurchase {
	readonly row: saleTables.PurchaseRow;
	readonly sale: CommittedSale;
	/** `declined` when what it was paid with had been given to somebody else before. */
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
	rail: SaleRail,
	contract: Uint8Array,
): Transaction<FoundPurchase | undefined> {
	return withSales(rail, [byKey(PURCHASES, { contract })], ([found]) =>
		done([], found),
	);
}

/** Those that are whole: an archive has what was taken out of the others. */
export function findPurchases(
	rail: SaleRail,
	after: Uint8Array | undefined,
): Transaction<FoundPurchases> {
	const read = {
		table: PURCHASES,
		limit: PURCHASES_AT_ONCE,
		...(after === undefined ? {} : { above: after }),
	};
	return withSales(rail, [read], (found) =>
		done([], {
			purchases: found.flatMap((one) => {
				const { step, sale } = one;
				const { terms } = sale.payment;
				return step === "declined" || terms.length === 0
					? []
					: [{ ...one, step, terms: parsePurchaseTerms(terms) }];
			}),
			last: found.at(-1)?.row.contract,
		}),
	);
}

/** An agent has the goods. A purchase without a key stays open. */
export function closePurchase(
	rail: SaleRail,
	contract: Uint8Array,
): Transaction<FoundPurchase | undefined> {
	return withSales(rail, [byKey(PURCHASES, { contract })], ([found]) => {
		if (found?.step !== "keyed") return done([], found);
		const row = { ...found.row, state: "closed" };
		return done([put(PURCHASES, row)], { ...found, row, step: "closed" });
	});
}

function withSales<Result>(
	{ committed }: SaleRail,
	[purchases]: readonly [Read<typeof PURCHASES.columns>],
	decide: (found: readonly FoundPurchase[]) => Transaction<Result>,
): Transaction<Result> {
	return reading([purchases], ([rows]) =>
		committed(
			rows.map(({ contract }) => contract),
			(sales) =>
				decide(
					rows.flatMap((row, i) => {
						const sale = sales[i];
						return sale === undefined
							? []
							: [{ row, sale, step: stepOf(row, sale) }];
					}),
				),
		),
	);
}

function stepOf(
	{ state }: saleTables.PurchaseRow,
	{ step }: CommittedSale,
): FoundPurchase["step"] {
	switch (step) {
		// Whether its money is locked already is the rail's to know: there is no key yet.
		case "committed":
			return "locked";
		case "keyed":
			return state === "closed" ? "closed" : "keyed";
		default:
			return step;
	}
}
