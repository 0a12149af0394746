import { writeCarried } from "../../device/home/index.ts";
import { stateOf } from "../../device/process/index.ts";
import { viewPurchase } from "../../device/trade/index.ts";
import { TetradError } from "../../errors.ts";
import { encodePurchaseReceipt } from "../../trade/documents/index.ts";
import { hex } from "../../wire/index.ts";
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
	const { row } = await viewPurchase(home, contract);
	if (row.receipt.length === 0)
		throw new TetradError(
			"invalid-argument",
			row.key.length === 0
				? "this purchase has no receipt: it was not bought, or is still in doubt"
				: "this purchase has no receipt: its merchant never sent one, and the issuer has said that it was booked",
		);
	await writeCarried(
		out,
		encodePurchaseReceipt({
			contract: row.document,
			contractChain: row.chain,
			receipt: row.receipt,
			receiptChain: row.receipt_chain,
			salt: row.salt,
			description: row.description,
		}),
	);
	return hex(row.contract);
}

export async function showDispute(
	contract: string,
	{ home, out, json }: ProofFlags,
): Promise<void> {
	const { row, item } = await viewPurchase(home, contract);
	if (stateOf(row) !== "wrong")
		throw new TetradError(
			"invalid-argument",
			`there is nothing to dispute about "${plain(item.name)}": no chunk of it was found that is not what the merchant signed for`,
		);
	await writeCarried(out, row.evidence);
	if (json) return sayJson({ contract: hex(row.contract), evidence: out });
	say(
		`wrote ${plain(out)}, ${count(row.evidence.length)} bytes: it proves that ${plain(row.merchant)} signed for a chunk that does not open`,
	);
	say(
		"  it shows that chunk, and the key of this one sale: whoever has it and the sealed goods can open them",
	);
	say(`  judge it with: tetrad verify ${plain(out)} --agency ROOT.pem`);
}
