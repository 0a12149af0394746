import type { Command } from "commander";
import type { Side } from "../../device/side/index.ts";
import type { Given } from "../side-flags.ts";
import { addCallerFlags } from "./caller-flags.ts";
import type { CatalogueFlags } from "./catalogue.ts";

export function declareCatalogue(catalogue: Command): void {
	catalogue.argument("<address>", "where the merchant's agent answers");
	addCallerFlags(catalogue)
		.addHelpText(
			"after",
			`
Examples:
    tetrad catalogue 127.0.0.1:7000
    tetrad catalogue shop.example:7000 --json
  With an agent that is no part of a side:
    tetrad catalogue shop.example:7000 --home alice --module unix:alice-purse/link.sock`,
		)
		.action(async (address: string, flags: Given<CatalogueFlags, "module">) => {
			const { MODULE_AT, SOCKET_OF_AGENT, withSide } = await import(
				"../side-flags.ts"
			);
			const { showCatalogue } = await import("./catalogue.ts");
			const known = {
				...{ module: MODULE_AT, socket: SOCKET_OF_AGENT },
				purse: { of: ({ module }: Side) => module.home },
			};
			await showCatalogue(
				address,
				await withSide<CatalogueFlags, "module" | "socket" | "purse">(
					flags,
					"agent",
					known,
				),
			);
		});
}
