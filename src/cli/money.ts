/* How the command line speaks of money. */
import { TetradError } from "../errors.ts";
import type { IssuerTerms } from "../money/index.ts";
import { plain } from "./voice.ts";

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
export function chooseIssuer<Of extends Pick<IssuerTerms, "name">>(
	issuers: readonly Of[],
	name: string | undefined,
): Of {
	const named =
		name === undefined
			? issuers
			: issuers.filter((terms) => terms.name === name);
	const [first, second] = named;
	const known = issuers.map((terms) => plain(terms.name)).join(", ");
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
