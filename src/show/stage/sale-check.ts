/* Whether a purchase was as promised: looked up in the files, purses and books that it left. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { nodeCrypto } from "../../crypto/index.ts";
import type { AuditJson } from "../../device/issuer/index.ts";
import { answerOf } from "../../device/supervisor/index.ts";
import { sumAmounts } from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import { NAMES } from "./names.ts";
import type { Sale } from "./sale.ts";
import type { SaleMoney, ShownBalances } from "./teller.ts";

/** What the buyer got, beside what was sold. */
export interface Delivery {
	/** SHA-256 of each, in hexadecimal; empty for a file that is not there. */
	readonly sold: string;
	readonly bought: string;
	readonly delivered: boolean;
}

/** Compares what was sold, as it is now, with what was bought. */
export async function checkDelivery(
	sold: string,
	bought: string,
): Promise<Delivery> {
	const hashes = { sold: await sha256(sold), bought: await sha256(bought) };
	const delivered = hashes.sold !== "" && hashes.sold === hashes.bought;
	return { ...hashes, delivered };
}

/** What a receipt proves to whoever has the roots of the authorities and nothing else. */
export interface ReceiptCheck {
	readonly valid: boolean;
	/** What `tetrad verify` said of it. */
	readonly said: Readonly<Record<string, unknown>>;
}

/** Has `tetrad verify` judge a receipt, and looks whether it proves this purchase. */
export async function checkReceipt(
	receipt: string,
	{ contract, price, currency, item, file }: Sale,
	{
		teller,
		roots,
		signal,
	}: {
		readonly teller: SaleMoney;
		readonly roots: { readonly agency: string; readonly bank: string };
		readonly signal: AbortSignal;
	},
): Promise<ReceiptCheck> {
	const { agency, bank } = roots;
	const { code, said } = await answerOf(
		"verify",
		["verify", receipt, "--agency", agency, "--bank", bank],
		signal,
	);
	const wanted: Readonly<Record<string, unknown>> = {
		proved: true,
		what: "purchase",
		item,
		merchant: NAMES.B,
		merchantModule: NAMES.Y,
		buyer: NAMES.A,
		buyerModule: NAMES.X,
		amount: String(teller.parse(price)),
		currency,
		issuer: teller.terms.name,
		size: String((await stat(file)).size),
		contract,
	};
	const valid =
		code === 0 &&
		Object.entries(wanted).every(([name, value]) => said[name] === value);
	return { valid, said };
}

/** What became of the money. */
export interface Books {
	readonly before: ShownBalances;
	readonly after: ShownBalances;
	/** What the issuer's tables say at the end. */
	readonly audit: AuditJson;
	/** Whether there is as much as before, the price has changed hands and nothing else, the audit is clean, and the issuer owes what the purses have. */
	readonly conserved: boolean;
}

/** Balances the books of both sides and of the issuer, before and after a purchase. */
export function checkBooks(
	teller: Pick<SaleMoney, "parse">,
	price: string,
	before: ShownBalances,
	after: ShownBalances,
	audit: AuditJson,
): Books {
	const total = (of: ShownBalances, side: "X" | "Y") =>
		sumAmounts([
			teller.parse(of.purses[side]),
			teller.parse(of.accounts[side]),
		]);
	const moved = teller.parse(price);
	const conserved =
		after.sum === before.sum &&
		total(before, "X") - total(after, "X") === moved &&
		total(after, "Y") - total(before, "Y") === moved &&
		audit.balanced &&
		teller.parse(audit.outstanding) ===
			sumAmounts([teller.parse(after.purses.X), teller.parse(after.purses.Y)]);
	return { before, after, audit, conserved };
}

async function sha256(path: string): Promise<string> {
	const hash = nodeCrypto.beginSha256();
	try {
		for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>)
			hash.update(chunk);
	} catch {
		return "";
	}
	return hex(hash.digest());
}
