import type { Command } from "commander";
import { jsonFlag } from "../flags.ts";
import { homeFlag } from "../home-flag.ts";
import type { Given } from "../side-flags.ts";
import type { StoreFlags } from "./store.ts";

export function declareStore(store: Command): void {
	store
		.addOption(homeFlag("agent"))
		.option(
			"--database-file <file>",
			"move it, with all that is in it, to PostgreSQL, whose address is the line in this file; the agent must not run",
		)
		.option(
			"--database-synchronous",
			"with --database-file: take only a server whose commits wait for a standby, so that nothing is lost with the primary",
		)
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
An agent keeps its purchases, its sales and how far the purse of its module has come in agent.db in
its home, which one process has open at a time. Several processes of one agent share it in PostgreSQL.

Examples:
    tetrad store
    tetrad store --home bob --database-file /etc/tetrad/bob.postgres`,
		)
		.action(async (flags: Given<StoreFlags>) => {
			const { withSide } = await import("../side-flags.ts");
			const { store } = await import("./store.ts");
			await store(await withSide(flags, "agent", {}));
		});
}
