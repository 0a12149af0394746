import type { Command, Option } from "commander";

/** What completes a value or an argument: one of a few words, a path, or nothing that is known here. */
export type Values =
	| { readonly kind: "words"; readonly words: readonly string[] }
	| { readonly kind: "file" | "folder" | "none" };

/** A flag of a command. */
interface Flag {
	readonly name: string;
	/** In half a line. */
	readonly about: string;
	/** What it is given, if anything. */
	readonly value: Values | undefined;
}

/** A command or a group, as a shell completes it. */
export interface Place {
	/** How it is typed: "tetrad purse withdraw". */
	readonly path: string;
	readonly about: string;
	/** What may follow it, of a group. */
	readonly commands: readonly {
		readonly name: string;
		readonly about: string;
	}[];
	readonly flags: readonly Flag[];
	/** What the first of its arguments is; `undefined` where it takes none. */
	readonly argument: Values | undefined;
}

const HELP_FLAG: Flag = {
	name: "--help",
	about: "display help for command",
	value: undefined,
};

/** Every place of a program whose commands are declared. */
export function placesOf(command: Command, before: string = ""): Place[] {
	const path = `${before} ${command.name()}`.trim();
	const [argument] = command.registeredArguments;
	const place: Place = {
		path,
		about: command.description(),
		commands: command.commands.map((sub) => ({
			name: sub.name(),
			about: sub.description(),
		})),
		flags: [...command.options.flatMap(flagsOf), HELP_FLAG],
		argument:
			argument === undefined
				? undefined
				: (wordsOf(argument.argChoices) ?? pathOf(argument.name())),
	};
	return [place, ...command.commands.flatMap((sub) => placesOf(sub, path))];
}

function flagsOf({ long, flags, argChoices, description }: Option): Flag[] {
	const [, value] = /[<[]([^>\].]+)/.exec(flags) ?? [];
	return long === undefined || long === null
		? []
		: [
				{
					name: long,
					about: description,
					value:
						value === undefined
							? undefined
							: (wordsOf(argChoices) ?? pathOf(value)),
				},
			];
}

function wordsOf(words: readonly string[] | undefined): Values | undefined {
	return words === undefined ? undefined : { kind: "words", words };
}

/** What help texts call a value says what it is. */
function pathOf(name: string): Values {
	if (name === "folder" || name === "home") return { kind: "folder" };
	return { kind: name === "file" || name === "path" ? "file" : "none" };
}

/** Places that complete alike, by what they complete with. */
export function together<Of>(
	of: readonly (readonly [place: string, what: Of])[],
	text: (what: Of) => string,
): Map<string, string[]> {
	const places = new Map<string, string[]>();
	for (const [place, what] of of) {
		const key = text(what);
		places.set(key, [...(places.get(key) ?? []), place]);
	}
	return places;
}
