import { type Field, malformed, mapped, u8 } from "../../wire/index.ts";

/** One byte: the number of a name in its list, from 0. */
export function oneOf<const Name extends string>(
	what: string,
	names: readonly Name[],
): Field<Name> {
	return mapped(u8, {
		from(byte) {
			const name = names[byte];
			if (name === undefined) throw malformed(`there is no such ${what}`);
			return name;
		},
		to: (name) => names.indexOf(name),
	});
}
