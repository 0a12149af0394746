/* How help texts are laid out, so that they fit into the terminal that they are read on. */
import type { HelpConfiguration } from "commander";
import { columnsOf, wrapped } from "./wrap.ts";

/** What stands beside its term has so many columns at least; with less room it goes below. */
const BESIDE = 36;

const BELOW = "      ";

/** For every command: terms in one column and what they are in the next, or below each other. */
export const HELP: HelpConfiguration = {
	minWidthToWrap: 20,
	formatItem(term, termWidth, description, helper) {
		const width = helper.helpWidth ?? 80;
		if (description === "") return `  ${term}`;
		const left = termWidth + 4;
		if (width - left >= BESIDE) {
			const padding = " ".repeat(termWidth - columnsOf(term) + 2);
			return wrapped(`  ${term}${padding}${description}`, width, {
				hanging: " ".repeat(left),
			}).join("\n");
		}
		const below = wrapped(BELOW + description, width, { hanging: BELOW });
		return [`  ${term}`, ...below].join("\n");
	},
};
