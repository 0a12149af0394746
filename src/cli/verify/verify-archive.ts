import { isInLog } from "../../device/purse/index.ts";
import { nameInDeviceId, type OpenedArchive } from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import { EXIT, plain, say, sayJson } from "../voice.ts";

/** Tells what an archive proves whose signatures hold, and whether the purse in `home` names it. */
export async function tellArchive(
	opened: OpenedArchive,
	{ home, json }: { readonly home?: string; readonly json?: true },
): Promise<void> {
	const named = home === undefined ? undefined : await isInLog(home, opened);
	if (named === false) process.exitCode = EXIT.failed;
	const told = inWords(opened);
	if (json)
		return sayJson({ ...told, ...(named === undefined ? {} : { named }) });
	say(
		`every signature holds: ${told.payments.length} payments of ${plain(told.name)}, archive ${told.number}`,
	);
	say(`  hash      ${told.archive}`);
	say(`  previous  ${told.previous}`);
	for (const {
		kind,
		other,
		amount,
		currency,
		contract,
		state,
		receipt,
	} of told.payments)
		say(
			`  ${kind === "received" ? "from" : "to"} ${plain(other)}: ${amount} minor units of ${currency} for contract ${contract}, ${plain(state)}, ${receipt ? "with its receipt" : "without a receipt that can be verified"}`,
		);
	if (named !== undefined)
		say(
			named
				? `the log of the purse in ${home} names it, and is the chain of its heads`
				: `the log of the purse in ${home} does not name it: it is another purse's, or was never finished`,
		);
}

function inWords({ purse, number, previous, hash, payments }: OpenedArchive) {
	return {
		proved: true,
		archive: hex(hash),
		purse: hex(purse),
		name: nameInDeviceId(purse),
		number: String(number),
		previous: hex(previous),
		payments: payments.map(({ kind, state, credited, transfer, receipt }) => {
			const { payer, payee, amount, currency, contract, id } =
				transfer.value.transfer;
			return {
				kind,
				other: nameInDeviceId(kind === "received" ? payer : payee),
				amount: String(amount),
				currency,
				contract: hex(contract),
				transfer: hex(id),
				state,
				credited: String(credited),
				receipt: receipt !== undefined,
			};
		}),
	};
}
