import type { Place, Values } from "./tree.ts";

/** A script for fish: one line for each command and each flag. */
export function fishCompletion(places: readonly Place[]): string {
	const known = places.slice(1).map(({ path }) => quoted(path));
	return `# Completion of tetrad for fish, made by: tetrad completion fish
function __tetrad_place
	set -l place tetrad
	for word in (commandline -opc)[2..-1]
		if contains -- "$place $word" ${known.join(" ")}
			set place "$place $word"
		end
	end
	test "$place" = "$argv[1]"
end
complete -c tetrad -f
${places.flatMap(linesOf).join("\n")}
`;
}

function linesOf({ path, commands, flags, argument }: Place): string[] {
	const at = `complete -c tetrad -n ${quoted(`__tetrad_place ${quoted(path)}`)}`;
	return [
		...commands.map(
			({ name, about }) => `${at} -a ${quoted(name)} -d ${quoted(about)}`,
		),
		...flags.map(
			({ name, about, value }) =>
				`${at} -l ${quoted(name.slice(2))}${value === undefined ? "" : ` -r${offer(value)}`} -d ${quoted(about)}`,
		),
		...(argument === undefined || argument.kind === "none"
			? []
			: [`${at}${offer(argument)}`]),
	];
}

/** Fish reads a backslash in single quotes as well. */
function quoted(text: string): string {
	return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

function offer(values: Values): string {
	switch (values.kind) {
		case "words":
			return ` -f -a ${quoted(values.words.join(" "))}`;
		case "file":
			return " -F";
		case "folder":
			return ` -f -a ${quoted("(__fish_complete_directories)")}`;
		case "none":
			return " -f";
	}
}
