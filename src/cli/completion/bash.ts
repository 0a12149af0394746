import { quoted } from "./quoted.ts";
import { type Place, together, type Values } from "./tree.ts";

const NOTHING: Values = { kind: "none" };

/** A script that bash 3.2 and newer read, with all words in it: nothing is started while somebody types. */
export function bashCompletion(places: readonly Place[]): string {
	const values = together(
		places.flatMap(({ path, flags }) =>
			flags.flatMap(({ name, value }) =>
				value === undefined ? [] : [[`${path} ${name}`, value] as const],
			),
		),
		replyWith,
	);
	const groups = places.filter(({ commands }) => commands.length > 0);
	return `# Completion of tetrad for bash, made by: tetrad completion bash
_tetrad() {
	local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
	local place=tetrad word i IFS=$' \\t\\n'
	for ((i = 1; i < COMP_CWORD; i++)); do
		word="\${COMP_WORDS[i]}"
		case "$place $word" in
		${places
			.slice(1)
			.map(({ path }) => quoted(path))
			.join("|")})
			place="$place $word" ;;
		esac
	done
	COMPREPLY=()
	case "$place $previous" in
${cases(values)}
	esac
	if [[ $current == -* ]]; then
		case "$place" in
${cases(
	together(
		places.map(({ path, flags }) => [path, flags]),
		(flags) => words(flags.map(({ name }) => name)),
	),
)}
		esac
	fi
	case "$place" in
${cases(
	together(
		groups.map(({ path, commands }) => [path, commands]),
		(commands) => words(commands.map(({ name }) => name)),
	),
)}
${cases(
	together(
		places.flatMap(({ path, commands, argument }) =>
			commands.length > 0 ? [] : [[path, argument ?? NOTHING] as const],
		),
		replyWith,
	),
)}
	esac
}
complete -F _tetrad tetrad
`;
}

function cases(of: ReadonlyMap<string, readonly string[]>): string {
	return [...of]
		.map(
			([reply, places]) =>
				`\t\t${places.map(quoted).join("|")})\n\t\t\t${reply}\n\t\t\treturn ;;`,
		)
		.join("\n");
}

function words(of: readonly string[]): string {
	return `COMPREPLY=($(compgen -W ${quoted(of.join(" "))} -- "$current"))`;
}

function replyWith(values: Values): string {
	switch (values.kind) {
		case "words":
			return words(values.words);
		case "file":
			return `compopt -o filenames 2>/dev/null; IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$current"))`;
		case "folder":
			return `compopt -o filenames 2>/dev/null; IFS=$'\\n'; COMPREPLY=($(compgen -d -- "$current"))`;
		case "none":
			return ":";
	}
}
