import { runRefunding } from "../../device/process/index.ts";
import { viewSale } from "../../device/trade/index.ts";
import { parseAmount } from "../../money/index.ts";
import { runDevice } from "../run-device.ts";
import { type CallerFlags, callerOf } from "./caller.ts";

export interface RefundFlags extends CallerFlags {
	readonly to: string;
	readonly amount?: string;
}

export async function refund(
	contract: string,
	flags: RefundFlags,
): Promise<void> {
	const sale = await viewSale(flags.home, contract);
	const { currency: code, exponent } = sale;
	const amount =
		flags.amount === undefined
			? sale.amount
			: parseAmount(flags.amount, { code, exponent: Number(exponent) });
	await runDevice(flags, (signal, report) =>
		runRefunding(
			{ ...callerOf(flags, flags.to, signal), sale, amount },
			report,
		),
	);
}
