import { TetradError } from "../../errors.ts";

/** The one whose id begins with these hexadecimal digits. Throws `invalid-argument` when there is none, or several. */
export function chosen<Of>(
	all: readonly Of[],
	beginning: string,
	{
		id,
		what,
		see,
	}: {
		/** In hexadecimal. */
		readonly id: (one: Of) => string;
		readonly what: string;
		/** The command that shows them all. */
		readonly see: string;
	},
): Of {
	const prefix = beginning.toLowerCase();
	const found = all.filter((one) => id(one).startsWith(prefix));
	const [first, second] = prefix === "" ? [] : found;
	if (first !== undefined && second === undefined) return first;
	throw new TetradError(
		"invalid-argument",
		`${first === undefined ? "no" : "more than one"} ${what} begins with ${JSON.stringify(beginning)}; see: ${see}`,
	);
}
