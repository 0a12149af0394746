import { openAgent } from "../../device/service/index.ts";
import { balanceJson, sayBalances } from "../balances.ts";
import { interruptible } from "../interruptible.ts";
import type { SecretFlags } from "../secret-flags.ts";
import { secretsOf } from "../secrets.ts";
import { requireSide, withSide } from "../side-flags.ts";
import { sayJson } from "../voice.ts";

export interface SettleFlags extends SecretFlags {
	readonly home?: string;
	readonly json?: true;
}

interface HomeFlags extends SettleFlags {
	readonly home: string;
}

/** Lets the module of a side do its business with its issuer now, and shows what it has then. */
export async function settle(flags: SettleFlags): Promise<void> {
	const { path, module } = await requireSide(flags.home);
	const secrets = secretsOf(
		await withSide<HomeFlags>({ ...flags, home: path }, "agent", {}),
	);
	const balances = await interruptible(async (signal) => {
		await using agent = await openAgent(path, { secrets, signal });
		await agent.settle({ signal });
		// Of one that runs elsewhere nothing can be shown.
		return module.runs === "elsewhere" ? [] : await agent.balance();
	});
	if (flags.json)
		sayJson({ settled: true, balances: balances.map(balanceJson) });
	else if (balances.length > 0) sayBalances(balances);
}
