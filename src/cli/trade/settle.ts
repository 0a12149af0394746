import { balancesInAll, openAgent } from "../../device/service/index.ts";
import { modulesOf } from "../../device/side/index.ts";
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
	const side = await requireSide(flags.home);
	const { path } = side;
	const secrets = secretsOf(
		await withSide<HomeFlags>({ ...flags, home: path }, "agent", {}),
	);
	const balances = await interruptible(async (signal) => {
		await using agent = await openAgent(path, { secrets, signal });
		await agent.settle({ signal });
		// Of those that run elsewhere nothing can be shown.
		const [first, ...others] = modulesOf(side)
			.filter(({ runs }) => runs !== "elsewhere")
			.map(({ home }) => home);
		return first === undefined ? [] : balancesInAll([first, ...others]);
	});
	if (flags.json)
		sayJson({ settled: true, balances: balances.map(balanceJson) });
	else if (balances.length > 0) sayBalances(balances);
}
