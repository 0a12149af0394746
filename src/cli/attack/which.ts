/* Which attacks are meant. */
import { type Attack, GROUPS } from "../../attack/index.ts";
import { SUITE } from "../../attack/suite/index.ts";
import { TetradError } from "../../errors.ts";

/** Those that are named, by group or by name; all where nothing is. Throws `invalid-argument` for a name that is none. */
export function chosen(
	groups: readonly string[] = [],
	names: readonly string[] = [],
): readonly Attack[] {
	for (const group of groups)
		if (!(GROUPS as readonly string[]).includes(group))
			throw new TetradError(
				"invalid-argument",
				`there is no group ${group}; say one of ${GROUPS.join(", ")}`,
			);
	for (const wanted of names)
		if (!SUITE.some(({ name }) => name === wanted))
			throw new TetradError(
				"invalid-argument",
				`there is no attack ${wanted}; see them all with: tetrad attack --list`,
			);
	if (groups.length === 0 && names.length === 0) return SUITE;
	return SUITE.filter(
		({ group, name }) => groups.includes(group) || names.includes(name),
	);
}
