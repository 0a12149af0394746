import { TetradError } from "../../../errors.ts";
import type { MethodLimits } from "../../cashu/index.ts";

/**
 * Throws `issuer-refused` for what a mint does not do, or not of that amount, as it says itself.
 * Nothing is known of that before it has said what it is in this life of the purse.
 */
export function requireWithin(
	methods: readonly MethodLimits[] | undefined,
	{
		unit,
		amount,
		what,
	}: {
		readonly unit: string;
		/** Nothing where it is not known yet. */
		readonly amount?: bigint;
		/** What the mint would do with it. */
		readonly what: "make" | "pay";
	},
): void {
	if (methods === undefined) return;
	const limits = methods.find((one) => one.unit === unit);
	const kind = what === "make" ? "makes no ecash for" : "pays no";
	if (limits === undefined)
		throw new TetradError(
			"issuer-refused",
			`the mint says that it ${kind} invoices in ${unit}`,
		);
	const { min = 0n, max } = limits;
	const isWithin =
		amount === undefined ||
		(amount >= min && (max === undefined || amount <= max));
	if (!isWithin)
		throw new TetradError(
			"issuer-refused",
			`the mint says that it ${what}s ${max === undefined ? `${min} at least` : `${min} to ${max}`} ${unit} for an invoice`,
		);
}
