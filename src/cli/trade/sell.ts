import type { Address } from "../../carrier/index.ts";
import { runSelling } from "../../device/process/index.ts";
import { readIssuerTerms } from "../../device/purse/index.ts";
import { parseAmount } from "../../money/index.ts";
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
	const settling = settlingOf(flags);
	const terms = await readIssuerTerms(flags.issuerTerms);
	const amount =
		price === undefined ? undefined : parseAmount(price, terms.currency);
	await runDevice(flags, (signal, report) =>
		runSelling(
			{
				home,
				module,
				listen,
				folder,
				terms,
				signal,
				secrets: secretsOf(flags),
				environment: withoutSecrets(flags),
				link: linkOf(flags.link),
				...(amount === undefined ? {} : { price: amount }),
				...(onOrder === undefined ? {} : { onOrder }),
				...settling,
				...(timeout === undefined ? {} : { timeoutMs: timeout }),
				...(unsafeKeylog === undefined ? {} : { unsafeKeylog }),
			},
			report,
		),
	);
}

/** What commands that work on a stranger's text may know of this process. */
function withoutSecrets({
	passphraseEnv = "",
	pinEnv = "",
}: SellFlags): NodeJS.ProcessEnv {
	const { [passphraseEnv]: _, [pinEnv]: __, ...environment } = process.env;
	return environment;
}
