import { priceText, rowMoney, stateOf } from "../../device/process/index.ts";
import {
	type PurchaseView,
	viewPurchases,
	viewRefunds,
	viewSales,
} from "../../device/trade/index.ts";
import { formatAmount } from "../../money/index.ts";
import type { SaleRow } from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import { csv } from "../csv.ts";
import { doubtEnds } from "../sentences.ts";
import { plainTable } from "../table.ts";
import { moment, plain, say, sayJson, sayText } from "../voice.ts";

export interface RecordsFlags {
	readonly home: string;
	readonly limit: number;
	readonly json?: true;
	readonly csv?: true;
}

const instant = (time: bigint) => new Date(Number(time)).toISOString();

export async function showPurchases(flags: RecordsFlags): Promise<void> {
	const { home, limit } = flags;
	const refunded = await refundsOf(home);
	const purchases = (await viewPurchases(home, limit)).map((view) => ({
		...purchaseOf(view),
		...refunded(view.row.contract, view.row.exponent),
	}));
	if (flags.json) return sayJson({ home, purchases });
	if (flags.csv) return sayText(csvOf(PURCHASE_COLUMNS, purchases));
	if (purchases.length === 0) return say("nothing was bought here yet");
	const head = ["when", "item", "merchant", "price", "state", "contract"];
	const rows = purchases.map((one) => [
		moment(Date.parse(one.time)),
		plain(one.item),
		plain(one.merchant),
		priced(one),
		STATES[one.state],
		one.contract.slice(0, 16),
	]);
	for (const line of plainTable(head, rows)) say(line);
	for (const { state, until, contract } of purchases)
		if (state === "in-doubt")
			say(
				`${contract.slice(0, 16)}: in doubt; ${doubtEnds(moment(Date.parse(until)))}`,
			);
}

export async function showSales(flags: RecordsFlags): Promise<void> {
	const { home, limit } = flags;
	const refunded = await refundsOf(home);
	const sales = (await viewSales(home, limit)).map((row) => ({
		...saleOf(row),
		...refunded(row.contract, row.exponent),
	}));
	if (flags.json) return sayJson({ home, sales });
	if (flags.csv) return sayText(csvOf(SALE_COLUMNS, sales));
	if (sales.length === 0) return say("nothing was sold here yet");
	const head = ["when", "item", "buyer", "price", "contract"];
	const rows = sales.map((one) => [
		moment(Date.parse(one.time)),
		plain(one.item),
		plain(one.buyer),
		priced(one),
		one.contract.slice(0, 16),
	]);
	for (const line of plainTable(head, rows)) say(line);
}

function priced({
	amount,
	currency,
	refunded,
}: {
	readonly amount: string;
	readonly currency: string;
	readonly refunded?: string;
}): string {
	return `${amount} ${currency}${refunded === undefined ? "" : `, ${refunded} refunded`}`;
}

/** What an owner is told of a purchase, as a table has it. */
const STATES: Readonly<Record<ReturnType<typeof stateOf>, string>> = {
	bought: "bought",
	wrong: "paid, goods wrong",
	"not-bought": "not paid",
	void: "void, credited",
	"in-doubt": "in doubt",
};

const PURCHASE_COLUMNS = [
	...["time", "item", "merchant", "module", "amount", "currency", "play"],
	...["issuer", "refunded", "state", "until", "path", "contract", "code"],
	"reason",
] as const;

const SALE_COLUMNS = [
	...["time", "item", "buyer", "amount", "currency", "play", "issuer"],
	...["refunded", "contract"],
] as const;

/** What of each price was given back, where something was. */
async function refundsOf(
	home: string,
): Promise<
	(sale: Uint8Array, exponent: bigint) => { readonly refunded?: string }
> {
	const sums = new Map<string, bigint>();
	for (const { sale, amount, state } of await viewRefunds(home))
		if (state === "paid")
			sums.set(hex(sale), (sums.get(hex(sale)) ?? 0n) + amount);
	return (sale, exponent) => {
		const sum = sums.get(hex(sale));
		if (sum === undefined) return {};
		const currency = { code: "", exponent: Math.max(0, Number(exponent)) };
		return { refunded: formatAmount(sum, currency) };
	};
}

function purchaseOf({ row, contract, item }: PurchaseView) {
	return {
		time: instant(row.time),
		item: item.name,
		...(item.order === "" ? {} : { order: item.order }),
		merchant: row.merchant,
		module: row.merchant_module,
		...rowMoney(row, contract),
		state: stateOf(row),
		until: new Date(contract.bookBy).toISOString(),
		path: row.target,
		size: String(contract.length),
		contract: hex(row.contract),
		receipted: row.receipt.length > 0,
		...(row.code === "" ? {} : { code: row.code, reason: row.reason }),
	};
}

function saleOf(row: SaleRow) {
	const { item, buyer, currency, exponent, play, issuer, amount } = row;
	return {
		time: instant(row.time),
		item,
		buyer,
		...priceText({
			amount,
			currency,
			issuer,
			money: { exponent: Number(exponent), isPlay: play === 1n },
		}),
		contract: hex(row.contract),
	};
}

function csvOf(
	columns: readonly string[],
	rows: readonly Readonly<Record<string, unknown>>[],
): string {
	const cells = rows.map((row) =>
		columns.map((column) => String(row[column] ?? "")),
	);
	return csv(columns, cells);
}
