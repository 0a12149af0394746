import type { Command } from "commander";
import { addCallerFlags } from "./caller-flags.ts";
import type { CatalogueFlags } from "./catalogue.ts";

export function declareCatalogue(catalogue: Command): void {
	catalogue.argument("<address>", "where the merchant's agent answers");
	addCallerFlags(catalogue)
		.addHelpText(
			"after",
			`
Examples:
    tetrad catalogue 127.0.0.1:7000 --home alice --module unix:alice-purse/link.sock
    tetrad catalogue shop.example:7000 --home alice --module unix:alice-purse/link.sock --json`,
		)
		.action(async (address: string, flags: CatalogueFlags) => {
			const { showCatalogue } = await import("./catalogue.ts");
			await showCatalogue(address, flags);
		});
}
