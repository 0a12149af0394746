import type { Command } from "commander";
import { countUpTo } from "../flag-values.ts";
import { jsonFlag } from "../flags.ts";
import { homeFlag } from "../home-flag.ts";
import type { Given } from "../side-flags.ts";
import type { RecordsFlags } from "./records.ts";

const MAX_SHOWN = 100_000;

function addRecordFlags(command: Command, name: string): Command {
	return command
		.addOption(homeFlag("agent"))
		.option("--limit <count>", "so many at most", countUpTo(MAX_SHOWN), 50)
		.addOption(jsonFlag())
		.option("--csv", "print them as CSV, for a spreadsheet")
		.addHelpText(
			"after",
			`
Examples:
  Also while the agent runs:
    tetrad ${name}
    tetrad ${name} --limit 100000 --csv`,
		);
}

export function declarePurchases(purchases: Command): void {
	addRecordFlags(purchases, "purchases").action(
		async (flags: Given<RecordsFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { showPurchases } = await import("./records.ts");
			await showPurchases(await withSide(flags, "agent", {}));
		},
	);
}

export function declareSales(sales: Command): void {
	addRecordFlags(sales, "sales").action(async (flags: Given<RecordsFlags>) => {
		const { withSide } = await import("../side-flags.ts");
		const { showSales } = await import("./records.ts");
		await showSales(await withSide(flags, "agent", {}));
	});
}
