import { quoted } from "./quoted.ts";
import type { Place, Values } from "./tree.ts";

/** A script for zsh: to be sourced, or to be put as `_tetrad` into a folder of `fpath`. */
export function zshCompletion(places: readonly Place[]): string {
	return `#compdef tetrad
# Completion of tetrad for zsh, made by: tetrad completion zsh
_tetrad() {
	local place=tetrad word i
	local -a offered
	for ((i = 2; i < CURRENT; i++)); do
		word="\${words[i]}"
		case "$place $word" in
		(${places
			.slice(1)
			.map(({ path }) => quoted(path))
			.join("|")}) place="$place $word" ;;
		esac
	done
	case "$place \${words[CURRENT-1]}" in
${places
	.flatMap(({ path, flags }) =>
		flags.flatMap(({ name, value }) =>
			value === undefined
				? []
				: [`\t(${quoted(`${path} ${name}`)}) ${offer(value)}; return ;;`],
		),
	)
	.join("\n")}
	esac
	case "$place" in
${places.map(whatFollows).join("\n")}
	esac
}
if [ "$funcstack[1]" = _tetrad ]; then
	_tetrad "$@"
else
	compdef _tetrad tetrad
fi
`;
}

function whatFollows({ path, commands, flags, argument }: Place): string {
	const described = (of: readonly { name: string; about: string }[]) =>
		of
			.map(({ name, about }) =>
				quoted(`${name.replaceAll(":", "\\:")}:${about}`),
			)
			.join(" ");
	return `	(${quoted(path)})
		if [[ $PREFIX == -* ]]; then
			offered=(${described(flags)})
			_describe -o flag offered
		else
			${
				commands.length > 0
					? `offered=(${described(commands)})\n\t\t\t_describe command offered`
					: offer(argument ?? { kind: "none" })
			}
		fi ;;`;
}

function offer(values: Values): string {
	switch (values.kind) {
		case "words":
			return `compadd -- ${values.words.map(quoted).join(" ")}`;
		case "file":
			return "_files";
		case "folder":
			return "_files -/";
		case "none":
			return ":";
	}
}
