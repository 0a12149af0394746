import { writeCarried } from "../../device/home/index.ts";
import { disputeIn, receiptIn } from "../../device/service/index.ts";
import { count, plain, say, sayJson } from "../voice.ts";

export interface ProofFlags {
	readonly home: string;
	readonly out: string;
	readonly json?: true;
}

export async function showReceipt(
	contract: string,
	{ home, out, json }: ProofFlags,
): Promise<void> {
	const hash = await writeReceipt(home, contract, out);
	if (json) return sayJson({ contract: hash, receipt: out });
	say(`wrote ${plain(out)}: who sold what to whom for how much`);
	say(
		`  judge it with: tetrad verify ${plain(out)} --agency ROOT.pem --bank ROOT.pem`,
	);
}

/** Writes the receipt of a purchase, and resolves with its contract in hexadecimal. Throws `invalid-argument` when there is none. */
export async function writeReceipt(
	home: string,
	contract: string,
	out: string,
): Promise<string> {
	const found = await receiptIn(home, contract);
	await writeCarried(out, found.receipt);
	return found.contract;
}

export async function showDispute(
	contract: string,
	{ home, out, json }: ProofFlags,
): Promise<void> {
	const found = await disputeIn(home, contract);
	const { contract: hash, merchant, evidence } = found;
	await writeCarried(out, evidence);
	if (json) return sayJson({ contract: hash, evidence: out });
	say(
		`wrote ${plain(out)}, ${count(evidence.length)} bytes: it proves that ${plain(merchant)} signed for a chunk that does not open`,
	);
	say(
		"  it shows that chunk, and the key of this one sale: whoever has it and the sealed goods can open them",
	);
	say(`  judge it with: tetrad verify ${plain(out)} --agency ROOT.pem`);
}
