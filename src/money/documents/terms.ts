import { sameBytes } from "../../wire/index.ts";
import { type Currency, sameCurrency } from "./amount.ts";

/** What an owner has to know of an issuer before a purse takes its notes. */
export interface IssuerTerms {
	/** The device id of the issuer's module, which signs the notes. */
	readonly issuer: Uint8Array;
	/** Its certified name. */
	readonly name: string;
	readonly currency: Currency;
	/** Money to try things with, which nobody exchanges for anything. It is said wherever amounts are shown. */
	readonly isPlay: boolean;
}

/** Whether both speak of the same money. */
export function sameMoney(
	a: IssuerTerms,
	b: Omit<IssuerTerms, "name">,
): boolean {
	return (
		sameBytes(a.issuer, b.issuer) &&
		sameCurrency(a.currency, b.currency) &&
		a.isPlay === b.isPlay
	);
}
