import {
	type MoneyOf,
	type Purchase,
	purchasesIn,
	type Sale,
	salesIn,
} from "../../device/service/index.ts";
import { formatAmount } from "../../money/index.ts";
import { csv } from "../csv.ts";
import { amountText } from "../money.ts";
import { doubtEnds } from "../sentences.ts";
import { plainTable } from "../table.ts";
import { moment, plain, say, sayJson, sayText } from "../voice.ts";
import { shownItem } from "./shown-item.ts";

export interface RecordsFlags {
	readonly home: string;
	readonly limit: number;
	readonly json?: true;
	readonly csv?: true;
}

export async function showPurchases(flags: RecordsFlags): Promise<void> {
	const { home, limit } = flags;
	const purchases = (await purchasesIn(home, limit)).map(purchaseJson);
	if (flags.json) return sayJson({ home, purchases });
	if (flags.csv) return sayText(csvOf(PURCHASE_COLUMNS, purchases));
	if (purchases.length === 0) return say("nothing was bought here yet");
	const head = ["when", "item", "merchant", "cost", "state", "contract"];
	const rows = purchases.map((one) => [
		moment(Date.parse(one.time)),
		plain(shownItem(one)),
		plain(one.merchant),
		costText(one),
		STATES[one.state],
		one.contract.slice(0, 16),
	]);
	for (const line of plainTable(head, rows)) say(line);
	for (const { state, until, contract, rail } of purchases)
		if (state === "in-doubt")
			say(
				`${contract.slice(0, 16)}: in doubt; ${doubtEnds(moment(Date.parse(until)), rail)}`,
			);
}

export async function showSales(flags: RecordsFlags): Promise<void> {
	const { home, limit } = flags;
	const sales = (await salesIn(home, limit)).map(saleJson);
	if (flags.json) return sayJson({ home, sales });
	if (flags.csv) return sayText(csvOf(SALE_COLUMNS, sales));
	if (sales.length === 0) return say("nothing was sold here yet");
	const isOfSeveral = new Set(sales.map(({ module }) => module)).size > 1;
	const isInSeveral = new Set(sales.map(({ issuer }) => issuer)).size > 1;
	const head = [
		...["when", "item", "buyer", "price"],
		...(isInSeveral ? ["money of"] : []),
		...(isOfSeveral ? ["paid to"] : []),
		"contract",
	];
	const rows = sales.map((one) => [
		moment(Date.parse(one.time)),
		plain(one.item),
		plain(one.buyer),
		priced(one),
		...(isInSeveral ? [plain(one.issuer)] : []),
		...(isOfSeveral ? [plain(one.module ?? "")] : []),
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

/** All that it cost: with what a mint has taken beside the price. */
function costText({
	cost,
	fee,
	...one
}: Parameters<typeof priced>[0] & {
	readonly cost?: string;
	readonly fee?: string;
}): string {
	if (cost === undefined) return priced(one);
	return `${priced({ ...one, amount: cost })}, ${fee} of it the mint's fee`;
}

/** What an owner is told of a purchase, as a table has it. */
const STATES: Readonly<Record<Purchase["state"], string>> = {
	bought: "bought",
	wrong: "paid, goods wrong",
	"not-bought": "not paid",
	void: "void, credited",
	"in-doubt": "in doubt",
};

const PURCHASE_COLUMNS = [
	...["time", "item", "merchant", "module", "amount", "currency", "play"],
	...["issuer", "refunded", "state", "until", "path", "contract", "code"],
	...["reason", "rail", "mint", "unit", "fee", "cost"],
] as const;

const SALE_COLUMNS = [
	...["time", "item", "buyer", "amount", "currency", "play", "issuer"],
	...["refunded", "contract", "module", "rail", "mint", "unit"],
] as const;

function purchaseJson(one: Purchase) {
	const { time, item, order, merchant, module, state, until, path } = one;
	const { size, contract, receipted, code, reason, rail, mint, unit } = one;
	return {
		...{ time, item },
		...(order === undefined ? {} : { order }),
		...{ merchant, module },
		...amountText(one),
		...feeText(one),
		rail,
		...(mint === undefined ? {} : { mint, unit }),
		...{ state, until, path },
		...{ size: String(size), contract, receipted },
		...(code === undefined ? {} : { code, reason }),
		...refundedText(one),
	};
}

function saleJson(one: Sale) {
	const { time, item, buyer, module, contract, rail, mint, unit } = one;
	return {
		...{ time, item, buyer },
		...amountText(one),
		...(module === undefined ? {} : { module }),
		...(rail === undefined ? {} : { rail }),
		...(mint === undefined ? {} : { mint, unit }),
		contract,
		...refundedText(one),
	};
}

/** What a mint has taken beside the price, and both together, where it has taken something. */
function feeText(one: Purchase): {
	readonly fee?: string;
	readonly cost?: string;
} {
	const { fee, amount } = one;
	if (fee === undefined) return {};
	const text = (of: bigint) => amountText({ ...one, amount: of }).amount;
	return { fee: text(fee), cost: text(amount + fee) };
}

/** What of a price was given back, where something was. */
function refundedText({
	refunded,
	currency: code,
	exponent,
}: MoneyOf & { readonly refunded?: bigint | undefined }): {
	readonly refunded?: string;
} {
	return refunded === undefined
		? {}
		: { refunded: formatAmount(refunded, { code, exponent }) };
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
