import type { Address } from "../../carrier/index.ts";
import { runSelling } from "../../device/process/index.ts";
import { readIssuerTerms } from "../../device/purse/index.ts";
import { TetradError } from "../../errors.ts";
import { DEPOSIT_MARGIN_MS, parseAmount } from "../../money/index.ts";
import { linkOf } from "../flag-values.ts";
import { type DeviceFlags, runDevice } from "../run-device.ts";
import { secretsOf } from "../secrets.ts";

export interface SellFlags extends DeviceFlags {
	readonly module: Address;
	readonly listen: Address;
	readonly issuerTerms: string;
	readonly price?: string;
	readonly onOrder?: string;
	readonly settleAt?: Address;
	/** In milliseconds. */
	readonly settleEvery?: number;
}

export async function sell(folder: string, flags: SellFlags): Promise<void> {
	const { home, module, listen, price, onOrder, settleAt } = flags;
	const { timeout, unsafeKeylog } = flags;
	const { settleEvery: everyMs = DEPOSIT_MARGIN_MS / 4 } = flags;
	if (settleAt === undefined && flags.settleEvery !== undefined)
		throw invalid("--settle-every goes with --settle-at");
	if (everyMs > DEPOSIT_MARGIN_MS / 2)
		throw invalid(
			`--settle-every is at most ${DEPOSIT_MARGIN_MS / 2000} seconds: what was received is deposited before its notes expire`,
		);
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
				...(settleAt === undefined
					? {}
					: { settleAt: { address: settleAt, everyMs } }),
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

function invalid(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}
