import type { Address } from "../../carrier/index.ts";
import { readIssuerTerms } from "../../device/purse/index.ts";
import { openLocalAgent, readCatalogue } from "../../device/service/index.ts";
import { linkOf } from "../flag-values.ts";
import { type DeviceFlags, runDevice } from "../run-device.ts";
import { secretsOf } from "../secrets.ts";
import { type SettlingFlags, settlingOf } from "../settling.ts";

export interface SellFlags extends DeviceFlags, SettlingFlags {
	readonly module: Address;
	readonly listen: Address;
	readonly issuerTerms: string;
	readonly price?: string;
	readonly onOrder?: string;
}

export async function sell(folder: string, flags: SellFlags): Promise<void> {
	const { home, module, listen, price, onOrder } = flags;
	const { timeout, unsafeKeylog } = flags;
	const { settleAt } = settlingOf(flags);
	const terms = await readIssuerTerms(flags.issuerTerms);
	await runDevice(flags, async (signal, report) => {
		const { currency } = terms;
		const catalogue = await readCatalogue({ folder, price }, currency, report);
		await using agent = await openLocalAgent({
			...{ home, module, listen, terms, report, signal },
			addresses: [listen],
			issuerAt: settleAt?.address,
			settleEveryMs: settleAt?.everyMs,
			secrets: secretsOf(flags),
			environment: withoutSecrets(flags),
			link: linkOf(flags.link),
			...(timeout === undefined ? {} : { timeoutMs: timeout }),
			...(unsafeKeylog === undefined ? {} : { unsafeKeylog }),
		});
		await agent.sell({ catalogue, onOrder, signal });
	});
}

/** What commands that work on a stranger's text may know of this process. */
function withoutSecrets({
	passphraseEnv = "",
	pinEnv = "",
}: SellFlags): NodeJS.ProcessEnv {
	const { [passphraseEnv]: _, [pinEnv]: __, ...environment } = process.env;
	return environment;
}
