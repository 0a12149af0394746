import { dirname, resolve } from "node:path";
import { hasPurse } from "../../device/purse/index.ts";
import { balancesIn, type Quote } from "../../device/service/index.ts";
import { requireTarget } from "../../device/trade/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import { formatAmount, parseAmount } from "../../money/index.ts";
import { askYes } from "../ask-yes.ts";
import { balanceJson, sayBalances } from "../balances.ts";
import { amountText } from "../money.ts";
import { plain, say, sayJson } from "../voice.ts";
import { askAgent, type CallerFlags } from "./caller.ts";
import { writeReceipt } from "./proofs.ts";

export interface BuyFlags extends CallerFlags {
	/** Asked for at the terminal, once the price is known, unless given. */
	readonly max?: string;
	readonly out: string;
	readonly overwrite?: true;
	readonly order?: string;
	readonly wait?: true;
	readonly receipt?: string;
	readonly purse?: string;
}

export async function buy(
	address: string,
	item: string,
	flags: BuyFlags,
): Promise<void> {
	const { out, overwrite = false, order, wait, receipt, home } = flags;
	const most = flags.max === undefined ? undefined : parseMost(flags.max);
	if (most === undefined && (flags.json || !process.stdin.isTTY))
		throw new TetradError(
			"invalid-argument",
			"say --max AMOUNT, what it may cost at most; nobody is there to be asked",
		);
	if (receipt !== undefined)
		await requireTarget({ path: receipt, overwrite: true });
	let bought: string | undefined;
	let isTold = false;
	const to = { path: resolve(out), overwrite };
	await askAgent(
		flags,
		async (agent, how) => {
			const quote = await agent.quote(address, item, { order, ...how });
			if (most === undefined) await requireYes(quote, how.signal);
			else requireWithin(quote, most);
			const options = { to: to.path, overwrite, waits: wait === true };
			({ contract: bought } = await agent.buy(quote, { ...options, ...how }));
		},
		{
			before: () => requireTarget(to),
			through: (report) => (event) => {
				if (event.event === "purchase" && event.state !== "waiting")
					isTold = true;
				report(event);
			},
			failed(report) {
				if (!isTold) report({ event: "purchase", state: "not-bought" });
			},
		},
	);
	if (bought === undefined) return;
	const shown = bought.slice(0, 16);
	if (receipt !== undefined)
		await afterBuying(
			"its receipt was not written",
			`; write it with: tetrad receipt ${shown} --home ${home} --out FILE`,
			writeReceipt(home, bought, receipt),
		);
	else if (!flags.json)
		say(`  receipt   tetrad receipt ${shown} --home ${home} --out FILE`);
	await afterBuying(
		"what is left in the purse is not known",
		"",
		showBalance(flags),
	);
}

/** The goods are here whatever fails after that, which says so. */
async function afterBuying(
	failure: string,
	hint: string,
	work: Promise<unknown>,
): Promise<void> {
	try {
		await work;
	} catch (thrown) {
		const { code, message } = asTetradError(thrown);
		throw new TetradError(
			code,
			`it is bought, and ${failure}: ${message}${hint}`,
			{ cause: thrown },
		);
	}
}

/** What a purchase may cost, before it is known in which money. */
interface Most {
	readonly amount: string;
	readonly currency: string;
}

function parseMost(text: string): Most {
	const [, amount, currency] = /^([0-9.]+) +([A-Z0-9]{1,8})$/.exec(text) ?? [];
	if (amount === undefined || currency === undefined)
		throw new TetradError(
			"invalid-argument",
			`--max says an amount and its currency, such as "4.20 EUR", and not "${plain(text)}"`,
		);
	return { amount, currency };
}

/** Throws `payment-refused` for a price that is more than the owner wants to pay, or in other money. */
function requireWithin(quote: Quote, { amount, currency }: Most): void {
	if (quote.currency !== currency)
		throw new TetradError(
			"payment-refused",
			`nothing was paid: it costs ${quote.currency}, and --max is in ${currency}`,
		);
	const of = { code: currency, exponent: quote.exponent };
	if (quote.amount > parseAmount(amount, of))
		throw new TetradError(
			"payment-refused",
			`nothing was paid: it costs ${formatAmount(quote.amount, of)} ${currency}, and --max is ${amount}`,
		);
}

/** Throws `aborted` unless whoever is at the terminal wants it at this price. */
async function requireYes(quote: Quote, signal: AbortSignal): Promise<void> {
	const { amount, currency } = amountText(quote);
	const item = plain(quote.item);
	const question = `type yes to buy ${item} for ${amount} ${currency}: `;
	if (!(await askYes(question, signal)))
		throw new TetradError("aborted", "nothing was paid: you did not say yes");
}

/** Where the module is on this machine, and may be looked at. */
async function showBalance({ purse, module, json }: BuyFlags): Promise<void> {
	const home =
		purse ?? (module.kind === "unix" ? dirname(module.path) : undefined);
	if (home === undefined || !(await hasPurse(home).catch(() => false))) return;
	const balances = await balancesIn(home).catch((thrown: unknown) => {
		if (purse !== undefined) throw thrown;
		return [];
	});
	if (json) sayJson({ event: "balance", balances: balances.map(balanceJson) });
	else if (balances.length > 0) sayBalances(balances);
}
