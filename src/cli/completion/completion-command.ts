import { Argument, Command } from "commander";
import type { Shell } from "./completion.ts";

/** `declareAll` declares every command of the program, which each otherwise does when it is called. */
export function declareCompletion(
	completion: Command,
	declareAll: (program: Command) => Promise<void>,
): void {
	completion
		.addArgument(
			new Argument("<shell>", "which shell reads it").choices([
				"bash",
				"zsh",
				"fish",
			]),
		)
		.addHelpText(
			"after",
			`
Examples:
  For bash, in this shell, and in every new one:
    source <(tetrad completion bash)
    tetrad completion bash > ~/.local/share/bash-completion/completions/tetrad
  For zsh, in a folder of fpath:
    tetrad completion zsh > ~/.zfunc/_tetrad
  For fish:
    tetrad completion fish > ~/.config/fish/completions/tetrad.fish`,
		)
		.action(async (shell: Shell) => {
			const { printCompletion } = await import("./completion.ts");
			const program = new Command("tetrad");
			await declareAll(program);
			printCompletion(shell, program);
		});
}
