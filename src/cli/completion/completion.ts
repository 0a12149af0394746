import type { Command } from "commander";
import { unreachable } from "../../errors.ts";
import { sayText } from "../voice.ts";
import { bashCompletion } from "./bash.ts";
import { fishCompletion } from "./fish.ts";
import { placesOf } from "./tree.ts";
import { zshCompletion } from "./zsh.ts";

/** The shells that it is made for. */
export type Shell = "bash" | "zsh" | "fish";

/** Prints what a shell reads to complete the commands of a program. */
export function printCompletion(shell: Shell, program: Command): void {
	sayText(completionOf(shell, program));
}

export function completionOf(shell: Shell, program: Command): string {
	const places = placesOf(program);
	switch (shell) {
		case "bash":
			return bashCompletion(places);
		case "zsh":
			return zshCompletion(places);
		case "fish":
			return fishCompletion(places);
		default:
			return unreachable(shell);
	}
}
