import {
	readAgencies,
	readBanks,
	readEvidence,
} from "../../device/authority/index.ts";
import { readArchive } from "../../device/purse/index.ts";
import { readPurchaseProof } from "../../device/trade/index.ts";
import { asTetradError, type ErrorCode, TetradError } from "../../errors.ts";
import {
	type DoubleSpending,
	formatAmount,
	nameInDeviceId,
	type Transfer,
} from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import { EXIT, plain, say, sayJson } from "../voice.ts";
import { tellArchive } from "./verify-archive.ts";
import { tellPurchase } from "./verify-purchase.ts";

export interface VerifyFlags {
	readonly bank?: string[];
	readonly agency?: string[];
	readonly home?: string;
	readonly json?: true;
}

/** What a file is refused with that was read and proves nothing. */
const OF_THE_FILE: readonly ErrorCode[] = [
	"malformed",
	"chain-refused",
	"authentication-failed",
	"payment-refused",
	"limit-exceeded",
];

export async function verify(file: string, flags: VerifyFlags): Promise<void> {
	const { bank = [], agency = [] } = flags;
	const banks = await readBanks(bank);
	const agencies = await readAgencies(agency);
	let proved: DoubleSpending;
	try {
		const purchase = await readPurchaseProof(file, { agencies, banks });
		if (purchase !== undefined) return tellPurchase(purchase, flags.json);
		if (banks.length === 0)
			throw new TetradError(
				"invalid-argument",
				"say which bank certified whom it is about, with --bank",
			);
		const archive = await readArchive(file, banks);
		if (archive !== undefined) return await tellArchive(archive, flags);
		proved = await readEvidence(file, banks);
	} catch (thrown) {
		const { code, message: reason } = asTetradError(thrown);
		// What could not be read was not judged.
		if (!OF_THE_FILE.includes(code)) throw thrown;
		if (flags.json) sayJson({ proved: false, code, reason });
		else say(`it proves nothing: ${plain(reason)} (${code})`);
		process.exitCode = EXIT.failed;
		return;
	}
	const told = inWords(proved);
	if (flags.json) return sayJson(told);
	const { range, first, second, currency } = told;
	say(
		`proved: ${plain(told.name)} spent ${range.amount} ${currency} of one note twice${told.play ? " (play money)" : ""}`,
	);
	say(`  module    ${told.holder}`);
	say(`  note      ${told.note}, from ${range.offset} on`);
	for (const { contract, payee, transfer } of [first, second])
		say(`  transfer  ${transfer} to ${plain(payee)} for contract ${contract}`);
}

/** Who did it, with which range, and for which two contracts. */
function inWords({ holder, note, first, second, pieces }: DoubleSpending) {
	const [a, b] = pieces;
	const from = a.offset > b.offset ? a.offset : b.offset;
	const ends = [a.offset + a.amount, b.offset + b.amount] as const;
	const end = ends[0] < ends[1] ? ends[0] : ends[1];
	const text = (amount: bigint) => formatAmount(amount, note.currency);
	const side = ({ id, contract, payee, amount }: Transfer) => ({
		transfer: hex(id),
		contract: hex(contract),
		payee: nameInDeviceId(payee),
		amount: text(amount),
	});
	return {
		proved: true,
		holder: hex(holder),
		name: nameInDeviceId(holder),
		issuer: nameInDeviceId(note.issuer),
		note: hex(note.id),
		range: { offset: text(from), amount: text(end - from) },
		currency: note.currency.code,
		play: note.isPlay,
		first: side(first),
		second: side(second),
	};
}
