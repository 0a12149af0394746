/* Which attacks are meant. */
import { InvalidArgumentError } from "commander";
import { type Attack, GROUPS, type Group } from "../../attack/index.ts";
import { SUITE } from "../../attack/suite/index.ts";

/** Throws for a name that is no group's. */
export function groupName(text: string): Group {
	const group = GROUPS.find((name) => name === text);
	if (group === undefined)
		throw new InvalidArgumentError(`Say one of ${GROUPS.join(", ")}.`);
	return group;
}

/** Throws for a name that is no attack's. */
export function attackName(text: string): string {
	if (!SUITE.some(({ name }) => name === text))
		throw new InvalidArgumentError(
			"There is no such attack; see them all with: tetrad attack --list",
		);
	return text;
}

/** Those that are named, by group or by name; all where nothing is. */
export function chosen(
	groups: readonly Group[] = [],
	names: readonly string[] = [],
): readonly Attack[] {
	if (groups.length === 0 && names.length === 0) return SUITE;
	return SUITE.filter(
		({ group, name }) => groups.includes(group) || names.includes(name),
	);
}
