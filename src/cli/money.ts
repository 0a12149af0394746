/* How the command line speaks of money. */
import type { Money } from "../device/process/index.ts";
import type { MoneyOf } from "../device/service/index.ts";
import { TetradError } from "../errors.ts";
import { formatAmount, type IssuerTerms } from "../money/index.ts";
import { plain } from "./voice.ts";

/** An amount of the service, as events and JSON have it. */
export function amountText({
	amount,
	currency,
	exponent,
	play,
	issuer,
}: MoneyOf & { readonly amount: bigint }): Money {
	const of = { code: currency, exponent };
	return { amount: formatAmount(amount, of), currency, play, issuer };
}

/** An amount with its currency, and a word where it is play money. */
export function money({
	amount,
	currency,
	play,
}: {
	readonly amount: string;
	readonly currency: string;
	readonly play: boolean;
}): string {
	return `${amount} ${currency}${play ? " (play money)" : ""}`;
}

/** The issuer of that name; without one the only issuer. Throws `invalid-argument`. */
export function chooseIssuer(
	issuers: readonly IssuerTerms[],
	name: string | undefined,
): IssuerTerms {
	return chosenBy(issuers, ({ name }) => name, name);
}

/** Of the money of several issuers, that of the one of that name. As `chooseIssuer`. */
export function chooseMoney<Of extends Pick<MoneyOf, "issuer">>(
	money: readonly Of[],
	name: string | undefined,
): Of {
	return chosenBy(money, ({ issuer }) => issuer, name);
}

function chosenBy<Of>(
	all: readonly Of[],
	nameOf: (one: Of) => string,
	name: string | undefined,
): Of {
	const named =
		name === undefined ? all : all.filter((one) => nameOf(one) === name);
	const [first, second] = named;
	const known = all.map((one) => plain(nameOf(one))).join(", ");
	if (first === undefined)
		throw new TetradError(
			"invalid-argument",
			`no issuer is called "${plain(name ?? "")}" here; known are: ${known}`,
		);
	if (second !== undefined)
		throw new TetradError(
			"invalid-argument",
			`say which issuer with --issuer NAME; known are: ${known}`,
		);
	return first;
}
