import type { Command } from "commander";
import { addCallerFlags } from "./caller-flags.ts";
import type { GivenToResolve } from "./resolve-with-side.ts";

export function declareResolve(resolve: Command): void {
	resolve
		.argument(
			"[address]",
			"where the issuer's agent answers, which says what became of money in doubt, as the side says unless given; or with --merchant a merchant's",
		)
		.option(
			"--merchant",
			"it is the agent of a merchant: goods that are missing are fetched",
		)
		.option(
			"--learn",
			"ask the module first what was bought: for a new agent in the place of an old one",
		)
		.option(
			"--out <folder>",
			"where goods go that only the module knew of; as the side says or the working folder unless given",
		);
	addCallerFlags(resolve)
		.addHelpText(
			"after",
			`
Examples:
  Have the issuer say what became of purchases in doubt:
    tetrad resolve
  Fetch what was paid for and is missing:
    tetrad resolve 127.0.0.1:7000 --merchant
  The agent is a new one: have all that the old one bought
    tetrad resolve 127.0.0.1:7000 --merchant --learn

An agent that runs with --settle-at does the first of these by itself.`,
		)
		.action(async (address: string | undefined, flags: GivenToResolve) => {
			const { resolveWithSide } = await import("./resolve-with-side.ts");
			const { resolve: run } = await import("./resolve.ts");
			const [at, all] = await resolveWithSide(address, flags);
			await run(at, all);
		});
}
